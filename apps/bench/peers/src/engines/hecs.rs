//! hecs: archetypes, without a schedule of its own.

use std::hint::black_box;

use hecs::{ColumnBatchType, World};

use crate::data::{Position, Rotation, Transform, Velocity, inserted, moving, thing};
use crate::protocol::Storage;
use crate::routine::Cases;
use crate::task::{GROWTH, LARGE, SIMPLE};

pub(crate) fn cases() -> Cases {
    let mut cases = Cases::new("hecs", Storage::Archetypes);
    simple(&mut cases);
    cases
}

fn simple(cases: &mut Cases) {
    cases.case("simple_insert", "World::spawn_batch").runs(
        || 0,
        |count| {
            let mut world = World::new();
            world.spawn_batch((0..SIMPLE).map(|_| inserted()));
            *count += black_box(&world).len();
        },
        |count| f64::from(*count),
    );
    cases.case("simple_insert", "ColumnBatch, a column at a time").variant("columns").runs(
        || 0,
        |count| *count += black_box(insert_columns()).len(),
        |count| f64::from(*count),
    );
    let form = "World::query_mut, into_iter().for_each";
    cases.case("simple_iter", form).runs(things, |world| go(world), sum);
    cases.case("simple_iter", "World::query_mut, a plain for loop").variant("for").runs(
        things,
        go_in_a_loop,
        sum,
    );
    cases.case("simple_iter_1m", form).runs(|| many(LARGE), |world| go(world), sum);
    for entities in GROWTH {
        let case = cases.case(&format!("growth/{entities}"), form).entities(entities);
        case.runs(move || many(entities), |world| go(world), sum);
    }
}

fn insert_columns() -> World {
    let mut types = ColumnBatchType::new();
    types.add::<Transform>().add::<Position>().add::<Rotation>().add::<Velocity>();
    let mut batch = types.into_batch(SIMPLE as u32);
    let (transform, position, rotation, velocity) = inserted();
    macro_rules! fill {
        ($value:ident: $column:ty) => {{
            let mut column = batch.writer::<$column>().expect("the type is one of the batch");
            for _ in 0..SIMPLE {
                let _ = column.push($value);
            }
        }};
    }
    fill!(transform: Transform);
    fill!(position: Position);
    fill!(rotation: Rotation);
    fill!(velocity: Velocity);
    let mut world = World::new();
    world.spawn_column_batch(batch.build().expect("all columns are full"));
    world
}

fn things() -> World {
    let mut world = World::new();
    world.spawn_batch((0..SIMPLE).map(thing));
    world
}

fn many(count: usize) -> World {
    let mut world = World::new();
    world.spawn_batch((0..count).map(moving));
    world
}

fn go(world: &mut World) {
    world.query_mut::<(&mut Position, &Velocity)>().into_iter().for_each(|(position, velocity)| {
        position.go(velocity);
    });
}

fn go_in_a_loop(world: &mut World) {
    for (position, velocity) in world.query_mut::<(&mut Position, &Velocity)>() {
        position.go(velocity);
    }
}

fn sum(world: &mut World) -> f64 {
    world.query_mut::<&Position>().into_iter().map(|position| f64::from(position.x)).sum()
}
