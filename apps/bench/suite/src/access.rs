//! Components of entities that somebody has the ids of.

use keel::bench::{BenchCase, CheckedRoutine};
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
    let case = BenchCase::new("random_access").form("World::get").operations(ACCESSED as u64);
    setup.bench(case, || CheckedRoutine::new(lookups(), read_all, |lookups| lookups.sum));
}

fn lookups() -> Lookups {
    let mut world =
        world_of([ModelTypeInfo::component::<Position>(), ModelTypeInfo::component::<Velocity>()]);
    let one = |index| (Position::from(start(index)), Velocity::from(speed(index)));
    let entities = world.spawn_batch((0..ACCESSED).map(one));
    let order = shuffled(ACCESSED).into_iter().map(|index| entities[index]).collect();
    Lookups { world, order, sum: 0.0 }
}

fn read_all(Lookups { world, order, sum }: &mut Lookups) {
    for entity in &*order {
        *sum += f64::from(world.get::<Position>(*entity).expect("all of them live").x);
    }
}
