//! Observers: called for what happens, from a queue, where what was put off is applied.

use std::time::Duration;

use keel_ecs::{Commands, Component, Entity, ModelTypeInfo, Resource, World, WorldConversion};
use keel_ecs::{component, event, resource};
use keel_engine::{
    Despawn, Engine, EngineConfig, EngineError, Entities, EventWriter, Frame, Insert, IntoObserver, Local,
    ModuleCode, ModuleTag, ObserverDescriptor, On, Query, Remove, Replace, Res, ResMut, Sent, Stage,
    SystemDescriptor, Time,
};

use crate::{Diary, STEP, engine};

#[component(crate = keel_ecs)]
#[derive(Clone, Copy, Debug, PartialEq)]
struct Health {
    points: i32,
}

#[component(crate = keel_ecs, sparse)]
#[derive(Clone, Debug, PartialEq)]
struct Burning {
    by: String,
}

#[component(crate = keel_ecs)]
#[derive(Clone, Copy, Debug, PartialEq)]
struct Marked(u32);

#[resource(crate = keel_ecs)]
#[derive(Debug, Default)]
struct Score {
    lines: Vec<String>,
}

#[event(crate = keel_ecs)]
#[derive(Clone, Debug, PartialEq)]
struct Hit {
    target: Entity,
    damage: i32,
}

fn game() -> Engine {
    prepared(engine())
}

fn prepared(mut engine: Engine) -> Engine {
    let world = engine.world_mut();
    let types = [
        ModelTypeInfo::component::<Health>(),
        ModelTypeInfo::component::<Burning>(),
        ModelTypeInfo::component::<Marked>(),
        ModelTypeInfo::resource::<Score>(),
        ModelTypeInfo::event::<Hit>(),
    ];
    types.into_iter().try_for_each(|info| world.register(info)).unwrap();
    world.insert_resource(Score::default()).unwrap();
    engine
}

fn score(engine: &Engine) -> Vec<String> {
    std::mem::take(&mut engine.world().resource_mut::<Score>().unwrap().lines)
}

fn fish() -> ModuleTag {
    ModuleTag::new("fish")
}

fn health(points: i32) -> Health {
    Health { points }
}

#[track_caller]
fn check_no_faults(engine: &mut Engine) {
    assert_eq!(engine.take_faults(), []);
}

fn on_insert(on: On<Insert, Health>, query: Query<&Health>, mut score: ResMut<Score>) {
    let now = query.get(on.entity()).map(|health| health.points).ok();
    score.lines.push(format!("insert {} now {now:?}", on.entity()));
}

fn on_replace(on: On<Replace, Health>, mut score: ResMut<Score>) {
    score.lines.push(format!("replace {} was {}", on.entity(), on.old().points));
}

fn on_remove(on: On<Remove, Health>, mut score: ResMut<Score>) {
    score.lines.push(format!("remove {} was {}", on.entity(), on.old().points));
}

fn on_despawn(on: On<Despawn, Health>, entities: Entities, mut score: ResMut<Score>) {
    let (entity, old) = (on.entity(), on.old().points);
    score.lines.push(format!("despawn {entity} was {old}, lives: {}", entities.contains(entity)));
}

fn on_hit(hit: On<Sent, Hit>, mut score: ResMut<Score>) {
    score.lines.push(format!("hit {} for {}", hit.target, hit.damage));
}

fn all_observers(engine: &mut Engine) {
    engine.add_observer(&fish(), "insert", on_insert).unwrap();
    engine.add_observer(&fish(), "replace", on_replace).unwrap();
    engine.add_observer(&fish(), "remove", on_remove).unwrap();
    engine.add_observer(&fish(), "despawn", on_despawn).unwrap();
    engine.add_observer(&fish(), "hit", on_hit).unwrap();
}

