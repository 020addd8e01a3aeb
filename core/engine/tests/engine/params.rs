//! Systems of typed parameters: what they are handed, what they may not ask for together, and what they are told.

use std::fmt::Debug;

use keel_ecs::{Commands, Entity, ModelTypeInfo, Name, QueryData, With, Without, component, event, resource};
use keel_engine::{
    Engine, EngineError, Entities, EventReader, EventWriter, IntoSystem, ModuleTag, Names, Query, Res,
    ResMut, SystemCode, SystemDescriptor, Time, Views,
};

use crate::{Diary, STEP, engine};

#[component(crate = keel_ecs)]
#[derive(Clone, Copy, Debug, PartialEq)]
struct Position {
    x: f32,
}

#[component(crate = keel_ecs)]
struct Velocity {
    x: f32,
}

#[component(crate = keel_ecs)]
struct Frozen {}

#[resource(crate = keel_ecs)]
#[derive(Debug, Default, PartialEq)]
struct Tide {
    height: f32,
}

#[event(crate = keel_ecs)]
struct Splash {
    loudness: u32,
}

fn sea() -> Engine {
    let mut engine = engine();
    let world = engine.world_mut();
    for info in [
        ModelTypeInfo::component::<Position>(),
        ModelTypeInfo::component::<Velocity>(),
        ModelTypeInfo::component::<Frozen>(),
        ModelTypeInfo::resource::<Tide>(),
        ModelTypeInfo::event::<Splash>(),
    ] {
        world.register(info).unwrap();
    }
    engine
}

fn add<M>(engine: &mut Engine, name: &str, system: impl IntoSystem<M>) {
    engine.add_system(&ModuleTag::new("sea"), SystemDescriptor::new(name), system).unwrap();
}

fn drift(mut bodies: Query<(&mut Position, &Velocity), Without<Frozen>>, tide: Res<Tide>, time: Time) {
    bodies.for_each(|(position, velocity)| position.x += velocity.x * time.delta + tide.height);
}

#[test]
fn a_system_is_handed_what_it_asks_for() {
    let mut engine = sea();
    let world = engine.world_mut();
    world.insert_resource(Tide { height: 10.0 }).unwrap();
    let free = world.spawn((Position { x: 1.0 }, Velocity { x: 100.0 }));
    let frozen = world.spawn((Position { x: 1.0 }, Velocity { x: 100.0 }, Frozen {}));
    add(&mut engine, "drift", drift);
    engine.update(STEP);
    assert_eq!(engine.take_faults(), []);
    assert_eq!(engine.world().get::<Position>(free).unwrap().x, 12.0);
    assert_eq!(engine.world().get::<Position>(frozen).unwrap().x, 1.0);
}

#[test]
fn several_queries_step_through_what_they_match() {
    let mut engine = sea();
    let diary = Diary::default();
    let noted = diary.clone();
    let world = engine.world_mut();
    let fish = world.spawn((Name::new("fish"), Position { x: 1.0 }));
    world.spawn((Name::new("ice"), Position { x: 5.0 }, Frozen {}));
    let look = move |mut moving: Query<&mut Position, Without<Frozen>>,
                     mut frozen: Query<(Entity, &Position), With<Frozen>>,
                     entities: Entities<'_>,
                     names: Names<'_>| {
        let there = frozen.single_mut().map_or(0.0, |(_, position)| position.x);
        for position in &mut moving {
            position.x += there;
        }
        noted.note(format!("{} {} {}", moving.count(), moving.is_empty(), frozen.count()));
        noted.note(format!("{:?} {}", names.find("fish") == Some(fish), entities.len()));
        assert_eq!(moving.entities(), [fish]);
        assert!(moving.iter_mut().all(|position| position.x == 6.0));
        assert!(entities.contains(fish) && !entities.is_empty());
        assert_eq!(names.find("whale"), None);
    };
    add(&mut engine, "look", look);
    engine.update(STEP);
    assert_eq!(engine.take_faults(), []);
    assert_eq!(diary.take(), ["1 false 1", "true 2"]);
}

