//! Restoring: order, ids, types that nobody knows.

use keel_ecs::{ArchetypeStatistics, Entity, ModelTypeInfo, PreparedQuery, World, WorldSnapshot};

use crate::{Cargo, Eaten, Frozen, Position, Tide, at, new_world, restore, save, through_a_file};

/// Rows in the order 0, 5, 2, 3, 4, 6, 8, 7, which a restore by id would sort.
fn shuffled() -> World {
    let mut world = new_world();
    let first: Vec<_> = (0..6).map(|x| world.spawn((at(x as f32),))).collect();
    world.despawn(first[1]).unwrap();
    let placeholder = world.spawn((Frozen,));
    world.spawn((at(6.0),));
    let seven = world.spawn((Frozen,));
    world.spawn((at(8.0),));
    world.exchange::<(Frozen,), _>(seven, (at(7.0),)).unwrap();
    world.despawn(placeholder).unwrap();
    world
}

fn indices(world: &World) -> Vec<u32> {
    world.entities().iter().map(|entity| entity.index()).collect()
}

#[test]
fn rows_keep_their_order() {
    let world = shuffled();
    assert_eq!(indices(&world), [0, 5, 2, 3, 4, 6, 8, 7]);
    let mut restored = restore(&save(&world));
    assert_eq!(indices(&restored), [0, 5, 2, 3, 4, 6, 8, 7]);
    // The free id, in its third generation.
    let next = restored.spawn(());
    assert_eq!((next.index(), next.generation()), (1, 3));
}

#[test]
fn rows_without_components_keep_their_order_too() {
    let mut world = new_world();
    let entities: Vec<_> = (0..9).map(|_| world.spawn(())).collect();
    for index in [3, 0, 7] {
        world.insert(entities[index], (Frozen,)).unwrap();
        world.remove::<(Frozen,)>(entities[index]).unwrap();
    }
    world.despawn(entities[4]).unwrap();
    let order = indices(&world);
    assert_ne!(order, (0..9).filter(|id| *id != 4).collect::<Vec<_>>());
    let restored = restore(&save(&world));
    assert_eq!(indices(&restored), order);
    assert_eq!(restored.free_ids(), world.free_ids());
}

/// With ids in the free list, hecs searches it for each entity that is placed at its id: that took 20 s for 1,000,000
/// entities. `restore_archetypes/..` of `keel bench ecs` shows what it takes.
#[track_caller]
fn check_interleaved(count: usize) {
    let mut world = new_world();
    for index in 0..count {
        let entity = world.spawn((at(index as f32),));
        if index % 2 == 0 {
            world.insert(entity, (Frozen,)).unwrap();
        }
    }
    let all = world.entities();
    all.iter().step_by(5).for_each(|entity| world.despawn(*entity).unwrap());
    let restored = restore(&save(&world));
    assert_eq!(restored.entities(), world.entities());
    assert_eq!(restored.free_ids(), world.free_ids());
    assert_eq!(restored.hash().unwrap(), world.hash().unwrap());
}

#[test]
fn interleaved_archetypes_are_restored_without_searching_for_ids() {
    check_interleaved(20_000);
    check_interleaved(40_000);
}

#[test]
fn empty_archetypes_keep_their_places() {
    let mut world = new_world();
    let entity = world.spawn((at(1.0),));
    world.insert(entity, (Frozen,)).unwrap();
    world.insert(entity, (Cargo::default(),)).unwrap();
    let components = |world: &World| {
        world.statistics().archetypes.into_iter().map(|it: ArchetypeStatistics| it.components)
    };
    let restored = restore(&save(&world));
    assert_eq!(components(&restored).collect::<Vec<_>>(), components(&world).collect::<Vec<_>>());
    assert_eq!(components(&restored).count(), 4);
}

#[test]
fn a_stale_id_stays_stale() {
    let mut world = new_world();
    let gone = world.spawn((at(1.0),));
    world.clear_entities();
    let next = world.spawn((at(2.0),));
    assert_eq!(next.index(), gone.index());
    assert!(!world.contains(gone) && world.contains(next));
    assert!(!restore(&save(&world)).contains(gone));
}

