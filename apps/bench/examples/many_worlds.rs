//! What 10,000 worlds of 100 entities take: memory, a step, and an exchange of their systems.
//!
//! `cargo run --release -p keel-bench --example many_worlds`

#![allow(clippy::print_stdout, reason = "the table is what this program is for")]
#![allow(clippy::unwrap_used, reason = "whatever fails ends the measurement")]

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use keel::ecs::{ModelTypeInfo, World};
use keel::engine::{Engine, EngineConfig, ModuleCode, ModuleTag, WorldSource, WorldSystems};
use keel::prelude::*;

const WORLDS: usize = 10_000;
const ENTITIES: usize = 100;

#[component]
struct Position {
    x: f32,
    y: f32,
    z: f32,
}

#[component]
struct Velocity {
    x: f32,
    y: f32,
    z: f32,
}

macro_rules! more_types {
    ($($name:ident)*) => {
        $(#[component] struct $name { value: u64 })*
        fn more_types() -> Vec<ModelTypeInfo> {
            vec![$(ModelTypeInfo::component::<$name>()),*]
        }
    };
}

more_types!(T0 T1 T2 T3 T4 T5 T6 T7 T8 T9 T10 T11 T12 T13 T14 T15 T16 T17 T18 T19 T20 T21 T22 T23 T24 T25 T26 T27 T28 T29);

struct Pool(Vec<Mutex<World>>);

impl WorldSource for Pool {
    fn check(&self, _: ModelId) -> Result<(), String> {
        Ok(())
    }

    fn lend(&self, world: ModelId, visit: &mut dyn FnMut(&mut World)) -> Result<(), String> {
        let mut world = self.0[world.index() as usize].lock().map_err(|error| error.to_string())?;
        visit(&mut world);
        Ok(())
    }
}

fn drift(mut bodies: Query<(&mut Position, &Velocity)>, time: Time) {
    bodies.for_each(|(position, velocity)| {
        position.x += velocity.x * time.delta;
        position.y += velocity.y * time.delta;
        position.z += velocity.z * time.delta;
    });
}

fn turn(mut bodies: Query<(&Position, &mut Velocity)>, mut turns: Local<u64>) {
    *turns += 1;
    bodies.for_each(|(position, velocity)| velocity.x -= position.x * 0.01);
}

fn code(declare: impl Fn(&mut WorldSetup) + Send + Sync + 'static) -> ModuleCode {
    let module = ModuleTag::new("arena");
    ModuleCode { worlds: vec![WorldSystems::new("arena", declare)], ..ModuleCode::new(&module) }
}

fn declare(arena: &mut WorldSetup) {
    arena.system("drift", drift);
    arena.system_with(SystemDescriptor::new("turn").after("drift"), turn);
}

/// Resident memory in bytes.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    pages.split_whitespace().nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
}

fn step(engine: &mut Engine, pool: &Pool, ids: &[ModelId]) -> Duration {
    let begun = Instant::now();
    let stepped = engine.run_as(&ModuleTag::new("driver"), |frame| {
        frame.step_worlds_of(pool, "arena", ids).map_err(|error| error.to_string())
    });
    let took = begun.elapsed();
    assert!(stepped.is_ok_and(|stepped| stepped.stepped == ids.len() && stepped.faults.is_empty()));
    took
}

fn best(times: impl Iterator<Item = Duration>) -> Duration {
    times.min().unwrap_or_default()
}

fn main() {
    let before = resident();
    let begun = Instant::now();
    let mut known = World::new();
    let types = more_types()
        .into_iter()
        .chain([ModelTypeInfo::component::<Position>(), ModelTypeInfo::component::<Velocity>()]);
    let types: Vec<_> = types.map(Arc::new).chain(Engine::own_types()).collect();
    types.iter().for_each(|info| known.register(Arc::clone(info)).unwrap());
    let pool = Pool(
        (0..WORLDS)
            .map(|_| {
                let mut world = known.alike();
                world.spawn_batch((0..ENTITIES).map(|index| {
                    let x = index as f32;
                    (Position { x, y: x, z: x }, Velocity { x: 1.0, y: x, z: 0.0 })
                }));
                Mutex::new(world)
            })
            .collect(),
    );
    let made = begun.elapsed();
    let of_worlds = resident() - before;
    let ids: Vec<_> = (0..WORLDS as u32).map(|index| ModelId::new(index, 0)).collect();
    println!("{WORLDS} worlds of {ENTITIES} entities, {} types: made in {made:.1?}", types.len());
    println!("  a world: {} bytes, of which components {}", of_worlds / WORLDS, ENTITIES * 24);
    for threads in [1, 2] {
        let config = EngineConfig { threads, ..EngineConfig::default() };
        let mut engine = Engine::new(config);
        engine.exchange(vec![code(declare)]).unwrap();
        let before = resident();
        let first = step(&mut engine, &pool, &ids);
        let kept = (resident() - before) / WORLDS;
        let steps = best((0..60).map(|_| step(&mut engine, &pool, &ids)));
        println!(
            "{threads} threads: a step {steps:.2?}, the first {first:.1?}; kept of a world {kept} bytes"
        );
        let exchange = |engine: &mut Engine| {
            let begun = Instant::now();
            let saved = engine.save_locals(&ModuleTag::new("arena")).unwrap();
            let mut new = code(declare);
            new.restore_locals(saved, false).unwrap();
            let old = engine.exchange(vec![new]).unwrap();
            (begun.elapsed(), old)
        };
        let pause = best((0..5).map(|_| exchange(&mut engine).0));
        let after = step(&mut engine, &pool, &ids);
        println!("  an exchange of the systems {pause:.1?}, the step after it {after:.1?}");
    }
    let mut queries: Vec<_> =
        (0..WORLDS).map(|_| PreparedQuery::<(&mut Position, &Velocity)>::new()).collect();
    let alone = best((0..60).map(|_| {
        let begun = Instant::now();
        for (world, query) in pool.0.iter().zip(&mut queries) {
            query.query(&mut world.lock().unwrap()).for_each(|(position, velocity)| {
                position.x += velocity.x;
                position.y += velocity.y;
                position.z += velocity.z;
            });
        }
        begun.elapsed()
    }));
    println!("a loop of one's own over the first query alone: {alone:.2?}");
}
