//! Systems in a schedule: three that have something to do, and many that have not.

use std::mem::swap;
use std::time::Duration;

use keel::bench::{BenchCase, CheckedRoutine};
use keel::engine::{Engine, EngineConfig, ModuleTag};
use keel::module::ModelTypeInfo;
use keel::prelude::*;
use keel_bench_suite_types::task::{EMPTY_SYSTEMS, SCHEDULED};
use keel_bench_suite_types::{A, B, C, D, E};

pub(crate) fn declare(setup: &mut Setup) {
    let case =
        BenchCase::new("schedule").form("Engine::update, one step; systems with a Query each, for_each");
    setup.bench(case, || {
        CheckedRoutine::new(scheduled(), |engine| engine.update(step()), |engine| sum(engine))
    });
}

pub(crate) fn declare_overhead(setup: &mut Setup) {
    for systems in EMPTY_SYSTEMS {
        let case = BenchCase::new(&format!("schedule_overhead/{systems}"))
            .form("Engine::update, one step; systems without parameters");
        setup.bench(case, move || {
            CheckedRoutine::new(
                empty_systems(systems),
                |engine| engine.update(step()),
                |engine| {
                    // Each step counts itself, and no system has failed.
                    engine.time().step as f64 + engine.take_faults().len() as f64
                },
            )
        });
    }
}

/// The time of one step.
pub(crate) fn step() -> Duration {
    EngineConfig::default().step
}

fn scheduled() -> Engine {
    let mut engine = Engine::new(EngineConfig::default());
    let types = [
        ModelTypeInfo::component::<A>(),
        ModelTypeInfo::component::<B>(),
        ModelTypeInfo::component::<C>(),
        ModelTypeInfo::component::<D>(),
        ModelTypeInfo::component::<E>(),
    ];
    let world = engine.world_mut();
    for info in types {
        world.register(info).expect("the names of the suite's types are different");
    }
    let number = |index: usize| (index % 16) as f32;
    let abc = |index: usize| (A(number(index)), B(1.0), C(2.0));
    world.spawn_batch((0..SCHEDULED).map(|index| (A(number(index)), B(1.0))));
    world.spawn_batch((0..SCHEDULED).map(abc));
    world.spawn_batch((0..SCHEDULED).map(|index| (A(number(index)), B(1.0), C(2.0), D(3.0))));
    world.spawn_batch((0..SCHEDULED).map(|index| (A(number(index)), B(1.0), C(2.0), E(4.0))));
    let module = ModuleTag::new("suite");
    let system = SystemDescriptor::new;
    let added = engine
        .add_system(&module, system("ab"), swap_ab)
        .and_then(|()| engine.add_system(&module, system("cd"), swap_cd))
        .and_then(|()| engine.add_system(&module, system("ce").after("cd"), swap_ce));
    added.expect("their names are different, and their order is no circle");
    engine
}

fn swap_ab(mut pairs: Query<(&mut A, &mut B)>) {
    pairs.for_each(|(a, b)| swap(&mut a.0, &mut b.0));
}

fn swap_cd(mut pairs: Query<(&mut C, &mut D)>) {
    pairs.for_each(|(c, d)| swap(&mut c.0, &mut d.0));
}

fn swap_ce(mut pairs: Query<(&mut C, &mut E)>) {
    pairs.for_each(|(c, e)| swap(&mut c.0, &mut e.0));
}

fn empty_systems(count: usize) -> Engine {
    let mut engine = Engine::new(EngineConfig::default());
    let module = ModuleTag::new("suite");
    for number in 0..count {
        let name = format!("system {number}");
        let added = engine.add_system(&module, SystemDescriptor::new(&name), || {});
        added.expect("each has a name of its own");
    }
    engine
}

/// A number that tells which value has come to lie in which column.
fn sum(engine: &Engine) -> f64 {
    let world = engine.world();
    let mut sum = 0.0;
    world.query::<&A>().for_each(|a| sum += f64::from(a.0));
    world.query::<&B>().for_each(|b| sum += 2.0 * f64::from(b.0));
    world.query::<&C>().for_each(|c| sum += 3.0 * f64::from(c.0));
    world.query::<&D>().for_each(|d| sum += 5.0 * f64::from(d.0));
    world.query::<&E>().for_each(|e| sum += 7.0 * f64::from(e.0));
    sum
}