#[test]
fn each_occasion_has_its_observers() {
    let mut engine = game();
    all_observers(&mut engine);
    let paths = ["fish/insert", "fish/replace", "fish/remove", "fish/despawn", "fish/hit"];
    assert_eq!(engine.observers(), paths);
    let entity = engine.world_mut().spawn((health(3),));
    assert!(engine.has_pending_work(), "what a driver does is observed in the next step");
    assert_eq!(score(&engine), Vec::<String>::new());
    engine.update(STEP);
    assert_eq!(score(&engine), ["insert 0v1 now Some(3)"]);
    assert!(!engine.has_pending_work());
    let change = move |frame: &mut Frame<'_>| {
        frame.world.insert(entity, (health(2),)).unwrap();
        frame.world.remove::<(Health,)>(entity).unwrap();
        frame.commands.insert(entity, (health(1),));
        frame.commands.despawn(entity);
        frame.world.send(Hit { target: entity, damage: 9 });
        Ok::<(), String>(())
    };
    engine.run_as(&fish(), change).unwrap();
    let expected = [
        "replace 0v1 was 3",
        "insert 0v1 now None",
        "remove 0v1 was 2",
        "insert 0v1 now None",
        "despawn 0v1 was 1, lives: false",
        "remove 0v1 was 1",
        "hit 0v1 for 9",
    ];
    assert_eq!(score(&engine), expected);
    check_no_faults(&mut engine);
}

#[test]
fn observers_run_where_commands_are_applied() {
    let mut engine = game();
    let diary = Diary::default();
    let note = |diary: &Diary, line: &'static str| {
        let diary = diary.clone();
        move || diary.note(line)
    };
    let (first, between, seen, last) = (
        note(&diary, "the first gives commands"),
        note(&diary, "beside it"),
        note(&diary, "observed"),
        note(&diary, "after both"),
    );
    let give = move |commands: &mut Commands| {
        first();
        commands.spawn((health(1),));
    };
    engine.add_system(&fish(), SystemDescriptor::new("give"), give).unwrap();
    engine.add_system(&fish(), SystemDescriptor::new("beside"), move |_: Time| between()).unwrap();
    engine.add_system(&fish(), SystemDescriptor::new("last").after("give"), move |_: Time| last()).unwrap();
    engine.add_observer(&fish(), "seen", move |_: On<Insert, Health>| seen()).unwrap();
    engine.update(STEP);
    assert_eq!(diary.take(), ["the first gives commands", "beside it", "observed", "after both"]);
}

#[test]
fn observers_run_by_module_and_then_as_they_were_added() {
    let mut engine = game();
    let diary = Diary::default();
    for (module, name) in [("shark", "b"), ("fish", "z"), ("shark", "a"), ("fish", "y")] {
        let (diary, line) = (diary.clone(), format!("{module}/{name}"));
        let note = move |_: On<Insert, Health>| diary.note(line.clone());
        engine.add_observer(&ModuleTag::new(module), name, note).unwrap();
    }
    engine.world_mut().spawn((health(1),));
    engine.update(STEP);
    assert_eq!(diary.take(), ["fish/z", "fish/y", "shark/b", "shark/a"]);
}

#[test]
fn observers_run_before_and_after_each_other_as_they_ask() {
    let mut engine = game();
    let diary = Diary::default();
    let add = |engine: &mut Engine, module: &str, descriptor: ObserverDescriptor| {
        let (diary, line) = (diary.clone(), format!("{module}/{}", descriptor.name()));
        let note = move |_: On<Insert, Health>| diary.note(line.clone());
        engine.add_observer(&ModuleTag::new(module), descriptor, note)
    };
    let named = ObserverDescriptor::new;
    add(&mut engine, "fish", named("a").after("shark/").after("nobody")).unwrap();
    add(&mut engine, "fish", named("b")).unwrap();
    add(&mut engine, "fish", named("c").before("b").before("fish/")).unwrap();
    add(&mut engine, "shark", named("d").after("fish/b")).unwrap();
    let order = ["fish/c", "fish/b", "shark/d", "fish/a"];
    let check = |engine: &mut Engine| {
        engine.world_mut().spawn((health(1),));
        engine.update(STEP);
        assert_eq!(engine.observers(), order);
        assert_eq!(diary.take(), order);
    };
    check(&mut engine);
    let refused = add(&mut engine, "shark", named("e").before("fish/c").after("fish/a")).unwrap_err();
    let refused = refused.to_string();
    assert!(refused.starts_with("the order of observers is a cycle: `"), "{refused}");
    assert!(refused.contains("`shark/e` -> `fish/c`"), "{refused}");
    let mut code = ModuleCode::new(&ModuleTag::new("shark"));
    code.observers.push((named("d").before("fish/b").after("fish/a"), on_insert.into_observer()));
    let refused = engine.exchange(vec![code]).err().unwrap();
    assert!(matches!(refused, EngineError::ObserverCycle { .. }), "{refused}");
    check(&mut engine);
    // What comes out goes in again, in the same order.
    let old = engine.exchange(vec![ModuleCode::new(&fish())]).unwrap();
    assert_eq!(engine.observers(), ["shark/d"]);
    engine.exchange(old).unwrap();
    check(&mut engine);
}

