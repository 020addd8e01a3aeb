//! Queries that are prepared once, and have the world to themselves.

use std::panic::{AssertUnwindSafe, catch_unwind};

use keel_ecs::{EcsError, Entity, PreparedQuery, With, Without, World};

use crate::{Cargo, Frozen, Position, at, new_world};

/// Ten of each of four kinds.
fn fleet() -> World {
    let mut world = new_world();
    for number in 0..10 {
        let x = number as f32;
        world.spawn((at(x),));
        world.spawn((at(x + 100.0), Frozen));
        world.spawn((at(x + 200.0), Cargo::default()));
        world.spawn((Frozen,));
    }
    world
}

#[test]
fn a_prepared_query_sees_what_a_query_sees() {
    let mut world = fleet();
    let mut prepared = PreparedQuery::<(Entity, &mut Position, Option<&Frozen>), Without<Cargo>>::new();
    let mut visited = Vec::new();
    prepared.query(&mut world).for_each(|(entity, position, frozen)| {
        position.y = if frozen.is_some() { 1.0 } else { 2.0 };
        visited.push(entity);
    });
    assert_eq!(visited, world.query_filtered::<&Position, Without<Cargo>>().entities());
    assert_eq!(prepared.query(&mut world).entities(), visited);
    let ys: Vec<_> = world.query::<&Position>().iter().map(|position| position.y).collect();
    assert_eq!(ys, [vec![2.0; 10], vec![1.0; 10], vec![0.0; 10]].concat());
    let mut query = prepared.query(&mut world);
    assert_eq!((query.count(), query.is_empty()), (20, false));
    for (_, position, _) in &mut query {
        position.y += 1.0;
    }
    let (sum, rest) = query.iter_mut().skip(3).fold((0.0, 0), |(sum, count), it| (sum + it.1.y, count + 1));
    assert_eq!((sum, rest), (7.0 * 3.0 + 10.0 * 2.0, 17));
    assert_eq!(query.iter_mut().size_hint(), (20, Some(20)));
}

#[test]
fn a_prepared_query_follows_columns_that_move() {
    let mut world = new_world();
    let mut prepared = PreparedQuery::<(Entity, &mut Position)>::new();
    let mut living = Vec::new();
    for round in 0..200 {
        // The column grows, and moves now and then.
        living.push(world.spawn((at(0.0),)));
        match round % 5 {
            1 => world.insert(living[round / 2], (Frozen,)).unwrap(),
            2 => drop(world.remove::<(Frozen,)>(living[round / 2])),
            3 => {
                // The last row takes the place of the one that goes.
                world.despawn(living.swap_remove(round / 3)).unwrap();
                living.push(world.spawn((at(-1.0), Frozen)));
            }
            // A borrow in between, which the pointers of the prepared query must outlive.
            4 => world.query::<&mut Position>().for_each(|position| position.y += 1.0),
            _ => world.get_mut::<Position>(living[0]).unwrap().y += 1.0,
        }
        let mut seen: Vec<_> = prepared.query(&mut world).iter_mut().map(|(entity, _)| entity).collect();
        prepared.query(&mut world).for_each(|(_, position)| position.x += 1.0);
        seen.sort_unstable();
        let mut expected = living.clone();
        expected.sort_unstable();
        assert_eq!(seen, expected, "round {round}");
    }
    assert_eq!(world.get::<Position>(living[0]).unwrap().x, 200.0);
}

#[test]
fn a_prepared_query_follows_columns_that_are_made_longer() {
    let mut world = new_world();
    let ship = world.spawn((at(1.0),));
    let mut prepared = PreparedQuery::<&mut Position>::new();
    prepared.query(&mut world).for_each(|position| position.x += 1.0);
    world.reserve::<(Position,)>(100_000);
    prepared.query(&mut world).for_each(|position| position.x += 1.0);
    prepared.query(&mut world).get_mut(ship).unwrap().x += 1.0;
    assert_eq!(world.get::<Position>(ship).unwrap().x, 4.0);
}

#[test]
fn several_prepared_queries_use_the_same_column_in_turn() {
    let mut world = fleet();
    let mut writing = PreparedQuery::<&mut Position>::new();
    let mut reading = PreparedQuery::<(&Position, &Frozen)>::new();
    let mut also_writing = PreparedQuery::<&mut Position, With<Frozen>>::new();
    for round in 1..4 {
        writing.query(&mut world).for_each(|position| position.y += 1.0);
        also_writing.query(&mut world).for_each(|position| position.y += 10.0);
        let ys: Vec<_> = reading.query(&mut world).iter().map(|(position, _)| position.y).collect();
        assert_eq!(ys, [round as f32 * 11.0; 10]);
    }
}

