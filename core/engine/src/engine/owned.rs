//! What modules own in an engine: systems, handlers, functions, observers, prefabs, and what those keep.

use std::collections::BTreeSet;
use std::time::Duration;

use keel_core_types::ModuleId;

use super::Engine;
use crate::call::IntoHandler;
use crate::function::{FunctionDescriptor, FunctionSummary, Functions, IntoFunction};
use crate::module_code::{Unscheduled, old_code};
use crate::observer::{IntoObserver, Observer, ObserverDescriptor};
use crate::schedule::{Parts, System};
use crate::worlds::Brought;
use crate::{
    DrainReport, EngineError, IntoSystem, ModuleCode, ModuleTag, SavedLocals, Schedule, SystemDescriptor,
    WorldScheduleSummary,
};

impl Engine {
    /// Adds a system of `module`.
    ///
    /// # Errors
    /// [`EngineError::DuplicateSystem`], [`EngineError::OrderCycle`], [`EngineError::ParameterConflict`],
    /// [`EngineError::ParameterUsesTwice`] and [`EngineError::ConditionWrites`]; the schedule is then unchanged.
    pub fn add_system<M>(
        &mut self,
        module: &ModuleTag,
        descriptor: SystemDescriptor,
        system: impl IntoSystem<M>,
    ) -> Result<(), EngineError> {
        self.schedule.add(System::new(module, descriptor, system.into_system())?)?;
        self.may_start = true;
        Ok(())
    }

    /// Removes one system; false when there was none.
    pub fn remove_system(&mut self, module: ModuleId, name: &str) -> bool {
        self.schedule.remove(module, name)
    }

    /// Lets a system run, or not.
    ///
    /// # Errors
    /// [`EngineError::NoSuchSystem`] for a path that is none; it is written `module/system`.
    pub fn enable_system(&mut self, path: &str, enabled: bool) -> Result<(), EngineError> {
        self.schedule.enable_system(path, enabled)
    }

    /// Which systems run, and in which order.
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// The schedule, between two frames.
    pub fn schedule_mut(&mut self) -> &mut Schedule {
        &mut self.schedule
    }

    /// All systems as `module/system`, in the order in which they run.
    pub fn systems(&self) -> Vec<String> {
        self.schedule.paths()
    }

    /// Adds a handler for calls and timers of `module`.
    ///
    /// # Errors
    /// [`EngineError::DuplicateHandler`].
    pub fn add_handler<A, R>(
        &mut self,
        module: &ModuleTag,
        name: &str,
        handler: impl IntoHandler<A, R>,
    ) -> Result<(), EngineError> {
        self.handlers.add(module, name, handler.into_handler())
    }

    /// Adds a function of `module`, which others call as `module/function`.
    ///
    /// # Errors
    /// [`EngineError::DuplicateFunction`].
    pub fn add_function<M>(
        &mut self,
        module: &ModuleTag,
        descriptor: FunctionDescriptor,
        function: impl IntoFunction<M>,
    ) -> Result<(), EngineError> {
        let caller = self.runtime.caller(module);
        let functions = &mut self.runtime.functions;
        let mut of_module = functions.take_module(module.id());
        of_module.push((descriptor, function.into_function()));
        let checked = Functions::check(module, &of_module);
        if checked.is_err() {
            of_module.pop();
        }
        functions.add_module(module, &caller, self.runtime.suspended.contains(&module.id()), of_module);
        checked
    }

    /// Adds an observer of `module`. Observers of one thing run by the names of their modules, and within a module in the
    /// order in which they were added, but for what their descriptors ask for.
    ///
    /// # Errors
    /// [`EngineError::DuplicateObserver`], [`EngineError::ObserverCycle`], [`EngineError::ParameterConflict`],
    /// [`EngineError::ParameterUsesTwice`]; nothing has changed then.
    pub fn add_observer<M>(
        &mut self,
        module: &ModuleTag,
        descriptor: impl Into<ObserverDescriptor>,
        observer: impl IntoObserver<M>,
    ) -> Result<(), EngineError> {
        let new = vec![Observer::new(module, descriptor.into(), observer.into_observer())?];
        let observers = &mut self.runtime.observers;
        let arranged = observers.arrange(&[], &new)?;
        observers.exchange(&[], new, &arranged);
        self.runtime.watch();
        Ok(())
    }

    /// All observers as `module/observer`, in the order in which those of one thing run.
    pub fn observers(&self) -> Vec<String> {
        self.runtime.observers.iter().map(Observer::path).collect()
    }

    /// All functions that can be called, sorted by their paths.
    pub fn functions(&self) -> Vec<FunctionSummary> {
        self.runtime.functions.summaries()
    }

