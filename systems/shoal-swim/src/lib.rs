//! How the fish of Shoal move. This is the crate to play with: change a number below while the game runs, save, and
//! look.
//!
//! Each school follows the trail of its leader like a ribbon: every fish has a place in it. It gives way to its
//! neighbours, flees from what alarms it, and drifts with the water.

mod crowd;
mod leader;
mod ribbon;
mod steering;
mod water;

use keel::prelude::*;
use shoal_model::{Alarm, Fish, Leader, Mood, Position, School, Trail, Velocity};

use crate::crowd::Crowd;
use crate::ribbon::Ribbons;
use crate::steering::Steering;
use crate::water::Water;

/// How fast a fish swims when nothing happens, in metres a second.
const SPEED: f32 = 12.0;

/// How fast a fish turns towards its place in the school. At 0 the schools dissolve.
const SCHOOLING: f32 = 1.8;

/// How fast a frightened fish flees, in metres a second. Below 0 it is curious.
const FEAR: f32 = 34.0;

/// How much room a fish wants around it. At 0 each school is a thread, at 4 it is a cloud.
const ELBOW_ROOM: f32 = 0.4;

/// The module's state.
#[data]
#[derive(Default)]
pub struct Swim {
    alarms: EventCursor<Alarm>,
    #[keel(skip)]
    crowd: Crowd,
}

#[view_model]
impl ViewModel for Swim {
    fn register(&mut self, _: &mut Setup) -> ModuleResult {
        Ok(())
    }

    fn update(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        let world = &*frame.world;
        let water = Water::of(frame.views, world);
        let alarms: Vec<Alarm> = self.alarms.read(&world.events::<Alarm>()).copied().collect();
        lead(world, &water, &alarms, frame.time.delta)?;
        self.crowd.count(world);
        let ribbons = Ribbons::of(world, frame.time.delta);
        let steering = Steering {
            ribbons: &ribbons,
            crowd: &self.crowd,
            water: &water,
            alarms: &alarms,
            now: frame.time.now.as_secs_f32(),
            dt: frame.time.delta,
        };
        world
            .query::<(&Fish, &mut Position, &mut Velocity, &mut Mood)>()
            .for_each(|(fish, position, velocity, mood)| steering.swim(fish, position, velocity, mood));
        Ok(())
    }
}

/// Moves the leaders on, and lengthens their trails.
fn lead(world: &World, water: &Water<'_>, alarms: &[Alarm], dt: f32) -> ModuleResult {
    let mut random = world.resource_mut::<Random>()?;
    let mut leaders = world.query::<(Entity, &mut Leader, &mut Position, &mut Velocity, &mut Trail)>();
    for (entity, leader, position, velocity, trail) in leaders.iter() {
        let school = world.parent(entity).and_then(|school| world.get::<School>(school).ok().map(|it| *it));
        let Some(school) = school else { continue };
        leader::choose_goal(leader, &school, position.0, &mut random);
        leader::swim(leader, position, velocity, water, alarms, dt);
        trail.follow(position.0);
    }
    Ok(())
}

keel::export_module! {
    view_model: Swim,
    models: [shoal_model],
    requires: [dyn shoal_model::TideView],
}
