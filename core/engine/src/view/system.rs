//! Systems: which there are, in which order they run, and how long they take.

use keel_core_types::View;
use keel_module_macros::view;

use crate::{
    Ambiguity, EngineError, ModuleTag, Schedule, Stage, SystemCode, SystemDescriptor, SystemId,
    SystemSummary, SystemTimes,
};

/// Works on the schedule of an engine, between two frames.
///
/// Systems are named `module/system`. Every call that takes such a name and can fail does so with
/// [`EngineError::NoSuchSystem`] for one that is none; the calls below name what else may go wrong.
#[view(crate = keel_engine, name = "keel.SystemView")]
pub trait SystemView: View {
    /// All systems in the order in which they run.
    fn names(&self, schedule: &Schedule) -> Vec<String>;

    /// All systems with what is known of them, in the order in which they run.
    fn all(&self, schedule: &Schedule) -> Vec<SystemSummary>;

    /// How many systems there are.
    fn count(&self, schedule: &Schedule) -> usize;

    /// Whether there is such a system.
    fn contains(&self, schedule: &Schedule, system: &str) -> bool;

    /// What is known of one system.
    ///
    /// # Errors
    /// See [`SystemView`].
    fn info(&self, schedule: &Schedule, system: &str) -> Result<SystemSummary, EngineError>;

    /// What is known of the system with this id, if there is one: ids stay what they are across swaps.
    fn by_id(&self, schedule: &Schedule, system: SystemId) -> Option<SystemSummary>;

    /// The stage in which a system runs.
    ///
    /// # Errors
    /// See [`SystemView`].
    fn stage(&self, schedule: &Schedule, system: &str) -> Result<Stage, EngineError>;

    /// The systems of one stage, in order.
    fn in_stage(&self, schedule: &Schedule, stage: Stage) -> Vec<String>;

    /// The systems of one module, in order.
    fn of_module(&self, schedule: &Schedule, module: &str) -> Vec<String>;

    /// The systems of one set, in order.
    fn in_set(&self, schedule: &Schedule, set: &str) -> Vec<String>;

    /// All pairs of systems that conflict and are in no order.
    fn ambiguities(&self, schedule: &Schedule) -> Vec<Ambiguity>;

    /// The systems that run before this one in its stage.
    ///
    /// # Errors
    /// See [`SystemView`].
    fn before(&self, schedule: &Schedule, system: &str) -> Result<Vec<String>, EngineError>;

    /// The systems that run after this one in its stage.
    ///
    /// # Errors
    /// See [`SystemView`].
    fn after(&self, schedule: &Schedule, system: &str) -> Result<Vec<String>, EngineError>;

    /// Registers a system. It is code of `module`, and goes with it.
    ///
    /// # Errors
    /// [`EngineError::DuplicateSystem`], [`EngineError::OrderCycle`], [`EngineError::ParameterConflict`],
    /// [`EngineError::ParameterUsesTwice`], [`EngineError::ConditionWrites`]; the schedule is then unchanged.
    fn add(
        &self,
        schedule: &mut Schedule,
        module: &ModuleTag,
        descriptor: SystemDescriptor,
        code: SystemCode,
    ) -> Result<(), EngineError>;

    /// Removes a system; it comes back when its module is swapped.
    ///
    /// # Errors
    /// See [`SystemView`].
    fn remove(&self, schedule: &mut Schedule, system: &str) -> Result<(), EngineError>;

    /// Lets a system run.
    ///
    /// # Errors
    /// See [`SystemView`].
    fn enable(&self, schedule: &mut Schedule, system: &str) -> Result<(), EngineError>;

    /// Keeps a system from running, also across a swap of its module.
    ///
    /// # Errors
    /// See [`SystemView`].
    fn disable(&self, schedule: &mut Schedule, system: &str) -> Result<(), EngineError>;

    /// Whether a system may run.
    ///
    /// # Errors
    /// See [`SystemView`].
    fn is_enabled(&self, schedule: &Schedule, system: &str) -> Result<bool, EngineError>;

    /// Makes `first` run before `then`, also across swaps of their modules.
    ///
    /// # Errors
    /// [`EngineError::OrderCycle`]; the order is then unchanged.
    fn order(&self, schedule: &mut Schedule, first: &str, then: &str) -> Result<(), EngineError>;

    /// Takes back [`SystemView::order`]; whether it had been said.
    fn unorder(&self, schedule: &mut Schedule, first: &str, then: &str) -> bool;

    /// How often a system ran, and how long it took.
    ///
    /// # Errors
    /// See [`SystemView`].
    fn times(&self, schedule: &Schedule, system: &str) -> Result<SystemTimes, EngineError>;

    /// Starts counting afresh, for all systems.
    fn reset_times(&self, schedule: &mut Schedule);
}
