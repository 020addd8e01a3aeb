//! Random schedules, run by an engine on one and on many threads, against plain code that runs one system after the other.

mod game;
mod order;
mod plan;

use keel_ecs::{Commands, Entity, ModelTypeInfo, With, Without, component, event, resource};
use keel_engine::{
    Engine, EngineConfig, EngineError, EventReader, EventWriter, Frame, IntoSystem, Local, ModuleCode,
    ModuleTag, NextState, Query, Res, ResMut, SetDescriptor, Stage, StateCode, SystemCode, SystemDescriptor,
    every, in_state, on_event,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use self::game::{Game, INITIAL, Row, Run, first_of, mix};
use self::order::order_of;
use self::plan::{Kind, MODULES, Phase as Level, Plan, SETS, System, Target, Turn, When, plan};
use crate::STEP;

/// Names an entity, whatever its id is. No system writes it.
#[component(crate = keel_ecs)]
struct Key {
    value: u64,
}

#[component(crate = keel_ecs)]
struct A {
    value: u64,
}

#[component(crate = keel_ecs)]
struct B {
    value: u64,
}

#[component(crate = keel_ecs, sparse)]
struct S {
    value: u64,
}

#[component(crate = keel_ecs)]
struct Tag {}

#[resource(crate = keel_ecs)]
#[derive(Default)]
struct Sum {
    value: u64,
}

#[resource(crate = keel_ecs)]
#[derive(Default)]
struct Heard {
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

fn phase(level: Level) -> Phase {
    match level {
        Level::Low => Phase::Low,
        Level::High => Phase::High,
    }
}

/// The entity that comes first for `salt`, with its key.
fn first<'a>(all: impl Iterator<Item = (Entity, &'a Key)>, salt: u64) -> Option<(Entity, u64)> {
    first_of(all.map(|(entity, key)| (key.value, entity)), salt).map(|(key, entity)| (entity, key))
}

fn spawn(commands: &mut Commands, key: u64, salt: u64) {
    let key_of = Key { value: key };
    let (a, b, s) = (A { value: mix(key, 1) }, B { value: mix(key, 2) }, S { value: mix(key, 3) });
    match salt % 4 {
        0 => commands.spawn((key_of, a)),
        1 => commands.spawn((key_of, a, b)),
        2 => commands.spawn((key_of, b, s)),
        _ => commands.spawn((key_of, a, s, Tag {})),
    }
}

/// The code of a system of this kind; `game.rs` says the same in plain words.
fn code(kind: Kind, salt: u64, keys: u64) -> SystemCode {
    match kind {
        Kind::StirA => {
            (move |mut all: Query<&mut A>| all.for_each(|a| a.value = mix(a.value, salt))).into_system()
        }
        Kind::PullA => (move |mut all: Query<(&mut A, &B)>| {
            all.for_each(|(a, b)| a.value = mix(a.value ^ b.value, salt));
        })
        .into_system(),
        Kind::Seep => (move |mut all: Query<(&A, &mut S), With<Tag>>| {
            all.for_each(|(a, s)| s.value = mix(s.value ^ a.value, salt));
        })
        .into_system(),
        Kind::Dry => (move |mut all: Query<&mut S, Without<Tag>>| {
            all.for_each(|s| s.value = mix(s.value, salt));
        })
        .into_system(),
        Kind::SumA => (move |mut all: Query<&A>, mut sum: ResMut<Sum>| {
            let mut total = 0_u64;
            all.for_each(|a| total = total.wrapping_add(a.value));
            sum.value = mix(sum.value ^ total, salt);
        })
        .into_system(),
        Kind::PushB => (move |mut all: Query<&mut B>, sum: Res<Sum>| {
            all.for_each(|b| b.value = mix(b.value ^ sum.value, salt));
        })
        .into_system(),
        Kind::Spawn => (move |commands: &mut Commands, mut count: Local<u64>| {
            *count += 1;
            spawn(commands, keys + *count, salt);
        })
        .into_system(),
        Kind::Cull => (move |mut all: Query<(Entity, &Key)>, commands: &mut Commands| {
            if all.count() > 6
                && let Some((entity, key)) = first(all.iter_mut(), salt)
            {
                commands.despawn(entity);
                if salt.is_multiple_of(8) {
                    // There is none any more: this fails.
                    commands.insert(entity, (A { value: key },));
                }
            }
        })
        .into_system(),
        Kind::Mark => (move |mut all: Query<(Entity, &Key), Without<Tag>>, commands: &mut Commands| {
            if let Some((entity, key)) = first(all.iter_mut(), salt) {
                commands.insert(entity, (Tag {}, S { value: mix(key, salt) }));
            }
        })
        .into_system(),
        Kind::Unmark => (move |mut all: Query<(Entity, &Key), With<Tag>>, commands: &mut Commands| {
            if let Some((entity, key)) = first(all.iter_mut(), salt) {
                commands.remove::<(Tag,)>(entity);
                commands.insert(entity, (B { value: mix(key, salt) },));
            }
        })
        .into_system(),
        Kind::Strip => (move |mut all: Query<(Entity, &Key, &S)>, commands: &mut Commands| {
            let found = first(all.iter_mut().map(|(entity, key, _)| (entity, key)), salt);
            found.into_iter().for_each(|(entity, _)| commands.remove::<(S,)>(entity));
        })
        .into_system(),
        Kind::Shout => (move |mut bangs: EventWriter<Bang>, sum: Res<Sum>| {
            bangs.send(Bang { value: mix(sum.value, salt) });
            bangs.send(Bang { value: salt });
        })
        .into_system(),
        Kind::Hear => (move |mut bangs: EventReader<Bang>, mut heard: ResMut<Heard>| {
            bangs.read().for_each(|bang| heard.value = mix(heard.value ^ bang.value, salt));
        })
        .into_system(),
        Kind::Count => (move |mut count: Local<u64>, mut all: Query<&mut B>| {
            *count = mix(*count, salt);
            all.for_each(|b| b.value ^= *count);
        })
        .into_system(),
        Kind::Decide => (move |heard: Res<Heard>, sum: Res<Sum>, mut next: NextState<Phase>| {
            let is_high = mix(heard.value ^ sum.value, salt).is_multiple_of(2);
            next.set(if is_high { Phase::High } else { Phase::Low });
        })
        .into_system(),
        Kind::Whole => {
            let mut count = 0;
            (move |frame: &mut Frame<'_>| {
                frame.world.query::<&mut A>().for_each(|a| a.value = mix(a.value, salt));
                count += 1;
                frame.world.spawn((Key { value: keys + 2 * count }, A { value: salt }));
                spawn(frame.commands, keys + 2 * count + 1, salt);
            })
            .into_system()
        }
    }
}

