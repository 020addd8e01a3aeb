//! Systems in a schedule: three that have something to do, and many that have not. And the same systems without one, called
//! by hand in their order: what a schedule is measured by.

use std::hint::black_box;
use std::mem::swap;
use std::time::Duration;

use keel::bench::{BenchCase, CheckedRoutine};
use keel::engine::{Engine, EngineConfig, ModuleTag};
use keel::module::ModelTypeInfo;
use keel::prelude::*;
use keel_bench_suite_types::task::{EMPTY_SYSTEMS, SCHEDULED};
use keel_bench_suite_types::{A, B, C, D, E};

use crate::worlds::world_of;

/// What a system goes through that is called by hand.
type Pairs<One, Other> = PreparedQuery<(&'static mut One, &'static mut Other)>;

pub(crate) fn declare(setup: &mut Setup) {
    let case = || BenchCase::new("schedule");
    setup.bench(case().form("Engine::update, one step; systems with a Query each, for_each"), || {
        let mut systems = Setup::new();
        systems.system("ab", swap_ab).system("cd", swap_cd);
        systems.system_with(SystemDescriptor::new("ce").after("cd"), swap_ce);
        CheckedRoutine::new(engine(letters(), systems), update, |engine| sum(engine.world()))
    });
    let form = "Engine::update, one step; systems with a Query each, a plain for loop";
    setup.bench(case().variant("for").form(form), || {
        let mut systems = Setup::new();
        systems.system("ab", swap_ab_in_a_loop).system("cd", swap_cd_in_a_loop);
        systems.system_with(SystemDescriptor::new("ce").after("cd"), swap_ce_in_a_loop);
        CheckedRoutine::new(engine(letters(), systems), update, |engine| sum(engine.world()))
    });
    let form = "no schedule: the same systems called one after the other, with a PreparedQuery each";
    setup.bench(case().variant("sequence").form(form), || {
        let (mut ab, mut cd, mut ce) = (Pairs::<A, B>::new(), Pairs::<C, D>::new(), Pairs::<C, E>::new());
        let run = move |world: &mut World| {
            swap_ab(ab.query(world));
            swap_cd(cd.query(world));
            swap_ce(ce.query(world));
        };
        CheckedRoutine::new(letters(), run, |world| sum(world))
    });
}

pub(crate) fn declare_overhead(setup: &mut Setup) {
    for systems in EMPTY_SYSTEMS {
        let case = || BenchCase::new(&format!("schedule_overhead/{systems}"));
        setup.bench(case().form("Engine::update, one step; systems without parameters"), move || {
            CheckedRoutine::new(empty_systems(systems), update, |engine| {
                // Each step counts itself, and no system has failed.
                engine.time().step as f64 + engine.take_faults().len() as f64
            })
        });
        let form = "no schedule: the same systems called one after the other";
        setup.bench(case().variant("sequence").form(form), move || {
            let call = |(systems, steps): &mut (Vec<fn()>, u64)| {
                black_box(&*systems).iter().for_each(|system| system());
                *steps += 1;
            };
            CheckedRoutine::new((vec![nothing as fn(); systems], 0), call, |(_, steps)| *steps as f64)
        });
    }
}

/// The time of one step.
pub(crate) fn step() -> Duration {
    EngineConfig::default().step
}

/// Makes one step.
pub(crate) fn update(engine: &mut Engine) {
    engine.update(step());
}

/// An engine that runs these systems in this world.
///
/// # Panics
/// When they can't be put in order.
pub(crate) fn engine(world: World, systems: Setup) -> Engine {
    let mut engine = Engine::new(EngineConfig::default());
    *engine.world_mut() = world;
    engine
        .exchange(vec![systems.into_code(&ModuleTag::new("suite"))])
        .expect("the systems can be put in order");
    engine
}

fn letters() -> World {
    let mut world = world_of([
        ModelTypeInfo::component::<A>(),
        ModelTypeInfo::component::<B>(),
        ModelTypeInfo::component::<C>(),
        ModelTypeInfo::component::<D>(),
        ModelTypeInfo::component::<E>(),
    ]);
    let number = |index: usize| (index % 16) as f32;
    let abc = |index: usize| (A(number(index)), B(1.0), C(2.0));
    world.spawn_batch((0..SCHEDULED).map(|index| (A(number(index)), B(1.0))));
    world.spawn_batch((0..SCHEDULED).map(abc));
    world.spawn_batch((0..SCHEDULED).map(|index| (A(number(index)), B(1.0), C(2.0), D(3.0))));
    world.spawn_batch((0..SCHEDULED).map(|index| (A(number(index)), B(1.0), C(2.0), E(4.0))));
    world
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

fn swap_ab_in_a_loop(mut pairs: Query<(&mut A, &mut B)>) {
    for (a, b) in &mut pairs {
        swap(&mut a.0, &mut b.0);
    }
}

fn swap_cd_in_a_loop(mut pairs: Query<(&mut C, &mut D)>) {
    for (c, d) in &mut pairs {
        swap(&mut c.0, &mut d.0);
    }
}

fn swap_ce_in_a_loop(mut pairs: Query<(&mut C, &mut E)>) {
    for (c, e) in &mut pairs {
        swap(&mut c.0, &mut e.0);
    }
}

fn empty_systems(count: usize) -> Engine {
    let mut systems = Setup::new();
    for number in 0..count {
        systems.system(&format!("system {number}"), nothing);
    }
    engine(World::new(), systems)
}

fn nothing() {}

/// A number that tells which value has come to lie in which column.
fn sum(world: &World) -> f64 {
    let mut sum = 0.0;
    world.query::<&A>().for_each(|a| sum += f64::from(a.0));
    world.query::<&B>().for_each(|b| sum += 2.0 * f64::from(b.0));
    world.query::<&C>().for_each(|c| sum += 3.0 * f64::from(c.0));
    world.query::<&D>().for_each(|d| sum += 5.0 * f64::from(d.0));
    world.query::<&E>().for_each(|e| sum += 7.0 * f64::from(e.0));
    sum
}
