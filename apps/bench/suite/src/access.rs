//! Components of entities that somebody has the ids of: where their types are known, and by paths.

use keel::bench::{BenchCase, CheckedRoutine};
use keel::ecs::PreparedPath;
use keel::module::ModelTypeInfo;
use keel::prelude::*;
use keel_bench_suite_types::task::{ACCESSED, shuffled, speed, start};
use keel_bench_suite_types::{Position, Velocity};

use crate::worlds::world_of;

struct Lookups {
    world: World,
    order: Vec<Entity>,
    sum: f64,
}

pub(crate) fn declare(setup: &mut Setup) {
    declare_random(setup);
    declare_paths(setup);
}

fn declare_random(setup: &mut Setup) {
    let case = || BenchCase::new("random_access").operations(ACCESSED as u64);
    setup.bench(case().form("PreparedQuery::query once, Query::get for each"), || {
        let mut query = PreparedQuery::new();
        let read = move |lookups: &mut Lookups| read_all(lookups, &mut query);
        CheckedRoutine::new(lookups(shuffled(ACCESSED)), read, |lookups| lookups.sum)
    });
    setup.bench(case().variant("borrowed").form("World::get for each"), || {
        CheckedRoutine::new(lookups(shuffled(ACCESSED)), borrow_all, |lookups| lookups.sum)
    });
}

/// In the order of the rows, so that it is the way that is measured, and not the memory.
fn declare_paths(setup: &mut Setup) {
    let case = || BenchCase::new("path_read").operations(ACCESSED as u64);
    let in_order = || lookups((0..ACCESSED).collect());
    setup.bench(case().form("PreparedPath::read of \"Position.x\" for each"), move || {
        let mut path = PreparedPath::parse("Position.x").expect("it is a path");
        let read = move |lookups: &mut Lookups| read_path(lookups, &mut path);
        CheckedRoutine::new(in_order(), read, |lookups| lookups.sum)
    });
    setup.bench(case().variant("typed").form("the type is known: Query::get for each"), move || {
        let mut query = PreparedQuery::new();
        let read = move |lookups: &mut Lookups| read_all(lookups, &mut query);
        CheckedRoutine::new(in_order(), read, |lookups| lookups.sum)
    });
}

/// Entities, and the order in which they are read.
fn lookups(order: Vec<usize>) -> Lookups {
    let mut world =
        world_of([ModelTypeInfo::component::<Position>(), ModelTypeInfo::component::<Velocity>()]);
    let one = |index| (Position::from(start(index)), Velocity::from(speed(index)));
    let entities = world.spawn_batch((0..ACCESSED).map(one));
    let order = order.into_iter().map(|index| entities[index]).collect();
    Lookups { world, order, sum: 0.0 }
}

fn read_all(Lookups { world, order, sum }: &mut Lookups, query: &mut PreparedQuery<&'static Position>) {
    let query = query.query(world);
    for entity in &*order {
        *sum += f64::from(query.get(*entity).expect("all of them live").x);
    }
}

fn borrow_all(Lookups { world, order, sum }: &mut Lookups) {
    for entity in &*order {
        *sum += f64::from(world.get::<Position>(*entity).expect("all of them live").x);
    }
}

fn read_path(Lookups { world, order, sum }: &mut Lookups, path: &mut PreparedPath) {
    for entity in &*order {
        *sum += path.read::<f64>(world, *entity).expect("all of them live");
    }
}
