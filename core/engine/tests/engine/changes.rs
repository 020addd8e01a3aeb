//! What is new to a system: all that others have changed since it ran last.

use keel_ecs::{
    Added, Changed, Commands, Component, Entity, ModelTypeInfo, Mut, Or, Ref, Tracked, With, component,
    resource,
};
use keel_engine::{
    Engine, EngineConfig, EngineError, Frame, IntoSystem, Local, ModuleCode, ModuleTag, Query, Removed, Res,
    ResMut, SystemDescriptor, Time, every, resource_added, resource_changed, resource_removed,
};

use crate::{Diary, STEP, engine};

#[component(crate = keel_ecs, tracked)]
#[derive(Clone, Debug, Default, PartialEq)]
struct Hull {
    planks: u64,
}

#[component(crate = keel_ecs, sparse, tracked)]
#[derive(Clone, Debug, Default, PartialEq)]
struct Fire {
    heat: u64,
}

#[component(crate = keel_ecs)]
#[derive(Clone, Debug, Default, PartialEq)]
struct Course {
    turn: u64,
}

#[resource(crate = keel_ecs, tracked)]
#[derive(Clone, Debug, Default, PartialEq)]
struct Wind {
    knots: u64,
}

fn sea_of(engine: &mut Engine) {
    let world = engine.world_mut();
    world.register(ModelTypeInfo::component::<Hull>()).unwrap();
    world.register(ModelTypeInfo::component::<Fire>()).unwrap();
    world.register(ModelTypeInfo::component::<Course>()).unwrap();
    world.register(ModelTypeInfo::resource::<Wind>()).unwrap();
}

fn sea() -> Engine {
    let mut engine = engine();
    sea_of(&mut engine);
    engine
}

fn fish() -> ModuleTag {
    ModuleTag::new("fish")
}

fn add<M>(engine: &mut Engine, descriptor: SystemDescriptor, system: impl IntoSystem<M>) {
    engine.add_system(&fish(), descriptor, system).unwrap();
}

fn hull(planks: u64) -> Hull {
    Hull { planks }
}

type Watched<'q, T> = (Entity, Ref<'q, T>);

/// Notes what is new to it.
fn watching<T: Component + Tracked>(
    diary: &Diary,
) -> impl FnMut(Query<'_, Watched<'_, T>, Changed<T>>, Removed<'_, T>) + Send + 'static {
    let diary = diary.clone();
    move |changed, mut removed| {
        for (entity, value) in &changed {
            let how = if value.is_added() { "added" } else { "changed" };
            diary.note(format!("{how} {}", entity.index()));
        }
        removed.read().for_each(|entity| diary.note(format!("removed {}", entity.index())));
    }
}

#[test]
fn a_system_sees_what_others_have_changed_since_it_ran_last() {
    let (mut engine, diary) = (sea(), Diary::default());
    let [a, b] = [1, 2].map(|planks| engine.world_mut().spawn((hull(planks),)));
    let write = move |mut hulls: Query<'_, &mut Hull>, time: Time| {
        if time.step == 2 {
            hulls.get_mut(a).unwrap().planks += 1;
        }
    };
    let write_later = move |mut hulls: Query<'_, &mut Hull>, time: Time| {
        if time.step == 3 {
            hulls.get_mut(b).unwrap().planks += 1;
        }
    };
    add(&mut engine, SystemDescriptor::new("write"), write);
    add(&mut engine, SystemDescriptor::new("watch").after("write"), watching::<Hull>(&diary));
    add(&mut engine, SystemDescriptor::new("write later").after("watch"), write_later);
    let mut step = || {
        engine.update(STEP);
        diary.take()
    };
    assert_eq!(step(), ["added 0", "added 1"], "at first all is new");
    assert_eq!(step(), ["changed 0"], "by a system before it");
    assert!(step().is_empty());
    assert_eq!(step(), ["changed 1"], "by a system after it, in the step before");
    assert!(step().is_empty());
    engine.world_mut().get_mut::<Hull>(a).unwrap().planks = 9;
    engine.world_mut().despawn(b).unwrap();
    engine.update(STEP);
    assert_eq!(diary.take(), ["changed 0", "removed 1"], "by its driver");
}

