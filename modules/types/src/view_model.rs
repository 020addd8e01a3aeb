//! Behaviour: what a view-model module implements.

use std::any::Any;
use std::fmt;

use async_trait::async_trait;
use keel_engine::Frame;
use keel_state::{Change, SavedValue, StateError};

use crate::Setup;

/// What a module's call returns when it fails: owned text, so that nothing of the module is left in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleError {
    message: String,
}

/// What the calls of a module's life return.
pub type ModuleResult = Result<(), ModuleError>;

impl ModuleError {
    /// An error that says `message`.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

// `ModuleError` is no `Error` itself, so that `?` takes every other one.
impl<E: std::error::Error> From<E> for ModuleError {
    fn from(error: E) -> Self {
        Self::new(error.to_string())
    }
}

impl fmt::Display for ModuleError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

/// What a module knows of itself while it loads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleContext {
    /// The name of the module's package.
    pub name: String,
    /// How often the module was swapped; 0 at its first load.
    pub generation: u64,
}

/// The behaviour of a module.
///
/// Its life: `load`, then `register`, then `start` (or, after a swap, `restore_state` and `resumed`), then `update` in
/// every step, then `save_state` before a swap, or `stop` before it is removed.
///
/// `#[view_model]` above the `impl` turns on the `async` calls, and writes `save_state` and `restore_state` by the
/// schema of the implementing type, which must be `#[data]`.
#[async_trait]
pub trait ViewModel: Any + Send {
    /// Prepares the module beside the running game: reads files, say. It may wait, within the host's deadline.
    async fn load(&mut self, context: &ModuleContext) -> ModuleResult {
        let _ = context;
        Ok(())
    }

    /// Declares systems, handlers and views. They go live together, between two frames.
    ///
    /// # Errors
    /// Any error refuses the module.
    fn register(&mut self, setup: &mut Setup) -> ModuleResult;

    /// Begins the game's state: at the first load and after a reset, never after a swap.
    async fn start(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        let _ = frame;
        Ok(())
    }

    /// Goes on from the generation before, once the swap has succeeded and before the first `update`: rebuilds what is
    /// made from the state, starts timers again whose interval has changed in the code. It is called as well when a
    /// saved game goes on; never after `start`.
    ///
    /// # Errors
    /// An error is reported; the module goes on running, and the swap is not undone.
    fn resumed(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        let _ = frame;
        Ok(())
    }

    /// Runs in every step, as the system `update`.
    ///
    /// # Errors
    /// An error is reported; the module goes on running.
    fn update(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        let _ = frame;
        Ok(())
    }

    /// Ends what the module has begun, before it is removed; never before a swap.
    async fn stop(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        let _ = frame;
        Ok(())
    }

    /// The module's own fields.
    ///
    /// # Errors
    /// Any error keeps the old generation running.
    fn save_state(&self) -> Result<SavedValue, StateError>;

    /// Takes over the fields of the generation before, and tells what was converted.
    ///
    /// # Errors
    /// Any error keeps the old generation running; so does a loss, unless `accept_loss` is set.
    fn restore_state(&mut self, saved: &SavedValue, accept_loss: bool) -> Result<Vec<Change>, StateError>;
}