    /// Puts new code in the place of what these modules have, all at once, and returns the old code. Their timers and
    /// waiting calls stay: they are data. A suspended module runs again, unless its new code says that it is suspended.
    ///
    /// # Errors
    /// [`EngineError`] when names or orders collide; nothing has changed then, and the new code is dropped.
    pub fn exchange(&mut self, new: Vec<ModuleCode>) -> Result<Vec<ModuleCode>, EngineError> {
        new.iter().try_for_each(ModuleCode::check_handlers)?;
        new.iter().try_for_each(|code| Functions::check(&code.module, &code.functions))?;
        let tags: Vec<_> = new.iter().map(|code| code.module.clone()).collect();
        let mut names = BTreeSet::new();
        if let Some(twice) = tags.iter().find(|tag| !names.insert(tag.name())) {
            return Err(EngineError::DuplicateModule { module: twice.name().to_owned() });
        }
        let ids: Vec<_> = tags.iter().map(ModuleTag::id).collect();
        self.prefabs.check(&ids, &new)?;
        let (mut parts, mut brought, mut unscheduled) = (Parts::default(), Brought::new(), Vec::new());
        for code in new {
            unscheduled.push(code.into_parts(&mut parts, &mut brought)?);
        }
        let observers = unscheduled.iter_mut().flat_map(|of_module| std::mem::take(&mut of_module.observers));
        let observers: Vec<_> = observers.collect();
        let arranged = self.runtime.observers.arrange(&ids, &observers)?;
        let brought = self.runtime.worlds.exchange(&ids, brought)?;
        let replaced = match self.schedule.exchange(&ids, parts) {
            Ok(replaced) => replaced,
            Err(error) => {
                // They fitted a moment ago.
                let _ = self.runtime.worlds.exchange(&ids, brought);
                return Err(error);
            }
        };
        self.may_start = true;
        let old_observers = self.runtime.observers.exchange(&ids, observers, &arranged);
        self.runtime.watch();
        let mut old = old_code(&tags, replaced, brought, old_observers);
        for of_module in &mut old {
            of_module.handlers = self.handlers.take_module(of_module.module.id());
            of_module.functions = self.runtime.functions.take_module(of_module.module.id());
            of_module.prefabs = self.prefabs.take_module(of_module.module.id());
            of_module.suspended = self.runtime.suspended.remove(&of_module.module.id());
        }
        for Unscheduled { module, handlers, functions, prefabs, suspended, .. } in unscheduled {
            self.prefabs.add_module(&module, prefabs);
            self.runtime.suspended.extend(suspended.then(|| module.id()));
            let caller = self.runtime.caller(&module);
            self.runtime.functions.add_module(&module, &caller, suspended, functions);
            for (name, handler) in handlers {
                self.handlers.add(&module, &name, handler)?;
            }
        }
        Ok(old)
    }

    /// Ends all that a removed module owned, and returns its code.
    pub fn remove_module(&mut self, module: &ModuleTag) -> ModuleCode {
        let removed = self.exchange(vec![ModuleCode::new(module)]).ok().and_then(|mut old| old.pop());
        self.started.remove(&module.id());
        self.runtime.timers.remove_module(module.id());
        self.runtime.calls.lock().retain(|call| call.module != module.id());
        removed.unwrap_or_else(|| ModuleCode::new(module))
    }

    /// Waits until each background task that was started has had its first turn, at most `deadline`.
    pub fn settle_tasks(&self, deadline: Duration) {
        self.runtime.executor.settle(deadline);
    }

    /// Waits for a module's background tasks, at most `deadline`, and cancels the rest.
    pub fn drain_tasks(&self, module: ModuleId, deadline: Duration) -> DrainReport {
        self.runtime.executor.drain(module, deadline)
    }

    /// What the systems of `module` keep from run to run: each [`Local`](crate::Local), and where each
    /// [`EventReader`](crate::EventReader) stands.
    ///
    /// # Errors
    /// [`EngineError::Locals`] when a type's `Serialize` fails.
    pub fn save_locals(&self, module: &ModuleTag) -> Result<SavedLocals, EngineError> {
        let mut saved = self.schedule.save_locals(module)?;
        let failed = |source| EngineError::Locals { module: module.name().to_owned(), source };
        self.runtime.worlds.save_locals(module, &mut saved).map_err(failed)?;
        self.runtime.observers.save_locals(module, &mut saved).map_err(failed)?;
        Ok(saved)
    }

    /// The schedules of worlds, by name.
    pub fn world_schedules(&self) -> Vec<WorldScheduleSummary> {
        self.runtime.worlds.summaries()
    }

    /// Whether a fault has suspended the module.
    pub fn is_suspended(&self, module: ModuleId) -> bool {
        self.runtime.suspended.contains(&module)
    }
}
