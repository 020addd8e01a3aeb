//! bevy_ecs: tables, with sparse sets for components that ask for them, change detection and a parallel schedule.

mod large;
mod names;
mod schedule;
mod suite;

use bevy_ecs::prelude::*;

use crate::data::{Position, Velocity};
use crate::protocol::Storage;
use crate::routine::Cases;

pub(crate) fn cases() -> Cases {
    let mut cases = Cases::new("bevy_ecs", Storage::Archetypes);
    suite::declare(&mut cases);
    large::declare(&mut cases);
    schedule::declare_overhead(&mut cases);
    names::declare(&mut cases);
    let saving = ["serialize", "snapshot_1m", "restore_1m", "snapshot_archetypes", "restore_archetypes"];
    cases.lacks(&saving, "it saves no worlds by itself");
    cases
}

/// How a query that is kept is iterated fastest, but for whole columns.
const FOR_EACH: &str = "QueryState::iter_mut, for_each";

/// A world of things that move, and the query that moves them.
type Moving = (World, QueryState<(&'static mut Position, &'static Velocity)>);

fn moving_of(spawn: impl FnOnce(&mut World)) -> Moving {
    let mut world = World::new();
    spawn(&mut world);
    let query = world.query();
    (world, query)
}

fn go((world, query): &mut Moving) {
    query.iter_mut(world).for_each(|(mut position, velocity)| position.go(velocity));
}

fn sum((world, _): &mut Moving) -> f64 {
    sum_of_places(world)
}

fn sum_of_places(world: &mut World) -> f64 {
    world.query::<&Position>().iter(world).map(|position| f64::from(position.x)).sum()
}
