//! Systems and functions that take effect whole or not at all.

use keel_ecs::{Commands, Entity, ModelTypeInfo, Name, With, World, component, event, resource};
use keel_engine::{
    Engine, EngineConfig, EventReader, EventWriter, Frame, FunctionDescriptor, IntoSystem, Local, ModuleTag,
    NextState, Query, Res, ResMut, SystemCode, SystemDescriptor,
};

use crate::{Diary, STEP, engine};

#[component(crate = keel_ecs)]
#[derive(Debug, PartialEq)]
struct Purse {
    coins: u32,
    notes: Vec<String>,
}

#[component(crate = keel_ecs, sparse)]
struct Marked {
    by: u32,
}

#[resource(crate = keel_ecs)]
#[derive(Default)]
struct Bank {
    coins: u32,
}

#[resource(crate = keel_ecs)]
#[derive(Default, PartialEq, Debug)]
enum Phase {
    #[default]
    Day,
    Night,
}

#[event(crate = keel_ecs)]
struct Paid {
    coins: u32,
}

fn fill(world: &mut World) {
    for info in [
        ModelTypeInfo::component::<Purse>(),
        ModelTypeInfo::component::<Marked>(),
        ModelTypeInfo::resource::<Bank>(),
        ModelTypeInfo::resource::<Phase>(),
        ModelTypeInfo::event::<Paid>(),
    ] {
        world.register(info).unwrap();
    }
    world.insert_resource(Bank { coins: 100 }).unwrap();
    for coins in 0..5 {
        let purse = world.spawn((Purse { coins, notes: vec![coins.to_string()] },));
        if coins % 2 == 0 {
            world.insert(purse, (Marked { by: coins },)).unwrap();
        }
    }
}

fn town() -> ModuleTag {
    ModuleTag::new("town")
}

/// How a payment ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Well,
    Error,
    Panic,
    /// One of its commands fails.
    Command,
}

impl End {
    fn come(self) -> Result<(), String> {
        match self {
            Self::Error => Err("no money".to_owned()),
            Self::Panic => panic!("the bank is gone"),
            Self::Well | Self::Command => Ok(()),
        }
    }
}

#[allow(clippy::too_many_arguments, reason = "it does one of each")]
fn pay(
    end: End,
    diary: &Diary,
    mut purses: Query<&mut Purse>,
    mut marks: Query<&mut Marked>,
    mut bank: ResMut<Bank>,
    commands: &mut Commands,
    mut paid: EventWriter<Paid>,
    (mut heard, mut rounds, mut phase): (EventReader<Paid>, Local<u32>, NextState<Phase>),
) -> Result<(), String> {
    *rounds += 1;
    diary.note(format!("{} {}", *rounds, heard.read().count()));
    purses.for_each(|purse| {
        purse.coins += *rounds;
        purse.notes.push("paid".to_owned());
    });
    marks.for_each(|marked| marked.by += 1);
    bank.coins -= 5;
    paid.send(Paid { coins: 5 });
    phase.set(Phase::Night);
    commands.spawn((Name::new("receipt"),));
    commands.add(|world| {
        let first: Vec<Entity> = world.query_filtered::<Entity, With<Purse>>().iter().collect();
        world.despawn(first[0])
    });
    if end == End::Command {
        commands.add(|world| {
            let gone = world.spawn(());
            world.despawn(gone)?;
            world.despawn(gone)
        });
    }
    end.come()
}

fn paying(end: End, diary: &Diary) -> SystemCode {
    let diary = diary.clone();
    let system = move |purses: Query<&mut Purse>,
                       marks: Query<&mut Marked>,
                       bank: ResMut<Bank>,
                       commands: &mut Commands,
                       paid: EventWriter<Paid>,
                       others: (EventReader<Paid>, Local<u32>, NextState<Phase>)| {
        pay(end, &diary, purses, marks, bank, commands, paid, others)
    };
    system.into_system()
}

#[test]
fn an_atomic_system_that_fails_leaves_no_trace() {
    for end in [End::Error, End::Panic, End::Command] {
        for threads in [1, 3] {
            let config =
                EngineConfig { step: STEP, threads, always_parallel: true, ..EngineConfig::default() };
            let (mut engine, diary) = (Engine::new(config), Diary::default());
            fill(engine.world_mut());
            engine.world_mut().send(Paid { coins: 1 });
            let before = engine.world().hash().unwrap();
            let descriptor = SystemDescriptor::new("pay").atomic();
            engine.add_system(&town(), descriptor, paying(end, &diary)).unwrap();
            // Beside others, which see nothing of it.
            let look = |bank: Res<Bank>, purses: Query<&Purse>| {
                assert_eq!((bank.coins, purses.count()), (100, 5));
            };
            engine.add_system(&ModuleTag::new("watch"), SystemDescriptor::new("look"), look).unwrap();
            engine.update(STEP);
            let faults = engine.take_faults();
            assert_eq!((faults.len(), faults[0].system.as_str()), (1, "pay"), "{end:?} {faults:?}");
            assert_eq!(faults[0].suspended, end == End::Panic);
            let told = ["no money", "the bank is gone", "1 of its commands failed, the first: entity"];
            assert!(told.iter().any(|told| faults[0].message.contains(told)), "{faults:?}");
            assert!(engine.world().find("receipt").is_none());
            // The step counts for events; else all is as it was.
            let mut expected = Engine::new(config);
            fill(expected.world_mut());
            expected.world_mut().send(Paid { coins: 1 });
            assert_eq!(expected.world().hash().unwrap(), before);
            expected.update(STEP);
            assert_eq!(engine.world().hash().unwrap(), expected.world().hash().unwrap(), "{end:?}");
            assert_eq!(engine.world_mut().spawn(()), expected.world_mut().spawn(()), "ids go on");
            if end != End::Panic {
                engine.update(STEP);
                assert_eq!(diary.take(), ["1 1", "1 1"], "locals and readers begin again");
            }
        }
    }
}

