//! Deferred calls: a handler's name and an argument, kept as data, so that they outlive a swap of the code.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use keel_core_types::ModuleId;
use keel_ecs::{Data, Limits};
use keel_state::{SavedValue, StateError};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::{EngineError, Frame, ModuleTag, SystemOutput};

/// A call that waits for the next step, or for its timer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Call {
    pub(crate) module: ModuleId,
    pub(crate) handler: String,
    pub(crate) argument: SavedValue,
}

impl Call {
    /// Its name in its module, as a fault of it is told.
    pub(crate) fn local_name(&self) -> String {
        format!("call {}", self.handler)
    }
}

/// Defers calls to handlers of one module into the next step, from any thread.
///
/// The call is kept as data: the handler that runs is the one of the generation that is live when it is due, and
/// its argument is migrated when its type has changed.
#[derive(Clone)]
pub struct Caller {
    module: ModuleId,
    queue: Arc<Mutex<VecDeque<Call>>>,
    /// So many calls may wait.
    max: usize,
}

impl Caller {
    pub(crate) fn new(module: ModuleId, queue: Arc<Mutex<VecDeque<Call>>>, limits: Limits) -> Self {
        Self { module, queue, max: limits.commands }
    }

    /// Calls the module's handler `handler` with `argument`, at the start of the next step.
    ///
    /// # Errors
    /// [`StateError`] when the argument can't be encoded, or when as many calls wait as [`Limits::commands`] says.
    pub fn call<A: Data>(&self, handler: &str, argument: &A) -> Result<(), StateError> {
        let argument = SavedValue::of(argument)?;
        let mut queue = self.queue.lock();
        if queue.len() >= self.max {
            return Err(StateError::Refused(Limits::too_many_calls(self.max, handler).to_string()));
        }
        queue.push_back(Call { module: self.module, handler: handler.to_owned(), argument });
        Ok(())
    }
}

/// A function that can handle calls with an argument of type `A`.
pub trait IntoHandler<A, R> {
    #[doc(hidden)]
    fn into_handler(self) -> Handler;
}

/// A handler of unknown argument type.
pub type Handler = Box<dyn FnMut(&mut Frame<'_>, &SavedValue) -> Result<(), String> + Send>;

impl<F, A, R> IntoHandler<A, R> for F
where
    F: FnMut(&mut Frame<'_>, A) -> R + Send + 'static,
    A: Data,
    R: SystemOutput,
{
    fn into_handler(mut self) -> Handler {
        Box::new(move |frame, argument| {
            let (argument, _) = argument.restore::<A>(false).map_err(|error| error.to_string())?;
            self(frame, argument).into_result()
        })
    }
}

/// The handlers of all modules.
#[derive(Default)]
pub(crate) struct Handlers {
    by_module: BTreeMap<ModuleId, (ModuleTag, BTreeMap<String, Handler>)>,
}

impl Handlers {
    pub(crate) fn add(
        &mut self,
        module: &ModuleTag,
        name: &str,
        handler: Handler,
    ) -> Result<(), EngineError> {
        let (_, handlers) =
            self.by_module.entry(module.id()).or_insert_with(|| (module.clone(), BTreeMap::new()));
        if handlers.contains_key(name) {
            return Err(EngineError::DuplicateHandler {
                module: module.name().to_owned(),
                handler: name.to_owned(),
            });
        }
        handlers.insert(name.to_owned(), handler);
        Ok(())
    }

    /// Takes out all handlers of a module.
    pub(crate) fn take_module(&mut self, module: ModuleId) -> Vec<(String, Handler)> {
        self.by_module.remove(&module).map(|(_, handlers)| handlers.into_iter().collect()).unwrap_or_default()
    }

    /// The module that a call is for, and its handler.
    pub(crate) fn find_mut(&mut self, call: &Call) -> Option<(&ModuleTag, Option<&mut Handler>)> {
        let (module, handlers) = self.by_module.get_mut(&call.module)?;
        Some((module, handlers.get_mut(&call.handler)))
    }
}
