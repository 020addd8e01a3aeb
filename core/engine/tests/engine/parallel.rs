//! Systems side by side: whatever they do, the world is the one that comes of running them one after the other.

use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use keel_ecs::{Commands, Entity, ModelTypeInfo, With, Without, component, event, resource};
use keel_engine::{
    Engine, EngineConfig, EventReader, EventWriter, Frame, IntoSystem, Local, ModuleCode, ModuleTag,
    NextState, Query, Random, Res, ResMut, SystemCode, SystemDescriptor, Time, Workers, every, in_state,
    on_event,
};

use crate::{Diary, STEP};

#[component(crate = keel_ecs)]
struct A {
    value: u64,
}

#[component(crate = keel_ecs)]
struct B {
    value: u64,
}

#[component(crate = keel_ecs)]
struct C {
    value: u64,
}

#[component(crate = keel_ecs)]
struct Marked {}

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

fn mix(value: u64, by: u64) -> u64 {
    (value ^ by).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23)
}

/// Gives other threads a chance to come between.
fn linger(salt: u64) {
    match salt % 4 {
        0 => std::thread::yield_now(),
        1 => {
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_micros(salt % 23) {}
        }
        _ => {}
    }
}

/// One system of a kind, which does something of its own.
fn system(kind: u32, salt: u64) -> SystemCode {
    let own = move |value: u64| mix(value, salt);
    match kind {
        0 => (move |mut all: Query<&mut A>| all.for_each(|a| a.value = own(a.value))).into_system(),
        1 => (move |mut all: Query<(&mut A, &B)>| {
            linger(salt);
            all.for_each(|(a, b)| a.value = own(a.value ^ b.value));
        })
        .into_system(),
        2 => (move |mut all: Query<(&A, &mut C), With<Marked>>| {
            all.for_each(|(a, c)| c.value = own(a.value ^ c.value));
        })
        .into_system(),
        3 => (move |mut all: Query<&mut C, Without<Marked>>| {
            linger(salt);
            all.for_each(|c| c.value = own(c.value));
        })
        .into_system(),
        4 => (move |mut all: Query<&A>, mut sum: ResMut<Sum>| {
            linger(salt);
            all.for_each(|a| sum.value = own(sum.value.wrapping_add(a.value)));
        })
        .into_system(),
        5 => (move |mut all: Query<&mut B>, sum: Res<Sum>| {
            linger(salt);
            all.for_each(|b| b.value = own(b.value ^ sum.value));
        })
        .into_system(),
        6 => (move |mut all: Query<(Entity, &A)>, commands: &mut Commands, time: Time| {
            linger(salt);
            let turn = salt.wrapping_add(time.step) as usize;
            let len = all.count();
            if let Some((entity, a)) = all.iter_mut().nth(turn % len.max(1)) {
                let value = own(a.value);
                commands.spawn((A { value }, B { value: !value }));
                if len > 20 {
                    commands.despawn(entity);
                }
            }
        })
        .into_system(),
        7 => (move |mut all: Query<(Entity, &B), Without<Marked>>, commands: &mut Commands| {
            linger(salt);
            if let Some((entity, b)) = all.iter_mut().next() {
                commands.insert(entity, (Marked {}, C { value: own(b.value) }));
            }
        })
        .into_system(),
        8 => (move |mut all: Query<Entity, With<Marked>>, commands: &mut Commands| {
            if let Some(entity) = all.iter_mut().last() {
                commands.remove::<(Marked,)>(entity);
            }
        })
        .into_system(),
        9 => (move |mut bangs: EventWriter<Bang>, sum: Res<Sum>| {
            linger(salt);
            bangs.send(Bang { value: own(sum.value) });
            bangs.send(Bang { value: salt });
        })
        .into_system(),
        10 => (move |mut bangs: EventReader<Bang>, mut sum: ResMut<Sum>| {
            bangs.read().for_each(|bang| sum.value = own(sum.value ^ bang.value));
        })
        .into_system(),
        11 => (move |mut runs: Local<u64>, mut all: Query<&mut B>| {
            *runs = own(*runs);
            all.for_each(|b| b.value ^= *runs);
        })
        .into_system(),
        12 => (move |frame: &mut Frame<'_>| {
            frame.world.query::<&mut A>().for_each(|a| a.value = own(a.value));
            frame.commands.spawn((C { value: salt },));
        })
        .into_system(),
        13 => (move |mut random: ResMut<Random>, mut all: Query<&mut C>| {
            linger(salt);
            all.for_each(|c| c.value ^= random.bits());
        })
        .into_system(),
        _ => (move |sum: Res<Sum>, mut phase: NextState<Phase>| {
            phase.set(if own(sum.value).is_multiple_of(2) { Phase::High } else { Phase::Low });
        })
        .into_system(),
    }
}