/// A hit takes points, no points are the end, the end is a mark and an event of its own.
fn chain(engine: &mut Engine) {
    let hurt = |hit: On<Sent, Hit>, query: Query<&Health>, commands: &mut Commands| {
        if let Ok(health) = query.get(hit.target) {
            commands.insert(hit.target, (Health { points: health.points - hit.damage },));
        }
    };
    let die = |on: On<Insert, Health>, query: Query<&Health>, commands: &mut Commands| {
        if query.get(on.entity()).is_ok_and(|health| health.points <= 0) {
            commands.despawn(on.entity());
        }
    };
    let mourn = |on: On<Despawn, Health>, mut hits: EventWriter<Hit>, query: Query<(Entity, &Health)>| {
        // Grief.
        let near = query.iter().map(|(entity, _)| entity).min();
        hits.send_all(near.map(|target| Hit { target, damage: 1 - on.old().points }));
    };
    engine.add_observer(&fish(), "hurt", hurt).unwrap();
    engine.add_observer(&fish(), "die", die).unwrap();
    engine.add_observer(&fish(), "mourn", mourn).unwrap();
}

#[test]
fn observers_that_lead_to_observers_run_from_a_queue() {
    let mut engine = game();
    chain(&mut engine);
    all_observers(&mut engine);
    let [first, second] = [2, 5].map(|points| engine.world_mut().spawn((health(points),)));
    engine.update(STEP);
    score(&engine);
    engine.world().send(Hit { target: first, damage: 3 });
    engine.update(STEP);
    let expected = [
        "hit 0v1 for 3",
        "replace 0v1 was 2",
        "insert 0v1 now None",
        "despawn 0v1 was -1, lives: false",
        "remove 0v1 was -1",
        "hit 1v1 for 2",
        "replace 1v1 was 5",
        "insert 1v1 now Some(3)",
    ];
    assert_eq!(score(&engine), expected);
    assert_eq!(engine.world().get::<Health>(second).unwrap().points, 3);
    check_no_faults(&mut engine);
}

#[test]
fn an_endless_chain_is_cut_and_named() {
    let mut engine = game();
    let ping = |on: On<Insert, Health>, commands: &mut Commands| commands.insert(on.entity(), (Marked(1),));
    let pong = |on: On<Insert, Marked>, commands: &mut Commands| commands.insert(on.entity(), (health(1),));
    engine.add_observer(&fish(), "ping", ping).unwrap();
    engine.add_observer(&ModuleTag::new("shark"), "pong", pong).unwrap();
    engine.world_mut().spawn((health(1),));
    engine.update(STEP);
    let faults = engine.take_faults();
    let [fault] = &faults[..] else { panic!("{faults:?}") };
    assert!(!fault.suspended, "the modules run on");
    assert_eq!((fault.module.as_str(), fault.system.as_str()), ("fish", "observer ping"));
    let expected = "`fish/ping` (On<Insert, Health>) -> `shark/pong` (On<Insert, Marked>) -> `fish/ping`";
    assert!(fault.message.contains(expected), "{}", fault.message);
    engine.update(STEP);
    check_no_faults(&mut engine);
}

#[test]
fn a_chain_that_branches_without_an_end_is_cut_before_it_fills_the_memory() {
    let mut engine = game();
    let twice = |on: On<Insert, Health>, commands: &mut Commands| {
        commands.insert(on.entity(), (health(1),));
        commands.insert(on.entity(), (health(2),));
    };
    engine.add_observer(&fish(), "twice", twice).unwrap();
    engine.world_mut().spawn((health(1),));
    engine.update(STEP);
    let faults = engine.take_faults();
    let [fault] = &faults[..] else { panic!("{faults:?}") };
    assert!(fault.message.contains("`fish/twice` (On<Insert, Health>) -> `fish/twice`"), "{}", fault.message);
    assert!(!engine.has_pending_work(), "what it led to was dropped");
}

