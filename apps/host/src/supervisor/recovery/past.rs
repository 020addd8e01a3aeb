//! What the next engine can go back to: what the one before it could, but for what has ended it.

use keel_registry::Past;

use super::Recovery;
use crate::protocol::Library;

impl Recovery {
    /// The engine has told what there is to go back to.
    pub(in crate::supervisor) fn note_past(&mut self, past: Past) {
        self.past = past;
    }

    /// What the next engine can go back to.
    pub(in crate::supervisor) fn past(&self) -> Past {
        self.past.clone()
    }

    /// Forgets those of the libraries `were_live` that were put back since: nobody is to go back to what has ended an
    /// engine.
    pub(super) fn forget_put_back(&mut self, were_live: &[Library]) {
        let live = self.libraries();
        for Library { module, path, .. } in were_live {
            if !live.iter().any(|live| live.path == *path) {
                self.past.forget(module, path);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervisor::recovery::Blame;

    fn library(module: &str, generation: u64) -> Library {
        let path = format!("{module}-{generation}.so").into();
        Library { module: module.to_owned(), path, generation, stated: None }
    }

    /// What an engine tells that has run these generations of `swim`, and no other of `tide`.
    fn past(swim: &[u64]) -> Past {
        let generation = |module: &str, number: u64| {
            let before = number.checked_sub(1);
            let lineage = serde_json::json!({ "origin": number, "before": before, "swap": number, "standing": "Proven" });
            let library = serde_json::json!({ "path": format!("{module}-{number}.so"), "checksum": 7 });
            serde_json::json!({ "module": module, "number": number, "lineage": lineage, "library": library })
        };
        let swim = swim.iter().map(|number| generation("swim", *number));
        let generations: Vec<_> = swim.chain([generation("tide", 0)]).collect();
        serde_json::from_value(generations.into()).expect("it is as it is told")
    }

    /// A game whose `swim` was swapped twice.
    fn recovery() -> Recovery {
        let mut recovery = Recovery::default();
        for generation in 0..=2 {
            recovery.note_live(vec![library("swim", generation), library("tide", 0)]);
        }
        recovery.note_past(past(&[0, 1, 2]));
        recovery.gone_on();
        recovery
    }

    #[test]
    fn the_next_engine_can_go_back_to_what_the_one_before_it_could() {
        let mut recovery = recovery();
        recovery.plan(None, true).expect("it is gone on with");
        assert_eq!(recovery.past(), past(&[0, 1, 2]), "nobody is to blame");
    }

    #[test]
    fn what_has_ended_an_engine_is_gone_back_to_by_none_that_follow() {
        let mut recovery = recovery();
        recovery.plan(None, false).expect("it is gone on with");
        assert_eq!(recovery.past(), past(&[0, 1]));
        let tide = Blame { module: "tide".to_owned(), library: None };
        recovery.plan(Some(&tide), false).expect("it is gone on with");
        let left: Vec<_> = recovery.libraries();
        assert_eq!(left, [library("swim", 1)], "one that ends it twice is left out");
        let mut expected = past(&[0, 1]);
        expected.forget("tide", "tide-0.so".as_ref());
        assert_eq!(recovery.past(), expected);
    }

    #[test]
    fn what_has_ended_an_engine_as_it_was_let_go_of_is_gone_back_to_by_none_that_follow() {
        let mut recovery = recovery();
        let blame = Blame { module: "swim".to_owned(), library: Some("/games/run/swim-1.so".into()) };
        recovery.plan(Some(&blame), false).expect("it is gone on with");
        let mut expected = past(&[0, 1, 2]);
        expected.forget("swim", "swim-1.so".as_ref());
        assert_ne!(expected, past(&[0, 1, 2]));
        assert_eq!(
            (recovery.past(), recovery.libraries()),
            (expected, vec![library("swim", 2), library("tide", 0)])
        );
    }

    #[test]
    fn what_an_engine_can_go_back_to_stays_on_disk() {
        let mut recovery = recovery();
        let is_wanted = |recovery: &Recovery| recovery.wanted().any(|path| path == "swim-7.so");
        assert!(!is_wanted(&recovery));
        recovery.note_past(past(&[2, 7]));
        assert!(is_wanted(&recovery));
    }

    #[test]
    fn libraries_that_were_all_built_anew_have_no_past() {
        let mut recovery = recovery();
        recovery.forget_libraries();
        assert!(recovery.past().is_empty());
    }
}
