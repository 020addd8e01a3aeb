//! Few entities, and much to compute for each.

use keel::bench::{BenchCase, CheckedRoutine};
use keel::prelude::*;
use keel_bench_suite_types::task::{HEAVY, invert_again_and_again};
use keel_bench_suite_types::{Position, Transform};

use crate::schedule::{engine, update};
use crate::simple::things;
use crate::worlds::sum_of_places;

type Inverted = PreparedQuery<(&'static mut Transform, &'static mut Position)>;

pub(crate) fn declare(setup: &mut Setup) {
    let case = || BenchCase::new("heavy_compute");
    setup.bench(case().form("Engine::update, one step; one system, for_each, one thread"), || {
        let mut systems = Setup::new();
        systems.system("invert", invert_each);
        CheckedRoutine::new(engine(things(HEAVY), systems), update, |engine| sum_of_places(engine.world()))
    });
    let form = "Engine::update, one step; one system, a plain for loop, one thread";
    setup.bench(case().variant("for").form(form), || {
        let mut systems = Setup::new();
        systems.system("invert", invert_in_a_loop);
        CheckedRoutine::new(engine(things(HEAVY), systems), update, |engine| sum_of_places(engine.world()))
    });
    let form = "no schedule: the same system called with a PreparedQuery, for_each, one thread";
    setup.bench(case().variant("sequence").form(form), || {
        let mut query = Inverted::new();
        let run = move |world: &mut World| invert_each(query.query(world));
        CheckedRoutine::new(things(HEAVY), run, |world| sum_of_places(world))
    });
    let form = "Engine::update, one step; one system, Workers::visit";
    setup.bench(case().variant("threads").form(form), || {
        let mut systems = Setup::new();
        systems.system("invert", invert_side_by_side);
        CheckedRoutine::new(engine(things(HEAVY), systems), update, |engine| sum_of_places(engine.world()))
    });
}

fn invert_each(mut things: Query<(&mut Transform, &mut Position)>) {
    things.for_each(|(transform, position)| invert(transform, position));
}

fn invert_in_a_loop(mut things: Query<(&mut Transform, &mut Position)>) {
    for (transform, position) in &mut things {
        invert(transform, position);
    }
}

fn invert_side_by_side(mut things: Query<(&mut Transform, &mut Position)>, workers: Workers) {
    workers.visit(&mut things, |(transform, position)| invert(transform, position));
}

fn invert(transform: &mut Transform, position: &mut Position) {
    let mut place = [position.x, position.y, position.z];
    invert_again_and_again(&mut transform.columns, &mut place);
    *position = place.into();
}
