//! One large world, and worlds that grow.

use keel::bench::{BenchCase, CheckedRoutine};
use keel::prelude::*;
use keel_bench_suite_types::task::{GROWTH, LARGE};
use keel_bench_suite_types::{Position, Velocity};

use crate::worlds::{moving, sum_of_places};

pub(crate) fn declare(setup: &mut Setup) {
    let case = BenchCase::new("simple_iter_1m").form("World::query, for_each, one thread");
    setup.bench(case, || CheckedRoutine::new(moving(LARGE), move_each, |world| sum_of_places(world)));
    for entities in GROWTH {
        let case = BenchCase::new(&format!("growth/{entities}")).form("World::query, for_each");
        setup.bench(case.entities(entities as u64), move || {
            CheckedRoutine::new(moving(entities), move_each, |world| sum_of_places(world))
        });
    }
}

/// Moves all entities that can move.
pub(crate) fn move_each(world: &mut World) {
    world.query::<(&mut Position, &Velocity)>().for_each(|(position, velocity)| {
        position.x += velocity.x;
        position.y += velocity.y;
        position.z += velocity.z;
    });
}
