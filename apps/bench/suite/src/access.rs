//! Components of entities that somebody has the ids of: where their types are known, and by paths. And functions
//! that somebody has the names of.

use std::hint::black_box;

use keel::bench::{BenchCase, CheckedRoutine};
use keel::ecs::PreparedPath;
use keel::engine::{Engine, EngineConfig, ModuleTag, PreparedCall};
use keel::module::ModelTypeInfo;
use keel::prelude::*;
use keel_bench_suite_types::task::{self, ACCESSED, CALLS, shuffled, speed, start};
use keel_bench_suite_types::{Position, Velocity};

use crate::worlds::{sum_of_places, world_of};

struct Lookups {
    world: World,
    order: Vec<Entity>,
    /// Of what was read; or how often all were written.
    sum: f64,
}

pub(crate) fn declare(setup: &mut Setup) {
    declare_random(setup);
    declare_reads(setup);
    declare_writes(setup);
    declare_calls(setup);
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
fn in_order() -> Lookups {
    lookups((0..ACCESSED).collect())
}

fn declare_reads(setup: &mut Setup) {
    let case = || BenchCase::new("path_read").operations(ACCESSED as u64);
    setup.bench(case().form("PreparedPath::read of \"Position.x\" for each"), move || {
        let mut path = PreparedPath::parse("Position.x").expect("it is a path");
        let read = move |lookups: &mut Lookups| read_path(lookups, &mut path);
        CheckedRoutine::new(in_order(), read, |lookups| lookups.sum)
    });
    setup.bench(
        case().variant("exclusive").form("PreparedPath::query once, PathQuery::read for each"),
        move || {
            let mut path = PreparedPath::parse("Position.x").expect("it is a path");
            let read = move |lookups: &mut Lookups| query_path(lookups, &mut path);
            CheckedRoutine::new(in_order(), read, |lookups| lookups.sum)
        },
    );
    setup.bench(case().variant("typed").form("the type is known: Query::get for each"), move || {
        let mut query = PreparedQuery::new();
        let read = move |lookups: &mut Lookups| read_all(lookups, &mut query);
        CheckedRoutine::new(in_order(), read, |lookups| lookups.sum)
    });
}

fn declare_writes(setup: &mut Setup) {
    let case = || BenchCase::new("path_write").operations(ACCESSED as u64);
    setup.bench(case().form("PreparedPath::write to \"Position.x\" for each"), move || {
        let mut path = PreparedPath::parse("Position.x").expect("it is a path");
        let write = move |lookups: &mut Lookups| write_path(lookups, &mut path);
        CheckedRoutine::new(in_order(), write, |lookups| sum_of_places(&lookups.world))
    });
    setup.bench(
        case().variant("exclusive").form("PreparedPath::query once, PathQuery::write for each"),
        move || {
            let mut path = PreparedPath::parse("Position.x").expect("it is a path");
            let write = move |lookups: &mut Lookups| query_path_mut(lookups, &mut path);
            CheckedRoutine::new(in_order(), write, |lookups| sum_of_places(&lookups.world))
        },
    );
    setup.bench(case().variant("typed").form("the type is known: Query::get_mut for each"), move || {
        let mut query = PreparedQuery::new();
        let write = move |lookups: &mut Lookups| write_all(lookups, &mut query);
        CheckedRoutine::new(in_order(), write, |lookups| sum_of_places(&lookups.world))
    });
}

/// A function of one module, called from code of another one.
struct Calls {
    engine: Engine,
    caller: ModuleTag,
    sum: f64,
}

fn damage(_: &mut Frame<'_>, target: u32, strength: f32) -> f64 {
    task::damage(target, strength)
}

fn declare_calls(setup: &mut Setup) {
    let case = || BenchCase::new("call_by_name").operations(CALLS as u64);
    setup.bench(case().form("PreparedCall::call_as of \"hunt/damage\", two arguments"), move || {
        let mut damage = PreparedCall::new("hunt/damage");
        let call = move |frame: &mut Frame<'_>, target: u32| {
            damage
                .call_as::<f64>(frame, &[target.into(), 0.5_f32.into()])
                .expect("it is there, and does not fail")
        };
        CheckedRoutine::new(Calls::new(), call_all(call), |calls| calls.sum)
    });
    setup.bench(
        case().variant("typed").form("the function is known: a call that is not inlined"),
        move || {
            let call = |frame: &mut Frame<'_>, target: u32| {
                let damage: fn(&mut Frame<'_>, u32, f32) -> f64 = black_box(damage);
                damage(frame, target, 0.5)
            };
            CheckedRoutine::new(Calls::new(), call_all(call), |calls| calls.sum)
        },
    );
}

impl Calls {
    fn new() -> Self {
        let mut engine = Engine::new(EngineConfig::default());
        let mut functions = Setup::new();
        functions.function("damage", damage);
        engine.exchange(vec![functions.into_code(&ModuleTag::new("hunt"))]).expect("there is no other code");
        Self { engine, caller: ModuleTag::new("suite"), sum: 0.0 }
    }
}

fn call_all(mut call: impl FnMut(&mut Frame<'_>, u32) -> f64) -> impl FnMut(&mut Calls) {
    move |Calls { engine, caller, sum }| {
        let called = engine.run_as(caller, |frame| {
            *sum += (0..CALLS as u32).map(|target| call(frame, target)).sum::<f64>();
            Ok(())
        });
        called.expect("no call fails");
    }
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

fn query_path(Lookups { world, order, sum }: &mut Lookups, path: &mut PreparedPath) {
    let query = path.query(world).expect("it leads into a component");
    for entity in &*order {
        *sum += query.read::<f64>(*entity).expect("all of them live");
    }
}

fn read_path(Lookups { world, order, sum }: &mut Lookups, path: &mut PreparedPath) {
    for entity in &*order {
        *sum += path.read::<f64>(world, *entity).expect("all of them live");
    }
}

/// Another number each time.
fn write_path(Lookups { world, order, sum }: &mut Lookups, path: &mut PreparedPath) {
    *sum += 1.0;
    for entity in &*order {
        path.write(world, *entity, *sum as f32).expect("all of them live");
    }
}

fn query_path_mut(Lookups { world, order, sum }: &mut Lookups, path: &mut PreparedPath) {
    *sum += 1.0;
    let mut query = path.query(world).expect("it leads into a component");
    for entity in &*order {
        query.write(*entity, *sum as f32).expect("all of them live");
    }
}

fn write_all(Lookups { world, order, sum }: &mut Lookups, query: &mut PreparedQuery<&'static mut Position>) {
    *sum += 1.0;
    let mut query = query.query(world);
    for entity in &*order {
        query.get_mut(*entity).expect("all of them live").x = *sum as f32;
    }
}
