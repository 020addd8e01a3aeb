//! Many worlds: each is stepped as if it were alone.

use std::collections::BTreeMap;

use keel_core_types::{ModelId, ModuleId};
use keel_ecs::{
    Commands, Entity, Limits, ModelTypeInfo, Name, With, World, WorldSnapshot, component, event, resource,
};
use keel_engine::{
    Engine, EngineConfig, EngineError, EventReader, EventWriter, Local, ModuleCode, ModuleTag, Names,
    NextState, Query, Random, Res, ResMut, Stage, SystemDescriptor, Time, Views, Workers, WorldSetup,
    WorldSource, WorldSystems, WorldsStepped, every, in_state, on_event,
};
use parking_lot::Mutex;

use crate::STEP;

#[component(crate = keel_ecs)]
struct A {
    value: u64,
}

#[component(crate = keel_ecs, sparse)]
struct Marked {
    since: u64,
}

#[resource(crate = keel_ecs)]
#[derive(Default)]
struct Sum {
    value: u64,
}

#[resource(crate = keel_ecs)]
#[derive(Default, PartialEq)]
enum Phase {
    #[default]
    Low,
    High,
}

#[event(crate = keel_ecs)]
struct Bang {
    value: u64,
}

/// Worlds by the slots of their ids; the generation of all is 0.
#[derive(Default)]
struct Pool(Vec<Mutex<World>>);

impl WorldSource for Pool {
    fn check(&self, world: ModelId) -> Result<(), String> {
        let found = self.0.get(world.index() as usize).filter(|_| world.generation() == 0);
        found.map(drop).ok_or_else(|| "it was never made".to_owned())
    }

    fn lend(&self, world: ModelId, visit: &mut dyn FnMut(&mut World)) -> Result<(), String> {
        let mut world = self.0[world.index() as usize].try_lock().ok_or("somebody else has it")?;
        visit(&mut world);
        Ok(())
    }
}

impl Pool {
    fn of(worlds: usize, make: impl Fn(u64) -> World) -> Self {
        Self((0..worlds as u64).map(|seed| Mutex::new(make(seed))).collect())
    }

    fn ids(&self) -> Vec<ModelId> {
        (0..self.0.len() as u32).map(id).collect()
    }
}

fn id(world: u32) -> ModelId {
    ModelId::new(world, 0)
}

fn sea() -> ModuleTag {
    ModuleTag::new("sea")
}

fn engine(threads: usize) -> Engine {
    let config =
        EngineConfig { step: STEP, threads, always_parallel: threads > 1, ..EngineConfig::default() };
    Engine::new(config)
}

fn with_worlds(module: &ModuleTag, declare: impl Fn(&mut WorldSetup) + Send + Sync + 'static) -> ModuleCode {
    ModuleCode { worlds: vec![WorldSystems::new("arena", declare)], ..ModuleCode::new(module) }
}

/// An engine with a schedule of worlds called `arena`.
fn arena(threads: usize, declare: impl Fn(&mut WorldSetup) + Send + Sync + 'static) -> Engine {
    let mut engine = engine(threads);
    engine.exchange(vec![with_worlds(&sea(), declare)]).unwrap();
    engine
}

fn step(engine: &mut Engine, pool: &Pool, worlds: &[ModelId]) -> Result<WorldsStepped, String> {
    engine.run_as(&ModuleTag::new("driver"), |frame| {
        frame.step_worlds_of(pool, "arena", worlds).map_err(|error| error.to_string())
    })
}

fn types() -> Vec<ModelTypeInfo> {
    vec![
        ModelTypeInfo::component::<A>(),
        ModelTypeInfo::component::<Marked>(),
        ModelTypeInfo::resource::<Sum>(),
        ModelTypeInfo::resource::<Phase>(),
        ModelTypeInfo::event::<Bang>(),
    ]
}

