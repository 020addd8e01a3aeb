//! Startup, states, idle work, sets and conditions.

use std::time::Duration;

use keel_ecs::{ModelTypeInfo, World, event, resource};
use keel_engine::{
    Engine, EngineSnapshot, EventReader, EventWriter, Frame, IdleTime, IntoCondition, IntoSystem, Local,
    ModuleCode, ModuleTag, NextState, Res, ResMut, SetDescriptor, Stage, StateCode, SystemCode,
    SystemDescriptor, Time, every, in_state, on_event, resource_exists,
};

use crate::{Diary, STEP, add, engine};

#[resource(crate = keel_ecs)]
#[derive(Clone, Debug, Default, PartialEq)]
enum Phase {
    #[default]
    Menu,
    Dive {
        depth: u32,
    },
    Over,
}

#[resource(crate = keel_ecs)]
#[derive(Default)]
struct Tide {
    height: u32,
}

#[event(crate = keel_ecs)]
struct Splash {}

fn sea() -> Engine {
    let mut engine = engine();
    let world = engine.world_mut();
    world.register(ModelTypeInfo::resource::<Phase>()).unwrap();
    world.register(ModelTypeInfo::resource::<Tide>()).unwrap();
    world.register(ModelTypeInfo::event::<Splash>()).unwrap();
    engine
}

fn system(name: &str) -> SystemDescriptor {
    SystemDescriptor::new(name)
}

/// The engine's state as a saved game has it, in another engine with the same code.
fn resume(engine: &Engine, other: &mut Engine) {
    let mut snapshot = EngineSnapshot::new();
    engine.save(&mut snapshot).unwrap();
    let types: Vec<_> = other.world().types().cloned().collect();
    let (world, _) = World::from_snapshot(types, &snapshot.world, false).unwrap();
    other.replace_world(world);
    other.restore_clock(&snapshot);
}

fn code(diary: &Diary, module: &str, descriptor: SystemDescriptor) -> ModuleCode {
    let mut code = ModuleCode::new(&ModuleTag::new(module));
    let (diary, name) = (diary.clone(), format!("{module}/{}", descriptor.name()));
    let run = SystemCode::of_frame(move |_| {
        diary.note(name.clone());
        Ok(())
    });
    code.systems.push((descriptor, run));
    code
}

#[test]
fn startup_runs_once_for_each_module_and_never_after_a_swap() {
    let (mut engine, diary) = (sea(), Diary::default());
    let begin = || system("begin").stage(Stage::Startup);
    add(&mut engine, &diary, "fish", begin());
    add(&mut engine, &diary, "fish", system("swim"));
    assert!(engine.has_pending_work());
    engine.update(Duration::ZERO);
    assert_eq!(diary.take(), Vec::<String>::new(), "before the first step, and there was none");
    engine.update(STEP * 2);
    assert_eq!(diary.take(), ["fish/begin", "fish/swim", "fish/swim"]);

    engine.exchange(vec![code(&diary, "fish", begin())]).unwrap();
    engine.update(STEP);
    assert_eq!(diary.take(), Vec::<String>::new(), "it was swapped");
    assert!(!engine.has_pending_work(), "nothing else is left to run");

    engine.exchange(vec![code(&diary, "bird", begin())]).unwrap();
    engine.update(STEP * 2);
    assert_eq!(diary.take(), ["bird/begin"], "it has come into the game");

    let mut other = sea();
    other.exchange(vec![code(&diary, "fish", begin()), code(&diary, "worm", begin())]).unwrap();
    resume(&engine, &mut other);
    other.update(STEP);
    assert_eq!(diary.take(), ["worm/begin"], "the saved game knows the others");

    engine.remove_module(&ModuleTag::new("bird"));
    engine.exchange(vec![code(&diary, "bird", begin())]).unwrap();
    engine.update(STEP);
    assert_eq!(diary.take(), ["bird/begin"], "it was removed, and came again");
    engine.reset();
    engine.update(STEP);
    assert_eq!(diary.take(), ["bird/begin", "fish/begin"], "the game begins afresh");
}