#[test]
fn values_of_unknown_types_are_kept_and_given_back() {
    let mut world = shuffled();
    let entities = world.entities();
    world.insert(entities[0], (Cargo { goods: vec!["salt".into()] },)).unwrap();
    let bare = world.spawn((Frozen,));
    world.insert_resource(Tide { level: 3 }).unwrap();
    world.send(Eaten { by: 4 });
    let hash = world.hash().unwrap();

    // Only one type is known: the values of the others go along, also through a second save.
    let known = || [ModelTypeInfo::component::<Position>().into()];
    let (narrow, report) = World::from_snapshot(known(), &through_a_file(&save(&world)), false).unwrap();
    assert_eq!(report.kept.len(), 4, "{:?}", report.kept);
    let (mut narrow, again) = World::from_snapshot(known(), &through_a_file(&save(&narrow)), false).unwrap();
    assert_eq!(again.kept.len(), 4);
    assert!(narrow.contains(bare));
    assert_eq!(narrow.len(), world.len());
    assert_eq!(narrow.hash().unwrap(), hash, "what is kept aside counts");

    narrow.register(ModelTypeInfo::component::<Cargo>()).unwrap();
    assert_eq!(narrow.get::<Cargo>(entities[0]).unwrap().goods, ["salt"]);
    narrow.register(ModelTypeInfo::component::<Frozen>()).unwrap();
    assert!(narrow.has::<Frozen>(bare));
    narrow.register(ModelTypeInfo::resource::<Tide>()).unwrap();
    assert_eq!(narrow.resource::<Tide>().unwrap().level, 3);
    narrow.register(ModelTypeInfo::event::<Eaten>()).unwrap();
    assert_eq!(narrow.events::<Eaten>().iter().next().unwrap().by, 4);
    assert_eq!(narrow.kept_types().count(), 0);
    assert_eq!(narrow.hash().unwrap(), hash);
}

#[test]
fn values_kept_for_an_entity_go_with_it() {
    let mut world = new_world();
    let ship = world.spawn((at(1.0), Frozen));
    let known = [ModelTypeInfo::component::<Position>().into()];
    let (mut narrow, _) = World::from_snapshot(known, &save(&world), false).unwrap();
    narrow.despawn(ship).unwrap();
    let next = narrow.spawn((at(2.0),));
    assert_eq!(next.index(), ship.index());
    narrow.register(ModelTypeInfo::component::<Frozen>()).unwrap();
    assert!(!narrow.has::<Frozen>(next));
}

#[test]
fn a_buffer_is_reused() {
    let mut world = shuffled();
    let mut snapshot = WorldSnapshot::new();
    world.save(&mut snapshot).unwrap();
    let first = snapshot.bytes();
    world.clear_entities();
    world.save(&mut snapshot).unwrap();
    assert!(snapshot.bytes() < first);
    assert_eq!((snapshot.entities(), restore(&snapshot).len()), (0, 0));
}

#[test]
fn a_prepared_query_notices_that_the_world_was_rebuilt() {
    let mut world = new_world();
    world.spawn((Frozen,));
    let ship = world.spawn((at(1.0),));
    let mut query = PreparedQuery::<(Entity, &Position)>::new();
    let mut found =
        |world: &mut World| query.query(world).iter().map(|(entity, _)| entity).collect::<Vec<_>>();
    assert_eq!(found(&mut world), [ship]);
    world.despawn(world.entities()[0]).unwrap();
    // Position moves up by one place.
    world.compact().unwrap();
    assert_eq!(found(&mut world), [ship]);
    let boat = world.spawn((at(2.0), Frozen));
    assert_eq!(found(&mut world), [ship, boat]);
    assert_eq!(found(&mut new_world()), []);
    assert_eq!(found(&mut world), [ship, boat]);
}
