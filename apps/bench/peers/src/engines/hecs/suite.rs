//! The cases of ecs_bench_suite.

use std::hint::black_box;
use std::mem::swap;

use hecs::{ChangeTracker, ColumnBatchType, Entity, PreparedQuery, World};
use rayon::iter::{ParallelBridge, ParallelIterator};

use super::{FOR_EACH, go, sum};
use crate::data::{
    A, B, C, D, Data, E, F, G, H, I, J, K, L, M, N, O, P, Position, Q, R, Rotation, S, T, Transform, U, V,
    Velocity, W, X, Y, Z, go_as_numbers, inserted, thing,
};
use crate::routine::Cases;
use crate::task::{
    CHANGED, CHANGED_ONE_IN, HEAVY, PER_FRAGMENT, SCHEDULED, SIMPLE, WATCHED, invert_again_and_again,
};

/// Entities of a batch that one thread takes.
const BATCH: u32 = 64;

pub(super) fn declare(cases: &mut Cases) {
    let form = "World::spawn_batch";
    cases.case("simple_insert", form).runs(
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
    let things = || things(SIMPLE);
    cases.case("simple_iter", FOR_EACH).runs(things, go, sum);
    cases.case("simple_iter", "World::query_mut, a plain for loop").variant("for").runs(
        things,
        go_in_a_loop,
        sum,
    );
    let form = "Archetype::get of whole columns, as numbers";
    cases.case("simple_iter", form).variant("columns").runs(things, go_by_columns, sum);
    cases.case("fragmented_iter", FOR_EACH).runs(fragmented, double_each, sum_of_data);
    let prepared = cases.case("fragmented_iter", "PreparedQuery::query_mut, for_each").variant("prepared");
    prepared.runs(
        || (fragmented(), PreparedQuery::<&mut Data>::new()),
        |(world, query)| query.query_mut(world).for_each(|data| data.0 *= 2.0),
        |(world, _)| sum_of_data(world),
    );
    let form = "World::query_mut, into_iter().for_each, three in sequence";
    cases.case("schedule", form).runs(scheduled, run_systems, sum_of_letters);
    let heavy = || self::things(HEAVY);
    cases.case("heavy_compute", "World::query_mut, for_each, one thread").runs(heavy, invert_each, sum);
    let form = "iter_batched(64), rayon's par_bridge";
    cases.case("heavy_compute", form).variant("threads").runs(heavy, invert_in_threads, sum);
    let form = "World::insert_one for each, then World::remove_one for each";
    cases.case("add_remove", form).runs(changing, add_and_remove, |(world, _)| {
        let sum: f64 = world.query_mut::<&A>().into_iter().map(|a| f64::from(a.0)).sum();
        sum + world.query_mut::<&B>().into_iter().count() as f64
    });
    let form = "View::get_mut for each that is changed; ChangeTracker::track, changed";
    cases.case("changed_iter", form).runs(watched, go_through_changed, |(.., sum)| *sum);
}

/// Those that are changed, and what tells that they were.
type Watched = (World, Vec<Entity>, ChangeTracker<A>, f64);

fn watched() -> Watched {
    let mut world = World::new();
    let entities: Vec<Entity> = world.spawn_batch((0..WATCHED).map(|_| (A(0.0),))).collect();
    let mut tracker = ChangeTracker::new();
    // It begins with what was there when it was asked first.
    drop(tracker.track(&mut world));
    (world, entities.into_iter().step_by(CHANGED_ONE_IN).collect(), tracker, 0.0)
}

fn go_through_changed((world, chosen, tracker, sum): &mut Watched) {
    let mut view = world.view_mut::<&mut A>();
    for entity in &*chosen {
        view.get_mut(*entity).expect("it lives").0 += 1.0;
    }
    tracker.track(world).changed().for_each(|(_, _, a)| *sum += f64::from(a.0));
}

fn go_by_columns(world: &mut World) {
    for archetype in world.archetypes() {
        let columns = archetype.get::<&mut Position>().zip(archetype.get::<&Velocity>());
        if let Some((mut positions, velocities)) = columns {
            go_as_numbers(&mut positions, &velocities);
        }
    }
}

fn insert_columns() -> World {
    let mut types = ColumnBatchType::new();
    types.add::<Transform>().add::<Position>().add::<Rotation>().add::<Velocity>();
    let batch = types.into_batch(SIMPLE as u32);
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

/// A world of entities with four components.
pub(super) fn things(count: usize) -> World {
    let mut world = World::new();
    world.spawn_batch((0..count).map(thing));
    world
}

fn go_in_a_loop(world: &mut World) {
    for (position, velocity) in world.query_mut::<(&mut Position, &Velocity)>() {
        position.go(velocity);
    }
}

macro_rules! fragments {
    ($($letter:ident)+) => {
        fn fragmented() -> World {
            let mut world = World::new();
            $(world.spawn_batch((0..PER_FRAGMENT).map(|_| ($letter(0.0), Data(1.0))));)+
            world
        }
    };
}

fragments! { A B C D E F G H I J K L M N O P Q R S T U V W X Y Z }

fn double_each(world: &mut World) {
    world.query_mut::<&mut Data>().into_iter().for_each(|data| data.0 *= 2.0);
}

fn sum_of_data(world: &mut World) -> f64 {
    world.query_mut::<&Data>().into_iter().map(|data| f64::from(data.0)).sum()
}

fn scheduled() -> World {
    let mut world = World::new();
    let a = |index: usize| A((index % 16) as f32);
    world.spawn_batch((0..SCHEDULED).map(|index| (a(index), B(1.0))));
    world.spawn_batch((0..SCHEDULED).map(|index| (a(index), B(1.0), C(2.0))));
    world.spawn_batch((0..SCHEDULED).map(|index| (a(index), B(1.0), C(2.0), D(3.0))));
    world.spawn_batch((0..SCHEDULED).map(|index| (a(index), B(1.0), C(2.0), E(4.0))));
    world
}

fn run_systems(world: &mut World) {
    world.query_mut::<(&mut A, &mut B)>().into_iter().for_each(|(a, b)| swap(&mut a.0, &mut b.0));
    world.query_mut::<(&mut C, &mut D)>().into_iter().for_each(|(c, d)| swap(&mut c.0, &mut d.0));
    world.query_mut::<(&mut C, &mut E)>().into_iter().for_each(|(c, e)| swap(&mut c.0, &mut e.0));
}

fn sum_of_letters(world: &mut World) -> f64 {
    let a: f64 = world.query_mut::<&A>().into_iter().map(|it| f64::from(it.0)).sum();
    let b: f64 = world.query_mut::<&B>().into_iter().map(|it| f64::from(it.0)).sum();
    let c: f64 = world.query_mut::<&C>().into_iter().map(|it| f64::from(it.0)).sum();
    let d: f64 = world.query_mut::<&D>().into_iter().map(|it| f64::from(it.0)).sum();
    let e: f64 = world.query_mut::<&E>().into_iter().map(|it| f64::from(it.0)).sum();
    a + 2.0 * b + 3.0 * c + 5.0 * d + 7.0 * e
}

fn invert((transform, position): (&mut Transform, &mut Position)) {
    let mut place = (*position).into();
    invert_again_and_again(&mut transform.columns, &mut place);
    *position = place.into();
}

fn invert_each(world: &mut World) {
    world.query_mut::<(&mut Transform, &mut Position)>().into_iter().for_each(invert);
}

fn invert_in_threads(world: &mut World) {
    let mut query = world.query::<(&mut Transform, &mut Position)>();
    query.iter_batched(BATCH).par_bridge().for_each(|batch| batch.for_each(invert));
}

fn changing() -> (World, Vec<Entity>) {
    let mut world = World::new();
    let entities = world.spawn_batch((0..CHANGED).map(|index| (A((index % 16) as f32),))).collect();
    (world, entities)
}

fn add_and_remove((world, entities): &mut (World, Vec<Entity>)) {
    for entity in &*entities {
        world.insert_one(*entity, B(1.0)).expect("it lives");
    }
    for entity in &*entities {
        world.remove_one::<B>(*entity).expect("it was just given one");
    }
}