/// Systems on entering and leaving states, which note what they see.
fn with_phases(diary: &Diary) -> Engine {
    let mut engine = sea();
    let module = ModuleTag::new("sea");
    let noting = |word: &'static str| {
        let diary = diary.clone();
        move |phase: Res<'_, Phase>, time: Time| diary.note(format!("{word} {:?} at {}", *phase, time.step))
    };
    for (name, descriptor) in [
        ("enter menu", system("enter menu").on_enter(Phase::Menu)),
        ("exit menu", system("exit menu").on_exit(Phase::Menu)),
        ("enter dive", system("enter dive").on_enter(Phase::Dive { depth: 3 })),
        ("exit dive", system("exit dive").on_exit(Phase::Dive { depth: 3 })),
        ("in dive", system("in dive").run_if(in_state(Phase::Dive { depth: 3 }))),
    ] {
        engine.add_system(&module, descriptor, noting(name)).unwrap();
    }
    engine
}

#[test]
fn a_state_changes_at_the_beginning_of_a_step_between_its_exits_and_entries() {
    let diary = Diary::default();
    let mut engine = with_phases(&diary);
    let module = ModuleTag::new("sea");
    let choose = |time: Time, mut phase: NextState<'_, Phase>| match time.step {
        2 => {
            phase.set(Phase::Over);
            phase.set(Phase::Dive { depth: 3 });
        }
        4 => phase.set(Phase::Dive { depth: 3 }),
        5 => phase.set(Phase::Over),
        _ => {}
    };
    engine.add_system(&module, system("choose"), choose).unwrap();
    engine.update(STEP * 2);
    assert_eq!(diary.take(), ["enter menu Menu at 1"]);
    assert_eq!(*engine.world().resource::<Phase>().unwrap(), Phase::Menu, "it changes with the next step");
    engine.update(STEP);
    assert_eq!(
        diary.take(),
        ["exit menu Menu at 3", "enter dive Dive { depth: 3 } at 3", "in dive Dive { depth: 3 } at 3"]
    );
    engine.update(STEP * 2);
    assert_eq!(
        diary.take(),
        ["in dive Dive { depth: 3 } at 4", "in dive Dive { depth: 3 } at 5"],
        "it is what it was"
    );
    engine.update(STEP * 3);
    assert_eq!(diary.take(), ["exit dive Dive { depth: 3 } at 6"]);
    assert_eq!(*engine.world().resource::<Phase>().unwrap(), Phase::Over);
    assert_eq!(engine.take_faults(), []);
}

#[test]
fn what_startup_and_an_exit_say_of_a_state_is_of_the_next_step() {
    let diary = Diary::default();
    let mut engine = with_phases(&diary);
    let module = ModuleTag::new("sea");
    let dive = |mut phase: NextState<'_, Phase>| phase.set(Phase::Dive { depth: 3 });
    let over = |mut phase: NextState<'_, Phase>| phase.set(Phase::Over);
    engine.add_system(&module, system("dive").stage(Stage::Startup), dive).unwrap();
    engine.add_system(&module, system("over").on_exit(Phase::Menu), over).unwrap();
    engine.update(STEP);
    assert_eq!(diary.take(), ["enter menu Menu at 1"], "it begins, and is not left");
    engine.update(STEP);
    let dived =
        ["exit menu Menu at 2", "enter dive Dive { depth: 3 } at 2", "in dive Dive { depth: 3 } at 2"];
    assert_eq!(diary.take(), dived, "it becomes what it was to become when it was left");
    engine.update(STEP);
    assert_eq!(diary.take(), ["exit dive Dive { depth: 3 } at 3"]);
    assert_eq!(*engine.world().resource::<Phase>().unwrap(), Phase::Over);
    assert_eq!(engine.take_faults(), []);
}

#[test]
fn a_state_and_what_it_is_to_become_are_part_of_a_saved_game_and_outlive_a_swap() {
    let diary = Diary::default();
    let mut engine = with_phases(&diary);
    engine.update(STEP);
    diary.take();
    let set = |frame: &mut Frame<'_>| {
        frame.set_next_state(&Phase::Dive { depth: 3 }).map_err(|error| error.to_string())
    };
    engine.run_as(&ModuleTag::new("sea"), set).unwrap();
    let mut other = with_phases(&diary);
    resume(&engine, &mut other);
    let entered =
        ["exit menu Menu at 2", "enter dive Dive { depth: 3 } at 2", "in dive Dive { depth: 3 } at 2"];
    other.update(STEP);
    assert_eq!(diary.take(), entered);
    assert_eq!(other.take_faults(), []);

    let mut taken = ModuleCode::new(&ModuleTag::new("sea"));
    taken.systems.push((system("new").on_enter(Phase::Dive { depth: 3 }), SystemCode::of_frame(|_| Ok(()))));
    let old = engine.exchange(vec![taken]).unwrap();
    engine.exchange(old).unwrap();
    engine.update(STEP);
    assert_eq!(diary.take(), entered, "the code came back, with its conditions");
    // A swap alone enters nothing.
    let old = engine.exchange(vec![ModuleCode::new(&ModuleTag::new("sea"))]).unwrap();
    engine.exchange(old).unwrap();
    engine.update(STEP);
    assert_eq!(diary.take(), ["in dive Dive { depth: 3 } at 3"]);
}

