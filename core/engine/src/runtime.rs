//! The world and the services that are lent to the modules' code, call by call.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use keel_core_types::{ModuleId, ViewSource};
use keel_crash::{Mark, Thread};
use keel_ecs::{Commands, Limits, World};
use parking_lot::Mutex;

use crate::call::{Call, Caller};
use crate::fault::{Panic, catch};
use crate::frame::TimerQueue;
use crate::function::{FunctionAccess, Functions};
use crate::observer::Observers;
use crate::schedule::Outcome;
use crate::system::ParamCode;
use crate::task::TaskExecutor;
use crate::threads::Threads;
use crate::trace::Trace;
use crate::worlds::{WorldSchedules, WorldsAccess};
use crate::{EngineError, Fault, Frame, ModuleTag, StateCode, Tasks, Time, Timers};

/// What an engine lends to its modules, apart from the code that is called.
pub(crate) struct Runtime {
    pub(crate) world: World,
    pub(crate) time: Time,
    pub(crate) timers: TimerQueue,
    pub(crate) calls: Arc<Mutex<VecDeque<Call>>>,
    pub(crate) executor: TaskExecutor,
    pub(crate) suspended: BTreeSet<ModuleId>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) functions: Functions,
    pub(crate) worlds: WorldSchedules,
    pub(crate) threads: Arc<Threads>,
    /// The length of a step.
    step: Duration,
    pub(crate) observers: Observers,
    /// While a frame is traced.
    pub(crate) trace: Option<Mutex<Trace>>,
}

impl Runtime {
    pub(crate) fn new(step: Duration, threads: &Arc<Threads>, limits: Limits) -> Self {
        Self {
            world: World::new(),
            time: Time { delta: step.as_secs_f32(), ..Time::default() },
            timers: TimerQueue::default(),
            calls: Arc::default(),
            executor: TaskExecutor::new(limits.tasks),
            suspended: BTreeSet::new(),
            faults: Vec::new(),
            functions: Functions::default(),
            worlds: WorldSchedules::default(),
            threads: Arc::clone(threads),
            step,
            observers: Observers::default(),
            trace: None,
        }
    }

