//! Swaps and rollbacks that would lose data, and wait for the user to accept that.

use crate::protocol::{Library, RollbackRequest, SwapRequest};

/// What was asked of the engine, as long as nothing newer is under way for the same modules.
///
/// Consent is given to what was shown. As soon as one of its modules is built or swapped again, a refused swap is
/// forgotten: its libraries are older than the sources, and accepting it would lose what the user has just put back. So
/// is a refused rollback, and also when one of its modules is put back.
#[derive(Default)]
pub(super) struct Consents {
    ids: u64,
    /// Those that were not refused, or not yet. No two of them share a module, so their number has an end.
    asked: Vec<SwapRequest>,
    /// What was, the newest last. No two swaps of them share a module, and no two rollbacks.
    refused: Vec<Refused>,
}

/// What was refused, and would be done with the user's consent.
#[derive(Debug)]
pub(super) enum Refused {
    Swap(SwapRequest),
    /// With the modules that it would put back.
    Rollback(RollbackRequest, Vec<String>),
}

impl Refused {
    fn modules(&self) -> Vec<&str> {
        match self {
            Self::Swap(request) => request.modules.iter().map(|library| library.module.as_str()).collect(),
            Self::Rollback(_, modules) => modules.iter().map(String::as_str).collect(),
        }
    }

    fn is_of(&self, modules: &[String]) -> bool {
        self.modules().into_iter().any(|module| modules.iter().any(|it| it == module))
    }
}

impl Consents {
    /// Numbers a request; all that were made before it for one of its modules are forgotten.
    pub(super) fn ask(&mut self, request: SwapRequest) -> SwapRequest {
        let modules: Vec<_> = request.modules.iter().map(|library| library.module.clone()).collect();
        self.forget(&modules);
        self.ids += 1;
        let request = SwapRequest { id: self.ids, ..request };
        self.asked.push(request.clone());
        request
    }

    /// Forgets what was asked for any of `modules`. Returns all modules of those swaps that were refused.
    pub(super) fn forget(&mut self, modules: &[String]) -> Vec<String> {
        let concerns = |request: &SwapRequest| {
            request.modules.iter().any(|Library { module, .. }| modules.contains(module))
        };
        self.asked.retain(|request| !concerns(request));
        let forgotten: Vec<_> = self.refused.extract_if(.., |refused| refused.is_of(modules)).collect();
        let swaps = forgotten.iter().filter(|refused| matches!(refused, Refused::Swap(_)));
        swaps.flat_map(Refused::modules).map(str::to_owned).collect()
    }

    /// Takes modules that are gone out of what was asked for, and not refused so far.
    pub(super) fn leave_out(&mut self, modules: &[String]) {
        let asked = std::mem::take(&mut self.asked);
        self.asked = asked.into_iter().filter_map(|request| request.without(modules)).collect();
    }

    /// Forgets the rollbacks that would put any of `modules` back.
    pub(super) fn forget_rollbacks(&mut self, modules: &[String]) {
        let concerns = |refused: &Refused| matches!(refused, Refused::Rollback(..)) && refused.is_of(modules);
        self.refused.retain(|refused| !concerns(refused));
    }

    /// The libraries of all that were not forgotten.
    pub(super) fn libraries(&self) -> impl Iterator<Item = &Library> {
        let refused = self.refused.iter().filter_map(|refused| match refused {
            Refused::Swap(request) => Some(request),
            // What it goes back to is kept for all rollbacks.
            Refused::Rollback(..) => None,
        });
        self.asked.iter().chain(refused).flat_map(|request| &request.modules)
    }

    /// Forgets all: another engine has no memory of them.
    pub(super) fn clear(&mut self) {
        self.asked.clear();
        self.refused.clear();
    }

    /// Takes out what was asked for by these numbers.
    pub(super) fn take_asked(&mut self, ids: &[u64]) -> Vec<SwapRequest> {
        self.asked.extract_if(.., |request| ids.contains(&request.id)).collect()
    }

    /// Takes in that the engine has refused a request; with the user's consent it would not have.
    pub(super) fn refuse(&mut self, id: u64) {
        self.refused.extend(self.asked.extract_if(.., |request| request.id == id).map(Refused::Swap));
    }

    /// Takes in that the engine has refused a rollback that would put these modules back.
    pub(super) fn refuse_rollback(&mut self, rollback: RollbackRequest, modules: Vec<String>) {
        self.forget_rollbacks(&modules);
        self.refused.push(Refused::Rollback(rollback, modules));
    }

    /// The newest of what was refused, which no longer waits.
    pub(super) fn take(&mut self) -> Option<Refused> {
        self.refused.pop()
    }

