//! A module that goes beyond a limit is told which, and the game goes on.

use keel_ecs::{Commands, Limits, ModelTypeInfo, component, event};
use keel_engine::{Engine, EngineConfig, EventWriter, Fault, Frame, IntoSystem, ModuleTag, SystemDescriptor};
use keel_state::StateError;

use crate::STEP;

#[component(crate = keel_ecs)]
struct Spark {
    heat: f32,
}

#[event(crate = keel_ecs)]
struct Crackle {
    loudness: u32,
}

const LIMITS: Limits = Limits { entities: 100, bytes: 1 << 20, events: 50, commands: 20, tasks: 3 };

fn fire() -> Engine {
    fire_within(LIMITS)
}

fn fire_within(limits: Limits) -> Engine {
    let config = EngineConfig { step: STEP, limits, ..EngineConfig::default() };
    let mut engine = Engine::new(config);
    engine.world_mut().register(ModelTypeInfo::component::<Spark>()).unwrap();
    engine.world_mut().register(ModelTypeInfo::event::<Crackle>()).unwrap();
    engine
}

/// What a loop asks that is to go on.
fn never() -> bool {
    std::hint::black_box(false)
}

/// What becomes of a system that does something without an end.
fn fault_of<M>(engine: &mut Engine, system: impl IntoSystem<M>) -> Fault {
    engine.add_system(&ModuleTag::new("fire"), SystemDescriptor::new("burn"), system).unwrap();
    engine.update(STEP);
    let mut faults = engine.take_faults();
    assert_eq!(faults.len(), 1, "{faults:?}");
    engine.update(STEP);
    assert!(engine.take_faults().is_empty(), "the module is suspended, and the game goes on");
    faults.remove(0)
}

#[track_caller]
fn check(fault: &Fault, limit: &str) {
    assert_eq!((fault.module.as_str(), fault.system.as_str()), ("fire", "burn"));
    assert!(fault.suspended && fault.message.contains(limit), "{fault:?}");
}

#[test]
fn entities() {
    let mut engine = fire();
    let spawns = |frame: &mut Frame<'_>| {
        while !never() {
            frame.world.spawn((Spark { heat: 1.0 },));
        }
    };
    check(&fault_of(&mut engine, spawns), "the limit `entities` of 100");
    assert_eq!(engine.world().len(), 100);
}

#[test]
fn entities_that_commands_spawn() {
    let mut engine = fire();
    let spawns = |commands: &mut Commands| commands.spawn_batch((0..101).map(|_| (Spark { heat: 1.0 },)));
    check(&fault_of(&mut engine, spawns), "the limit `entities` of 100");
}

#[test]
fn events() {
    let mut engine = fire();
    let sends = |mut crackles: EventWriter<Crackle>| {
        while !never() {
            crackles.send(Crackle { loudness: 1 });
        }
    };
    check(&fault_of(&mut engine, sends), "the limit `events` of 50");
    let mut engine = fire();
    let sends = |mut crackles: EventWriter<Crackle>| {
        crackles.send_all(std::iter::repeat_with(|| Crackle { loudness: 1 }));
    };
    check(&fault_of(&mut engine, sends), "the limit `events` of 50");
}

#[test]
fn commands() {
    let mut engine = fire();
    let spawns = |commands: &mut Commands| {
        while !never() {
            commands.spawn((Spark { heat: 1.0 },));
        }
    };
    check(&fault_of(&mut engine, spawns), "the limit `commands` of 20");
    let mut engine = fire();
    let spawns = |frame: &mut Frame<'_>| {
        while !never() {
            frame.commands.spawn((Spark { heat: 1.0 },));
        }
    };
    check(&fault_of(&mut engine, spawns), "the limit `commands` of 20");
    assert!(engine.world().is_empty(), "what a call that panics puts off is not done");
}

#[test]
fn calls_that_wait() {
    let mut engine = fire();
    let calls = |frame: &mut Frame<'_>| -> Result<(), StateError> {
        loop {
            frame.calls.call("flicker", &1_u32)?;
        }
    };
    engine.add_system(&ModuleTag::new("fire"), SystemDescriptor::new("burn"), calls).unwrap();
    engine.update(STEP);
    let [fault] = engine.take_faults().try_into().unwrap();
    let told = "the limit `commands` of 20 is reached: one more call, of `flicker`, was to wait";
    assert!(!fault.suspended && fault.message.contains(told), "{fault:?}");
}

#[test]
fn bytes() {
    let mut engine = fire_within(Limits { entities: usize::MAX, ..LIMITS });
    let spawns = |frame: &mut Frame<'_>| {
        while !never() {
            frame.world.spawn((Spark { heat: 1.0 },));
        }
    };
    check(&fault_of(&mut engine, spawns), "the limit `bytes` of 1048576");
    assert!(engine.world().len() <= (1 << 20) / size_of::<Spark>(), "{}", engine.world().len());
}

#[test]
fn tasks() {
    let mut engine = fire();
    let starts = |frame: &mut Frame<'_>| {
        while !never() {
            frame.tasks.spawn("smoulder", std::future::pending());
        }
    };
    check(&fault_of(&mut engine, starts), "the limit `tasks` of 3");
}

#[test]
fn tasks_that_have_ended_make_room() {
    let mut engine = fire();
    for _ in 0..20 {
        let started = engine.run_as(&ModuleTag::new("fire"), |frame| {
            frame.tasks.spawn("flare", std::future::ready(()));
            Ok(())
        });
        started.expect("a task");
        while engine.run_as(&ModuleTag::new("fire"), |frame| Ok(frame.tasks.running())) != Ok(0) {
            std::thread::yield_now();
        }
    }
}