#[test]
fn what_a_system_does_itself_is_not_new_but_what_its_commands_do_is() {
    let (mut engine, diary) = (sea(), Diary::default());
    let ship = engine.world_mut().spawn((hull(1), Fire::default()));
    let notes = diary.clone();
    let system = move |mut hulls: Query<'_, (Entity, &mut Hull), Changed<Hull>>,
                       fires: Query<'_, Entity, Added<Fire>>,
                       commands: &mut Commands,
                       time: Time| {
        hulls.for_each(|(_, mut hull)| {
            assert!(hull.is_changed());
            hull.planks += 1;
            notes.note(format!("hull {}", hull.planks));
        });
        fires.iter().for_each(|_| notes.note("fire"));
        if time.step == 2 {
            commands.remove::<(Fire,)>(ship);
            commands.insert(ship, (Fire::default(),));
        }
    };
    add(&mut engine, SystemDescriptor::new("mend"), system);
    engine.update(STEP);
    assert_eq!(diary.take(), ["hull 2", "fire"]);
    engine.update(STEP);
    assert!(diary.take().is_empty());
    engine.update(STEP);
    assert_eq!(diary.take(), ["fire"]);
}

#[test]
fn a_system_that_does_not_run_misses_nothing() {
    let (mut engine, diary) = (sea(), Diary::default());
    let ships: Vec<_> = (0..3).map(|planks| engine.world_mut().spawn((hull(planks),))).collect();
    add(&mut engine, SystemDescriptor::new("watch").run_if(every(2)), watching::<Hull>(&diary));
    engine.update(STEP * 2);
    diary.take();
    engine.world_mut().get_mut::<Hull>(ships[0]).unwrap().planks = 9;
    engine.update(STEP);
    engine.world_mut().get_mut::<Hull>(ships[1]).unwrap().planks = 9;
    assert!(diary.take().is_empty());
    engine.update(STEP);
    assert_eq!(diary.take(), ["changed 0", "changed 1"]);
}

#[test]
fn what_panics_has_not_seen_anything() {
    let (mut engine, diary) = (sea(), Diary::default());
    engine.world_mut().spawn((hull(1),));
    let panicking = |hulls: Query<'_, &Hull, Changed<Hull>>| assert!(hulls.is_empty(), "a leak");
    let code = |system| ModuleCode {
        systems: vec![(SystemDescriptor::new("watch"), system)],
        ..ModuleCode::new(&fish())
    };
    engine.exchange(vec![code(panicking.into_system())]).unwrap();
    engine.update(STEP);
    assert_eq!(engine.take_faults().len(), 1);
    let mut mended = code(watching::<Hull>(&diary).into_system());
    mended.restore_locals(engine.save_locals(&fish()).unwrap(), false).unwrap();
    engine.exchange(vec![mended]).unwrap();
    engine.update(STEP);
    assert_eq!(diary.take(), ["added 0"]);
}

/// Watches by a condition of its own, too.
fn watching_code(diary: &Diary) -> ModuleCode {
    let (notes, frame_notes) = (diary.clone(), diary.clone());
    let has_news = |hulls: Query<'_, &Hull, Changed<Hull>>| !hulls.is_empty();
    let told = move |frame: &mut Frame<'_>| {
        let news = frame.world.query_filtered::<Entity, Changed<Hull>>().entities();
        news.iter().for_each(|entity| frame_notes.note(format!("frame {}", entity.index())));
    };
    ModuleCode {
        systems: vec![
            (SystemDescriptor::new("watch"), watching::<Hull>(diary).into_system()),
            (SystemDescriptor::new("told").run_if(has_news), (move || notes.note("told")).into_system()),
            (SystemDescriptor::new("frame"), told.into_system()),
        ],
        ..ModuleCode::new(&fish())
    }
}