fn fill(world: &mut World, seed: u64) {
    types().into_iter().for_each(|info| world.register(info).unwrap());
    world.insert_resource(Sum { value: seed }).unwrap();
    for value in 0..3 + seed % 5 {
        world.spawn((A { value: mix(value, seed) },));
    }
}

fn world(seed: u64) -> World {
    let mut world = World::new();
    world.register(ModelTypeInfo::resource::<Random>()).unwrap();
    world.insert_resource(Random::new(seed)).unwrap();
    fill(&mut world, seed);
    world
}

fn mix(value: u64, by: u64) -> u64 {
    (value ^ by).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23)
}

/// Adds one system of a kind, by `$add`.
macro_rules! add_system {
    ($kind:expr, $salt:expr, $system:ident => $add:expr) => {{
        let salt: u64 = $salt;
        let own = move |value: u64| mix(value, salt);
        match $kind {
            0 => {
                let $system = move |mut all: Query<&mut A>| all.for_each(|a| a.value = own(a.value));
                $add
            }
            1 => {
                let $system = move |mut all: Query<&A>, mut sum: ResMut<Sum>| {
                    all.for_each(|a| sum.value = own(sum.value.wrapping_add(a.value)));
                };
                $add
            }
            2 => {
                let $system = move |mut all: Query<(Entity, &A)>, commands: &mut Commands, time: Time| {
                    let len = all.count();
                    let turn = salt.wrapping_add(time.step) as usize % len.max(1);
                    if let Some((entity, a)) = all.iter_mut().nth(turn) {
                        commands.spawn((A { value: own(a.value) }, Name::new(format!("{}", a.value % 3))));
                        if len > 10 {
                            commands.despawn(entity);
                        }
                    }
                };
                $add
            }
            3 => {
                let $system = move |mut all: Query<(Entity, &A)>, commands: &mut Commands, time: Time| {
                    if let Some((entity, _)) = all.iter_mut().last() {
                        commands.insert(entity, (Marked { since: time.step },));
                    }
                };
                $add
            }
            4 => {
                let $system = move |mut all: Query<(Entity, &Marked)>, commands: &mut Commands| {
                    if let Some((entity, _)) = all.iter_mut().next() {
                        commands.remove::<(Marked,)>(entity);
                    }
                };
                $add
            }
            5 => {
                let $system = move |mut bangs: EventWriter<Bang>, sum: Res<Sum>| {
                    bangs.send(Bang { value: own(sum.value) });
                };
                $add
            }
            6 => {
                let $system = move |mut bangs: EventReader<Bang>, mut sum: ResMut<Sum>| {
                    bangs.read().for_each(|bang| sum.value = own(sum.value ^ bang.value));
                };
                $add
            }
            7 => {
                let $system = move |mut runs: Local<u64>, mut all: Query<&mut A, With<Marked>>| {
                    *runs = own(*runs);
                    all.for_each(|a| a.value ^= *runs);
                };
                $add
            }
            8 => {
                let $system = move |mut random: ResMut<Random>, mut all: Query<&mut A>| {
                    all.for_each(|a| a.value ^= random.bits());
                };
                $add
            }
            9 => {
                let $system = move |names: Names, mut all: Query<&mut A>| {
                    if let Some(Ok(a)) = names.find("1").map(|entity| all.get_mut(entity)) {
                        a.value = own(a.value);
                    }
                };
                $add
            }
            _ => {
                let $system = move |sum: Res<Sum>, mut phase: NextState<Phase>| {
                    phase.set(if own(sum.value).is_multiple_of(2) { Phase::High } else { Phase::Low });
                };
                $add
            }
        }
    }};
}

