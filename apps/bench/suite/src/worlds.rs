//! Worlds to begin with, and many of them side by side.

use keel::bench::{BenchCase, CheckedRoutine};
use keel::module::ModelTypeInfo;
use keel::prelude::*;
use keel_bench_suite_types::task::{PER_WORLD, WORLDS, speed, start};
use keel_bench_suite_types::{Position, Velocity};

use crate::many::{Moving, move_each};

pub(crate) fn declare(setup: &mut Setup) {
    let case =
        BenchCase::new("worlds").form("a PreparedQuery for each world, for_each, one world after the other");
    let case = case.operations(WORLDS as u64).entities((WORLDS * PER_WORLD) as u64);
    setup.bench(case, || {
        // Alike, they share what they know of types, and lie closer to each other in memory.
        let first = moving(0);
        let worlds: Vec<_> = (0..WORLDS).map(|_| (filled(first.alike(), PER_WORLD), Moving::new())).collect();
        CheckedRoutine::new(
            worlds,
            |worlds| worlds.iter_mut().for_each(|(world, query)| move_each(world, query)),
            |worlds| worlds.iter().map(|(world, _)| sum_of_places(world)).sum(),
        )
    });
}

/// A world that knows these types.
///
/// # Panics
/// When two of them have one name.
pub(crate) fn world_of(types: impl IntoIterator<Item = ModelTypeInfo>) -> World {
    let mut world = World::new();
    for info in types {
        world.register(info).expect("the names of the suite's types are different");
    }
    world
}

/// A world of so many entities that move.
pub(crate) fn moving(entities: usize) -> World {
    let types = [ModelTypeInfo::component::<Position>(), ModelTypeInfo::component::<Velocity>()];
    filled(world_of(types), entities)
}

fn filled(mut world: World, entities: usize) -> World {
    world
        .spawn_batch((0..entities).map(|index| (Position::from(start(index)), Velocity::from(speed(index)))));
    world
}

/// The sum of all places along the first axis.
pub(crate) fn sum_of_places(world: &World) -> f64 {
    let mut sum = 0.0;
    world.query::<&Position>().for_each(|position| sum += f64::from(position.x));
    sum
}
