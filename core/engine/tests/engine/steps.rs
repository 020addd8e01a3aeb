//! Fixed steps, stages and the order of systems.

use std::time::Duration;

use keel_ecs::{EventCursor, ModelTypeInfo, event};
use keel_engine::{Engine, EngineConfig, Frame, ModuleTag, Stage, SystemDescriptor};

use crate::{Diary, STEP, add, engine};

#[track_caller]
fn check_steps(frames_us: &[u64], steps: u64, alpha: f32) {
    let mut engine = engine();
    frames_us.iter().for_each(|us| engine.update(Duration::from_micros(*us)));
    let time = engine.time();
    assert_eq!((time.step, time.frame), (steps, frames_us.len() as u64));
    assert_eq!(time.now, STEP * steps as u32);
    assert!((time.alpha - alpha).abs() < 1e-4, "{}", time.alpha);
    assert_eq!(time.delta, STEP.as_secs_f32());
}

#[test]
fn time_moves_in_whole_steps() {
    check_steps(&[0], 0, 0.0);
    check_steps(&[9_999], 0, 0.9999);
    check_steps(&[10_000], 1, 0.0);
    check_steps(&[16_667; 3], 5, 0.0001);
    check_steps(&[2_500; 8], 2, 0.0);
    check_steps(&[35_000, 0], 3, 0.5);
    // At most 8 steps; time beyond that is dropped.
    check_steps(&[1_000_000], 8, 0.0);
    check_steps(&[4_000, u64::MAX], 8, 0.0);
    check_steps(&[1_000_000, 10_000], 9, 0.0);
}

#[test]
fn stages_and_orders_are_kept() {
    let (mut engine, diary) = (engine(), Diary::default());
    add(&mut engine, &diary, "sea", SystemDescriptor::new("draw").stage(Stage::Frame));
    add(&mut engine, &diary, "sea", SystemDescriptor::new("flow"));
    add(&mut engine, &diary, "fish", SystemDescriptor::new("swim").after("sea/"));
    add(&mut engine, &diary, "fish", SystemDescriptor::new("eat").before("swim"));
    add(&mut engine, &diary, "bird", SystemDescriptor::new("dive").after("nobody/at_all"));
    engine.update(STEP * 2);
    let step = ["bird/dive", "fish/eat", "sea/flow", "fish/swim"];
    assert_eq!(diary.take(), [&step[..], &step, &["sea/draw"]].concat());
    engine.update(Duration::ZERO);
    assert_eq!(diary.take(), ["sea/draw"], "presentation runs in every frame");
    assert!(engine.remove_system(ModuleTag::new("fish").id(), "swim"));
    assert!(!engine.remove_system(ModuleTag::new("fish").id(), "swim"));
    engine.enable_system("bird/dive", false).unwrap();
    engine.update(STEP);
    assert_eq!(diary.take(), ["fish/eat", "sea/flow", "sea/draw"]);
    let refused = engine.enable_system("bird/sing", true).unwrap_err().to_string();
    assert!(refused.contains("there is no system `bird/sing`; the systems are: bird/dive"), "{refused}");
}

#[event(crate = keel_ecs)]
struct Splash {
    step: u64,
}

#[test]
fn an_event_reaches_every_system_once_whatever_their_order() {
    let (mut engine, diary) = (engine(), Diary::default());
    engine.world_mut().register(ModelTypeInfo::event::<Splash>()).unwrap();
    let module = ModuleTag::new("sea");
    for name in ["early", "late"] {
        let (diary, mut reader) = (diary.clone(), EventCursor::<Splash>::default());
        let descriptor = if name == "early" {
            SystemDescriptor::new(name).before("splash")
        } else {
            SystemDescriptor::new(name).after("splash")
        };
        let read = move |frame: &mut Frame<'_>| {
            for event in reader.read(&frame.world.events()) {
                diary.note(format!("{name} sees {} in {}", event.step, frame.time.step));
            }
        };
        engine.add_system(&module, descriptor, read).unwrap();
    }
    let splash = |frame: &mut Frame<'_>| frame.world.send(Splash { step: frame.time.step });
    engine.add_system(&module, SystemDescriptor::new("splash"), splash).unwrap();
    engine.update(STEP * 2);
    assert_eq!(diary.take(), ["late sees 1 in 1", "early sees 1 in 2", "late sees 2 in 2"]);
    engine.update(STEP);
    assert_eq!(engine.world().events::<Splash>().len(), 1, "events are dropped after the next step");
}

