//! The calls of the storage view.

use keel::ecs::{Entity, QueryTerms, StorageView, World};

use crate::{Tide, Velocity, at, new_world, refuses, saved, stale, view};

fn storage() -> &'static dyn StorageView {
    view::<dyn StorageView>()
}

/// Archetypes: none, position (empty by now), position with velocity, which has both entities.
fn fleet() -> (World, [Entity; 2]) {
    let mut world = new_world();
    let entities = [1.0, 2.0].map(|x| world.spawn((at(x),)));
    for entity in entities {
        world.insert(entity, (Velocity::default(),)).unwrap();
    }
    (world, entities)
}

#[test]
fn sizes_are_counted() {
    let (world, _) = fleet();
    let statistics = storage().statistics(&world);
    assert_eq!((statistics.entities, statistics.archetypes.len()), (2, 3));
    assert_eq!(storage().archetypes(&world), statistics.archetypes);
    assert_eq!(storage().archetype_count(&world), 3);
    assert_eq!(storage().bytes(&world), 32);
    assert_eq!(storage().bytes_of(&world, "Position").unwrap(), 16);
    // Two ids and two components of each, and two empty queues.
    assert_eq!(storage().saved_bytes(&world).unwrap(), 16 + 32 + 48);
    assert_eq!(storage().type_table(&world).len(), 12);

    refuses(storage().bytes_of(&world, "Sail"), "not registered");
    let mut world = world;
    world.insert_resource(Tide::default()).unwrap();
    let writing = world.resource_mut::<Tide>().unwrap();
    refuses(storage().saved_bytes(&world), "`Tide` is in use elsewhere");
    drop(writing);
}

#[test]
fn archetypes_are_looked_into() {
    let (mut world, [a, b]) = fleet();
    assert_eq!(storage().archetype(&world, 2).unwrap().entities, 2);
    assert_eq!(storage().archetype_of(&world, a).unwrap(), 2);
    assert_eq!(storage().archetypes_matching(&world, &QueryTerms::new().with("Position")).unwrap(), [1, 2]);
    assert_eq!(storage().empty_archetypes(&world), [0, 1]);
    assert_eq!(storage().entities_in(&world, 2).unwrap(), [a, b]);
    assert_eq!(storage().columns(&world, 2).unwrap(), ["Position", "Velocity"]);
    assert_eq!(storage().column(&world, 2, "Position").unwrap(), [at(1.0), at(2.0)].map(|it| saved(&it)));

    let says = "there is no archetype 3, the world has 3";
    refuses(storage().archetype(&world, 3), says);
    refuses(storage().entities_in(&world, 3), says);
    refuses(storage().columns(&world, 3), says);
    refuses(storage().column(&world, 3, "Position"), says);
    refuses(storage().column(&world, 2, "Hull"), "has no component `Hull`");
    refuses(storage().column(&world, 2, "Sail"), "not registered");
    refuses(storage().archetypes_matching(&world, &QueryTerms::new().with("Sail")), "not registered");
    let gone = stale(&mut world);
    refuses(storage().archetype_of(&world, gone), "does not live");
}

#[test]
fn storage_is_put_in_order() {
    let (mut world, [a, b]) = fleet();
    let gone = stale(&mut world);
    assert_eq!(storage().ids(&world), 3);
    assert_eq!(storage().free_ids(&world).len(), 1);
    assert_eq!(storage().free_ids(&world)[0].index(), gone.index());

    let before = world.duplicate().unwrap();
    storage().rebuild(&mut world).unwrap();
    assert_eq!(storage().archetype_count(&world), 3);
    assert_eq!(storage().compact(&mut world).unwrap(), 1);
    assert_eq!(storage().archetype_count(&world), 2);
    assert_eq!(world.entities(), [a, b]);
    assert_eq!(storage().compare(&before, &world).unwrap(), []);
    world.despawn(a).unwrap();
    world.get_mut::<Velocity>(b).unwrap().x = 1.0;
    let differences = storage().compare(&before, &world).unwrap();
    let what: Vec<_> = differences.iter().map(|it| it.what.as_str()).collect();
    assert_eq!(what, ["entity 0v1", "entity 0v1 Position", "entity 0v1 Velocity", "entity 1v1 Velocity"]);
    assert_eq!(differences[3].after.as_deref(), Some("Velocity { x: 1.0, y: 0.0 }"));

    world.insert_resource(Tide::default()).unwrap();
    let writing = world.resource_mut::<Tide>().unwrap();
    refuses(storage().compare(&before, &world), "`Tide` is in use elsewhere");
    drop(writing);
}