/// The systems of a schedule that follows from `seed`, by kind and salt.
fn systems(seed: u64) -> Vec<(u32, u64, SystemDescriptor)> {
    let mut random = fastrand::Rng::with_seed(seed);
    let count = random.usize(4..14);
    let system = |index: usize| {
        let (kind, salt) = (random.u32(0..11), random.u64(..));
        let descriptor = SystemDescriptor::new(&format!("s{index}"));
        let descriptor = match random.u32(0..10) {
            0 => descriptor.run_if(every(2)),
            1 => descriptor.run_if(on_event::<Bang>()),
            2 => descriptor.run_if(in_state(Phase::High)),
            3 => descriptor.on_enter(Phase::Low),
            4 => descriptor.on_exit(Phase::Low),
            5 => descriptor.stage(Stage::Startup),
            6 => descriptor.after(&format!("s{}", index / 2)),
            _ => descriptor,
        };
        (kind, salt, descriptor)
    };
    (0..count).map(system).collect()
}

fn declare(seed: u64) -> impl Fn(&mut WorldSetup) + Send + Sync + 'static {
    move |arena| {
        for (kind, salt, descriptor) in systems(seed) {
            add_system!(kind, salt, system => { arena.system_with(descriptor, system); });
        }
    }
}

/// All values in the world, but for the clock that only worlds of a schedule have.
fn values(world: &World) -> BTreeMap<String, String> {
    let mut snapshot = WorldSnapshot::new();
    world.save(&mut snapshot).unwrap();
    let mut values = snapshot.describe().unwrap();
    values.remove("resource keel.WorldClock");
    values
}

/// What comes of stepping a world in an engine of its own.
fn alone(schedule: u64, seed: u64, steps: u32) -> (BTreeMap<String, String>, usize) {
    let mut engine = Engine::new(EngineConfig { step: STEP, seed, threads: 1, ..EngineConfig::default() });
    fill(engine.world_mut(), seed);
    for (kind, salt, descriptor) in systems(schedule) {
        add_system!(kind, salt, system => engine.add_system(&sea(), descriptor, system).unwrap());
    }
    (0..steps).for_each(|_| engine.update(STEP));
    let mut faults = engine.take_faults();
    faults.retain(|fault| !fault.message.contains("did not run"));
    assert_eq!(faults, []);
    (values(engine.world()), engine.world().len())
}

#[test]
fn two_hundred_worlds_become_what_each_becomes_alone_on_any_number_of_threads() {
    for schedule in 0..8 {
        let expected: Vec<_> = (0..200).map(|seed| alone(schedule, seed, 5)).collect();
        let mut hashes: Vec<Vec<u64>> = Vec::new();
        for threads in [1, 2, 4] {
            let pool = Pool::of(200, world);
            let mut engine = arena(threads, declare(schedule));
            for _ in 0..5 {
                let stepped = step(&mut engine, &pool, &pool.ids()).unwrap();
                assert_eq!((stepped.stepped, &stepped.halted[..]), (200, &[][..]));
            }
            for (world, (values_alone, entities)) in pool.0.iter().zip(&expected) {
                let world = world.lock();
                assert_eq!((&values(&world), world.len()), (values_alone, *entities), "schedule {schedule}");
            }
            hashes.push(pool.0.iter().map(|world| world.lock().hash().unwrap()).collect());
        }
        assert!(hashes.windows(2).all(|two| two[0] == two[1]), "schedule {schedule}");
        let distinct: std::collections::BTreeSet<_> = hashes[0].iter().collect();
        assert!(distinct.len() > 150, "the worlds differ: {}", distinct.len());
    }
}

fn count_runs(mut runs: Local<u64>, mut sum: ResMut<Sum>) {
    *runs += 1;
    sum.value = *runs;
}

fn counting(arena: &mut WorldSetup) {
    arena.system("count", count_runs);
}

fn sums(pool: &Pool) -> Vec<u64> {
    pool.0.iter().map(|world| world.lock().resource::<Sum>().unwrap().value).collect()
}

