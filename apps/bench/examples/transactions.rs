//! What transactions cost, and what the test for one costs whoever asks for none:
//! `cargo run --release -p keel-bench --example transactions`.

#![allow(clippy::print_stdout, reason = "the table is what this program is for")]
#![allow(clippy::unwrap_used, reason = "whatever fails ends the measurement")]

use std::time::{Duration, Instant};

use keel::ecs::{EcsError, ModelTypeInfo, World};
use keel::prelude::*;

const COUNT: usize = 10_000;

#[component]
struct Position {
    x: f32,
    y: f32,
    z: f32,
}

#[component]
struct Tag {
    value: u32,
}

#[component(sparse)]
struct Lit {
    value: u32,
}

fn new_world() -> (World, Vec<Entity>) {
    let mut world = World::new();
    world.register(ModelTypeInfo::component::<Position>()).unwrap();
    world.register(ModelTypeInfo::component::<Tag>()).unwrap();
    world.register(ModelTypeInfo::component::<Lit>()).unwrap();
    let entities = world.spawn_batch((0..COUNT).map(|index| {
        let x = index as f32;
        (Position { x, y: x, z: x },)
    }));
    (world, entities)
}

/// The best of many runs, for one operation of `COUNT`.
fn measure(name: &str, count: usize, mut run: impl FnMut() -> Duration) {
    let best = (0..100).map(|_| run()).min().unwrap_or_default();
    println!("{name:<60} {:>9.2} ns", best.as_secs_f64() * 1e9 / count as f64);
}

fn timed(run: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    run();
    begun.elapsed()
}

fn changes(world: &mut World, entities: &[Entity]) {
    for entity in entities {
        world.insert(*entity, (Tag { value: 1 },)).unwrap();
    }
    for entity in entities {
        drop(world.remove::<(Tag,)>(*entity));
    }
}

fn main() {
    let (mut world, entities) = new_world();
    measure("spawn and despawn", COUNT, || {
        timed(|| {
            let spawned: Vec<_> = (0..COUNT).map(|_| world.spawn((Tag { value: 1 },))).collect();
            spawned.into_iter().for_each(|entity| world.despawn(entity).unwrap());
        })
    });
    measure("insert and remove, column", COUNT, || timed(|| changes(&mut world, &entities)));
    measure("insert and remove, sparse", COUNT, || {
        timed(|| {
            for entity in &entities {
                world.insert(*entity, (Lit { value: 1 },)).unwrap();
            }
            for entity in &entities {
                drop(world.remove::<(Lit,)>(*entity));
            }
        })
    });
    measure("get_mut", COUNT, || {
        timed(|| entities.iter().for_each(|entity| world.get_mut::<Position>(*entity).unwrap().x += 1.0))
    });
    let mut query = PreparedQuery::<&mut Position>::new();
    measure("beginning a prepared query", COUNT, || {
        timed(|| {
            for _ in 0..COUNT {
                std::hint::black_box(query.query(&mut world));
            }
        })
    });
    transactions(&mut world, &entities);
}

fn transactions(world: &mut World, entities: &[Entity]) {
    let fail = |done: bool| if done { Ok(()) } else { Err(EcsError::NoSuchEntity { entity: entities[0] }) };
    for done in [true, false] {
        let end = if done { "kept" } else { "undone" };
        measure(&format!("an empty transaction, {end}"), 1, || {
            timed(|| drop(world.transaction(|_| fail(done))))
        });
        measure(&format!("get_mut of one in a transaction of all, {end}"), COUNT, || {
            timed(|| {
                let _ = world.transaction(|world| {
                    entities.iter().for_each(|entity| world.get_mut::<Position>(*entity).unwrap().x += 1.0);
                    fail(done)
                });
            })
        });
        measure(&format!("a query over all in a transaction, of each row, {end}"), COUNT, || {
            timed(|| {
                let _ = world.transaction(|world| {
                    world.query::<&mut Position>().for_each(|position| position.x += 1.0);
                    fail(done)
                });
            })
        });
        measure(&format!("insert and remove, column, in a transaction of all, {end}"), COUNT, || {
            timed(|| {
                let _ = world.transaction(|world| {
                    changes(world, entities);
                    fail(done)
                });
            })
        });
        measure(&format!("a payment between two, {end}"), 1, || {
            timed(|| {
                let _ = world.transaction(|world| {
                    world.get_mut::<Position>(entities[7]).unwrap().x += 1.0;
                    world.get_mut::<Position>(entities[9]).unwrap().x -= 1.0;
                    fail(done)
                });
            })
        });
    }
}
