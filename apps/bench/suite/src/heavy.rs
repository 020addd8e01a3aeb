//! Few entities, and much to compute for each.

use keel::bench::{BenchCase, CheckedRoutine};
use keel::prelude::*;
use keel_bench_suite_types::task::{HEAVY, invert_again_and_again};
use keel_bench_suite_types::{Position, Transform};

use crate::simple::things;
use crate::worlds::sum_of_places;

type Inverted = PreparedQuery<(&'static mut Transform, &'static mut Position)>;

pub(crate) fn declare(setup: &mut Setup) {
    let case = BenchCase::new("heavy_compute").form("PreparedQuery::query, for_each, one thread");
    setup.bench(case, || {
        let mut query = PreparedQuery::new();
        let invert = move |world: &mut World| invert_each(world, &mut query);
        CheckedRoutine::new(things(HEAVY), invert, |world| sum_of_places(world))
    });
}

fn invert_each(world: &mut World, query: &mut Inverted) {
    query.query(world).for_each(|(transform, position)| {
        let mut place = [position.x, position.y, position.z];
        invert_again_and_again(&mut transform.columns, &mut place);
        *position = place.into();
    });
}