#[test]
fn many_at_once_are_no_endless_chain() {
    let mut engine = game();
    let mark = |on: On<Insert, Health>, commands: &mut Commands| {
        commands.insert(on.entity(), (Marked(on.entity().index()),));
    };
    engine.add_observer(&fish(), "mark", mark).unwrap();
    engine.add_observer(&fish(), "marked", |_: On<Insert, Marked>| ()).unwrap();
    engine.world_mut().spawn_batch((0..110_000).map(|points| (health(points),)));
    engine.update(STEP);
    check_no_faults(&mut engine);
    assert_eq!(engine.world().query::<&Marked>().count(), 110_000);
}

#[test]
fn a_panic_suspends_the_module_and_drops_what_was_put_off() {
    let mut engine = game();
    all_observers(&mut engine);
    let fall = |on: On<Insert, Health>, commands: &mut Commands| {
        commands.despawn(on.entity());
        assert!(on.entity() == Entity::DANGLING, "it fell over");
    };
    engine.add_observer(&ModuleTag::new("shark"), "fall", fall).unwrap();
    let refuse = |_: On<Insert, Health>, commands: &mut Commands| -> Result<(), String> {
        commands.spawn((Marked(1),));
        Err("not today".into())
    };
    engine.add_observer(&ModuleTag::new("tide"), "refuse", refuse).unwrap();
    engine.world_mut().spawn((health(1),));
    engine.update(STEP);
    let faults = engine.take_faults();
    let told: Vec<_> =
        faults.iter().map(|it| (it.module.as_str(), it.system.as_str(), it.suspended)).collect();
    assert_eq!(told, [("shark", "observer fall", true), ("tide", "observer refuse", false)]);
    assert!(faults[0].message.contains("it fell over") && faults[1].message.contains("not today"));
    assert_eq!(score(&engine), ["insert 0v1 now Some(1)"], "it was not despawned, and the others ran");
    assert_eq!(
        engine.world().query::<&Marked>().count(),
        1,
        "an error keeps what was put off, as a system's"
    );
    engine.world_mut().spawn((health(2),));
    engine.update(STEP);
    assert_eq!(engine.take_faults().len(), 1, "a suspended module's observers don't run");
}

fn code<M>(module: &ModuleTag, observers: Vec<(&str, impl IntoObserver<M>)>) -> ModuleCode {
    let mut code = ModuleCode::new(module);
    let observers = observers.into_iter().map(|(name, it)| (name.into(), it.into_observer()));
    code.observers.extend(observers);
    code
}

#[test]
fn observers_are_exchanged_with_their_module_and_gone_with_it() {
    let mut engine = game();
    let writing = |word: &'static str| {
        move |on: On<Insert, Health>, mut runs: Local<u32>, mut score: ResMut<Score>| {
            *runs += 1;
            score.lines.push(format!("{word} {} run {}", on.entity(), *runs));
        }
    };
    engine.exchange(vec![code(&fish(), vec![("count", writing("old"))])]).unwrap();
    engine.world_mut().spawn((health(1),));
    engine.update(STEP);
    // What waits at an exchange is for the new code, and is told once.
    engine.world_mut().spawn((health(2),));
    let mut new = code(&fish(), vec![("count", writing("new"))]);
    new.restore_locals(engine.save_locals(&fish()).unwrap(), false).unwrap();
    let old = engine.exchange(vec![new]).unwrap();
    assert_eq!(old[0].observers.len(), 1, "the old code comes out, to be dropped with its library");
    engine.update(STEP);
    assert_eq!(score(&engine), ["old 0v1 run 1", "new 1v1 run 2"]);

    let twice = engine.exchange(vec![code(&fish(), vec![("a", on_insert), ("a", on_insert)])]);
    assert!(matches!(twice, Err(EngineError::DuplicateObserver { .. })));
    let twice = engine.add_observer(&fish(), "count", on_insert);
    assert_eq!(
        twice.unwrap_err().to_string(),
        "module `fish` registers observer `count` twice; give one of them another name"
    );
    let conflict =
        engine.add_observer(&fish(), "both", |_: On<Insert, Health>, _: Res<Score>, _: ResMut<Score>| ());
    let conflict = conflict.unwrap_err().to_string();
    assert!(conflict.contains("`fish/both`") && conflict.contains("ResMut<Score>"), "{conflict}");
    assert_eq!(engine.observers(), ["fish/count"], "what is refused changes nothing");

    engine.remove_module(&fish());
    assert_eq!(engine.observers(), Vec::<String>::new());
    engine.world_mut().spawn((health(3),));
    engine.update(STEP);
    assert_eq!(score(&engine), Vec::<String>::new());
    assert!(!engine.world().has_occurrences(), "nobody observes it any more");
}

