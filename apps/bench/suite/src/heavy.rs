//! Few entities, and much to compute for each.

use keel::bench::{BenchCase, CheckedRoutine};
use keel::engine::{Engine, EngineConfig, ModuleTag};
use keel::prelude::*;
use keel_bench_suite_types::task::{HEAVY, invert_again_and_again};
use keel_bench_suite_types::{Position, Transform};

use crate::schedule::step;
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
    let form = "Engine::update, one step; one system, Workers::visit";
    setup.bench(BenchCase::new("heavy_compute").variant("threads").form(form), || {
        let mut engine = Engine::new(EngineConfig::default());
        *engine.world_mut() = things(HEAVY);
        engine
            .add_system(&ModuleTag::new("heavy"), SystemDescriptor::new("invert"), invert_side_by_side)
            .expect("it is the only system");
        let invert = |engine: &mut Engine| engine.update(step());
        CheckedRoutine::new(engine, invert, |engine| sum_of_places(engine.world()))
    });
}

fn invert_each(world: &mut World, query: &mut Inverted) {
    query.query(world).for_each(|(transform, position)| invert(transform, position));
}

fn invert_side_by_side(mut things: Query<(&mut Transform, &mut Position)>, workers: Workers) {
    workers.visit(&mut things, |(transform, position)| invert(transform, position));
}

fn invert(transform: &mut Transform, position: &mut Position) {
    let mut place = [position.x, position.y, position.z];
    invert_again_and_again(&mut transform.columns, &mut place);
    *position = place.into();
}
