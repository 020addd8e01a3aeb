//! Orders that meet, in this process.

use keel_fixture::{Fixture, Scratch};
use keel_registry::Past;

use super::*;
use crate::protocol::SwapRequest;

/// A module that counts by `STEP`.
const MODULE: &str = r#"
    use keel::prelude::*;

    #[data]
    #[derive(Default)]
    pub struct Swim {
        pub steps: u64,
    }

    #[view_model]
    impl ViewModel for Swim {
        fn register(&mut self, _setup: &mut Setup) -> ModuleResult {
            Ok(())
        }

        fn update(&mut self, _frame: &mut Frame<'_>) -> ModuleResult {
            self.steps += STEP;
            Ok(())
        }
    }

    keel::export_module! { view_model: Swim }
"#;

fn library(scratch: &Scratch, package: &str, step: &str) -> Library {
    let path = scratch.copy(&Fixture::module(package).source(MODULE.replace("STEP", step)).build());
    Library { module: package.to_owned(), path, generation: 0, stated: None }
}

fn swap(modules: Vec<Library>) -> ToEngine {
    ToEngine::Swap(SwapRequest::of(1, modules))
}

/// An engine with these modules.
fn host(modules: Vec<Library>) -> Host {
    let mut host = Host::alone(&[]);
    let past = Past::default();
    host.obey(ToEngine::Load { modules, game: None, accept_loss: false, first_frame: None, past });
    host
}

/// Puts the next of what was checked in place. What is live then: each module, and how often it was swapped.
fn live_after_check(host: &mut Host) -> Vec<(String, u64)> {
    let checked = host.swapper.checked().recv().expect("what was checked");
    host.finish_swap(checked);
    host.driver.registry.modules().into_iter().map(|it| (it.name, it.generation)).collect()
}

#[test]
fn a_module_that_is_removed_while_it_is_checked_stays_away_and_the_others_come() {
    let scratch = Scratch::new();
    let both = |step| ["swim", "tide"].map(|package| library(&scratch, package, step)).to_vec();
    let mut host = host(both("1"));
    host.obey(swap(both("2")));
    host.obey(ToEngine::Remove { modules: vec!["tide".to_owned()] });
    assert_eq!(live_after_check(&mut host), [("swim".to_owned(), 1)]);
    host.obey(swap(vec![library(&scratch, "tide", "2")]));
    host.obey(ToEngine::Remove { modules: vec!["tide".to_owned()] });
    assert_eq!(live_after_check(&mut host), [("swim".to_owned(), 1)]);
    // One that comes back is another.
    host.obey(swap(vec![library(&scratch, "tide", "3")]));
    let live: Vec<_> = live_after_check(&mut host).into_iter().map(|(name, _)| name).collect();
    assert_eq!(live, ["swim", "tide"]);
}
