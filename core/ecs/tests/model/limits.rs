//! What a world may hold: each limit is hit, and named.

use std::panic::{AssertUnwindSafe, catch_unwind};

use keel_ecs::{Commands, ComponentValue, EcsError, Limits, World};

use crate::{Cargo, Eaten, Position, at, new_world};

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
    // It is looked at about each thousandth time.
    assert!((10_000..=12_000).contains(&world.len()), "{}", world.len());
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
