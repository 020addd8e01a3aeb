//! One large world, and worlds that grow.

use keel::bench::{BenchCase, CheckedRoutine};
use keel::prelude::*;
use keel_bench_suite_types::task::{GROWTH, LARGE};
use keel_bench_suite_types::{Position, Velocity};

use crate::worlds::{moving, sum_of_places};

/// What moves.
pub(crate) type Moving = PreparedQuery<(&'static mut Position, &'static Velocity)>;

pub(crate) fn declare(setup: &mut Setup) {
    let case = BenchCase::new("simple_iter_1m").form("PreparedQuery::query, for_each, one thread");
    setup.bench(case, || CheckedRoutine::new(moving(LARGE), mover(), |world| sum_of_places(world)));
    for entities in GROWTH {
        let case = BenchCase::new(&format!("growth/{entities}")).form("PreparedQuery::query, for_each");
        setup.bench(case.entities(entities as u64), move || {
            CheckedRoutine::new(moving(entities), mover(), |world| sum_of_places(world))
        });
    }
}

/// Moves all entities that can move, again and again.
pub(crate) fn mover() -> impl FnMut(&mut World) {
    let mut query = Moving::new();
    move |world| move_each(world, &mut query)
}

/// Moves all entities that can move.
pub(crate) fn move_each(world: &mut World, query: &mut Moving) {
    move_all(query.query(world));
}

/// The same as a system.
pub(crate) fn move_all(mut moving: Query<(&mut Position, &Velocity)>) {
    moving.for_each(|(position, velocity)| {
        position.x += velocity.x;
        position.y += velocity.y;
        position.z += velocity.z;
    });
}
