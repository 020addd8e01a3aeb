//! The time of a world that no engine runs.

use std::time::Duration;

use keel_ecs::{EcsError, Resource as _, World};
use keel_module_macros::resource;

use crate::{Engine, Time};

/// How far a world was stepped. It lies in the world, so that it is saved, restored and reset with it.
#[resource(crate = keel_ecs, name = "keel.WorldClock")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct WorldClock {
    step: u64,
    now: Duration,
}

impl WorldClock {
    /// Begins the next step of `world`, which lasts `step`: the time before it, and in it.
    pub(crate) fn begin_step(world: &mut World, step: Duration) -> Result<[Time; 2], EcsError> {
        if world.type_info(Self::ID).is_none() {
            // A world of the pool knows them.
            Engine::own_types().into_iter().try_for_each(|info| world.register(info))?;
        }
        let mut clock = world.resource_or_insert_with(Self::default)?;
        let before = clock.time(step);
        clock.step += 1;
        clock.now += step;
        let now = clock.time(step);
        Ok([Time { frame: now.frame, ..before }, now])
    }

    fn time(self, step: Duration) -> Time {
        let Self { step: count, now } = self;
        Time { now, step: count, frame: count, delta: step.as_secs_f32(), alpha: 0.0 }
    }

    /// How many steps `world` has made.
    pub(crate) fn steps(world: &World) -> u64 {
        world.resource::<Self>().map_or(0, |clock| clock.step)
    }
}
