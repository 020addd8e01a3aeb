//! A module of the rogue gallery: it counts its steps, and goes wrong in one of its calls.
//!
//! With one of `faults` as its module `fault`, and the name of a call as [`PLACE`], it is a crate.

use keel::prelude::*;
use keel::state::{Change, SavedValue, StateError};

/// The call that goes wrong.
const PLACE: &str = "none";

/// The module's own fields.
#[data]
#[derive(Default)]
pub struct Rogue {
    /// How many steps this module has seen.
    pub steps: u64,
}

impl Rogue {
    fn pass(&self, place: &str) {
        if place == PLACE {
            fault::go_wrong(std::hint::black_box(self.steps));
        }
    }
}

#[view_model]
impl ViewModel for Rogue {
    async fn load(&mut self, _context: &ModuleContext) -> ModuleResult {
        self.pass("load");
        Ok(())
    }

    fn register(&mut self, _setup: &mut Setup) -> ModuleResult {
        self.pass("register");
        Ok(())
    }

    fn update(&mut self, _frame: &mut Frame<'_>) -> ModuleResult {
        self.steps += 1;
        self.pass("update");
        Ok(())
    }

    fn save_state(&self) -> Result<SavedValue, StateError> {
        if self.steps > 0 {
            self.pass("save_state");
        }
        SavedValue::of(self)
    }

    fn restore_state(&mut self, saved: &SavedValue, accept_loss: bool) -> Result<Vec<Change>, StateError> {
        let (restored, changes) = saved.restore::<Self>(accept_loss)?;
        *self = restored;
        self.pass("restore_state");
        Ok(changes)
    }
}

impl Drop for Rogue {
    fn drop(&mut self) {
        // One that was made to be filled with what was saved has seen none.
        if self.steps > 0 {
            self.pass("drop");
        }
    }
}

keel::export_module! { view_model: Rogue }