#[test]
fn what_a_query_asks_of_one_entity_is_found() {
    let mut world = fleet();
    let all = world.entities();
    let stale = all[3];
    world.despawn(stale).unwrap();
    let mut prepared = PreparedQuery::<(Entity, &mut Position), With<Frozen>>::new();
    let mut query = prepared.query(&mut world);
    for (number, entity) in query.entities().into_iter().enumerate() {
        let (found, position) = query.get_mut(entity).unwrap();
        assert_eq!((found, position.x), (entity, number as f32 + 100.0));
        position.y = 4.0;
        assert_eq!(query.get(entity).unwrap().1.y, 4.0);
        assert!(query.contains(entity));
    }
    assert_eq!(query.single(), None);
    let says = |query: &keel_ecs::Query<'_, _, With<Frozen>>, entity| {
        query.get(entity).map(|(_, position): (Entity, &Position)| position.x).unwrap_err().to_string()
    };
    assert!(says(&query, stale).contains("does not live"));
    // All have a position but those that are frozen alone.
    let ice = world.query_filtered::<Entity, Without<Position>>().entities()[0];
    let ship = world.query_filtered::<Entity, (With<Position>, Without<Frozen>)>().entities()[0];
    let query = prepared.query(&mut world);
    assert!(says(&query, ice).contains("has no component `Position`"));
    assert!(matches!(query.get(ship), Err(EcsError::NotInQuery { entity }) if entity == ship));
}

#[test]
fn the_only_match_is_handed_out() {
    let mut world = new_world();
    let mut prepared = PreparedQuery::<&mut Position>::new();
    assert!(prepared.query(&mut world).single_mut().is_none());
    world.spawn((at(1.0),));
    prepared.query(&mut world).single_mut().unwrap().y = 3.0;
    assert_eq!(prepared.query(&mut world).single(), Some(&Position { x: 1.0, y: 3.0 }));
    world.spawn((at(2.0), Frozen));
    assert_eq!(prepared.query(&mut world).single(), None);
}

#[test]
fn a_query_that_excludes_itself_is_refused_by_name() {
    let mut world = fleet();
    let mut refused = |call: &mut dyn FnMut(&mut World)| {
        let payload = catch_unwind(AssertUnwindSafe(|| call(&mut world))).unwrap_err();
        let message = payload.downcast_ref::<String>().unwrap();
        assert!(message.contains("`Position`"), "{message}");
    };
    refused(&mut |world| {
        PreparedQuery::<(&mut Position, &Position)>::new().query(world);
    });
    refused(&mut |world| {
        PreparedQuery::<(&Position, Option<&mut Position>)>::new().query(world);
    });
}

#[test]
fn pieces_are_of_all_entities_and_have_none_in_common() {
    type Pieces = PreparedQuery<(Entity, &'static mut Position), Without<Cargo>>;
    let mut world = fleet();
    for rows in [0, 1, 3, 10, 1_000] {
        let mut prepared = Pieces::new();
        let mut query = prepared.query(&mut world);
        let expected = query.entities();
        let pieces: Vec<Vec<_>> =
            query.pieces(rows).map(|piece| piece.map(|(entity, _)| entity).collect()).collect();
        assert!(pieces.iter().all(|piece| (1..=rows.max(1)).contains(&piece.len())), "of {rows}");
        assert_eq!(pieces.concat(), expected);
    }
    let mut prepared = Pieces::new();
    let mut query = prepared.query(&mut world);
    std::thread::scope(|scope| {
        for piece in query.pieces(3) {
            let _ = scope.spawn(move || piece.for_each(|(_, position)| position.y += 5.0));
        }
    });
    assert!(query.iter_mut().all(|(_, position)| position.y == 5.0));
    world.query_filtered::<&Position, With<Cargo>>().for_each(|position| assert_eq!(position.y, 0.0));
}

#[test]
fn a_prepared_query_finds_entities_that_have_come_since_it_was_asked_for_one() {
    let mut world = new_world();
    let mut prepared = PreparedQuery::<&Position, Without<Frozen>>::new();
    let mut living = Vec::new();
    for round in 0..200 {
        // The table of entities grows, and moves now and then; so does that of archetypes.
        let entity = match round % 3 {
            0 => world.spawn((at(round as f32),)),
            1 => world.spawn((at(round as f32), Cargo::default())),
            _ => world.spawn((at(round as f32), Frozen)),
        };
        living.push(entity);
        let query = prepared.query(&mut world);
        for (round, entity) in living.iter().enumerate() {
            let found = query.get(*entity).map(|position| position.x as usize);
            match round % 3 {
                2 => assert!(matches!(found, Err(EcsError::NotInQuery { .. })), "{found:?}"),
                _ => assert_eq!(found.unwrap(), round),
            }
        }
    }
    world.despawn(living[0]).unwrap();
    let query = prepared.query(&mut world);
    let found = query.get(living[0]).err();
    assert!(matches!(found, Some(EcsError::NoSuchEntity { .. })), "{found:?}");
}