const KINDS: u32 = 15;

/// A schedule that follows from `seed`.
fn build(seed: u64, threads: usize) -> Engine {
    let config = EngineConfig { step: STEP, seed, threads, always_parallel: true, ..EngineConfig::default() };
    let mut engine = Engine::new(config);
    let world = engine.world_mut();
    for info in [
        ModelTypeInfo::component::<A>(),
        ModelTypeInfo::component::<B>(),
        ModelTypeInfo::component::<C>(),
        ModelTypeInfo::component::<Marked>(),
        ModelTypeInfo::resource::<Sum>(),
        ModelTypeInfo::resource::<Phase>(),
        ModelTypeInfo::event::<Bang>(),
    ] {
        world.register(info).unwrap();
    }
    world.insert_resource(Sum::default()).unwrap();
    for value in 0..5 {
        world.spawn((A { value }, B { value: value * 7 }));
        world.spawn((A { value }, C { value: value * 3 }));
        world.spawn((B { value }, C { value }, Marked {}));
    }
    let mut random = fastrand::Rng::with_seed(seed);
    for index in 0..random.usize(2..14) {
        let (kind, salt) = (random.u32(0..KINDS), random.u64(..));
        let mut descriptor = SystemDescriptor::new(&format!("s{index}"));
        for _ in 0..random.usize(0..3) {
            let other = random.usize(0..14);
            // Later ones come before it only through their names.
            descriptor = if other < index {
                descriptor.after(&format!("sea{}/s{other}", other % 3))
            } else {
                descriptor.in_set(["odd", "even"][other % 2])
            };
        }
        descriptor = match random.u32(0..8) {
            0 => descriptor.run_if(every(2)),
            1 => descriptor.run_if(on_event::<Bang>()),
            2 => descriptor.run_if(in_state(Phase::High)),
            3 => descriptor.on_enter(Phase::Low),
            4 => descriptor.on_exit(Phase::Low),
            5 => descriptor.atomic(),
            _ => descriptor,
        };
        let module = ModuleTag::new(&format!("sea{}", index % 3));
        engine.add_system(&module, descriptor, system(kind, salt)).unwrap();
    }
    engine
}

/// The hash of the world after each frame, and what it holds.
fn history(seed: u64, threads: usize) -> Vec<(u64, usize)> {
    let mut engine = build(seed, threads);
    let mut history = Vec::new();
    for frame in 0..6 {
        // In the third frame a module is gone, and then it is back.
        let taken =
            (frame == 2).then(|| engine.exchange(vec![ModuleCode::new(&ModuleTag::new("sea1"))]).unwrap());
        engine.update(STEP * 2);
        assert_eq!(engine.take_faults(), [], "seed {seed}, {threads} threads");
        history.push((engine.world().hash().unwrap(), engine.world().len()));
        taken.into_iter().for_each(|code| drop(engine.exchange(code).unwrap()));
    }
    history
}

#[test]
fn any_schedule_gives_the_same_world_on_one_and_on_many_threads() {
    let mut changed = 0;
    for seed in 0..100 {
        let alone = history(seed, 1);
        changed += usize::from(alone.windows(2).any(|two| two[0].1 != two[1].1));
        for threads in [2, 4] {
            assert_eq!(history(seed, threads), alone, "seed {seed}, {threads} threads");
        }
    }
    assert!(changed > 40, "{changed} of the schedules spawn and despawn");
}