#[test]
fn a_state_without_entries_changes_when_its_module_says_that_it_is_one() {
    let mut engine = sea();
    let mut code = ModuleCode::new(&ModuleTag::new("sea"));
    code.states.push(StateCode::of::<Phase>());
    engine.exchange(vec![code]).unwrap();
    engine.update(STEP);
    assert_eq!(*engine.world().resource::<Phase>().unwrap(), Phase::Menu);
    let set = |frame: &mut Frame<'_>| frame.set_next_state(&Phase::Over).map_err(|error| error.to_string());
    engine.run_as(&ModuleTag::new("sea"), set).unwrap();
    engine.update(STEP);
    assert_eq!(*engine.world().resource::<Phase>().unwrap(), Phase::Over);
}

#[test]
fn a_state_that_the_world_does_not_know_is_a_fault() {
    let (mut engine, diary) = (engine(), Diary::default());
    add(&mut engine, &diary, "sea", system("enter").on_enter(Phase::Menu));
    engine.update(STEP);
    let faults = engine.take_faults();
    assert_eq!((faults[0].module.as_str(), faults[0].system.as_str()), ("sea", "state Phase"));
    assert!(faults[0].message.contains("`Phase` is not registered"), "{faults:?}");
    assert_eq!(diary.take(), Vec::<String>::new());
}

#[test]
fn idle_systems_take_turns_in_the_time_that_is_left() {
    let (mut engine, diary) = (sea(), Diary::default());
    for name in ["one", "two", "three"] {
        let noted = diary.clone();
        let idle = move |idle: IdleTime| {
            noted.note(format!("{name} {}", if idle.is_over() { "late" } else { "early" }));
            while !idle.is_over() {}
        };
        engine.add_system(&ModuleTag::new("sea"), system(name).stage(Stage::Idle), idle).unwrap();
    }
    engine.update(STEP);
    assert_eq!(diary.take(), ["one late"], "one of them in each frame, whatever happens");
    engine.update(Duration::ZERO);
    assert_eq!(diary.take(), ["two late"]);
    engine.update_with(STEP, Duration::from_millis(5));
    assert_eq!(diary.take(), ["three early"], "it has taken all the time there was");
    engine.update_with(STEP, Duration::ZERO);
    assert_eq!(diary.take(), ["one late"]);
    engine.enable_system("sea/two", false).unwrap();

    let (mut quick, diary) = (sea(), Diary::default());
    for name in ["one", "two"] {
        add(&mut quick, &diary, "sea", system(name).stage(Stage::Idle));
    }
    quick.update_with(STEP, Duration::from_secs(3600));
    assert_eq!(diary.take(), ["sea/one", "sea/two"], "each once in a frame");
}

#[test]
fn sets_are_ordered_across_modules() {
    let (mut engine, diary) = (sea(), Diary::default());
    add(&mut engine, &diary, "bird", system("draw").after_set("moving"));
    add(&mut engine, &diary, "bird", system("look").before_set("moving"));
    add(&mut engine, &diary, "fish", system("swim").in_set("moving"));
    add(&mut engine, &diary, "sea", system("flow").in_set("moving"));
    add(&mut engine, &diary, "sea", system("think").in_set("thinking"));
    engine.update(STEP);
    assert_eq!(diary.take(), ["bird/look", "fish/swim", "sea/flow", "bird/draw", "sea/think"]);

    let mut code = ModuleCode::new(&ModuleTag::new("worm"));
    code.sets
        .push(SetDescriptor::new("thinking").before_set("moving").before("bird/look").after("bird/sing"));
    engine.exchange(vec![code]).unwrap();
    add(&mut engine, &diary, "bird", system("sing"));
    engine.update(STEP);
    assert_eq!(
        diary.take(),
        ["bird/sing", "sea/think", "bird/look", "fish/swim", "sea/flow", "bird/draw"],
        "{:?}",
        engine.systems()
    );

    let mut code = ModuleCode::new(&ModuleTag::new("snail"));
    code.sets.push(SetDescriptor::new("moving").before_set("thinking"));
    let refused = engine.exchange(vec![code]).err().unwrap().to_string();
    assert!(refused.starts_with("the order of systems is a cycle: "), "{refused}");
    engine.remove_module(&ModuleTag::new("worm"));
    assert_eq!(engine.systems().last().unwrap(), "sea/think", "what it said of sets goes with it");
}

