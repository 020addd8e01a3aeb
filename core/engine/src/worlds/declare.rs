//! What a module says of the systems of its worlds.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use keel_core_types::ModelId;

use super::instance::OwnWork;
use crate::schedule::{Parts, System, Work};
use crate::state::StateCode;
use crate::system::OfParams;
use crate::{EngineError, IntoSystem, ModuleTag, Stage, States, SystemCode, SystemDescriptor, SystemId};

/// Declares the systems of a world. It is called once for the order of all, and once for each world.
pub(crate) type Declare = Arc<dyn Fn(&mut WorldSetup) + Send + Sync>;

/// Collects the systems of a world: plain functions of parameters, as those of the running world.
#[derive(Default)]
pub struct WorldSetup {
    systems: Vec<(SystemDescriptor, SystemCode)>,
    states: Vec<StateCode>,
}

impl WorldSetup {
    /// Adds system `name`, in any order.
    pub fn system<M>(&mut self, name: &str, system: impl IntoSystem<OfParams<M>>) -> &mut Self {
        self.system_with(SystemDescriptor::new(name), system)
    }

    /// Adds a system with an order, a stage or conditions of its own. Its stage is [`Stage::Step`], [`Stage::Startup`] for
    /// the first step of each world, or what `on_enter` and `on_exit` make it.
    pub fn system_with<M>(
        &mut self,
        descriptor: SystemDescriptor,
        system: impl IntoSystem<OfParams<M>>,
    ) -> &mut Self {
        self.systems.push((descriptor, system.into_system()));
        self
    }

    /// Makes the resource `S` a state of each world, as `Setup::state` does for the running one.
    pub fn state<S: States>(&mut self) -> &mut Self {
        self.states.push(StateCode::of::<S>());
        self
    }
}

/// What a module brings to the schedule of worlds of one name: code, and what it keeps of each world.
pub struct WorldSystems {
    pub(crate) schedule: String,
    pub(crate) declare: Declare,
    /// What is there already, by world: restored, or taken out of a schedule.
    pub(crate) works: Vec<(ModelId, Vec<OwnWork>)>,
}

impl WorldSystems {
    /// What `declare` adds to the schedule of worlds called `schedule`. It is called once for each world, and must add the
    /// same systems each time.
    pub fn new(schedule: &str, declare: impl Fn(&mut WorldSetup) + Send + Sync + 'static) -> Self {
        Self { schedule: schedule.to_owned(), declare: Arc::new(declare), works: Vec::new() }
    }

    /// The name of the schedule.
    pub fn schedule(&self) -> &str {
        &self.schedule
    }
}

impl fmt::Debug for WorldSystems {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("WorldSystems").field("schedule", &self.schedule).finish_non_exhaustive()
    }
}

/// The systems as the order is made of them.
///
/// # Errors
/// Those of [`System::new`], and [`EngineError::NotOfWorlds`].
pub(super) fn prototypes(
    module: &ModuleTag,
    schedule: &str,
    declare: &Declare,
) -> Result<Parts, EngineError> {
    let mut setup = WorldSetup::default();
    declare(&mut setup);
    let mut parts = Parts::default();
    parts.states.extend(setup.states.into_iter().map(|state| (module.clone(), state)));
    for (mut descriptor, code) in setup.systems {
        check(module, schedule, &descriptor, &code)?;
        let own = std::mem::take(&mut descriptor.states).into_iter();
        parts.states.extend(own.map(|state| (module.clone(), state)));
        parts.systems.push(System::new(module, descriptor, code)?);
    }
    Ok(parts)
}

/// The systems as one world has them, with their names.
pub(super) fn works(module: &ModuleTag, declare: &Declare) -> Vec<(String, OwnWork)> {
    let mut setup = WorldSetup::default();
    declare(&mut setup);
    let work = |(descriptor, code): (SystemDescriptor, SystemCode)| {
        let SystemDescriptor { name, conditions, .. } = descriptor;
        let id = SystemId::of(module.name(), &name);
        (name, OwnWork { id, work: Work::new(code, conditions) })
    };
    setup.systems.into_iter().map(work).collect()
}

fn check(
    module: &ModuleTag,
    schedule: &str,
    descriptor: &SystemDescriptor,
    code: &SystemCode,
) -> Result<(), EngineError> {
    let refused = |because: String| EngineError::NotOfWorlds {
        system: format!("{}/{}", module.name(), descriptor.name()),
        schedule: schedule.to_owned(),
        because,
    };
    if matches!(descriptor.stage, Stage::Frame | Stage::Idle) {
        let stage = descriptor.stage;
        return Err(refused(format!("worlds have no stage {stage:?}, only steps")));
    }
    let conditions = descriptor.conditions.iter().map(|condition| &condition.uses);
    let excluded: BTreeSet<_> = conditions.chain([&code.uses]).filter_map(|uses| uses.exclusion()).collect();
    match excluded.first() {
        Some(parameter) => Err(refused(format!(
            "its parameter `{parameter}` is for one system at a time, and worlds run side by side"
        ))),
        None => Ok(()),
    }
}