#[test]
fn some_are_stepped_and_one_is_reset_by_itself() {
    let pool = Pool::of(3, world);
    let mut engine = arena(2, |arena| {
        arena.system("count", count_runs);
        let begin = |mut all: Query<&mut A>, time: Time| all.for_each(|a| a.value = 100 + time.step);
        arena.system_with(SystemDescriptor::new("begin").stage(Stage::Startup), begin);
    });
    for worlds in [&[0, 1, 2][..], &[2], &[2, 0], &[]] {
        let worlds: Vec<_> = worlds.iter().map(|world| id(*world)).collect();
        let stepped = step(&mut engine, &pool, &worlds).unwrap();
        assert_eq!((stepped.stepped, stepped.faults), (worlds.len(), vec![]));
    }
    assert_eq!(sums(&pool), [2, 1, 3]);
    {
        let mut third = pool.0[2].lock();
        *third = world(2);
    }
    step(&mut engine, &pool, &pool.ids()).unwrap();
    assert_eq!(sums(&pool), [3, 2, 1], "what its systems kept went with the world");
    pool.0.iter().for_each(|world| world.lock().query::<&A>().for_each(|a| assert_eq!(a.value, 100)));
    let summary = engine.world_schedules();
    assert_eq!((summary[0].name.as_str(), summary[0].worlds), ("arena", 3));
    assert_eq!(summary[0].systems, ["sea/count", "sea/begin"]);
}

#[test]
fn a_panic_stops_its_own_world_and_names_it() {
    for threads in [1, 4] {
        let pool = Pool::of(8, world);
        let fails = |mut sum: ResMut<Sum>, all: Query<&mut A>, commands: &mut Commands, time: Time| {
            sum.value = time.step;
            commands.spawn((A { value: 0 },));
            assert!(time.step < 2 || all.count() != 4, "three and one");
        };
        let later = |mut all: Query<&mut A>| all.for_each(|a| a.value += 1);
        let mut engine = arena(threads, move |arena| {
            arena.system("fails", fails);
            arena.system_with(SystemDescriptor::new("later").after("fails"), later);
        });
        step(&mut engine, &pool, &pool.ids()).unwrap();
        let stepped = step(&mut engine, &pool, &pool.ids()).unwrap();
        // Worlds 0 and 5 began with three.
        assert_eq!(stepped.halted, [id(0), id(5)]);
        assert_eq!((stepped.stepped, stepped.faults.len()), (8, 2));
        assert_eq!((stepped.faults[0].world, stepped.faults[0].system.as_str()), (id(0), "sea/fails"));
        let faults = engine.take_faults();
        assert_eq!((faults.len(), faults[1].suspended, faults[1].module.as_str()), (2, false, "sea"));
        let message = &faults[1].message;
        assert!(
            message.starts_with("in world 5v0: panicked") && message.contains("three and one"),
            "{message}"
        );
        assert!(!engine.is_suspended(ModuleId::of("sea")));
        assert_eq!(pool.0[0].lock().len(), 4, "what it had put off is dropped");

        let stepped = step(&mut engine, &pool, &pool.ids()).unwrap();
        assert_eq!((stepped.stepped, &stepped.halted[..], stepped.faults), (6, &[id(0), id(5)][..], vec![]));
        *pool.0[5].lock() = world(6);
        let stepped = step(&mut engine, &pool, &pool.ids()).unwrap();
        assert_eq!((stepped.stepped, &stepped.halted[..]), (7, &[id(0)][..]));
        // New code lets all go on.
        engine.exchange(vec![with_worlds(&sea(), counting)]).unwrap();
        let stepped = step(&mut engine, &pool, &pool.ids()).unwrap();
        assert_eq!((stepped.stepped, stepped.halted), (8, vec![]));
    }
}

