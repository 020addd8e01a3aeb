//! Many entities of one archetype: spawning them, and going through them.

use keel::bench::{BenchCase, CheckedRoutine};
use keel::module::ModelTypeInfo;
use keel::prelude::*;
use keel_bench_suite_types::task::{SIMPLE, speed, start};
use keel_bench_suite_types::{Position, Rotation, Transform, Velocity};

use crate::many::{Moving, mover};
use crate::worlds::{sum_of_places, world_of};

type Thing = (Transform, Position, Rotation, Velocity);

pub(crate) fn declare_insert(setup: &mut Setup) {
    let case =
        BenchCase::new("simple_insert").form("World::spawn_batch; the world is made and dropped each time");
    setup.bench(case, || {
        CheckedRoutine::new(0, |spawned| *spawned += insert_all().len(), |spawned| *spawned as f64)
    });
    let case = BenchCase::new("simple_insert").variant("for").form("World::spawn in a plain for loop");
    setup.bench(case, || {
        CheckedRoutine::new(0, |spawned| *spawned += insert_in_a_loop().len(), |spawned| *spawned as f64)
    });
}

pub(crate) fn declare_iter(setup: &mut Setup) {
    let case = BenchCase::new("simple_iter").form("PreparedQuery::query, for_each");
    setup.bench(case, || CheckedRoutine::new(things(SIMPLE), mover(), |world| sum_of_places(world)));
    let case = BenchCase::new("simple_iter").variant("for").form("PreparedQuery::query, a plain for loop");
    setup.bench(case, || {
        let mut query = Moving::new();
        let run = move |world: &mut World| move_in_a_loop(world, &mut query);
        CheckedRoutine::new(things(SIMPLE), run, |world| sum_of_places(world))
    });
    let case = BenchCase::new("simple_iter").variant("borrowed").form("World::query, for_each");
    setup.bench(case, || CheckedRoutine::new(things(SIMPLE), move_borrowed, |world| sum_of_places(world)));
}

fn empty() -> World {
    world_of([
        ModelTypeInfo::component::<Transform>(),
        ModelTypeInfo::component::<Position>(),
        ModelTypeInfo::component::<Rotation>(),
        ModelTypeInfo::component::<Velocity>(),
    ])
}

fn insert_all() -> World {
    let (mut world, thing) = (empty(), inserted());
    world.spawn_batch((0..SIMPLE).map(|_| thing));
    world
}

fn insert_in_a_loop() -> World {
    let (mut world, thing) = (empty(), inserted());
    for _ in 0..SIMPLE {
        world.spawn(thing);
    }
    world
}

fn inserted() -> Thing {
    (Transform::turn(), [1.0, 0.0, 0.0].into(), [1.0, 0.0, 0.0].into(), [1.0, 0.0, 0.0].into())
}

/// A world of entities with four components.
pub(crate) fn things(count: usize) -> World {
    let mut world = empty();
    let thing = |index| -> Thing {
        (Transform::turn(), start(index).into(), start(index).into(), speed(index).into())
    };
    world.spawn_batch((0..count).map(thing));
    world
}

fn move_in_a_loop(world: &mut World, query: &mut Moving) {
    for (position, velocity) in &mut query.query(world) {
        position.x += velocity.x;
        position.y += velocity.y;
        position.z += velocity.z;
    }
}

fn move_borrowed(world: &mut World) {
    world.query::<(&mut Position, &Velocity)>().for_each(|(position, velocity)| {
        position.x += velocity.x;
        position.y += velocity.y;
        position.z += velocity.z;
    });
}
