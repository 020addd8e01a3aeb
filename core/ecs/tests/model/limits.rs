//! What a world may hold: each limit is hit, and named.

use std::panic::{AssertUnwindSafe, catch_unwind};

use keel_ecs::{Commands, ComponentValue, EcsError, Entity, Limits, Prefab, World};

use crate::{Cargo, Eaten, Position, Smoke, at, new_world};

fn limited(limits: Limits) -> World {
    let mut world = new_world();
    world.set_limits(limits);
    world
}

#[track_caller]
fn panic_of<T>(call: impl FnOnce() -> T) -> String {
    let payload = catch_unwind(AssertUnwindSafe(call)).err().expect("a limit is reached");
    payload.downcast_ref::<String>().expect("a text").clone()
}

#[test]
fn no_more_entities_are_spawned_than_the_limit_says() {
    let mut world = limited(Limits { entities: 5, ..Limits::default() });
    let first = world.spawn((at(1.0),));
    world.spawn_batch((0..4).map(|_| (at(2.0),)));
    let message = panic_of(|| world.spawn((at(3.0),)));
    assert!(
        message.starts_with("the limit `entities` of 5 is reached: the world has 5 entities"),
        "{message}"
    );
    assert!(message.contains("--limit entities=N"), "the next step: {message}");
    panic_of(|| world.spawn_batch([(at(3.0),), (at(4.0),)]));
    let value = ComponentValue::of(&at(1.0)).unwrap();
    let refused = world.spawn_values(&[value]).unwrap_err();
    assert!(matches!(&refused, EcsError::Limit { limit, max: 5, .. } if limit == "entities"), "{refused}");
    assert_eq!(world.len(), 5, "and all is as it was");
    world.despawn(first).unwrap();
    world.spawn((at(5.0),));
    assert_eq!(world.len(), 5, "one that went makes room for another");
}

#[test]
fn a_batch_without_an_end_ends_at_the_limit() {
    let mut world = limited(Limits { entities: 50_000, ..Limits::default() });
    let message = panic_of(|| world.spawn_batch(std::iter::repeat_with(|| (at(0.0),))));
    assert!(message.contains("`entities` of 50000"), "{message}");
    assert!(world.is_empty(), "it says itself that it has no end");
    let mut spawned = 0;
    let quiet = std::iter::from_fn(|| {
        spawned += 1;
        Some((at(0.0),))
    });
    panic_of(|| world.spawn_batch(quiet));
    assert!(world.len() <= 50_000 && spawned < 100_000, "{}, {spawned}", world.len());
    world.set_limits(Limits::default());
    world.spawn((at(0.0),));
}

#[test]
fn the_bytes_of_components_have_a_limit() {
    let each = size_of::<Position>() + size_of::<Cargo>();
    let mut world = limited(Limits { bytes: each * 10_000, ..Limits::default() });
    let message = panic_of(|| {
        for _ in 0..1_000_000 {
            world.spawn((at(0.0), Cargo::default()));
        }
    });
    assert!(message.contains("the limit `bytes`"), "{message}");
    // It is exact up to a 64th.
    assert!((10_000..=10_200).contains(&world.len()), "{}", world.len());
    let message = panic_of(|| world.spawn_batch((0..1_000).map(|_| (at(0.0), Cargo::default()))));
    assert!(message.contains("the limit `bytes`"), "{message}");
    panic_of(|| world.reserve::<(Position, Cargo)>(u32::MAX));
}

/// Worlds with as many empty entities as `bytes` of a component take, and what each way of growing says there.
#[track_caller]
fn check_growth(each: usize, mut grow: impl FnMut(&mut World, Entity) -> Result<(), EcsError>) {
    let mut world = limited(Limits { bytes: each * 1_000, ..Limits::default() });
    let entities: Vec<_> = (0..2_000).map(|_| world.spawn(())).collect();
    let grown = entities.iter().take_while(|entity| grow(&mut world, **entity).is_ok()).count();
    assert!((1_000..=1_016).contains(&grown), "{grown}");
    let components = world.components_of(entities[grown]).unwrap();
    assert!(components.is_empty(), "nothing has changed");
    let refused = grow(&mut world, entities[grown]).unwrap_err();
    assert!(matches!(&refused, EcsError::Limit { limit, .. } if limit == "bytes"), "{refused}");
    grow(&mut world, entities[0]).expect("what it has already takes no more");
    for entity in &entities[..32] {
        world.despawn(*entity).unwrap();
    }
    grow(&mut world, entities[grown]).expect("what went makes room");
}