#[test]
fn when_a_system_ran_last_outlives_its_code() {
    let (mut engine, diary) = (sea(), Diary::default());
    let [a, b] = [1, 2].map(|planks| engine.world_mut().spawn((hull(planks),)));
    engine.exchange(vec![watching_code(&diary)]).unwrap();
    let sorted = || {
        let mut lines = diary.take();
        lines.sort();
        lines
    };
    engine.update(STEP);
    assert_eq!(sorted(), ["added 0", "added 1", "frame 0", "frame 1", "told"]);
    engine.world_mut().get_mut::<Hull>(b).unwrap().planks = 3;
    for _ in 0..2 {
        let mut code = watching_code(&diary);
        assert_eq!(code.restore_locals(engine.save_locals(&fish()).unwrap(), false).unwrap(), []);
        engine.exchange(vec![code]).unwrap();
        engine.update(STEP);
    }
    assert_eq!(sorted(), ["changed 1", "frame 1", "told"]);
    engine.reset();
    let again = engine.world_mut().spawn((hull(1),));
    assert_eq!(again, a);
    engine.update(STEP);
    assert_eq!(sorted(), ["added 0", "frame 0", "told"], "a reset begins afresh");
}

#[test]
fn what_was_new_to_an_atomic_system_that_failed_is_new_to_it_again() {
    let (mut engine, diary) = (sea(), Diary::default());
    let (noted, frame_noted) = (diary.clone(), diary.clone());
    let watch = move |mut hulls: Query<'_, &mut Hull, Changed<Hull>>, time: Time| {
        hulls.for_each(|mut hull| {
            noted.note(format!("watch {}", hull.planks));
            hull.planks += 10;
        });
        if time.step < 3 { Err("no") } else { Ok(()) }
    };
    let told = move |frame: &mut Frame<'_>| {
        frame.world.query_filtered::<&mut Hull, Changed<Hull>>().for_each(|mut hull| {
            frame_noted.note(format!("told {}", hull.planks));
            hull.planks += 100;
        });
        if frame.time.step < 3 { Err("no".to_owned()) } else { Ok(()) }
    };
    add(&mut engine, SystemDescriptor::new("a").atomic(), watch);
    add(&mut engine, SystemDescriptor::new("b").atomic(), told);
    let ship = engine.world_mut().spawn((hull(1),));
    engine.update(STEP);
    engine.update(STEP);
    assert_eq!(engine.take_faults().len(), 4);
    assert_eq!(diary.take(), ["watch 1", "told 1", "watch 1", "told 1"]);
    engine.update(STEP);
    assert_eq!(diary.take(), ["watch 1", "told 11"]);
    assert_eq!(engine.world().get::<Hull>(ship).unwrap().planks, 111);
    engine.update(STEP);
    assert_eq!(diary.take(), ["watch 111", "told 121"], "of what the other has written");
    assert_eq!(engine.take_faults(), []);
}

#[test]
fn resources_tell_systems_and_conditions_of_their_changes() {
    let (mut engine, diary) = (sea(), Diary::default());
    let note = |text: &'static str| {
        let diary = diary.clone();
        move || diary.note(text)
    };
    let notes = diary.clone();
    let watch = move |wind: Option<Res<'_, Wind>>| {
        let wind = wind.map(|wind| (wind.knots, wind.is_added(), wind.is_changed()));
        wind.into_iter().for_each(|wind| notes.note(format!("{wind:?}")));
    };
    let write = |wind: Option<ResMut<'_, Wind>>, time: Time| {
        let Some(mut wind) = wind else { return };
        match time.step {
            3 => wind.knots += 1,
            4 => assert!(!wind.set_if_neq(Wind { knots: 2 }) && !wind.is_changed()),
            5 => wind.bypass_change_detection().knots = 3,
            6 => wind.set_changed(),
            _ => {}
        }
    };
    add(&mut engine, SystemDescriptor::new("write"), write);
    add(&mut engine, SystemDescriptor::new("watch").after("write"), watch);
    let when = |name: &str| SystemDescriptor::new(name).after("watch");
    add(&mut engine, when("came").run_if(resource_added::<Wind>()), note("came"));
    add(&mut engine, when("changed").run_if(resource_changed::<Wind>()), note("changed"));
    add(&mut engine, when("gone").run_if(resource_removed::<Wind>()), note("gone"));
    let mut step = || {
        engine.update(STEP);
        match engine.time().step {
            1 => drop(engine.world_mut().insert_resource(Wind { knots: 1 }).unwrap()),
            7 => drop(engine.world_mut().remove_resource::<Wind>().unwrap()),
            _ => {}
        }
        let mut lines = diary.take();
        lines.sort();
        lines
    };
    assert!(step().is_empty());
    assert_eq!(step(), ["(1, true, true)", "came", "changed"]);
    assert_eq!(step(), ["(2, false, true)", "changed"]);
    assert_eq!(step(), ["(2, false, false)"]);
    assert_eq!(step(), ["(3, false, false)"]);
    assert_eq!(step(), ["(3, false, true)", "changed"]);
    assert_eq!(step(), ["(3, false, false)"]);
    assert_eq!(step(), ["gone"]);
    assert!(step().is_empty());
}