/// Where two systems wait for each other; they meet only if they run at the same time.
#[derive(Clone, Default)]
struct Meeting(Arc<(Mutex<usize>, Condvar)>);

impl Meeting {
    fn wait_for(&self, count: usize) -> bool {
        let (here, changed) = &*self.0;
        let mut here = here.lock().unwrap();
        *here += 1;
        changed.notify_all();
        !changed
            .wait_timeout_while(here, Duration::from_secs(20), |here| *here < count)
            .unwrap()
            .1
            .timed_out()
    }
}

#[test]
fn long_systems_overlap_where_nothing_is_shared_and_keep_their_order_where_something_is() {
    let config = EngineConfig { step: STEP, threads: 3, ..EngineConfig::default() };
    let (mut engine, diary, meeting) = (Engine::new(config), Diary::default(), Meeting::default());
    let long = |name: &'static str, meets: bool| {
        let (diary, meeting) = (diary.clone(), meeting.clone());
        move |step: u64| {
            // How long they take is seen in the first steps, which they make on one thread.
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_millis(2) {}
            if step == 7 && meets {
                assert!(meeting.wait_for(2), "{name} is alone");
            }
            diary.note(name);
        }
    };
    let (a, reader, b) = (long("a", true), long("reader", false), long("b", true));
    let sea = ModuleTag::new("sea");
    let mut add = |name: &str, code: SystemCode| {
        engine.add_system(&sea, SystemDescriptor::new(name), code).unwrap();
    };
    add("a", (move |_: Query<&mut A>, time: Time| a(time.step)).into_system());
    add("reader", (move |_: Query<&A>, time: Time| reader(time.step)).into_system());
    add("b", (move |_: Query<&mut B>, time: Time| b(time.step)).into_system());
    engine.update(STEP * 6);
    assert_eq!(diary.take(), ["a", "reader", "b"].repeat(6));
    engine.update(STEP);
    assert_eq!(engine.take_faults(), []);
    let order = diary.take();
    let place = |name: &str| order.iter().position(|line| line == name);
    assert!(place("a") < place("reader"), "{order:?}: one reads what the other one writes");
}

#[test]
fn systems_of_two_modules_meet_though_each_has_one_that_runs_alone() {
    let config = EngineConfig { step: STEP, threads: 2, always_parallel: true, ..EngineConfig::default() };
    let (mut engine, meeting) = (Engine::new(config), Meeting::default());
    for module in ["bird", "fish"] {
        let meeting = meeting.clone();
        let module = ModuleTag::new(module);
        let meet = move |_: Query<&A>| assert!(meeting.wait_for(2), "nobody else is here");
        let mut add = |name: &str, code: SystemCode| {
            engine.add_system(&module, SystemDescriptor::new(name), code).unwrap();
        };
        add("update", SystemCode::of_frame(|_| Ok(())));
        add("meet", meet.into_system());
        add("part", SystemCode::of_frame(|_| Ok(())));
    }
    let order = ["bird/update", "fish/update", "bird/meet", "fish/meet", "bird/part", "fish/part"];
    assert_eq!(engine.systems(), order);
    engine.update(STEP);
    assert_eq!(engine.take_faults(), []);
}

#[test]
fn a_panic_on_another_thread_is_contained_and_is_its_systems() {
    let run = |threads| {
        let config = EngineConfig { step: STEP, threads, always_parallel: true, ..EngineConfig::default() };
        let mut engine = Engine::new(config);
        engine.world_mut().register(ModelTypeInfo::component::<A>()).unwrap();
        for module in ["bird", "fish", "sea"] {
            for name in ["one", "two"] {
                let fails = name == "two" && module != "fish";
                let system = move |commands: &mut Commands| {
                    commands.spawn((A { value: 1 },));
                    assert!(!fails, "{module} is lost");
                };
                engine.add_system(&ModuleTag::new(module), SystemDescriptor::new(name), system).unwrap();
            }
        }
        let mut told = Vec::new();
        for _ in 0..2 {
            engine.update(STEP);
            told.extend(
                engine.take_faults().into_iter().map(|fault| (fault.module, fault.system, fault.suspended)),
            );
        }
        (told, engine.world().len(), engine.world().hash().unwrap())
    };
    let alone = run(1);
    assert_eq!(
        alone.0,
        [("bird".to_owned(), "two".to_owned(), true), ("sea".to_owned(), "two".to_owned(), true)]
    );
    assert_eq!(
        alone.1,
        4 + 2,
        "what was spawned before the panic is not; suspended modules spawn nothing more"
    );
    assert_eq!(run(2), alone);
    assert_eq!(run(4), alone);
}