#[test]
fn a_set_runs_while_all_of_its_conditions_hold_which_are_asked_once() {
    let (mut engine, diary) = (sea(), Diary::default());
    engine.world_mut().insert_resource(Tide::default()).unwrap();
    let noted = diary.clone();
    let mut code = ModuleCode::new(&ModuleTag::new("sea"));
    let ask = move |time: Time| {
        noted.note(format!("ask at {}", time.step));
        time.step > 1
    };
    code.sets.push(SetDescriptor::new("moving").run_if(ask));
    code.sets.push(SetDescriptor::new("moving").run_if(every(2)));
    engine.exchange(vec![code]).unwrap();
    add(&mut engine, &diary, "bird", system("fly").in_set("moving"));
    add(&mut engine, &diary, "fish", system("swim").in_set("moving").run_if(|time: Time| time.step < 4));
    engine.update(STEP * 4);
    let expected = ["ask at 1", "ask at 2", "bird/fly", "fish/swim", "ask at 3", "ask at 4", "bird/fly"];
    assert_eq!(diary.take(), expected);
    assert_eq!(engine.schedule().system("fish/swim").unwrap().times.runs, 1);
    assert_eq!(engine.schedule().system("fish/swim").unwrap().sets, ["moving"]);
}

#[track_caller]
fn check_condition<M>(condition: impl IntoCondition<M>, prepare: impl Fn(&mut Engine, u64), runs: &[u64]) {
    let (mut engine, diary) = (sea(), Diary::default());
    let noted = diary.clone();
    let note = move |time: Time| noted.note(time.step.to_string());
    engine.add_system(&ModuleTag::new("sea"), system("note").run_if(condition), note).unwrap();
    for step in 1..=6 {
        prepare(&mut engine, step);
        engine.update(STEP);
    }
    assert_eq!(engine.take_faults(), []);
    assert_eq!(diary.take(), runs.iter().map(u64::to_string).collect::<Vec<_>>());
}

#[test]
fn conditions_say_when_a_system_runs() {
    let nothing = |_: &mut Engine, _: u64| ();
    check_condition(every(3), nothing, &[3, 6]);
    check_condition(every(0), nothing, &[1, 2, 3, 4, 5, 6]);
    let splash = |engine: &mut Engine, step: u64| {
        if step == 2 || step == 5 {
            engine.world().send(Splash {});
        }
    };
    check_condition(on_event::<Splash>(), splash, &[2, 5]);
    let tide = |engine: &mut Engine, step: u64| match step {
        2 => drop(engine.world_mut().insert_resource(Tide::default()).unwrap()),
        5 => drop(engine.world_mut().remove_resource::<Tide>()),
        _ => {}
    };
    check_condition(resource_exists::<Tide>(), tide, &[2, 3, 4]);
    let counted = |mut asked: Local<'_, u32>| {
        *asked += 1;
        *asked > 4
    };
    check_condition(counted, nothing, &[5, 6]);
    check_condition(in_state(Phase::Menu), nothing, &[]);
}

