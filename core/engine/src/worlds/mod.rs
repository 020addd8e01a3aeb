//! Many worlds: systems that are declared once and run in any number of worlds beside the running one.
//!
//! What systems do is shared by all worlds of a schedule: the order, and what waits for what. What they keep is each
//! world's own: locals, places of readers, prepared queries. A world's time is a resource in it.

mod clock;
mod declare;
mod exchange;
mod instance;
mod step;

use std::collections::BTreeMap;

use keel_core_types::ModelId;
use keel_ecs::World;
use parking_lot::Mutex;

pub(crate) use self::clock::WorldClock;
use self::declare::Declare;
pub use self::declare::{WorldSetup, WorldSystems};
pub(crate) use self::exchange::{Brought, OfWorlds, parse_place};
use self::instance::Instance;
pub(crate) use self::instance::OwnWork;
pub(crate) use self::step::WorldsAccess;
pub use self::step::{WorldFault, WorldsStepped};
use crate::schedule::{Pace, Schedule};
use crate::{Fault, ModuleTag};

/// Worlds that are found by id, and lent to several threads at once: the pool of worlds.
pub trait WorldSource: Sync {
    /// Whether there is such a world.
    ///
    /// # Errors
    /// Says why there is none: it was released, or never was.
    fn check(&self, world: ModelId) -> Result<(), String>;

    /// Calls `visit` with the world, which nobody else has meanwhile.
    ///
    /// # Errors
    /// As [`WorldSource::check`], or says who has it.
    fn lend(&self, world: ModelId, visit: &mut dyn FnMut(&mut World)) -> Result<(), String>;
}

/// The schedules of worlds that the modules have declared, by name.
#[derive(Default)]
pub(crate) struct WorldSchedules {
    by_name: BTreeMap<String, WorldSchedule>,
    faults: Vec<Fault>,
}

/// The systems of one name, and what they keep of each world.
#[derive(Default)]
struct WorldSchedule {
    /// Made of one call of each part. Its systems never run: each world has its own.
    schedule: Schedule,
    parts: Vec<Part>,
    /// Changes whenever `schedule` does.
    stamp: u64,
    /// By the slots of the worlds' ids.
    instances: Mutex<Vec<Slot>>,
    /// What was seen of the steps, each as if it were of a thousand worlds.
    pace: Pace,
}

/// What one module brings.
struct Part {
    module: ModuleTag,
    declare: Declare,
}

/// What is kept of the world in one slot of the pool.
#[derive(Default)]
enum Slot {
    #[default]
    Empty,
    Here(Box<Instance>),
    /// It is being stepped.
    Lent,
}

/// A schedule of worlds as it is shown to others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorldScheduleSummary {
    /// Its name, which all modules share.
    pub name: String,
    /// Its systems as `module/system`, in the order in which they run.
    pub systems: Vec<String>,
    /// How many worlds something is kept of: those that were stepped and not released since.
    pub worlds: usize,
}

impl WorldSchedules {
    pub(crate) fn summaries(&self) -> Vec<WorldScheduleSummary> {
        let summary = |(name, schedule): (&String, &WorldSchedule)| WorldScheduleSummary {
            name: name.clone(),
            systems: schedule.schedule.paths(),
            worlds: schedule.instances.lock().iter().filter(|slot| matches!(slot, Slot::Here(_))).count(),
        };
        self.by_name.iter().map(summary).collect()
    }

    /// The faults of worlds since the last time this was asked.
    pub(crate) fn take_faults(&mut self) -> Vec<Fault> {
        std::mem::take(&mut self.faults)
    }

    /// Forgets what was kept of all worlds.
    pub(crate) fn reset(&mut self) {
        for schedule in self.by_name.values_mut() {
            let instances = std::mem::take(schedule.instances.get_mut());
            if let Err(message) = crate::contain(|| drop(instances)) {
                log::warn!("worlds start afresh, though the `drop` of what a system kept {message}");
            }
        }
    }
}