#[test]
fn what_waits_goes_on_into_a_converted_world_and_not_into_a_restored_one() {
    let mut engine = game();
    all_observers(&mut engine);
    let types: Vec<_> = engine.world().types().cloned().collect();
    engine.world_mut().spawn((health(1),));
    let mut conversion = WorldConversion::of(engine.replace_world(World::new()));
    conversion.make(types.clone(), false).unwrap();
    engine.replace_world(conversion.accept().0);
    engine.update(STEP);
    assert_eq!(score(&engine), ["insert 0v1 now Some(1)"]);

    let mut saved = keel_ecs::WorldSnapshot::new();
    engine.world().send(Hit { target: Entity::DANGLING, damage: 1 });
    engine.update(STEP);
    assert_eq!(score(&engine).len(), 1);
    engine.world().save(&mut saved).unwrap();
    let (world, _) = World::from_snapshot(types, &saved, false).unwrap();
    engine.replace_world(world);
    engine.update(STEP);
    assert_eq!(score(&engine), Vec::<String>::new(), "what was saved is nothing new");
    engine.world().send(Hit { target: Entity::DANGLING, damage: 2 });
    engine.reset();
    engine.world_mut().insert_resource(Score::default()).unwrap();
    engine.world_mut().spawn((health(4),));
    engine.update(STEP);
    assert_eq!(score(&engine), ["insert 0v1 now Some(4)"]);
    check_no_faults(&mut engine);
}

#[test]
fn old_values_of_sparse_components_and_of_texts_are_whole() {
    let mut engine = game();
    let tell = |on: On<Remove, Burning>, mut score: ResMut<Score>| {
        score.lines.push(format!("{} burnt by {}", on.entity(), on.old().by));
    };
    engine.add_observer(&fish(), "tell", tell).unwrap();
    let stop = |query: Query<(Entity, &Burning)>, commands: &mut Commands| {
        query.iter().for_each(|(entity, _)| commands.remove::<(Burning,)>(entity));
    };
    engine.add_system(&fish(), SystemDescriptor::new("stop").stage(Stage::Frame), stop).unwrap();
    engine.world_mut().spawn((Burning { by: "a dragon".into() },));
    engine.update(STEP);
    assert_eq!(score(&engine), ["0v1 burnt by a dragon"]);
    assert_eq!((Burning::NAME, Score::NAME), ("Burning", "Score"));
}

#[test]
fn one_thread_and_several_come_to_the_same() {
    let hash_of = |threads: usize| {
        let config = EngineConfig { step: STEP, threads, always_parallel: true, ..EngineConfig::default() };
        let mut engine = prepared(Engine::new(config));
        chain(&mut engine);
        all_observers(&mut engine);
        let targets = engine.world_mut().spawn_batch((0..50).map(|points| (health(points),)));
        for lane in 0..4_usize {
            let targets = targets.clone();
            let shoot = move |mut hits: EventWriter<Hit>, commands: &mut Commands, time: Time| {
                let target = targets[(lane * 13 + time.step as usize * 7) % targets.len()];
                hits.send(Hit { target, damage: 5 });
                commands.spawn((health(lane as i32 * 3),));
            };
            let name = SystemDescriptor::new(&format!("shoot {lane}"));
            engine.add_system(&ModuleTag::new(&format!("lane{lane}")), name, shoot).unwrap();
        }
        (0..20).for_each(|_| engine.update(Duration::from_millis(20)));
        check_no_faults(&mut engine);
        assert!(score(&engine).len() > 200);
        engine.world().hash().unwrap()
    };
    assert_eq!(hash_of(1), hash_of(4));
}