#[test]
fn who_asks_for_changes_reads() {
    let mut engine = sea();
    let both = |_: Query<'_, &mut Hull>, _: Query<'_, &Course, Changed<Hull>>| {};
    let refused = engine.add_system(&fish(), SystemDescriptor::new("both"), both);
    assert!(matches!(refused, Err(EngineError::ParameterConflict { shared, .. }) if shared == "Hull"));
    let own = |mut hulls: Query<'_, &mut Hull, (Changed<Hull>, With<Course>)>| {
        hulls.for_each(|mut hull: Mut<'_, Hull>| hull.planks += 1);
    };
    add(&mut engine, SystemDescriptor::new("own"), own);
    type Either = Or<(Changed<Hull>, Added<Fire>)>;
    let either = |_: Query<'_, Entity, Either>| {};
    add(&mut engine, SystemDescriptor::new("either"), either);
    let (mut reads, writes) = engine.schedule().system("fish/either").unwrap().access.unwrap();
    reads.sort();
    assert_eq!((reads, writes), (vec!["Fire".to_owned(), "Hull".to_owned()], vec![]));
}

/// Many systems that write and watch, on so many threads: what they have seen, and what came of it.
fn voyage(threads: usize) -> (u64, u64) {
    let config =
        EngineConfig { step: STEP, threads, always_parallel: threads > 1, ..EngineConfig::default() };
    let mut engine = Engine::new(config);
    sea_of(&mut engine);
    for index in 0..64 {
        let ship = engine.world_mut().spawn((hull(index), Course::default()));
        if index % 3 == 0 {
            engine.world_mut().insert(ship, (Fire { heat: index },)).unwrap();
        }
    }
    engine.world_mut().insert_resource(Wind::default()).unwrap();
    for index in 0..4_u64 {
        let burn = move |mut fires: Query<'_, &mut Fire>, mut run: Local<'_, u64>| {
            *run += index + 1;
            fires.for_each(|mut fire| {
                if (fire.heat + *run).is_multiple_of(7) {
                    fire.heat += 1;
                }
            });
        };
        let turn = move |mut ships: Query<'_, (&mut Course, Ref<'_, Hull>)>| {
            ships.for_each(|(course, hull)| {
                course.turn = course.turn.wrapping_mul(31).wrapping_add(u64::from(hull.is_changed()) + index);
            });
        };
        let mend = move |mut hulls: Query<'_, (Entity, &mut Hull), Changed<Fire>>,
                         commands: &mut Commands| {
            for (entity, mut hull) in &mut hulls {
                hull.planks += 1;
                match (hull.planks + index) % 5 {
                    0 => commands.remove::<(Fire,)>(entity),
                    1 => commands.spawn((
                        Hull { planks: hull.planks },
                        Fire { heat: index },
                        Course::default(),
                    )),
                    _ => {}
                }
            }
        };
        let count = move |mut lost: Removed<'_, Fire>, mut wind: ResMut<'_, Wind>| {
            lost.read()
                .for_each(|entity| wind.knots = wind.knots.wrapping_mul(17) ^ u64::from(entity.index()));
        };
        for (name, code) in [
            ("burn", burn.into_system()),
            ("turn", turn.into_system()),
            ("mend", mend.into_system()),
            ("count", count.into_system()),
        ] {
            add(&mut engine, SystemDescriptor::new(&format!("{name} {index}")), code);
        }
    }
    (0..30).for_each(|_| engine.update(STEP));
    assert!(engine.take_faults().is_empty());
    let world = engine.world();
    assert!(world.resource::<Wind>().unwrap().knots != 0, "some fires went out");
    let changed = world.query_filtered::<&Hull, Changed<Hull>>().count() as u64;
    (world.hash().unwrap(), changed)
}

#[test]
fn what_is_new_is_the_same_on_any_number_of_threads() {
    let alone = voyage(1);
    for threads in [2, 4] {
        assert_eq!(voyage(threads), alone, "on {threads} threads");
    }
}
