//! Worlds to begin with.

use keel::module::ModelTypeInfo;
use keel::prelude::*;
use keel_bench_suite_types::task::{speed, start};
use keel_bench_suite_types::{Position, Velocity};

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
    let mut world =
        world_of([ModelTypeInfo::component::<Position>(), ModelTypeInfo::component::<Velocity>()]);
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
