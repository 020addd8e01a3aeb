//! A module that can't be made.

use keel::prelude::*;

#[data]
struct Swim {
    steps: u64,
}

#[view_model]
impl ViewModel for Swim {
    fn register(&mut self, _setup: &mut Setup) -> ModuleResult {
        Ok(())
    }
}

keel::export_module! { view_model: Swim }

fn main() {}