#[test]
fn entities_that_are_there_grow_up_to_the_limit_of_bytes() {
    check_growth(size_of::<Position>(), |world, entity| world.insert(entity, (at(1.0),)));
    check_growth(size_of::<Smoke>(), |world, entity| world.insert(entity, (Smoke::default(),)));
    check_growth(size_of::<Position>() + size_of::<Smoke>(), |world, entity| {
        world.insert(entity, (at(1.0), Smoke::default()))
    });
    let value = ComponentValue::of(&at(1.0)).unwrap();
    check_growth(size_of::<Position>(), |world, entity| {
        world.insert_values(entity, std::slice::from_ref(&value))
    });
    check_growth(size_of::<Cargo>(), |world, entity| {
        world.exchange::<(), (Cargo,)>(entity, (Cargo::default(),))
    });
}

#[test]
fn an_exchange_at_the_limit_takes_as_much_as_it_gives() {
    let mut world = limited(Limits { bytes: size_of::<Smoke>() * 64, ..Limits::default() });
    let entities: Vec<_> = (0..64).map(|_| world.spawn((Smoke::default(),))).collect();
    for entity in entities.iter().cycle().take(1_000) {
        let smoke = world.exchange::<(Smoke,), (Smoke,)>(*entity, (Smoke::default(),));
        smoke.expect("nothing grows");
    }
}

#[test]
fn families_and_prefabs_come_whole_or_not_at_all() {
    let mut world = limited(Limits { bytes: 20_000, ..Limits::default() });
    let mast = Prefab::new().with((at(1.0),));
    world.define_prefab("ship", &Prefab::new().with((at(2.0),)).child("mast", mast)).unwrap();
    let spawned = (0..1_000).take_while(|_| world.spawn_prefab("ship", (Cargo::default(),)).is_ok()).count();
    assert!((1..1_000).contains(&spawned), "{spawned}");
    assert_eq!(world.len(), 2 * spawned, "none without its mast");
    let value = ComponentValue::of(&at(1.0)).unwrap();
    let before = world.len();
    world.spawn_values_batch(&vec![vec![value]; 1_000]).unwrap_err();
    assert_eq!(world.len(), before);
    let parent = world.entities()[0];
    let children = (0..1_000).take_while(|_| world.spawn_child(parent, ()).is_ok()).count();
    assert!(children < 1_000 && world.len() == before + children, "{children}");
}

#[test]
fn events_that_are_kept_have_a_limit() {
    let mut world = limited(Limits { events: 3, ..Limits::default() });
    world.send(Eaten::default());
    world.send_batch([Eaten::default(), Eaten::default()]);
    let message = panic_of(|| world.send(Eaten::default()));
    assert!(message.contains("`events` of 3 is reached: one more `Eaten` was to be sent"), "{message}");
    panic_of(|| world.send_batch([Eaten::default()]));
    panic_of(|| world.send_batch(std::iter::repeat_with(Eaten::default)));
    assert_eq!(world.events::<Eaten>().len(), 3);
    world.end_step();
    world.end_step();
    world.send_batch([Eaten::default(), Eaten::default(), Eaten::default()]);
    assert_eq!(world.events::<Eaten>().len(), 3, "those of earlier steps are gone");
}

#[test]
fn an_endless_batch_of_events_fills_the_queue_and_no_more() {
    let world = limited(Limits { events: 1_000, ..Limits::default() });
    let message = panic_of(|| world.send_batch(std::iter::repeat_with(Eaten::default)));
    assert!(message.contains("`events` of 1000"), "{message}");
    assert_eq!(world.events::<Eaten>().len(), 1_000);
}

#[test]
fn what_one_call_puts_off_has_a_limit() {
    let mut commands = Commands::with_max(2);
    commands.spawn((at(1.0),));
    commands.spawn((at(2.0),));
    let message = panic_of(|| commands.spawn((at(3.0),)));
    assert!(message.contains("the limit `commands` of 2 is reached"), "{message}");
    let mut world = new_world();
    assert!(commands.apply(&mut world).is_empty());
    assert_eq!(world.len(), 2, "what was put off before is done");
}
