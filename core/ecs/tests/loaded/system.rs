//! The calls of the system view.

use std::time::Duration;

use keel::engine::{
    Engine, EngineConfig, ModuleTag, Random, ResMut, Stage, SystemCode, SystemDescriptor, SystemId,
    SystemTimes, SystemView,
};

use crate::{refuses, view};

fn systems() -> &'static dyn SystemView {
    view::<dyn SystemView>()
}

fn nothing() -> SystemCode {
    SystemCode::of_frame(|_| Ok(()))
}

/// `fish/swim`, `fish/eat` and, in the frame's stage, `sea/draw`.
fn engine() -> Engine {
    let mut engine = Engine::new(EngineConfig::default());
    let schedule = engine.schedule_mut();
    let (fish, sea) = (ModuleTag::new("fish"), ModuleTag::new("sea"));
    for (module, descriptor) in [
        (&fish, SystemDescriptor::new("swim")),
        (&fish, SystemDescriptor::new("eat").before("sea/draw")),
        (&sea, SystemDescriptor::new("draw").stage(Stage::Frame)),
    ] {
        systems().add(schedule, module, descriptor, nothing()).unwrap();
    }
    engine
}

#[test]
fn systems_are_listed() {
    let engine = engine();
    let schedule = engine.schedule();
    assert_eq!(systems().names(schedule), ["fish/swim", "fish/eat", "sea/draw"]);
    assert_eq!(systems().all(schedule).len(), 3);
    assert_eq!(systems().count(schedule), 3);
    assert!(systems().contains(schedule, "fish/eat") && !systems().contains(schedule, "eat"));
    let info = systems().info(schedule, "fish/eat").unwrap();
    assert_eq!((info.module.as_str(), info.before, info.is_enabled), ("fish", vec!["sea/draw".into()], true));
    assert_eq!(systems().stage(schedule, "sea/draw").unwrap(), Stage::Frame);
    assert_eq!(systems().in_stage(schedule, Stage::Step), ["fish/swim", "fish/eat"]);
    assert_eq!(systems().of_module(schedule, "sea"), ["sea/draw"]);
    assert_eq!(systems().before(schedule, "fish/eat").unwrap(), ["fish/swim"]);
    assert_eq!(systems().after(schedule, "fish/swim").unwrap(), ["fish/eat"]);

    let id = SystemId::of("fish", "eat");
    assert_eq!(systems().by_id(schedule, id).map(|info| info.name).as_deref(), Some("fish/eat"));
    assert_eq!(systems().by_id(schedule, SystemId::of("fish", "sleep")), None);

    let says = "there is no system `fish/sleep`; the systems are: fish/swim, fish/eat, sea/draw";
    refuses(systems().info(schedule, "fish/sleep"), says);
    refuses(systems().stage(schedule, "fish/sleep"), says);
    refuses(systems().before(schedule, "fish/sleep"), says);
    refuses(systems().after(schedule, "fish/sleep"), says);
    refuses(systems().times(schedule, "fish/sleep"), says);
    refuses(systems().is_enabled(schedule, "fish/sleep"), says);
}

#[test]
fn systems_are_added_removed_and_ordered() {
    let mut engine = engine();
    let schedule = engine.schedule_mut();
    let fish = ModuleTag::new("fish");
    refuses(
        systems().add(schedule, &fish, SystemDescriptor::new("eat"), nothing()),
        "module `fish` registers system `eat` twice",
    );
    let circular = SystemDescriptor::new("rest").before("swim").after("eat");
    systems().order(schedule, "fish/swim", "fish/eat").unwrap();
    refuses(systems().add(schedule, &fish, circular, nothing()), "the order of systems is a cycle");
    refuses(systems().order(schedule, "fish/eat", "fish/swim"), "the order of systems is a cycle");
    refuses(systems().order(schedule, "fish/eat", "fish/eat"), "the order of systems is a cycle");
    refuses(systems().order(schedule, "fish/eat", "fish/sleep"), "there is no system `fish/sleep`");
    assert_eq!(systems().of_module(schedule, "fish"), ["fish/swim", "fish/eat"]);

    assert!(systems().unorder(schedule, "fish/swim", "fish/eat"));
    assert!(!systems().unorder(schedule, "fish/swim", "fish/eat"));
    systems().order(schedule, "fish/eat", "fish/swim").unwrap();
    assert_eq!(systems().of_module(schedule, "fish"), ["fish/eat", "fish/swim"]);

    systems().remove(schedule, "fish/swim").unwrap();
    refuses(systems().remove(schedule, "fish/swim"), "there is no system `fish/swim`");
    refuses(systems().remove(schedule, "swim"), "there is no system `swim`");
    assert_eq!(systems().names(schedule), ["fish/eat", "sea/draw"]);
}

#[test]
fn systems_tell_their_sets_and_whom_they_conflict_with() {
    let mut engine = Engine::new(EngineConfig::default());
    let schedule = engine.schedule_mut();
    let fish = ModuleTag::new("fish");
    for name in ["drink", "spit"] {
        let code = SystemCode::of_params::<ResMut<'static, Random>>(|_| Ok(()));
        let descriptor = SystemDescriptor::new(name).in_set("drinking");
        systems().add(schedule, &fish, descriptor, code).unwrap();
    }
    assert_eq!(systems().in_set(schedule, "drinking"), ["fish/drink", "fish/spit"]);
    assert_eq!(systems().in_set(schedule, "eating"), Vec::<String>::new());
    let ambiguities = systems().ambiguities(schedule);
    assert_eq!((ambiguities.len(), ambiguities[0].shared.as_str()), (1, "keel.Random"));
    systems().order(schedule, "fish/drink", "fish/spit").unwrap();
    assert_eq!(systems().ambiguities(schedule), []);
    let info = systems().info(schedule, "fish/drink").unwrap();
    assert_eq!(info.access, Some((vec![], vec!["keel.Random".to_owned()])));
}

#[test]
fn systems_are_switched_and_timed() {
    let mut engine = engine();
    systems().disable(engine.schedule_mut(), "fish/eat").unwrap();
    assert!(!systems().is_enabled(engine.schedule(), "fish/eat").unwrap());
    engine.update(EngineConfig::default().step * 2);
    let runs = |engine: &Engine, name| systems().times(engine.schedule(), name).unwrap().runs;
    assert_eq!((runs(&engine, "fish/swim"), runs(&engine, "fish/eat"), runs(&engine, "sea/draw")), (2, 0, 1));
    let times = systems().times(engine.schedule(), "fish/swim").unwrap();
    assert!(times.longest <= times.total && times.mean() <= times.longest);
    systems().enable(engine.schedule_mut(), "fish/eat").unwrap();
    systems().reset_times(engine.schedule_mut());
    assert_eq!(systems().times(engine.schedule(), "fish/swim").unwrap(), SystemTimes::default());
    engine.update(EngineConfig::default().step + Duration::from_nanos(1));
    assert_eq!(runs(&engine, "fish/eat"), 1);

    refuses(systems().enable(engine.schedule_mut(), "fish/sleep"), "there is no system `fish/sleep`");
    refuses(systems().disable(engine.schedule_mut(), "fish/sleep"), "there is no system `fish/sleep`");
}