/// Adds a condition to the descriptor of a system or of a set.
macro_rules! with_condition {
    ($descriptor:expr, $when:expr) => {
        match $when {
            When::Always => $descriptor,
            When::Every(turns) => $descriptor.run_if(every(turns)),
            When::Bang => $descriptor.run_if(on_event::<Bang>()),
            When::In(level) => $descriptor.run_if(in_state(phase(level))),
            When::SumIsEven => $descriptor.run_if(|sum: Res<Sum>| sum.value.is_multiple_of(2)),
        }
    };
}

fn descriptor(plan: &Plan, index: usize) -> SystemDescriptor {
    let System { turn, when, sets, is_atomic, .. } = &plan.systems[index];
    let mut descriptor = SystemDescriptor::new(&format!("s{index}"));
    for edge in plan.edges.iter().filter(|edge| edge.system == index) {
        let name = edge.target.name(plan);
        descriptor = match (edge.target, edge.is_before) {
            (Target::Set(_), true) => descriptor.before_set(&name),
            (Target::Set(_), false) => descriptor.after_set(&name),
            (_, true) => descriptor.before(&name),
            (_, false) => descriptor.after(&name),
        };
    }
    for set in sets {
        descriptor = descriptor.in_set(SETS[*set]);
    }
    if *is_atomic {
        descriptor = descriptor.atomic();
    }
    // After the stage, which entering and leaving say themselves.
    let descriptor = match turn {
        Turn::Startup => descriptor.stage(Stage::Startup),
        Turn::Step => descriptor,
        Turn::Frame => descriptor.stage(Stage::Frame),
        Turn::Enter(level) => descriptor.on_enter(phase(*level)),
        Turn::Exit(level) => descriptor.on_exit(phase(*level)),
    };
    with_condition!(descriptor, *when)
}

fn set(plan: &Plan, index: usize) -> SetDescriptor {
    let mut descriptor = SetDescriptor::new(SETS[index]);
    if index == 0 && plan.sets_in_order {
        descriptor = descriptor.before_set(SETS[1]);
    }
    with_condition!(descriptor, plan.set_conditions[index])
}