#[test]
fn commands_and_events_come_after_the_system_and_keep_its_order() {
    let mut engine = sea();
    fn spawn(commands: &mut Commands, mut splashes: EventWriter<Splash>, entities: Entities) {
        commands.spawn((Position { x: 7.0 },));
        splashes.send(Splash { loudness: 1 });
        splashes.send_all([Splash { loudness: 2 }, Splash { loudness: 3 }]);
        assert_eq!(entities.len(), 0, "commands wait");
    }
    let diary = Diary::default();
    let noted = diary.clone();
    let listen = move |mut splashes: EventReader<Splash>, mut bodies: Query<&Position>| {
        assert_eq!((splashes.len(), splashes.missed()), (3, 0));
        splashes.read().for_each(|splash| noted.note(splash.loudness.to_string()));
        assert!(splashes.is_empty());
        let mut count = 0;
        bodies.for_each(|_| count += 1);
        noted.note(format!("{count} body"));
    };
    add(&mut engine, "spawn", spawn);
    engine
        .add_system(&ModuleTag::new("sea"), SystemDescriptor::new("listen").after("spawn"), listen)
        .unwrap();
    engine.update(STEP);
    assert_eq!(engine.take_faults(), []);
    assert_eq!(diary.take(), ["1", "2", "3", "1 body"]);
}

#[test]
fn resources_are_read_written_and_optional() {
    let mut engine = sea();
    fn raise(mut tide: ResMut<Tide>) {
        tide.height += 1.0;
    }
    let diary = Diary::default();
    let noted = diary.clone();
    let look = move |tide: Option<Res<Tide>>, views: Views| {
        assert!(views.provided(keel_core_types::ViewId::of("nobody")).is_none());
        noted.note(format!("{:?}", tide.map(|tide| tide.height)));
    };
    add(&mut engine, "raise", raise);
    add(&mut engine, "look", look);
    engine.update(STEP);
    let faults = engine.take_faults();
    assert_eq!(faults.len(), 1);
    assert_eq!(
        (faults[0].module.as_str(), faults[0].system.as_str(), faults[0].suspended),
        ("sea", "raise", false)
    );
    assert_eq!(
        faults[0].message,
        "it did not run: its parameter `ResMut<Tide>` asks for the resource `Tide`, which the world does not have; \
         insert it in `start`, or take `Option<ResMut<Tide>>`"
    );
    assert_eq!(diary.take(), ["None"]);
    engine.world_mut().insert_resource(Tide { height: 1.0 }).unwrap();
    engine.update(STEP);
    assert_eq!(engine.take_faults(), []);
    assert_eq!(diary.take(), ["Some(2.0)"]);
}

#[test]
fn an_event_that_is_not_registered_is_an_error() {
    let mut engine = engine();
    add(&mut engine, "listen", |_: EventReader<Splash>| ());
    add(&mut engine, "send", |_: EventWriter<Splash>| ());
    engine.update(STEP);
    let faults = engine.take_faults();
    assert!(faults[0].message.contains("`EventReader<Splash>` can't be had"), "{faults:?}");
    assert!(faults[1].message.contains("`EventWriter<Splash>` can't be had"), "{faults:?}");
}

#[test]
fn errors_and_panics_are_contained_and_a_panic_drops_what_was_put_off() {
    let mut engine = sea();
    fn fail(commands: &mut Commands) -> Result<(), String> {
        commands.spawn((Name::new("kept"),));
        Err("the sea is rough".to_owned())
    }
    fn stale(commands: &mut Commands, mut names: Query<(Entity, &Name)>) {
        for (entity, _) in &mut names {
            commands.despawn(entity);
            commands.despawn(entity);
        }
    }
    fn drown(commands: &mut Commands, mut splashes: EventWriter<Splash>) {
        commands.spawn((Position { x: 0.0 },));
        splashes.send(Splash { loudness: 1 });
        panic!("glug");
    }
    add(&mut engine, "fail", fail);
    fn after() {
        panic!("its module is suspended");
    }
    let mut add_after = |name: &str, earlier: &str, system: SystemCode| {
        let descriptor = SystemDescriptor::new(name).after(earlier);
        engine.add_system(&ModuleTag::new("sea"), descriptor, system).unwrap();
    };
    add_after("stale", "fail", stale.into_system());
    add_after("drown", "stale", drown.into_system());
    add_after("after", "drown", after.into_system());
    engine.update(STEP);
    let faults = engine.take_faults();
    let told: Vec<_> = faults.iter().map(|fault| (fault.system.as_str(), fault.suspended)).collect();
    assert_eq!(told, [("fail", false), ("stale", false), ("drown", true)]);
    assert_eq!(faults[0].message, "the sea is rough");
    assert!(faults[1].message.starts_with("1 of its commands failed, the first: "), "{faults:?}");
    assert!(faults[2].message.ends_with("glug"), "{faults:?}");
    assert!(engine.world().is_empty(), "what the second despawned had come");
    assert_eq!(engine.world().events::<Splash>().len(), 0);
    engine.update(STEP);
    assert_eq!(engine.take_faults(), [], "it is suspended");
}