#[test]
fn an_atomic_system_is_undone_in_the_world_where_it_fails() {
    let pool = Pool::of(4, world);
    let fails =
        |mut sum: ResMut<Sum>, mut all: Query<&mut A>, commands: &mut Commands, mut runs: Local<u64>| {
            *runs += 1;
            sum.value += 1000;
            all.for_each(|a| a.value = 0);
            commands.spawn((A { value: 0 },));
            if (sum.value - 1000).is_multiple_of(2) { Ok(()) } else { Err(format!("odd in run {}", *runs)) }
        };
    let mut engine = arena(2, move |arena| {
        arena.system_with(SystemDescriptor::new("fails").atomic(), fails);
    });
    let before: Vec<_> = pool.0.iter().map(|world| values(&world.lock())).collect();
    for _ in 0..2 {
        let stepped = step(&mut engine, &pool, &pool.ids()).unwrap();
        let told: Vec<_> = stepped.faults.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["world 1v0: `sea/fails`: odd in run 1", "world 3v0: `sea/fails`: odd in run 1"]);
    }
    assert_eq!(sums(&pool), [2000, 1, 2002, 3]);
    for place in [1, 3] {
        assert_eq!(values(&pool.0[place].lock()), before[place]);
    }
    assert_eq!(pool.0[0].lock().len(), 3 + 2);
}

#[test]
fn an_error_is_told_and_the_world_goes_on() {
    let pool = Pool::of(3, |seed| {
        let mut world = world(seed);
        if seed == 1 {
            world.remove_resource::<Sum>();
        }
        world
    });
    let mut engine = arena(1, counting);
    let stepped = step(&mut engine, &pool, &pool.ids()).unwrap();
    assert_eq!((stepped.stepped, stepped.halted), (3, vec![]));
    let text = stepped.faults[0].to_string();
    assert!(text.starts_with("world 1v0: `sea/count`: it did not run") && text.contains("`Sum`"), "{text}");
    pool.0[1].lock().insert_resource(Sum::default()).unwrap();
    assert_eq!(step(&mut engine, &pool, &pool.ids()).unwrap().faults, []);
}

#[test]
fn a_world_of_the_pool_has_the_limits_of_the_engine() {
    let mut engine = Engine::new(EngineConfig {
        step: STEP,
        limits: Limits { entities: 100, ..Limits::default() },
        ..EngineConfig::default()
    });
    let spawning = |arena: &mut WorldSetup| {
        let spawn = |commands: &mut Commands| commands.spawn_batch((0..101).map(|value| (A { value },)));
        arena.system("spawn", spawn);
    };
    engine.exchange(vec![with_worlds(&sea(), spawning)]).unwrap();
    engine.update(STEP);
    let pool = Pool::of(2, world);
    let stepped = step(&mut engine, &pool, &pool.ids()).unwrap();
    assert_eq!(stepped.halted, pool.ids(), "each by itself");
    let text = stepped.faults[0].to_string();
    assert!(text.contains("the limit `entities` of 100 is reached"), "{text}");
}

#[test]
fn new_code_takes_over_what_the_old_kept_of_each_world() {
    let pool = Pool::of(40, world);
    let mut engine = arena(1, counting);
    let bird = ModuleTag::new("bird");
    let other = |mut runs: Local<u64>, mut all: Query<&mut A>| {
        *runs += 1;
        all.for_each(|a| a.value = *runs);
    };
    engine
        .exchange(vec![with_worlds(&bird, move |arena| {
            arena.system("other", other);
        })])
        .unwrap();
    for round in 1..4 {
        let worlds: Vec<_> = pool.ids().into_iter().filter(|world| world.index() % round == 0).collect();
        step(&mut engine, &pool, &worlds).unwrap();
    }
    let before = sums(&pool);
    let saved = engine.save_locals(&sea()).unwrap();
    assert_eq!(saved.iter().count(), 40);
    let mut code = with_worlds(&sea(), |arena| {
        let count = |mut runs: Local<u64>, mut sum: ResMut<Sum>| {
            *runs += 10;
            sum.value = *runs;
        };
        arena.system("count", count);
    });
    assert_eq!(code.restore_locals(saved.clone(), false).unwrap(), []);
    let old = engine.exchange(vec![code]).unwrap();
    step(&mut engine, &pool, &pool.ids()).unwrap();
    assert_eq!(sums(&pool), before.iter().map(|sum| sum + 10).collect::<Vec<_>>());
    // The other module's went on; so does the old code when it is put back.
    let others = pool.0[6].lock().query::<&A>().iter().map(|a| a.value).max();
    assert_eq!(others, Some(4));
    engine.exchange(old).unwrap();
    step(&mut engine, &pool, &pool.ids()).unwrap();
    assert_eq!(sums(&pool), before.iter().map(|sum| sum + 1).collect::<Vec<_>>());

    // Without the system, what it kept would be lost.
    let refused = with_worlds(&sea(), |_| {}).restore_locals(saved.clone(), false).unwrap_err().to_string();
    assert!(refused.contains("`count: Local` of type u64 is gone"), "{refused}");
    let refused = ModuleCode::new(&sea()).restore_locals(saved.clone(), false).unwrap_err().to_string();
    assert!(refused.contains("`count: Local` of type u64 is gone"), "{refused}");
    let mut accepted = with_worlds(&sea(), |_| {});
    assert_eq!(accepted.restore_locals(saved, true).unwrap().len(), 1, "told once for all worlds");
    engine.remove_module(&sea());
    engine.remove_module(&bird);
    assert_eq!(engine.world_schedules(), []);
}

