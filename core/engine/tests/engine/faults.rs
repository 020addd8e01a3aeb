//! Faults: a panic suspends its module alone, an error suspends nobody.

use keel_engine::{Frame, ModuleCode, ModuleTag, SystemCode, SystemDescriptor};

use crate::{Diary, STEP, add, engine};

#[test]
fn a_panic_suspends_its_module_alone() {
    let (mut engine, diary) = (engine(), Diary::default());
    let shark = ModuleTag::new("shark");
    add(&mut engine, &diary, "fish", SystemDescriptor::new("swim"));
    add(&mut engine, &diary, "shark", SystemDescriptor::new("hunt"));
    let bite = |frame: &mut Frame<'_>| {
        frame.commands.spawn(());
        frame.world.spawn(());
        if frame.time.step == 2 {
            panic!("a tooth is {}", "lost");
        }
    };
    engine.add_system(&shark, SystemDescriptor::new("bite"), bite).unwrap();
    engine.add_handler(&shark, "feed", |_: &mut Frame<'_>, _: u32| ()).unwrap();
    let feed = |frame: &mut Frame<'_>| {
        frame.timers.once(STEP * 4, "feed", &1_u32).map(drop).map_err(|it| it.to_string())
    };
    engine.run_as(&shark, feed).unwrap();
    engine.update(STEP);
    assert_eq!((diary.take(), engine.world().len()), (vec!["fish/swim".to_owned(), "shark/hunt".into()], 2));

    engine.update(STEP * 4);
    // The panicking run's commands are dropped; nothing of the module runs any more, the others do.
    assert_eq!(engine.world().len(), 3);
    assert_eq!(diary.take(), ["fish/swim", "shark/hunt", "fish/swim", "fish/swim", "fish/swim"]);
    assert!(engine.is_suspended(shark.id()) && !engine.is_suspended(ModuleTag::new("fish").id()));
    let faults = engine.take_faults();
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert_eq!((faults[0].module.as_str(), faults[0].system.as_str()), ("shark", "bite"));
    assert!(faults[0].message.contains("a tooth is lost"), "{}", faults[0].message);
    assert!(faults[0].suspended && faults[0].frame == 2);

    // New code runs again.
    let mut code = ModuleCode::new(&shark);
    let noted = diary.clone();
    let hunt = SystemCode::of_frame(move |_: &mut Frame<'_>| {
        noted.note("new hunt");
        Ok(())
    });
    code.systems.push((SystemDescriptor::new("hunt"), hunt));
    engine.exchange(vec![code]).unwrap();
    assert!(!engine.is_suspended(shark.id()));
    engine.update(STEP);
    assert_eq!(diary.take(), ["fish/swim", "new hunt"]);
}

#[test]
fn an_error_is_reported_and_the_module_goes_on() {
    let (mut engine, module) = (engine(), ModuleTag::new("fish"));
    let swim = |_: &mut Frame<'_>| Err::<(), _>("no water");
    engine.add_system(&module, SystemDescriptor::new("swim"), swim).unwrap();
    let stale = engine.world_mut().spawn(());
    engine.world_mut().despawn(stale).unwrap();
    let eat = move |frame: &mut Frame<'_>| frame.commands.despawn(stale);
    engine.add_system(&module, SystemDescriptor::new("eat"), eat).unwrap();
    engine.update(STEP * 2);
    let faults = engine.take_faults();
    assert_eq!(faults.len(), 4, "{faults:?}");
    assert_eq!(faults[0].message, "no water");
    assert!(faults[1].message.starts_with("1 of its commands failed, the first: entity 0v1"), "{faults:?}");
    assert!(faults.iter().all(|fault| !fault.suspended));
    assert!(!engine.is_suspended(module.id()));
}

#[test]
fn a_panic_in_a_call_between_frames_is_contained_too() {
    let (mut engine, module) = (engine(), ModuleTag::new("fish"));
    let started = engine.run_as(&module, |_| -> Result<(), String> { panic!("no water") });
    assert!(started.unwrap_err().contains("no water"));
    assert_eq!(engine.run_as(&module, |frame| Ok(frame.world.len())), Ok(0));
    assert_eq!(engine.run_as::<()>(&module, |_| Err("dry".to_owned())), Err("dry".to_owned()));
}

#[test]
fn a_panic_whose_payload_panics_in_its_drop_is_one_fault() {
    let (mut engine, module, diary) = (engine(), ModuleTag::new("shark"), Diary::default());
    let bite = |_: &mut Frame<'_>| -> () { std::panic::panic_any(crate::Thrown) };
    engine.add_system(&module, SystemDescriptor::new("bite"), bite).unwrap();
    add(&mut engine, &diary, "fish", SystemDescriptor::new("swim"));
    engine.update(STEP);
    let faults = engine.take_faults();
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert_eq!((faults[0].module.as_str(), faults[0].message.as_str()), ("shark", "panicked: (no message)"));
    assert_eq!(diary.take(), ["fish/swim"]);
}

#[test]
fn a_system_that_panics_while_it_queries_leaves_the_world_usable() {
    use keel_ecs::{ModelTypeInfo, component};

    #[component(crate = keel_ecs)]
    struct Depth {
        meters: f32,
    }

    let mut engine = engine();
    engine.world_mut().register(ModelTypeInfo::component::<Depth>()).unwrap();
    let whale = engine.world_mut().spawn((Depth { meters: 1.0 },));
    let dive = |frame: &mut Frame<'_>| {
        frame.world.query::<&mut Depth>().for_each(|depth| {
            depth.meters += 1.0;
            panic!("too deep");
        });
    };
    engine.add_system(&ModuleTag::new("whale"), SystemDescriptor::new("dive"), dive).unwrap();
    engine.update(STEP);
    assert_eq!(engine.take_faults().len(), 1);
    assert_eq!(engine.world().get::<Depth>(whale).unwrap().meters, 2.0);
    engine.world().query::<&mut Depth>().for_each(|depth| depth.meters = 0.0);
}