    /// What the user may decide; empty for nothing.
    pub(super) fn notice(&self) -> String {
        self.refused.last().map_or_else(String::new, |refused| {
            let what = match refused {
                Refused::Swap(_) => "swap",
                Refused::Rollback(..) => "rollback",
            };
            format!("the {what} of {} would lose data: c accepts that", refused.modules().join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(modules: &[&str]) -> SwapRequest {
        let library = |module: &&str| Library {
            module: (*module).to_owned(),
            path: "lib.so".into(),
            generation: 0,
            stated: None,
        };
        SwapRequest::of(0, modules.iter().map(library).collect())
    }

    /// The numbers of the swaps that wait; 0 for a rollback.
    fn waiting(consents: &mut Consents) -> Vec<u64> {
        let number = |refused: Refused| match refused {
            Refused::Swap(request) => request.id,
            Refused::Rollback(..) => 0,
        };
        std::iter::from_fn(|| consents.take()).map(number).collect()
    }

    fn names(modules: &[&str]) -> Vec<String> {
        modules.iter().map(|module| (*module).to_owned()).collect()
    }

    /// The rollback of the first of `modules`, which puts all of them back, was refused.
    fn refuse_rollback(consents: &mut Consents, modules: &[&str]) {
        let rollback =
            RollbackRequest { id: None, module: modules[0].to_owned(), to: Some(1), accept_loss: true };
        consents.refuse_rollback(rollback, names(modules));
    }

    #[test]
    fn a_rollback_waits_beside_swaps_until_one_of_its_modules_changes() {
        let mut consents = Consents::default();
        let tide = consents.ask(request(&["tide"])).id;
        consents.refuse(tide);
        refuse_rollback(&mut consents, &["swim", "model"]);
        refuse_rollback(&mut consents, &["swim", "model"]);
        assert_eq!(consents.notice(), "the rollback of swim, model would lose data: c accepts that");
        consents.forget_rollbacks(&names(&["tide"]));
        assert_eq!(waiting(&mut consents), [0, tide], "one of them, and the newest first");
        let changes: [fn(&mut Consents); 3] = [
            |consents| drop(consents.ask(request(&["model"]))),
            |consents| assert!(consents.forget(&names(&["model"])).is_empty(), "no swap was refused"),
            |consents| consents.forget_rollbacks(&names(&["model"])),
        ];
        for change in changes {
            refuse_rollback(&mut consents, &["swim", "model"]);
            change(&mut consents);
            assert_eq!((consents.notice().as_str(), waiting(&mut consents)), ("", vec![]));
        }
    }

    #[test]
    fn what_is_put_back_leaves_the_swap_that_waits() {
        let mut consents = Consents::default();
        let swim = consents.ask(request(&["swim"])).id;
        consents.refuse(swim);
        consents.forget_rollbacks(&names(&["swim"]));
        assert_eq!(waiting(&mut consents), [swim]);
    }

    #[test]
    fn each_refusal_is_for_its_own_request() {
        let mut consents = Consents::default();
        let [swim, tide] = [["swim"], ["tide"]].map(|modules| consents.ask(request(&modules)).id);
        consents.refuse(swim);
        consents.refuse(swim);
        assert_eq!(consents.notice(), "the swap of swim would lose data: c accepts that");
        consents.refuse(tide);
        assert_eq!(waiting(&mut consents), [tide, swim], "the newest refusal first");
        assert_eq!(consents.notice(), "");
    }

    #[test]
    fn what_is_built_again_no_longer_waits() {
        let mut consents = Consents::default();
        let both = consents.ask(request(&["swim", "model"])).id;
        let tide = consents.ask(request(&["tide"])).id;
        consents.refuse(both);
        consents.refuse(tide);
        assert_eq!(consents.forget(&["model".to_owned()]), ["swim", "model"]);
        assert_eq!(waiting(&mut consents), [tide]);
    }

    #[test]
    fn what_was_asked_for_together_with_a_module_that_has_gone_can_still_be_refused() {
        let mut consents = Consents::default();
        let [both, tide] =
            [&["swim", "tide"][..], &["hunt"]].map(|modules| consents.ask(request(modules)).id);
        consents.leave_out(&names(&["tide", "hunt"]));
        consents.refuse(both);
        consents.refuse(tide);
        assert_eq!(consents.notice(), "the swap of swim would lose data: c accepts that");
        assert_eq!(waiting(&mut consents), [both]);
    }

    #[test]
    fn a_refusal_that_comes_late_is_for_nothing() {
        let mut consents = Consents::default();
        let older = consents.ask(request(&["swim"])).id;
        consents.ask(request(&["swim"]));
        consents.refuse(older);
        assert!(waiting(&mut consents).is_empty());
        let built = consents.ask(request(&["swim"])).id;
        assert!(consents.forget(&["swim".to_owned()]).is_empty(), "it was not refused");
        consents.refuse(built);
        assert!(waiting(&mut consents).is_empty());
    }
}
