//! Swaps that would lose data, and wait for the user to accept that.

use crate::protocol::{Library, SwapRequest};

/// What was asked of the engine, as long as nothing newer is under way for the same modules.
///
/// Consent is given to what was shown. As soon as one of its modules is built or swapped again, a refused swap is
/// forgotten: its libraries are older than the sources, and accepting it would lose what the user has just put back.
#[derive(Default)]
pub(super) struct Consents {
    ids: u64,
    /// Those that were not refused, or not yet. No two of them share a module, so their number has an end.
    asked: Vec<SwapRequest>,
    /// Those that were, the newest last. No two of them share a module.
    refused: Vec<SwapRequest>,
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

    /// Forgets what was asked for any of `modules`. Returns all modules of those requests that were refused.
    pub(super) fn forget(&mut self, modules: &[String]) -> Vec<String> {
        let concerns = |request: &SwapRequest| {
            request.modules.iter().any(|Library { module, .. }| modules.contains(module))
        };
        self.asked.retain(|request| !concerns(request));
        let forgotten = self.refused.extract_if(.., |request| concerns(request));
        forgotten.flat_map(|request| request.modules).map(|library| library.module).collect()
    }

    /// Forgets all: another engine has no memory of them.
    pub(super) fn clear(&mut self) {
        self.asked.clear();
        self.refused.clear();
    }

    /// Takes in that the engine has refused a request; with the user's consent it would not have.
    pub(super) fn refuse(&mut self, id: u64) {
        self.refused.extend(self.asked.extract_if(.., |request| request.id == id));
    }

    /// The newest request that was refused, which no longer waits.
    pub(super) fn take(&mut self) -> Option<SwapRequest> {
        self.refused.pop()
    }

    /// What the user may decide; empty for nothing.
    pub(super) fn notice(&self) -> String {
        self.refused.last().map_or_else(String::new, |request| {
            let modules: Vec<_> = request.modules.iter().map(|library| library.module.as_str()).collect();
            format!("the swap of {} would lose data: c accepts that", modules.join(", "))
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
        SwapRequest {
            id: 0,
            modules: modules.iter().map(library).collect(),
            saved_at_us: None,
            detect_ms: 0.0,
            build_ms: 0.0,
            built_by: None,
            trial_ms: 0.0,
            accept_loss: false,
        }
    }

    fn waiting(consents: &mut Consents) -> Vec<u64> {
        std::iter::from_fn(|| consents.take()).map(|request| request.id).collect()
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