/// An engine with the systems of `plan` and the first entities.
fn engine(plan: &Plan, threads: usize) -> Result<Engine, EngineError> {
    let config = EngineConfig { step: STEP, threads, always_parallel: true, ..EngineConfig::default() };
    let mut engine = Engine::new(config);
    let world = engine.world_mut();
    for info in [
        ModelTypeInfo::component::<Key>(),
        ModelTypeInfo::component::<A>(),
        ModelTypeInfo::component::<B>(),
        ModelTypeInfo::component::<S>(),
        ModelTypeInfo::component::<Tag>(),
        ModelTypeInfo::resource::<Sum>(),
        ModelTypeInfo::resource::<Heard>(),
        ModelTypeInfo::resource::<Phase>(),
        ModelTypeInfo::event::<Bang>(),
    ] {
        world.register(info).unwrap();
    }
    world.insert_resource(Sum::default()).unwrap();
    world.insert_resource(Heard::default()).unwrap();
    let mut commands = Commands::new();
    (0..INITIAL).for_each(|key| spawn(&mut commands, key, key));
    assert!(commands.apply(world).is_empty());
    let mut modules: Vec<_> = MODULES.iter().map(|name| ModuleCode::new(&ModuleTag::new(name))).collect();
    for (index, system) in plan.systems.iter().enumerate() {
        let code = code(system.kind, system.salt, plan.keys_of(index));
        modules[system.module].systems.push((descriptor(plan, index), code));
    }
    modules[0].sets.extend((0..SETS.len()).map(|index| set(plan, index)));
    modules[0].states.push(StateCode::of::<Phase>());
    engine.exchange(modules).map(|_| engine)
}

/// What there is, as the plain game has it.
fn seen(engine: &mut Engine) -> Game {
    let faults = engine.take_faults().into_iter().map(|fault| format!("{}/{}", fault.module, fault.system));
    let mut game = Game { faults: faults.collect(), ..Game::default() };
    let world = engine.world();
    let mut rows = world.query::<(Entity, &Key, Option<&A>, Option<&B>, Option<&S>, Option<&Tag>)>();
    for (entity, key, a, b, s, tag) in rows.iter() {
        let row = Row {
            id: (entity.index(), entity.generation()),
            a: a.map(|a| a.value),
            b: b.map(|b| b.value),
            s: s.map(|s| s.value),
            is_tagged: tag.is_some(),
        };
        game.rows.insert(key.value, row);
    }
    drop(rows);
    game.sum = world.resource::<Sum>().unwrap().value;
    game.heard = world.resource::<Heard>().unwrap().value;
    game.phase = world.resource::<Phase>().ok().map(|phase| match *phase {
        Phase::Low => Level::Low,
        Phase::High => Level::High,
    });
    game
}

fn check(plan: &Plan) {
    let order = order_of(plan);
    for threads in [1, 2, 4] {
        let made = engine(plan, threads);
        let Some(order) = &order else {
            let is_cycle = matches!(made, Err(EngineError::OrderCycle { .. }));
            return assert!(is_cycle, "{:?}", made.map(|engine| engine.systems()));
        };
        let mut engine = made.unwrap();
        let paths: Vec<_> = order.iter().map(|index| plan.path(*index)).collect();
        assert_eq!(engine.systems(), paths, "the order");
        let mut model = Run::new(plan, order);
        for (frame, steps) in plan.frames.iter().enumerate() {
            engine.update(STEP * *steps);
            model.frame(*steps);
            assert_eq!(seen(&mut engine), model.take_seen(), "after frame {frame}, on {threads} threads");
            for (index, path) in paths.iter().enumerate() {
                let runs = engine.schedule().system(path).unwrap().times.runs;
                assert_eq!(runs, model.runs(order[index]), "the runs of {path} up to frame {frame}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, max_shrink_iters: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_schedule_does_what_its_systems_do_one_after_the_other(plan in plan()) {
        check(&plan);
    }
}

/// What random plans are about: that the other test sees cycles, failures, and entities that come and go.
#[test]
fn random_plans_are_about_something() {
    let mut random = TestRunner::deterministic();
    let (mut refused, mut failed, mut changed, mut entered) = (0, 0, 0, 0);
    for _ in 0..300 {
        let plan = plan().new_tree(&mut random).unwrap().current();
        let Some(order) = order_of(&plan) else {
            refused += 1;
            continue;
        };
        let mut run = Run::new(&plan, &order);
        plan.frames.iter().for_each(|steps| run.frame(*steps));
        let game = run.take_seen();
        failed += usize::from(!game.faults.is_empty());
        changed += usize::from(!game.rows.keys().copied().eq(0..INITIAL));
        entered += usize::from(game.phase == Some(Level::High));
    }
    assert!(
        refused > 5 && failed > 15 && changed > 100 && entered > 10,
        "{refused} {failed} {changed} {entered}"
    );
}