#[test]
fn workers_do_each_piece_once_also_where_systems_run_side_by_side() {
    for threads in [1, 2, 4] {
        let config = EngineConfig { step: STEP, threads, always_parallel: true, ..EngineConfig::default() };
        let (mut engine, diary) = (Engine::new(config), Diary::default());
        for name in ["one", "two", "three"] {
            let noted = diary.clone();
            let grow = move |mut values: Local<Vec<u64>>, workers: Workers, _: Query<&A>| {
                values.resize(1000, 0);
                workers.for_each(values.chunks_mut(7), |piece| {
                    linger(piece[0]);
                    piece.iter_mut().for_each(|value| *value += 1);
                });
                noted.note(format!("{} {}", workers.count(), values.iter().sum::<u64>()));
            };
            engine.add_system(&ModuleTag::new("sea"), SystemDescriptor::new(name), grow).unwrap();
        }
        engine.update(STEP * 5);
        assert_eq!(engine.take_faults(), []);
        let mut expected = Vec::new();
        (1..=5).for_each(|step| expected.extend((0..3).map(|_| format!("{threads} {}", step * 1000))));
        assert_eq!(diary.take(), expected);
    }
}

#[test]
fn a_panic_of_a_worker_is_its_systems() {
    for threads in [1, 3] {
        let config = EngineConfig { step: STEP, threads, ..EngineConfig::default() };
        let mut engine = Engine::new(config);
        let fail = |workers: Workers| {
            workers.for_each(0..100, |piece| assert!(piece != 50, "piece {piece} is lost"));
        };
        engine.add_system(&ModuleTag::new("sea"), SystemDescriptor::new("fail"), fail).unwrap();
        engine.update(STEP);
        let faults = engine.take_faults();
        assert_eq!((faults.len(), faults[0].system.as_str(), faults[0].suspended), (1, "fail", true));
        assert!(faults[0].message.contains("piece 50 is lost"), "{faults:?}");
    }
}

#[test]
fn workers_visit_each_entity_of_a_query_once() {
    for threads in [1, 2, 4] {
        let config = EngineConfig { step: STEP, threads, ..EngineConfig::default() };
        let mut engine = Engine::new(config);
        engine.world_mut().register(ModelTypeInfo::component::<A>()).unwrap();
        engine.world_mut().register(ModelTypeInfo::component::<B>()).unwrap();
        engine.world_mut().spawn_batch((0..700).map(|value| (A { value },)));
        engine.world_mut().spawn_batch((700..1001).map(|value| (A { value }, B { value: 0 })));
        let double = |mut values: Query<&mut A>, workers: Workers| {
            workers.visit(&mut values, |value| value.value *= 2);
        };
        let count_some = |mut values: Query<(&A, &mut B), With<A>>, workers: Workers| {
            workers.visit(&mut values, |(value, twice)| twice.value = value.value);
        };
        engine.add_system(&ModuleTag::new("sea"), SystemDescriptor::new("double"), double).unwrap();
        engine.add_system(&ModuleTag::new("sea"), SystemDescriptor::new("count"), count_some).unwrap();
        engine.update(STEP);
        assert_eq!(engine.take_faults(), []);
        let mut found: Vec<_> = engine.world().query::<&A>().iter().map(|value| value.value).collect();
        found.sort_unstable();
        assert!(found.into_iter().eq((0..1001).map(|value| value * 2)));
        let copied: u64 = engine.world().query::<&B>().iter().map(|value| value.value).sum();
        assert_eq!(copied, (700..1001).sum::<u64>() * 2);
    }
}