#[test]
fn an_atomic_system_that_succeeds_does_all_it_says() {
    let run = |is_atomic: bool| {
        let (mut engine, diary) = (engine(), Diary::default());
        fill(engine.world_mut());
        let descriptor = SystemDescriptor::new("pay");
        let descriptor = if is_atomic { descriptor.atomic() } else { descriptor };
        engine.add_system(&town(), descriptor, paying(End::Well, &diary)).unwrap();
        engine.update(STEP * 3);
        assert_eq!(engine.take_faults(), []);
        (engine.world().hash().unwrap(), diary.take())
    };
    let done = run(true);
    assert_eq!(done, run(false));
    assert_eq!(done.1, ["1 0", "2 1", "3 1"]);
}

#[test]
fn an_atomic_system_of_a_frame_takes_back_timers_and_calls_too() {
    let (mut engine, diary) = (engine(), Diary::default());
    fill(engine.world_mut());
    let before = engine.world().hash().unwrap();
    for (name, is_atomic) in [("one", true), ("two", false)] {
        let descriptor = SystemDescriptor::new(name);
        let descriptor = if is_atomic { descriptor.atomic() } else { descriptor };
        let system = move |frame: &mut Frame<'_>| -> Result<(), String> {
            if frame.time.step > 1 {
                return Ok(());
            }
            if is_atomic {
                frame.world.query::<&mut Purse>().for_each(|purse| purse.coins = 0);
                frame.world.resource_mut::<Bank>().unwrap().coins = 0;
                frame.world.clear_entities();
                frame.commands.spawn((Marked { by: 1 },));
            }
            frame.timers.once(STEP, "ring", &format!("timer of {name}")).unwrap();
            frame.calls.call("ring", &format!("call of {name}")).unwrap();
            Err("no".to_owned())
        };
        engine.add_system(&town(), descriptor, system).unwrap();
    }
    let noted = diary.clone();
    let ring = move |_: &mut Frame<'_>, text: String| noted.note(text);
    engine.add_handler(&town(), "ring", ring).unwrap();
    engine.update(STEP);
    assert_eq!(engine.take_faults().len(), 2);
    assert_eq!(engine.world().hash().unwrap(), before);
    engine.update(STEP * 2);
    assert_eq!(diary.take(), ["call of two", "timer of two"]);
}

#[test]
fn an_atomic_function_is_undone_and_its_caller_goes_on() {
    let mut engine = engine();
    fill(engine.world_mut());
    let spend = |frame: &mut Frame<'_>, coins: u32| -> Result<(), String> {
        let mut bank = frame.world.resource_mut::<Bank>().unwrap();
        let left = bank.coins.checked_sub(coins);
        bank.coins = 0;
        drop(bank);
        frame.commands.spawn((Name::new("bill"),));
        frame.world.clear_entities();
        frame.world.resource_mut::<Bank>().unwrap().coins = left.ok_or("not so much")?;
        assert!(coins != 66, "an unlucky number");
        Ok(())
    };
    let descriptor = FunctionDescriptor::new("spend").atomic();
    engine.add_function(&town(), descriptor, spend).unwrap();
    let state = |world: &World| (world.resource::<Bank>().unwrap().coins, world.len());
    let call = |engine: &mut Engine, coins: u32| {
        engine.run_as(&ModuleTag::new("other"), |frame| {
            frame.world.spawn((Name::new("caller"),));
            Ok(frame.call("town/spend", &[coins.into()]).map_err(|error| error.to_string()))
        })
    };
    let told = call(&mut engine, 500).unwrap().unwrap_err();
    assert!(told.contains("not so much"), "{told}");
    assert_eq!(state(engine.world()), (100, 6), "what the caller did stays");
    call(&mut engine, 30).unwrap().unwrap();
    assert_eq!(state(engine.world()), (70, 1), "the bill");
    let told = call(&mut engine, 66).unwrap().unwrap_err();
    assert!(told.contains("an unlucky number"), "{told}");
    assert_eq!(state(engine.world()), (70, 2));
}
