//! The world and the services that are lent to the modules' code, call by call.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use keel_core_types::{ModuleId, ViewSource};
use keel_ecs::{Commands, World};
use parking_lot::Mutex;

use crate::call::{Call, Caller};
use crate::fault::{Panic, catch};
use crate::frame::TimerQueue;
use crate::param::SystemContext;
use crate::system::{CodeKind, ParamCode};
use crate::task::TaskExecutor;
use crate::{Fault, Frame, ModuleTag, SystemCode, Tasks, Time, Timers};

/// What an engine lends to its modules, apart from the code that is called.
pub(crate) struct Runtime {
    pub(crate) world: World,
    pub(crate) time: Time,
    pub(crate) timers: TimerQueue,
    pub(crate) calls: Arc<Mutex<VecDeque<Call>>>,
    pub(crate) executor: TaskExecutor,
    pub(crate) suspended: BTreeSet<ModuleId>,
    pub(crate) faults: Vec<Fault>,
}

impl Runtime {
    pub(crate) fn new(step: Duration) -> Self {
        Self {
            world: World::new(),
            time: Time { delta: step.as_secs_f32(), ..Time::default() },
            timers: TimerQueue::default(),
            calls: Arc::default(),
            executor: TaskExecutor::new(),
            suspended: BTreeSet::new(),
            faults: Vec::new(),
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
        self.note(module, name, outcome);
        true
    }

    /// Runs a system of a module that is not suspended, and does what it has put off. Whether it was run.
    pub(crate) fn run_system(
        &mut self,
        views: &dyn ViewSource,
        module: &ModuleTag,
        name: &str,
        code: &mut SystemCode,
    ) -> bool {
        let defers = code.uses.defers();
        let code = match &mut code.kind {
            CodeKind::OfFrame(run) => return self.run(views, module, name, run),
            CodeKind::OfParams(code) => code,
        };
        if self.suspended.contains(&module.id()) {
            return false;
        }
        let context = SystemContext { world: &self.world, views, time: self.time };
        let mut outcome = catch(|| code.run(&context));
        if defers {
            outcome = self.apply(&mut **code, outcome);
        }
        self.note(module, name, outcome);
        true
    }

    /// Does what a system has put off; after a panic it is forgotten.
    fn apply(
        &mut self,
        code: &mut dyn ParamCode,
        outcome: Result<Result<(), String>, Panic>,
    ) -> Result<Result<(), String>, Panic> {
        let applied = match &outcome {
            Ok(_) => catch(|| code.apply(&mut self.world)),
            Err(_) => catch(|| {
                code.discard();
                Ok(())
            }),
        };
        match (outcome, applied) {
            (Err(panic), _) | (Ok(_), Err(panic)) => Err(panic),
            (Ok(outcome), Ok(applied)) => Ok(outcome.and(applied)),
        }
    }

    /// Keeps what went wrong; a panic suspends the module.
    fn note(&mut self, module: &ModuleTag, name: &str, outcome: Result<Result<(), String>, Panic>) {
        let (message, backtrace, suspended) = match outcome {
            Ok(Ok(())) => return,
            Ok(Err(message)) => (message, None, false),
            Err(Panic { message, backtrace }) => (message, backtrace, true),
        };
        if suspended {
            self.suspended.insert(module.id());
        }
        let (module, system, frame) = (module.name().to_owned(), name.to_owned(), self.time.frame);
        self.faults.push(Fault { module, system, message, backtrace, frame, suspended });
    }

    /// Runs code of a module and applies its commands. The outer error is a panic.
    pub(crate) fn call<T>(
        &mut self,
        views: &dyn ViewSource,
        module: &ModuleTag,
        code: impl FnOnce(&mut Frame<'_>) -> Result<T, String>,
    ) -> Result<Result<T, String>, Panic> {
        let caller = Caller::new(module.id(), Arc::clone(&self.calls));
        let mut commands = Commands::new();
        let mut frame = Frame {
            world: &mut self.world,
            time: self.time,
            views,
            commands: &mut commands,
            timers: Timers::new(&mut self.timers, module.id(), self.time.now),
            calls: &caller,
            tasks: Tasks::new(&self.executor, module),
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
        result
    }
}
