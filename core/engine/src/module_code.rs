//! The code of one module, as an engine takes it and gives it back.

use std::collections::BTreeSet;

use keel_ecs::Prefab;
use keel_state::{Change, StateError};

use crate::call::Handler;
use crate::function::{Function, FunctionDescriptor};
use crate::observer::{Observer, ObserverCode, ObserverDescriptor};
use crate::param::VisitKept;
use crate::schedule::{Parts, Set, System, visit_conditions};
use crate::worlds::Brought;
use crate::{
    EngineError, ModuleTag, SavedLocals, SetDescriptor, StateCode, SystemCode, SystemDescriptor, WorldSystems,
};

/// The code of one module: what is exchanged at a swap.
pub struct ModuleCode {
    /// The owner.
    pub module: ModuleTag,
    /// Its systems.
    pub systems: Vec<(SystemDescriptor, SystemCode)>,
    /// What it says of sets of systems.
    pub sets: Vec<SetDescriptor>,
    /// The states that it knows.
    pub states: Vec<StateCode>,
    /// Its handlers of calls and timers.
    pub handlers: Vec<(String, Handler)>,
    /// Its functions, which others call by their names.
    pub functions: Vec<(FunctionDescriptor, Function)>,
    /// The systems that it runs in worlds beside the running one.
    pub worlds: Vec<WorldSystems>,
    /// Its observers, as it registered them.
    pub observers: Vec<(ObserverDescriptor, ObserverCode)>,
    /// The prefabs that it defines, by name.
    pub prefabs: Vec<(String, Prefab)>,
    /// A fault has stopped it, and it is stopped again when it is put back.
    pub suspended: bool,
}

/// What of a module's code does not go into the schedule.
pub(crate) struct Unscheduled {
    pub(crate) module: ModuleTag,
    pub(crate) handlers: Vec<(String, Handler)>,
    pub(crate) functions: Vec<(FunctionDescriptor, Function)>,
    pub(crate) observers: Vec<Observer>,
    pub(crate) prefabs: Vec<(String, Prefab)>,
    pub(crate) suspended: bool,
}

impl ModuleCode {
    /// A module without any code.
    pub fn new(module: &ModuleTag) -> Self {
        Self {
            module: module.clone(),
            systems: Vec::new(),
            sets: Vec::new(),
            states: Vec::new(),
            handlers: Vec::new(),
            functions: Vec::new(),
            worlds: Vec::new(),
            observers: Vec::new(),
            prefabs: Vec::new(),
            suspended: false,
        }
    }

    /// Takes over what the generation before has kept of its systems: [`Engine::save_locals`](crate::Engine::save_locals) saved it. What has changed
    /// is returned.
    ///
    /// # Errors
    /// [`EngineError::Locals`] when something of it would be lost and `accept_loss` is not set, or when it is damaged.
    pub fn restore_locals(
        &mut self,
        saved: SavedLocals,
        accept_loss: bool,
    ) -> Result<Vec<Change>, EngineError> {
        let module = self.module.name().to_owned();
        self.restore_parts(saved, accept_loss).map_err(|source| EngineError::Locals { module, source })
    }

    fn restore_parts(
        &mut self,
        mut saved: SavedLocals,
        accept_loss: bool,
    ) -> Result<Vec<Change>, StateError> {
        let mut changes = Vec::new();
        let mut of_worlds = saved.take_of_worlds();
        for systems in &mut self.worlds {
            systems.restore(&self.module, &mut of_worlds, accept_loss, &mut changes)?;
        }
        saved.extend(of_worlds);
        for (descriptor, code) in &mut self.systems {
            let SystemDescriptor { name, conditions, .. } = descriptor;
            changes.extend(saved.restore(name, accept_loss, |visit| {
                code.visit_kept(visit);
                visit_conditions(conditions, visit);
            })?);
        }
        for SetDescriptor { name, conditions, .. } in &mut self.sets {
            let visit_all = |visit: &mut VisitKept<'_>| visit_conditions(conditions, visit);
            changes.extend(saved.restore(&Set::local_name(name), accept_loss, visit_all)?);
        }
        for (ObserverDescriptor { name, .. }, code) in &mut self.observers {
            let visit_all = |visit: &mut VisitKept<'_>| code.code.get_mut().visit_kept(visit);
            changes.extend(saved.restore(&Observer::local_name(name), accept_loss, visit_all)?);
        }
        changes.extend(saved.check_losses(accept_loss)?);
        Ok(changes)
    }

    /// Adds what goes into the schedule to `parts`, and returns the rest.
    pub(crate) fn into_parts(
        self,
        parts: &mut Parts,
        brought: &mut Brought,
    ) -> Result<Unscheduled, EngineError> {
        let Self {
            module,
            systems,
            sets,
            states,
            handlers,
            functions,
            worlds,
            prefabs,
            observers,
            suspended,
        } = self;
        brought.extend(worlds.into_iter().map(|systems| (module.clone(), systems)));
        for (mut descriptor, code) in systems {
            let own = std::mem::take(&mut descriptor.states).into_iter();
            parts.states.extend(own.map(|state| (module.clone(), state)));
            parts.systems.push(System::new(&module, descriptor, code)?);
        }
        for set in sets {
            parts.sets.push(Set::new(&module, set)?);
        }
        parts.states.extend(states.into_iter().map(|state| (module.clone(), state)));
        let observers = observers.into_iter();
        let observers = observers.map(|(descriptor, code)| Observer::new(&module, descriptor, code));
        let observers = observers.collect::<Result<Vec<_>, _>>()?;
        Ok(Unscheduled { module, handlers, functions, prefabs, observers, suspended })
    }

    pub(crate) fn check_handlers(&self) -> Result<(), EngineError> {
        let mut names = BTreeSet::new();
        let twice = self.handlers.iter().find(|(name, _)| !names.insert(name));
        twice.map_or(Ok(()), |(name, _)| {
            Err(EngineError::DuplicateHandler {
                module: self.module.name().to_owned(),
                handler: name.clone(),
            })
        })
    }
}

/// What was taken out of the schedule, as the code of the modules it belongs to.
pub(crate) fn old_code(
    tags: &[ModuleTag],
    replaced: Parts,
    brought: Brought,
    observers: Vec<Observer>,
) -> Vec<ModuleCode> {
    let mut old: Vec<_> = tags.iter().map(ModuleCode::new).collect();
    let place = |module: &ModuleTag| tags.iter().position(|tag| tag == module);
    for system in replaced.systems {
        let (module, descriptor, code) = system.into_parts();
        if let Some(place) = place(&module) {
            old[place].systems.push((descriptor, code));
        }
    }
    for (module, systems) in brought {
        if let Some(place) = place(&module) {
            old[place].worlds.push(systems);
        }
    }
    for set in replaced.sets {
        let (module, set) = set.into_parts();
        if let Some(place) = place(&module) {
            old[place].sets.push(set);
        }
    }
    for Observer { module, descriptor, code, .. } in observers {
        if let Some(place) = place(&module) {
            old[place].observers.push((descriptor, code));
        }
    }
    for (module, state) in replaced.states {
        if let Some(place) = place(&module) {
            old[place].states.push(state);
        }
    }
    old
}
