//! The schedule as others see it: named systems that can be looked at, ordered and switched.

use std::time::Duration;

use super::System;
use crate::{EngineError, ModuleTag, Schedule, Stage, SystemCode, SystemDescriptor, SystemId};

/// How often a system ran, and how long it took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SystemTimes {
    /// How often it ran.
    pub runs: u64,
    /// The time of its last run.
    pub last: Duration,
    /// The time of its longest run.
    pub longest: Duration,
    /// The time of all its runs.
    pub total: Duration,
}

impl SystemTimes {
    /// The mean time of a run.
    pub fn mean(&self) -> Duration {
        Duration::from_secs_f64(self.total.as_secs_f64() / self.runs.max(1) as f64)
    }
}

/// A system as it is shown to others: plain data, without its code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemSummary {
    /// Names it for as long as its module has a system of this name.
    pub id: SystemId,
    /// `module/system`
    pub name: String,
    /// The name of its module.
    pub module: String,
    /// When it runs.
    pub stage: Stage,
    /// What it asked to run before.
    pub before: Vec<String>,
    /// What it asked to run after.
    pub after: Vec<String>,
    /// The sets that it is in.
    pub sets: Vec<String>,
    /// The declared names of the components, resources and events that it reads, and of those that it writes; `None` for
    /// a system that has the whole frame.
    pub access: Option<(Vec<String>, Vec<String>)>,
    /// Whether it may run.
    pub is_enabled: bool,
    /// How often it ran, and how long it took.
    pub times: SystemTimes,
}

impl Schedule {
    /// All systems in the order in which they run.
    pub fn systems(&self) -> Vec<SystemSummary> {
        self.iter().map(System::summary).collect()
    }

    /// The system called `name`, which is written `module/system`.
    ///
    /// # Errors
    /// [`EngineError::NoSuchSystem`]
    pub fn system(&self, name: &str) -> Result<SystemSummary, EngineError> {
        let found = self.iter().find(|system| system.path() == name).map(System::summary);
        found.ok_or_else(|| self.no_such_system(name))
    }

    /// The system with this id: the one that has its name now, whatever was swapped since.
    pub fn system_by_id(&self, id: SystemId) -> Option<SystemSummary> {
        self.iter().find(|system| system.id == id).map(System::summary)
    }

    /// Adds a system of `module`.
    ///
    /// # Errors
    /// As [`Engine::add_system`](crate::Engine::add_system); nothing has changed then.
    pub fn add_system(
        &mut self,
        module: &ModuleTag,
        descriptor: SystemDescriptor,
        code: SystemCode,
    ) -> Result<(), EngineError> {
        self.add(System::new(module, descriptor, code)?)
    }

    /// Removes a system.
    ///
    /// # Errors
    /// [`EngineError::NoSuchSystem`]
    pub fn remove_system(&mut self, name: &str) -> Result<(), EngineError> {
        let removed = name
            .split_once('/')
            .is_some_and(|(module, system)| self.remove(ModuleTag::new(module).id(), system));
        if removed { Ok(()) } else { Err(self.no_such_system(name)) }
    }

    /// Lets a system run, or not; also across a swap of its module.
    ///
    /// # Errors
    /// [`EngineError::NoSuchSystem`]
    pub fn enable_system(&mut self, name: &str, is_enabled: bool) -> Result<(), EngineError> {
        match self.find_mut(name) {
            Some(system) => {
                system.enabled = is_enabled;
                Ok(())
            }
            None => Err(self.no_such_system(name)),
        }
    }

    /// Makes `first` run before `then`, also across swaps of their modules.
    ///
    /// # Errors
    /// [`EngineError::NoSuchSystem`], [`EngineError::OrderCycle`]; nothing has changed then.
    pub fn order_systems(&mut self, first: &str, then: &str) -> Result<(), EngineError> {
        self.system(first)?;
        self.system(then)?;
        self.add_order(first, then)
    }

    /// Takes back [`Schedule::order_systems`]; whether it had been said. Systems stay where they are until the next
    /// change of the order.
    pub fn unorder_systems(&mut self, first: &str, then: &str) -> bool {
        self.remove_order(first, then)
    }

    /// Starts counting the times of all systems afresh.
    pub fn reset_times(&mut self) {
        self.iter().for_each(|system| system.work.lock().times = SystemTimes::default());
    }

    fn no_such_system(&self, name: &str) -> EngineError {
        EngineError::NoSuchSystem { system: name.to_owned(), known: self.paths().join(", ") }
    }
}
