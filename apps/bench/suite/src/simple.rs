//! Many entities of one archetype: spawning them, and going through them.

use keel::bench::{BenchCase, CheckedRoutine};
use keel::module::ModelTypeInfo;
use keel::prelude::*;
use keel_bench_suite_types::task::{GROWTH, LARGE, SIMPLE, speed, start};
use keel_bench_suite_types::{Position, Rotation, Transform, Velocity};

use crate::worlds::{moving, sum_of_places, world_of};

type Thing = (Transform, Position, Rotation, Velocity);

pub(crate) fn declare(setup: &mut Setup) {
    let case =
        BenchCase::new("simple_insert").form("World::spawn_batch; the world is made and dropped each time");
    setup.bench(case, || {
        CheckedRoutine::new(0, |spawned| *spawned += insert_all().len(), |spawned| *spawned as f64)
    });
    let case = BenchCase::new("simple_iter").form("World::query, for_each");
    setup.bench(case, || CheckedRoutine::new(things(), move_each, |world| sum_of_places(world)));
    let case = BenchCase::new("simple_iter").variant("for").form("World::query, a plain for loop");
    setup.bench(case, || CheckedRoutine::new(things(), move_in_a_loop, |world| sum_of_places(world)));
    let case = BenchCase::new("simple_iter_1m").form("World::query, for_each, one thread");
    setup.bench(case, || CheckedRoutine::new(moving(LARGE), move_each, |world| sum_of_places(world)));
    for entities in GROWTH {
        let case = BenchCase::new(&format!("growth/{entities}")).form("World::query, for_each");
        let case = case.entities(entities as u64);
        setup.bench(case, move || {
            CheckedRoutine::new(moving(entities), move_each, |world| sum_of_places(world))
        });
    }
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
    let mut world = empty();
    let thing = (
        Transform::turn(),
        Position { x: 1.0, y: 0.0, z: 0.0 },
        Rotation { x: 1.0, y: 0.0, z: 0.0 },
        Velocity { x: 1.0, y: 0.0, z: 0.0 },
    );
    world.spawn_batch((0..SIMPLE).map(|_| thing));
    world
}

fn things() -> World {
    let mut world = empty();
    let thing = |index| -> Thing {
        (Transform::turn(), start(index).into(), start(index).into(), speed(index).into())
    };
    world.spawn_batch((0..SIMPLE).map(thing));
    world
}

fn move_each(world: &mut World) {
    world.query::<(&mut Position, &Velocity)>().for_each(|(position, velocity)| {
        position.x += velocity.x;
        position.y += velocity.y;
        position.z += velocity.z;
    });
}

fn move_in_a_loop(world: &mut World) {
    for (position, velocity) in world.query::<(&mut Position, &Velocity)>().iter() {
        position.x += velocity.x;
        position.y += velocity.y;
        position.z += velocity.z;
    }
}
