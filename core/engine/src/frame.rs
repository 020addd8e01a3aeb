//! What a module's code may touch while it runs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use keel_core_types::{ModuleId, ViewSource};
use keel_ecs::{Commands, Data, World};
use keel_state::{SavedValue, StateError};
use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::function::FunctionAccess;
use crate::worlds::WorldsAccess;
use crate::{Caller, Tasks, Time};

/// The world and the services of an engine, lent to one call of one module.
pub struct Frame<'a> {
    /// The running world.
    pub world: &'a mut World,
    /// When this call runs.
    pub time: Time,
    /// The views that other modules provide, and the pools of models. None may be kept beyond the call.
    pub views: &'a dyn ViewSource,
    /// Structural changes to be applied right after this call.
    pub commands: &'a mut Commands,
    /// This module's timers.
    pub timers: Timers<'a>,
    /// Defers calls into the next step; clone it to use it from other threads.
    pub calls: &'a Caller,
    /// This module's background tasks.
    pub tasks: Tasks<'a>,
    /// What [`PreparedCall`](crate::PreparedCall) calls.
    pub(crate) functions: FunctionAccess<'a>,
    /// What [`Frame::step_worlds_of`] steps.
    pub(crate) worlds: WorldsAccess<'a>,
}

/// The name of a module, shared by all that it owns in an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleTag {
    id: ModuleId,
    name: Arc<str>,
}

impl ModuleTag {
    /// The tag of module `name`.
    pub fn new(name: &str) -> Self {
        Self { id: ModuleId::of(name), name: name.into() }
    }

    /// The module's id.
    pub fn id(&self) -> ModuleId {
        self.id
    }

    /// The module's name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// The timers of one module. A timer is a deferred call with a due time; it survives a swap of its module, and
/// ends when the module is removed.
pub struct Timers<'a> {
    queue: &'a mut TimerQueue,
    module: ModuleId,
    now: Duration,
}

impl<'a> Timers<'a> {
    pub(crate) fn new(queue: &'a mut TimerQueue, module: ModuleId, now: Duration) -> Self {
        Self { queue, module, now }
    }

    /// Those of another module.
    pub(crate) fn of_module(&mut self, module: ModuleId) -> Timers<'_> {
        Timers { queue: &mut *self.queue, module, now: self.now }
    }

    /// Calls `handler` once, `delay` of simulation time from now. A module whose timers start each other without an end
    /// in one step is suspended, as after a panic.
    ///
    /// # Errors
    /// [`StateError`] when the argument can't be encoded.
    pub fn once<A: Data>(&mut self, delay: Duration, handler: &str, argument: &A) -> Result<u64, StateError> {
        self.start(delay, None, handler, argument)
    }

    /// Calls `handler` every `period` of simulation time, the first time one period from now. A period under one
    /// millisecond counts as one.
    ///
    /// # Errors
    /// [`StateError`] when the argument can't be encoded.
    pub fn every<A: Data>(
        &mut self,
        period: Duration,
        handler: &str,
        argument: &A,
    ) -> Result<u64, StateError> {
        let period = period.max(PERIOD_MIN);
        self.start(period, Some(period), handler, argument)
    }

    /// Ends a timer; false when it had ended already, or is another module's.
    pub fn cancel(&mut self, timer: u64) -> bool {
        let timers = &mut self.queue.timers;
        let key = timers.iter().find(|(key, found)| key.1 == timer && found.call.module == self.module);
        let key = key.map(|(key, _)| *key);
        key.is_some_and(|key| timers.remove(&key).is_some())
    }

    /// Whether this module has a timer that calls `handler`.
    pub fn is_running(&self, handler: &str) -> bool {
        self.queue
            .timers
            .values()
            .any(|timer| timer.call.module == self.module && timer.call.handler == handler)
    }

    fn start<A: Data>(
        &mut self,
        delay: Duration,
        period: Option<Duration>,
        handler: &str,
        argument: &A,
    ) -> Result<u64, StateError> {
        let argument = SavedValue::of(argument)?;
        let call = Call { module: self.module, handler: handler.to_owned(), argument };
        Ok(self.queue.start(self.now.saturating_add(delay), period, call))
    }
}

/// A timer is not due more often.
const PERIOD_MIN: Duration = Duration::from_millis(1);

/// The timers of all modules, by due time and then by the order in which they were started.
#[derive(Clone, Default, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TimerQueue {
    timers: BTreeMap<(Duration, u64), Timer>,
    started: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Timer {
    period: Option<Duration>,
    call: Call,
}

/// A timer that is due.
pub(crate) struct Due {
    pub(crate) at: Duration,
    /// Its number.
    pub(crate) timer: u64,
    pub(crate) call: Call,
}

impl TimerQueue {
    fn start(&mut self, due: Duration, period: Option<Duration>, call: Call) -> u64 {
        self.started += 1;
        self.timers.insert((due, self.started), Timer { period, call });
        self.started
    }

    /// How many were started so far: the number of the last one.
    pub(crate) fn started(&self) -> u64 {
        self.started
    }

    /// The next one due at `until` or before. A repeating timer is set for its next time.
    pub(crate) fn next_due(&mut self, until: Duration) -> Option<Due> {
        let (&(due, id), _) = self.timers.first_key_value().filter(|((due, _), _)| *due <= until)?;
        let timer = self.timers.remove(&(due, id))?;
        let call = timer.call.clone();
        if let Some(period) = timer.period {
            self.timers.insert((due.saturating_add(period), id), timer);
        }
        Some(Due { at: due, timer: id, call })
    }

    /// Refuses what no engine at `now` would have: a timer that is long due, or is due again and again in no time, would
    /// never let a step end.
    pub(crate) fn check(&self, now: Duration) -> Result<(), StateError> {
        let is_right = |((due, id), timer): (&(Duration, u64), &Timer)| {
            *due >= now && *id <= self.started && timer.period.is_none_or(|period| period >= PERIOD_MIN)
        };
        match self.timers.iter().all(is_right) {
            true => Ok(()),
            false => Err(StateError::Corrupt {
                expected: "timers that are still due".to_owned(),
                found: "others".to_owned(),
            }),
        }
    }

    pub(crate) fn remove_module(&mut self, module: ModuleId) {
        self.timers.retain(|_, timer| timer.call.module != module);
    }

    pub(crate) fn len(&self) -> usize {
        self.timers.len()
    }
}
