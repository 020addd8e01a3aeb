//! The cases of ecs_bench_suite.

use std::hint::black_box;

use bevy_ecs::prelude::*;
use bevy_tasks::{ComputeTaskPool, TaskPool};

use super::{FOR_EACH, go, moving_of, schedule, sum, sum_of_places};
use crate::data::{
    A, B, C, D, Data, E, F, G, H, I, J, K, L, M, N, O, P, Position, Q, R, S, T, Transform, U, V, W, X, Y, Z,
    inserted, thing,
};
use crate::protocol::Storage;
use crate::routine::Cases;
use crate::task::{CHANGED, CHANGED_ONE_IN, HEAVY, PER_FRAGMENT, SIMPLE, WATCHED, invert_again_and_again};

/// As [`Data`], in a sparse set.
#[derive(Component)]
#[component(storage = "SparseSet")]
struct SparseData(f32);

/// As [`B`], in a sparse set.
#[derive(Component)]
#[component(storage = "SparseSet")]
struct SparseB(#[allow(dead_code, reason = "it is only there")] f32);

pub(super) fn declare(cases: &mut Cases) {
    cases.case("simple_insert", "World::spawn_batch").runs(
        // A world has entities of its own from the beginning.
        || (living(&World::new()), 0),
        |(own, count)| {
            let mut world = World::new();
            world.spawn_batch((0..SIMPLE).map(|_| inserted()));
            *count += living(black_box(&world)) - *own;
        },
        |(_, count)| f64::from(*count),
    );
    let things = || moving_of(|world| drop(world.spawn_batch((0..SIMPLE).map(thing))));
    cases.case("simple_iter", FOR_EACH).runs(things, go, sum);
    cases.case("simple_iter", "QueryState::iter_mut, a plain for loop").variant("for").runs(
        things,
        |(world, query)| {
            for (mut position, velocity) in query.iter_mut(world) {
                position.go(velocity);
            }
        },
        sum,
    );
    let form = "QueryState::contiguous_iter_mut, whole columns";
    cases.case("simple_iter", form).variant("columns").runs(
        things,
        |(world, query)| {
            let tables = query.contiguous_iter_mut(world).expect("tables are dense");
            tables.for_each(|(positions, velocities)| {
                positions.into_iter().zip(velocities).for_each(|(position, velocity)| position.go(velocity));
            });
        },
        sum,
    );
    declare_fragments(cases);
    schedule::declare(cases);
    declare_heavy(cases);
    declare_changes(cases);
    declare_changed(cases);
}

/// How many entities live.
fn living(world: &World) -> u32 {
    world.entities().count_spawned()
}

macro_rules! fragments {
    ($make:ident: $data:ident $($letter:ident)+) => {
        fn $make() -> (World, QueryState<&'static mut $data>) {
            let mut world = World::new();
            $(world.spawn_batch((0..PER_FRAGMENT).map(|_| ($letter(0.0), $data(1.0))));)+
            let query = world.query();
            (world, query)
        }
    };
}

fragments! { fragmented: Data A B C D E F G H I J K L M N O P Q R S T U V W X Y Z }
fragments! { fragmented_sparse: SparseData A B C D E F G H I J K L M N O P Q R S T U V W X Y Z }

fn declare_fragments(cases: &mut Cases) {
    cases.case("fragmented_iter", FOR_EACH).runs(
        fragmented,
        |(world, query)| query.iter_mut(world).for_each(|mut data| data.0 *= 2.0),
        |(world, query)| query.iter(world).map(|data| f64::from(data.0)).sum(),
    );
    let form = "QueryState::iter_mut, for_each, the component in a sparse set";
    let sparse = cases.case("fragmented_iter", form).variant("sparse").storage(Storage::SparseSets);
    sparse.runs(
        fragmented_sparse,
        |(world, query)| query.iter_mut(world).for_each(|mut data| data.0 *= 2.0),
        |(world, query)| query.iter(world).map(|data| f64::from(data.0)).sum(),
    );
}

/// Things to compute with, and the query that does.
type Heavy = (World, QueryState<(&'static mut Transform, &'static mut Position)>);

fn heavy() -> Heavy {
    ComputeTaskPool::get_or_init(TaskPool::default);
    let mut world = World::new();
    world.spawn_batch((0..HEAVY).map(thing));
    let query = world.query();
    (world, query)
}

fn invert((mut transform, mut position): (Mut<'_, Transform>, Mut<'_, Position>)) {
    let mut place = (*position).into();
    invert_again_and_again(&mut transform.columns, &mut place);
    *position = place.into();
}

fn declare_heavy(cases: &mut Cases) {
    cases.case("heavy_compute", "QueryState::iter_mut, for_each, one thread").runs(
        heavy,
        |(world, query)| query.iter_mut(world).for_each(invert),
        |(world, _)| sum_of_places(world),
    );
    cases.case("heavy_compute", "QueryState::par_iter_mut").variant("threads").runs(
        heavy,
        |(world, query)| query.par_iter_mut(world).for_each(invert),
        |(world, _)| sum_of_places(world),
    );
}

fn changing() -> (World, Vec<Entity>) {
    let mut world = World::new();
    let entities = world.spawn_batch((0..CHANGED).map(|index| A((index % 16) as f32))).collect();
    (world, entities)
}

fn declare_changed(cases: &mut Cases) {
    let form = "QueryState::get_mut for each that is changed; Changed, QueryState::iter, for_each";
    cases.case("changed_iter", form).runs(
        || {
            let mut world = World::new();
            let entities: Vec<Entity> = world.spawn_batch((0..WATCHED).map(|_| A(0.0))).collect();
            let chosen: Vec<_> = entities.into_iter().step_by(CHANGED_ONE_IN).collect();
            let changing = world.query::<&mut A>();
            let new = world.query_filtered::<&A, Changed<A>>();
            (world, chosen, changing, new, 0.0)
        },
        |(world, chosen, changing, new, sum)| {
            world.clear_trackers();
            let mut changing = changing.query_mut(&mut *world);
            for entity in &*chosen {
                changing.get_mut(*entity).expect("it lives").0 += 1.0;
            }
            new.iter(world).for_each(|a| *sum += f64::from(a.0));
        },
        |(.., sum)| *sum,
    );
}

/// What they have kept, and how many have still a `T`.
fn left<T: Component>((world, _): &mut (World, Vec<Entity>)) -> f64 {
    let sum: f64 = world.query::<&A>().iter(world).map(|a| f64::from(a.0)).sum();
    sum + world.query::<&T>().iter(world).count() as f64
}

fn declare_changes(cases: &mut Cases) {
    let form = "EntityWorldMut::insert for each, then remove for each; tables";
    cases.case("add_remove", form).runs(
        changing,
        |(world, entities)| {
            for entity in &*entities {
                world.entity_mut(*entity).insert(B(1.0));
            }
            for entity in &*entities {
                world.entity_mut(*entity).remove::<B>();
            }
        },
        left::<B>,
    );
    let form = "World::insert_batch, then EntityWorldMut::remove for each; tables";
    cases.case("add_remove", form).variant("batch").runs(
        changing,
        |(world, entities)| {
            world.insert_batch(entities.iter().map(|entity| (*entity, B(1.0))));
            for entity in &*entities {
                world.entity_mut(*entity).remove::<B>();
            }
        },
        left::<B>,
    );
    let form = "EntityWorldMut::insert for each, then remove for each; a sparse set";
    cases.case("add_remove", form).variant("sparse").storage(Storage::SparseSets).runs(
        changing,
        |(world, entities)| {
            for entity in &*entities {
                world.entity_mut(*entity).insert(SparseB(1.0));
            }
            for entity in &*entities {
                world.entity_mut(*entity).remove::<SparseB>();
            }
        },
        left::<SparseB>,
    );
    let form = "World::insert_batch, then EntityWorldMut::remove for each; a sparse set";
    cases.case("add_remove", form).variant("sparse batch").storage(Storage::SparseSets).runs(
        changing,
        |(world, entities)| {
            world.insert_batch(entities.iter().map(|entity| (*entity, SparseB(1.0))));
            for entity in &*entities {
                world.entity_mut(*entity).remove::<SparseB>();
            }
        },
        left::<SparseB>,
    );
}