#[test]
fn what_worlds_can_not_have_is_refused_and_nothing_changes() {
    let mut engine = arena(1, counting);
    let refused = |engine: &mut Engine, code: ModuleCode| {
        engine.exchange(vec![code]).err().map(|error| error.to_string()).unwrap()
    };
    let text = refused(
        &mut engine,
        with_worlds(&sea(), |arena| {
            arena.system("look", |_: Views| {});
        }),
    );
    assert!(text.contains("system `sea/look` of the worlds of `arena`: its parameter `Views`"), "{text}");
    let text = refused(
        &mut engine,
        with_worlds(&sea(), |arena| {
            arena.system_with(SystemDescriptor::new("draw").stage(Stage::Frame), |_: Query<&A>| {});
        }),
    );
    assert!(text.contains("`sea/draw`") && text.contains("no stage Frame"), "{text}");
    let text = refused(&mut engine, with_worlds(&sea(), |_| panic!("no systems today")));
    assert!(text.contains("`sea`") && text.contains("no systems today"), "{text}");
    let cycle = |arena: &mut WorldSetup| {
        arena.system_with(SystemDescriptor::new("a").after("b"), |_: Query<&A>| {});
        arena.system_with(SystemDescriptor::new("b").after("a"), |_: Query<&A>, _: Workers| {});
    };
    let outcome = engine.exchange(vec![with_worlds(&sea(), cycle)]);
    assert!(matches!(outcome, Err(EngineError::OrderCycle { .. })));
    // What is refused in the running world's schedule refuses the worlds' too.
    let mut code = with_worlds(&sea(), |_| {});
    let twice = || (SystemDescriptor::new("twice"), keel_engine::SystemCode::of_frame(|_| Ok(())));
    code.systems = vec![twice(), twice()];
    assert!(matches!(engine.exchange(vec![code]), Err(EngineError::DuplicateSystem { .. })));

    let pool = Pool::of(2, world);
    let told = step(&mut engine, &pool, &[id(0), id(7)]).unwrap_err();
    assert!(told.contains("no world was stepped, for world 7v0"), "{told}");
    let told = step(&mut engine, &pool, &[id(0), id(1), id(0)]).unwrap_err();
    assert!(told.contains("world 0v0") && told.contains("named twice"), "{told}");
    let told = engine
        .run_as(&sea(), |frame| frame.step_worlds_of(&pool, "pit", &[]).map_err(|error| error.to_string()));
    assert_eq!(told.unwrap_err(), "there is no schedule of worlds `pit`; the modules have declared: arena");
    step(&mut engine, &pool, &pool.ids()).unwrap();
    assert_eq!(sums(&pool), [1, 1], "none of the refused calls stepped one");
}
