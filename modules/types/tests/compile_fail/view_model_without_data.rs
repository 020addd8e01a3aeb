//! A ViewModel whose fields can't be saved.

use keel::prelude::*;

#[derive(Default)]
struct Swim {
    steps: u64,
}

#[view_model]
impl ViewModel for Swim {
    fn register(&mut self, _setup: &mut Setup) -> ModuleResult {
        Ok(())
    }
}

fn main() {}
