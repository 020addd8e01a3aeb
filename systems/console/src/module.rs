//! The module's life.

use keel::console::{ConsoleView, Terminal};
use keel::prelude::*;
use keel::state::{Change, SavedValue, StateError};

use crate::presenter::Presenter;
use crate::state::State;
use crate::view;

/// The view model of the console area.
pub struct Console {
    state: Shared<State>,
}

impl Default for Console {
    fn default() -> Self {
        Self { state: Shared::new(State::default()) }
    }
}

// The system and the module share one state, so it is saved by hand.
#[view_model]
impl ViewModel for Console {
    fn register(&mut self, setup: &mut Setup) -> ModuleResult {
        let mut presenter = Presenter::new(self.state.clone());
        setup.provide_on::<dyn ConsoleView, Terminal>(Box::new(view::Console));
        setup.system_with(SystemDescriptor::new("draw").stage(Stage::Frame), move |frame: &mut Frame<'_>| {
            presenter.run(frame)
        });
        Ok(())
    }

    async fn start(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        Ok(keel::console::install(frame.world)?)
    }

    fn save_state(&self) -> Result<SavedValue, StateError> {
        SavedValue::of(&*self.state.read())
    }

    fn restore_state(&mut self, saved: &SavedValue, accept_loss: bool) -> Result<Vec<Change>, StateError> {
        let (state, changes) = saved.restore::<State>(accept_loss)?;
        *self.state.write() = state;
        Ok(changes)
    }
}
