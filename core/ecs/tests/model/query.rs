//! Queries over native columns.

use std::panic::{AssertUnwindSafe, catch_unwind};

use keel_ecs::{Entity, Or, With, Without, World};

use crate::{Cargo, Frozen, Position, at, new_world};

fn fleet() -> (World, [Entity; 4]) {
    let mut world = new_world();
    let entities = [
        world.spawn((at(1.0),)),
        world.spawn((at(2.0), Frozen)),
        world.spawn((at(3.0), Cargo::default())),
        world.spawn((Frozen,)),
    ];
    (world, entities)
}

#[test]
fn filters_select_entities() {
    let (world, [a, b, c, d]) = fleet();
    let all: Vec<_> = world.query::<Entity>().iter().collect();
    assert_eq!(all, [a, b, c, d]);
    assert_eq!(world.query::<&Position>().entities(), [a, b, c]);
    assert_eq!(world.query_filtered::<&Position, With<Frozen>>().entities(), [b]);
    assert_eq!(world.query_filtered::<&Position, Without<Frozen>>().entities(), [a, c]);
    assert_eq!(world.query_filtered::<Entity, Or<(With<Cargo>, Without<Position>)>>().entities(), [c, d]);
    assert_eq!(world.query_filtered::<Entity, (With<Position>, Without<Cargo>)>().entities(), [a, b]);
    let found: Vec<_> = world.query::<(Entity, Option<&Position>, &Frozen)>().iter().map(|it| it.0).collect();
    assert_eq!(found, [b, d]);
}

#[test]
fn what_a_query_names_is_handed_out() {
    let (world, [a, b, ..]) = fleet();
    world.query::<(&mut Position, Option<&Frozen>)>().for_each(|(position, frozen)| {
        position.y = if frozen.is_some() { 1.0 } else { 2.0 };
    });
    assert_eq!(world.query::<&Position>().iter().map(|it| it.y).collect::<Vec<_>>(), [2.0, 1.0, 2.0]);
    let mut query = world.query::<&Position>();
    assert_eq!((query.count(), query.is_empty(), query.single()), (3, false, None));
    assert_eq!(query.first(), Some(&Position { x: 1.0, y: 2.0 }));
    drop(query);
    assert!(world.query_filtered::<&Position, With<Cargo>>().single().is_some());
    assert!(world.query::<(&Cargo, &Frozen)>().is_empty());

    let moved = world.query_one::<(&mut Position, Option<&Frozen>), _>(a, |(position, frozen)| {
        position.x += 10.0;
        (position.x, frozen.is_some())
    });
    assert_eq!(moved.unwrap(), Some((11.0, false)));
    assert_eq!(world.query_one::<(Entity, &Cargo), _>(b, |(entity, _)| entity).unwrap(), None);
    let mut world = world;
    world.despawn(a).unwrap();
    assert!(world.query_one::<&Position, _>(a, |_| ()).is_err());
}

/// The call panics, names the component, and leaves the world usable.
#[track_caller]
fn check_excluded(call: impl FnOnce(&World)) {
    let (world, [a, ..]) = fleet();
    let payload = catch_unwind(AssertUnwindSafe(|| call(&world))).unwrap_err();
    let message = payload.downcast_ref::<String>().unwrap();
    assert!(message.contains("Position"), "{message}");
    world.query::<&mut Position>().for_each(|position| position.x = 5.0);
    assert_eq!(world.get::<Position>(a).unwrap().x, 5.0);
    world.hash().unwrap();
}

#[test]
fn queries_that_exclude_each_other_panic_and_leave_the_world_usable() {
    check_excluded(|world| {
        let _writing = world.query::<&mut Position>();
        world.query::<&Position>();
    });
    check_excluded(|world| {
        let _reading = world.query::<&Position>();
        world.query::<&mut Position>();
    });
    check_excluded(|world| {
        world.query::<(&mut Position, &Position)>();
    });
    check_excluded(|world| {
        world.query::<(Option<&Position>, &mut Position)>();
    });
    check_excluded(|world| {
        world.query::<&mut Position>().for_each(|_| {
            world.query::<&mut Position>();
        });
    });
    check_excluded(|world| {
        let ship = world.entities()[0];
        let _writing = world.get_mut::<Position>(ship).unwrap();
        let _ = world.get::<Position>(ship);
    });
    check_excluded(|world| {
        let ship = world.entities()[0];
        let _ = world.query_one::<(&mut Position, &Position), _>(ship, |_| ());
    });
}

#[test]
fn queries_that_only_read_or_meet_nowhere_share_the_world() {
    let (world, _) = fleet();
    let (one, two) = (world.query::<&Position>(), world.query::<(&Position, &mut Frozen)>());
    assert_eq!((one.count(), two.count()), (3, 1));
    let frozen = world.query_filtered::<&mut Frozen, Without<Position>>();
    assert_eq!(frozen.count(), 1);
}
