//! What the systems of a schedule keep of one world, and a step of it.

use std::collections::HashMap;

use keel_core_types::ModelId;
use keel_ecs::World;

use super::{WorldClock, WorldSchedule, declare};
use crate::schedule::{Failure, Outcome, Work, WorldRun, WorldStep};
use crate::state::Coming;
use crate::{Stage, SystemId, Time};

/// The systems of one world.
pub(super) struct Instance {
    pub(super) world: ModelId,
    /// In the order of the schedule, as long as that has this stamp.
    pub(super) works: Vec<OwnWork>,
    pub(super) stamp: u64,
    /// A panic has stopped it.
    pub(super) is_halted: bool,
}

/// One system of one world.
pub(crate) struct OwnWork {
    pub(crate) id: SystemId,
    pub(crate) work: Work,
}

impl Instance {
    pub(super) fn new(world: ModelId) -> Self {
        Self { world, works: Vec::new(), stamp: 0, is_halted: false }
    }

    /// Makes one step of `world`, unless a panic has stopped it; what failed.
    pub(super) fn step(
        &mut self,
        of: &WorldSchedule,
        lent: WorldStep<'_>,
        world: &mut World,
    ) -> Vec<Failure> {
        let is_first = WorldClock::steps(world) == 0;
        if is_first && self.stamp != 0 {
            // The world was reset: what was kept is of what was there before.
            *self = Self::new(self.world);
        }
        if self.is_halted {
            return Vec::new();
        }
        let begun = self
            .fit(of)
            .and_then(|()| WorldClock::begin_step(world, lent.step).map_err(|error| error.to_string()));
        let [before, now] = match begun {
            Ok(times) => times,
            Err(message) => return vec![(None, Outcome::Failed(message))],
        };
        let (schedule, works) = (&of.schedule, &mut *self.works);
        let mut run = WorldRun { schedule, works, world, lent, time: before, failures: Vec::new() };
        self.is_halted = !((!is_first || run.stage(Stage::Startup)) && run_stages(&mut run, now));
        let failures = run.failures;
        world.end_step();
        failures
    }

    /// Makes the systems that are missing, and puts all in the order of the schedule.
    fn fit(&mut self, of: &WorldSchedule) -> Result<(), String> {
        if self.stamp == of.stamp {
            return Ok(());
        }
        let mut found: HashMap<SystemId, Work> = self.works.drain(..).map(|own| (own.id, own.work)).collect();
        for part in &of.parts {
            let mut own = of.schedule.iter().filter(|system| system.module == part.module);
            if own.any(|system| !found.contains_key(&system.id)) {
                for (_, OwnWork { id, work }) in declare::works(&part.module, &part.declare) {
                    found.entry(id).or_insert(work);
                }
            }
        }
        for system in of.schedule.iter() {
            let Some(work) = found.remove(&system.id) else {
                return Err(format!("system `{}` is not declared for each world", system.path()));
            };
            self.works.push(OwnWork { id: system.id, work });
        }
        self.stamp = of.stamp;
        Ok(())
    }
}

/// Runs what a step is made of, as in the running world: states change in the step, but before its time. False once
/// something has panicked.
fn run_stages(run: &mut WorldRun<'_>, now: Time) -> bool {
    let step = now.step;
    run.time.step = step;
    let (coming, goes_on) = run.states(|state, world| (state.prepare)(world, step));
    if !goes_on {
        return false;
    }
    if coming.iter().flatten().any(|coming| *coming != Coming::Nothing) {
        if !run.stage(Stage::Exit) {
            return false;
        }
        let mut each = coming.into_iter();
        let (_, goes_on) = run.states(|state, world| match each.next() {
            Some(Some(Coming::Change)) => (state.change)(world, step),
            _ => Ok(()),
        });
        if !goes_on || !run.stage(Stage::Enter) {
            return false;
        }
    }
    run.time = now;
    run.stage(Stage::Step)
}