    /// Runs code of a module that is not suspended; a panic suspends it. Whether it was run.
    pub(crate) fn run(
        &mut self,
        views: &dyn ViewSource,
        module: &ModuleTag,
        name: &str,
        code: impl FnOnce(&mut Frame<'_>) -> Result<(), String>,
    ) -> bool {
        if self.suspended.contains(&module.id()) {
            return false;
        }
        let outcome = self.call(views, module, code);
        self.note(module, name, outcome.into());
        self.trace(module, name);
        true
    }

    /// [`Runtime::run`] for code that takes effect whole or not at all; whether it did.
    pub(crate) fn run_atomic(
        &mut self,
        views: &dyn ViewSource,
        module: &ModuleTag,
        name: &str,
        code: impl FnOnce(&mut Frame<'_>) -> Result<(), String>,
    ) -> bool {
        if self.suspended.contains(&module.id()) {
            return false;
        }
        let (timers, calls) = (self.timers.clone(), self.calls.lock().len());
        self.world.begin_transaction();
        let outcome = Outcome::from(self.call(views, module, code));
        let is_done = matches!(outcome, Outcome::Done);
        if is_done {
            self.world.commit();
        } else {
            // Whatever panics once more there has no more to say.
            let _ = catch(|| self.world.roll_back());
            self.timers = timers;
            let mut place = 0;
            self.calls.lock().retain(|call| {
                place += 1;
                place <= calls || call.module != module.id()
            });
        }
        self.note(module, name, outcome);
        self.trace(module, name);
        is_done
    }

    /// Calls `call`, code of a module that knows the state; what fails is a fault of it.
    pub(crate) fn on_state<T>(
        &mut self,
        module: &ModuleTag,
        state: &StateCode,
        call: impl FnOnce(&mut World) -> Result<T, EngineError>,
    ) -> Option<T> {
        let _running = Thread::current().enter(Mark::of(module.name(), &state.local_name()));
        let called = catch(|| call(&mut self.world));
        self.trace(module, &state.name);
        let outcome = match called {
            Ok(Ok(done)) => return Some(done),
            Ok(Err(error)) => Outcome::Failed(error.to_string()),
            Err(panic) => Outcome::Panicked(panic),
        };
        self.note(module, &state.local_name(), outcome);
        None
    }

    /// Does what a system has put off; after a panic it is forgotten.
    pub(crate) fn apply(&mut self, code: &mut dyn ParamCode, outcome: Outcome) -> Outcome {
        apply_deferred(&mut self.world, code, outcome)
    }

    /// Keeps what went wrong; a panic suspends the module.
    pub(crate) fn note(&mut self, module: &ModuleTag, name: &str, outcome: Outcome) {
        let (message, backtrace, suspended) = match outcome {
            Outcome::NotRun | Outcome::Done => return,
            Outcome::Failed(message) => (message, None, false),
            Outcome::Panicked(Panic { message, backtrace }) => (message, backtrace, true),
        };
        if suspended {
            self.suspended.insert(module.id());
            self.functions.set_suspended(module.id(), true);
        }
        let (module, system, frame) = (module.name().to_owned(), name.to_owned(), self.time.frame);
        self.faults.push(Fault { module, system, message, backtrace, frame, suspended });
    }

    /// What defers calls to handlers of the module.
    pub(crate) fn caller(&self, module: &ModuleTag) -> Caller {
        Caller::new(module.id(), Arc::clone(&self.calls), self.world.limits())
    }

    /// Runs code of a module and applies its commands. The outer error is a panic.
    pub(crate) fn call<T>(
        &mut self,
        views: &dyn ViewSource,
        module: &ModuleTag,
        code: impl FnOnce(&mut Frame<'_>) -> Result<T, String>,
    ) -> Result<Result<T, String>, Panic> {
        let caller = self.caller(module);
        let mut commands = Commands::with_max(self.world.limits().commands);
        let mut frame = Frame {
            world: &mut self.world,
            time: self.time,
            views,
            commands: &mut commands,
            timers: Timers::new(&mut self.timers, module.id(), self.time.now),
            calls: &caller,
            tasks: Tasks::new(&self.executor, module),
            functions: FunctionAccess::new(&self.functions),
            worlds: WorldsAccess {
                schedules: &mut self.worlds,
                threads: &self.threads,
                suspended: &self.suspended,
                step: self.step,
            },
        };
        let result = catch(|| {
            let result = code(&mut frame);
            let failed = frame.commands.apply(frame.world);
            result.and_then(|value| match failed.first() {
                None => Ok(value),
                Some(error) => Err(format!("{} of its commands failed, the first: {error}", failed.len())),
            })
        });
        // After a panic the commands that are left are code of the module, and must not outlive it.
        drop(catch(|| drop(commands)));
        self.take_faults_of_functions();
        result
    }

    /// A function that panicked has suspended its module, whoever called it.
    fn take_faults_of_functions(&mut self) {
        let mut faults = self.functions.take_faults();
        self.suspended.extend(faults.iter().map(|fault| ModuleId::of(&fault.module)));
        self.faults.append(&mut faults);
        self.faults.append(&mut self.worlds.take_faults());
    }
}

/// Does what a system has put off in `world`; after a panic it is forgotten.
pub(crate) fn apply_deferred(world: &mut World, code: &mut dyn ParamCode, outcome: Outcome) -> Outcome {
    if let Outcome::Panicked(_) = outcome {
        // Whatever panics once more there has no more to say than the first panic.
        let _ = catch(|| code.discard());
        return outcome;
    }
    match (outcome, catch(|| code.apply(world)).into()) {
        (outcome, Outcome::Done) | (outcome @ Outcome::Failed(_), Outcome::Failed(_)) => outcome,
        (_, applied) => applied,
    }
}
