//! A ViewModel without `register`.

use keel::prelude::*;

#[data]
#[derive(Default)]
struct Swim {
    steps: u64,
}

#[view_model]
impl ViewModel for Swim {
    fn update(&mut self, _frame: &mut Frame<'_>) -> ModuleResult {
        self.steps += 1;
        Ok(())
    }
}

fn main() {}
