//! Components that come and go.

use keel::bench::{BenchCase, CheckedRoutine};
use keel::module::ModelTypeInfo;
use keel::prelude::*;
use keel_bench_suite_types::task::CHANGED;
use keel_bench_suite_types::{A, B};

use crate::worlds::world_of;

struct Changing {
    world: World,
    entities: Vec<Entity>,
}

pub(crate) fn declare(setup: &mut Setup) {
    let case =
        BenchCase::new("add_remove").form("World::insert for each, then World::remove for each; columns");
    setup.bench(case, || CheckedRoutine::new(changing(), add_and_remove, |changing| sum(changing)));
}

fn changing() -> Changing {
    let mut world = world_of([ModelTypeInfo::component::<A>(), ModelTypeInfo::component::<B>()]);
    let entities = world.spawn_batch((0..CHANGED).map(|index| (A((index % 16) as f32),)));
    Changing { world, entities }
}

fn add_and_remove(Changing { world, entities }: &mut Changing) {
    for entity in &*entities {
        world.insert(*entity, (B(1.0),)).expect("it lives");
    }
    for entity in &*entities {
        world.remove::<(B,)>(*entity).expect("it was just given one");
    }
}

/// What they have kept; nobody has a `B` any more.
fn sum(Changing { world, .. }: &Changing) -> f64 {
    let mut sum = 0.0;
    world.query::<&A>().for_each(|a| sum += f64::from(a.0));
    sum + world.query::<&B>().count() as f64
}