#[track_caller]
fn check_refused<M>(system: impl IntoSystem<M>, expected: &str) {
    let mut engine = sea();
    let refused = engine.add_system(&ModuleTag::new("sea"), SystemDescriptor::new("move"), system);
    assert_eq!(refused.unwrap_err().to_string(), expected);
    assert!(engine.systems().is_empty());
}

#[test]
fn parameters_that_exclude_each_other_are_refused_by_name() {
    let next = "and one writes it; ask for both in one query, tell their entities apart with `Without<..>`, or make two \
                systems of it";
    check_refused(
        |_: Query<&mut Position>, _: Time, _: Query<(&Position, &Velocity)>| (),
        &format!(
            "system `sea/move`: parameters `Query<&mut Position>` and `Query<(&Position, &Velocity)>` both use \
             `Position`, {next}"
        ),
    );
    check_refused(
        |_: Query<(Entity, Option<&mut Velocity>), With<Frozen>>, _: Query<&Velocity>| (),
        &format!(
            "system `sea/move`: parameters `Query<(Entity, Option<&mut Velocity>), With<Frozen>>` and \
             `Query<&Velocity>` both use `Velocity`, {next}"
        ),
    );
    check_refused(
        |_: ResMut<Tide>, _: Option<Res<Tide>>| (),
        &format!(
            "system `sea/move`: parameters `ResMut<Tide>` and `Option<Res<Tide>>` both use `Tide`, {next}"
        ),
    );
    check_refused(
        |_: (Entities, (Res<Tide>, Time)), _: ResMut<Tide>| (),
        &format!("system `sea/move`: parameters `Res<Tide>` and `ResMut<Tide>` both use `Tide`, {next}"),
    );
    check_refused(
        |_: Query<(&mut Position, &Position)>| (),
        "system `sea/move`: parameter `Query<(&mut Position, &Position)>` uses `Position` twice, and writes it; ask for \
         it once",
    );
}

#[test]
fn parameters_that_only_seem_to_exclude_each_other_are_not_refused() {
    #[track_caller]
    fn check<M>(system: impl IntoSystem<M>) {
        let mut engine = sea();
        engine.world_mut().insert_resource(Tide::default()).unwrap();
        engine.world_mut().spawn((Position { x: 0.0 }, Frozen {}));
        add(&mut engine, "move", system);
        engine.update(STEP);
        assert_eq!(engine.take_faults(), []);
    }
    fn touch<D: QueryData, F: keel_ecs::QueryFilter>(query: &mut Query<D, F>) -> usize {
        query.count()
    }
    check(|mut one: Query<&mut Position, With<Frozen>>, mut other: Query<&mut Position, Without<Frozen>>| {
        assert_eq!((touch(&mut one), touch(&mut other)), (1, 0));
    });
    check(|mut one: Query<&Position>, mut other: Query<(Entity, &Position)>, _: Res<Tide>, _: Res<Tide>| {
        assert_eq!(touch(&mut one), touch(&mut other));
    });
    check(|_: EventWriter<Splash>, _: EventWriter<Splash>, _: EventReader<Splash>, _: &mut Commands| ());
}

#[test]
fn up_to_twelve_parameters_and_tuples_of_them() {
    let mut engine = sea();
    engine.world_mut().insert_resource(Tide::default()).unwrap();
    type T = Time;
    add(
        &mut engine,
        "twelve",
        |_: T, _: T, _: T, _: T, _: T, _: T, _: T, _: T, _: T, _: T, _: T, _: ResMut<Tide>| (),
    );
    add(&mut engine, "tuple", |((time, _), mut tide): ((Time, Entities), ResMut<Tide>)| {
        tide.height = time.step as f32;
    });
    add(&mut engine, "none", || ());
    engine.update(STEP * 3);
    assert_eq!(engine.take_faults(), []);
    assert_eq!(*engine.world().resource::<Tide>().unwrap(), Tide { height: 3.0 });
}

#[test]
fn a_refused_system_is_an_error_of_its_kind() {
    fn kind(error: impl Debug) -> String {
        format!("{error:?}").split([' ', '{']).next().unwrap_or_default().to_owned()
    }
    let mut engine = sea();
    let refused = engine.add_system(
        &ModuleTag::new("sea"),
        SystemDescriptor::new("move"),
        |_: ResMut<Tide>, _: ResMut<Tide>| (),
    );
    assert!(matches!(refused, Err(EngineError::ParameterConflict { .. })), "{}", kind(refused));
}