#[test]
fn a_condition_only_reads() {
    #[track_caller]
    fn check<M>(condition: impl IntoCondition<M>, expected: &str) {
        let mut engine = sea();
        let descriptor = system("swim").run_if(condition);
        let refused = engine.add_system(&ModuleTag::new("fish"), descriptor, |_: Time| ()).unwrap_err();
        assert!(refused.to_string().starts_with(expected), "{refused}");
        assert!(engine.systems().is_empty());
    }
    check(
        |tide: ResMut<'_, Tide>| tide.height > 0,
        "a condition of system `fish/swim` takes `ResMut<Tide>`, which changes something; a condition only reads",
    );
    check(|_: &mut keel_ecs::Commands| true, "a condition of system `fish/swim` takes `&mut Commands`");
    let mut engine = sea();
    let mut code = ModuleCode::new(&ModuleTag::new("fish"));
    code.sets.push(SetDescriptor::new("moving").run_if(|_: ResMut<'_, Tide>| true));
    let refused = engine.exchange(vec![code]).err().unwrap().to_string();
    assert!(refused.starts_with("a condition of set `moving` of module `fish` takes"), "{refused}");
}

#[test]
fn what_a_condition_can_not_have_is_a_fault_of_its_system() {
    let (mut engine, diary) = (sea(), Diary::default());
    add(&mut engine, &diary, "fish", system("swim").run_if(|tide: Res<'_, Tide>| tide.height == 0));
    let typed = |_: Time| ();
    engine.add_system(&ModuleTag::new("sea"), system("flow").run_if(|_: Res<'_, Tide>| true), typed).unwrap();
    engine.update(STEP);
    let faults = engine.take_faults();
    let told: Vec<_> = faults.iter().map(|fault| (fault.module.as_str(), fault.system.as_str())).collect();
    assert_eq!(told, [("fish", "swim"), ("sea", "flow")]);
    assert!(
        faults[0].message.starts_with("a condition of it: it did not run: its parameter `Res<Tide>`"),
        "{faults:?}"
    );
    assert_eq!(diary.take(), Vec::<String>::new());
}

#[test]
fn what_conditions_keep_outlives_an_exchange() {
    let (mut engine, diary) = (sea(), Diary::default());
    let make = |diary: &Diary| {
        let mut code = code(diary, "fish", system("swim").in_set("moving").run_if(on_event::<Splash>()));
        code.sets.push(SetDescriptor::new("moving").run_if(|mut asked: Local<'_, u32>| {
            *asked += 1;
            *asked > 1
        }));
        code
    };
    let swap = |engine: &mut Engine| {
        let mut code = make(&diary);
        code.restore_locals(engine.save_locals(&ModuleTag::new("fish")).unwrap(), false).unwrap();
        engine.exchange(vec![code]).unwrap();
    };
    swap(&mut engine);
    engine.update(STEP);
    engine.world().send(Splash {});
    swap(&mut engine);
    engine.update(STEP);
    assert_eq!(diary.take(), ["fish/swim"], "the set counts on");
    swap(&mut engine);
    engine.update(STEP);
    assert_eq!(diary.take(), Vec::<String>::new(), "the event was seen");
}

#[test]
fn two_that_conflict_in_no_order_are_ambiguous() {
    let mut engine = sea();
    engine.world_mut().insert_resource(Tide::default()).unwrap();
    let mut add = |module: &str, descriptor: SystemDescriptor, code: SystemCode| {
        engine.add_system(&ModuleTag::new(module), descriptor, code).unwrap();
    };
    let rise = |mut tide: ResMut<'_, Tide>| tide.height += 1;
    let look = |_: Res<'_, Tide>| ();
    add("sea", system("rise"), rise.into_system());
    add("fish", system("look"), look.into_system());
    add("fish", system("look again"), look.into_system());
    add("fish", system("listen").after("sea/rise"), look.into_system());
    add("fish", system("hear").after("listen"), look.into_system());
    add("fish", system("show").stage(Stage::Frame), look.into_system());
    let dig = system("dig").run_if(|tide: Res<'_, Tide>| tide.height > 0);
    add("worm", dig, SystemCode::of_frame(|_| Ok(())));
    add("worm", system("wait"), (|_: EventReader<'_, Splash>, _: EventWriter<'_, Splash>| ()).into_system());
    let told: Vec<_> = engine.schedule().ambiguities().iter().map(ToString::to_string).collect();
    let next = "and both use `Tide`, but nobody says so; if the order matters, say it: `after";
    assert_eq!(
        told,
        [
            format!("`fish/look` runs before `sea/rise`, {next}(\"fish/look\")`"),
            format!("`fish/look again` runs before `sea/rise`, {next}(\"fish/look again\")`"),
        ]
    );
    engine.schedule_mut().order_systems("sea/rise", "fish/look").unwrap();
    assert_eq!(engine.schedule().ambiguities().len(), 1);
}

#[test]
fn a_systems_id_names_it_across_exchanges() {
    let (mut engine, diary) = (sea(), Diary::default());
    add(&mut engine, &diary, "fish", system("swim"));
    let id = engine.schedule().system("fish/swim").unwrap().id;
    assert_eq!(id, keel_engine::SystemId::of("fish", "swim"));
    engine.exchange(vec![code(&diary, "fish", system("swim").in_set("moving"))]).unwrap();
    assert_eq!(engine.schedule().system_by_id(id).unwrap().sets, ["moving"]);
    engine.remove_module(&ModuleTag::new("fish"));
    assert_eq!(engine.schedule().system_by_id(id), None);
}