/// An engine that splashes in each step. Its step system reads in every third step only, its frame system in each
/// frame; both note what they see.
fn splashing() -> (Engine, Diary) {
    let (mut engine, diary) = (engine(), Diary::default());
    engine.world_mut().register(ModelTypeInfo::event::<Splash>()).unwrap();
    let module = ModuleTag::new("sea");
    let splash = |frame: &mut Frame<'_>| frame.world.send(Splash { step: frame.time.step });
    engine.add_system(&module, SystemDescriptor::new("splash"), splash).unwrap();
    for (name, stage) in [("seldom", Stage::Step), ("show", Stage::Frame)] {
        let (diary, mut reader) = (diary.clone(), EventCursor::<Splash>::default());
        let read = move |frame: &mut Frame<'_>| {
            if stage == Stage::Frame || frame.time.step.is_multiple_of(3) {
                let events = frame.world.events();
                let seen = reader.read(&events).map(|event| event.step.to_string());
                diary.note(format!("{name} {}", seen.collect::<Vec<_>>().join(" ")));
            }
        };
        engine.add_system(&module, SystemDescriptor::new(name).stage(stage), read).unwrap();
    }
    (engine, diary)
}

#[test]
fn a_system_of_the_frames_end_sees_the_events_of_all_its_steps() {
    let (mut engine, diary) = splashing();
    engine.update(STEP * 5);
    assert_eq!(diary.take(), ["seldom 2 3", "show 1 2 3 4 5"]);
    assert_eq!(engine.world().events::<Splash>().len(), 1, "nothing lingers between two frames");
    engine.update(Duration::ZERO);
    assert_eq!(diary.take(), ["show "]);
    // Sent between two frames, as a key is.
    engine.world().send(Splash { step: 99 });
    engine.update(STEP * 4);
    assert_eq!(diary.take(), ["seldom 5 99 6", "seldom 8 9", "show 99 6 7 8 9"]);
}

#[test]
fn what_steps_see_of_events_does_not_depend_on_the_frames_they_are_in() {
    let run = |frames: &[u32]| {
        let (mut engine, diary) = splashing();
        frames.iter().for_each(|steps| engine.update(STEP * *steps));
        let seen: Vec<_> = diary.take().into_iter().filter(|line| line.starts_with("seldom")).collect();
        (seen, engine.world().hash().unwrap())
    };
    assert_eq!(run(&[1; 12]), run(&[5, 7]));
    assert_eq!(run(&[1; 12]), run(&[4, 4, 4]));
}

#[test]
fn two_engines_never_meet() {
    let (mut one, mut other) = (engine(), Engine::new(EngineConfig { seed: 7, ..EngineConfig::default() }));
    let diary = Diary::default();
    add(&mut one, &diary, "fish", SystemDescriptor::new("swim"));
    one.world_mut().spawn(());
    other.update(STEP * 5);
    assert_eq!(diary.take(), Vec::<String>::new());
    assert_eq!((one.time().frame, other.time().frame), (0, 1));
    assert!(other.world().is_empty() && other.systems().is_empty());
    drop(one);
    other.update(STEP);
    assert_eq!(other.time().frame, 2);
}

#[test]
fn a_reset_begins_the_state_afresh_and_keeps_the_code() {
    let (mut engine, diary) = (engine(), Diary::default());
    add(&mut engine, &diary, "fish", SystemDescriptor::new("swim"));
    engine.world_mut().spawn(());
    engine.update(STEP * 3);
    engine.reset();
    assert_eq!((engine.time().step, engine.time().delta), (0, STEP.as_secs_f32()));
    assert!(engine.world().is_empty());
    diary.take();
    engine.update(STEP);
    assert_eq!(diary.take(), ["fish/swim"]);
}
