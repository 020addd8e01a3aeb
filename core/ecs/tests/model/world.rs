//! The typed calls of a world, its commands, and change detection.

use std::panic::{AssertUnwindSafe, catch_unwind};

use keel_ecs::{
    Added, ChangeTracker, Changes, Children, Commands, Component, EcsError, Entity, EventCursor,
    ModelTypeInfo, Parent, SharedTypes, Sources, Targets, World, component, event, relation,
};
use keel_state::SavedValue;

use crate::{Cargo, Eaten, Frozen, Position, Tide, at, new_world};

#[test]
fn bundles_are_inserted_removed_and_exchanged_as_a_whole() {
    let mut world = new_world();
    let ship = world.spawn((at(1.0), Frozen));
    let refused = world.remove::<(Position, Cargo)>(ship).unwrap_err();
    assert!(refused.to_string().contains("has no component `Cargo`"), "{refused}");
    let refused = world.exchange::<(Cargo,), _>(ship, (at(9.0),)).unwrap_err();
    assert!(refused.to_string().contains("has no component `Cargo`"), "{refused}");
    assert_eq!(world.get::<Position>(ship).unwrap().x, 1.0, "all, or nothing");
    let (Frozen,) = world.exchange(ship, (Cargo::default(), at(2.0))).unwrap();
    assert_eq!(world.get::<Position>(ship).unwrap().x, 2.0);
    assert!(world.has::<Cargo>(ship) && !world.has::<Frozen>(ship));
    let refused = world.get::<Frozen>(ship).err().unwrap();
    assert_eq!(
        refused.to_string(),
        format!("entity {ship} has no component `Frozen`; insert one, or query `Option<&Frozen>`")
    );
}

#[component(crate = keel_ecs)]
struct Unheard;

#[track_caller]
fn check_panics(call: impl FnOnce(&mut World), expected: &str) {
    let mut world = new_world();
    let payload = catch_unwind(AssertUnwindSafe(|| call(&mut world))).unwrap_err();
    let message = payload.downcast_ref::<String>().unwrap();
    assert!(message.contains(expected), "{message}");
    world.spawn((at(1.0),));
    assert_eq!(world.len(), 1, "the world is as it was");
}

#[test]
fn components_that_nobody_registered_or_that_the_world_keeps_are_refused_by_name() {
    check_panics(
        |world| {
            world.spawn((at(1.0), Unheard));
        },
        "type `Unheard` is not registered",
    );
    check_panics(|world| drop(world.spawn_batch([(Unheard,)])), "type `Unheard` is not registered");
    check_panics(
        |world| {
            world.spawn((Children::default(),));
        },
        "`Children` is written by the world alone",
    );
    let mut world = new_world();
    let (ship, boat) = (world.spawn(()), world.spawn(()));
    world.set_parent(boat, Some(ship)).unwrap();
    assert!(matches!(world.remove::<(Parent,)>(boat), Err(EcsError::KeptByWorld { .. })));
    assert!(matches!(world.remove::<(Children,)>(ship), Err(EcsError::KeptByWorld { .. })));
    assert_eq!(world.children(ship), [boat]);
    assert!(matches!(world.insert_resource(Unregistered {}), Err(EcsError::NotRegistered { .. })));
}

#[keel_ecs::resource(crate = keel_ecs)]
struct Unregistered {}

#[test]
fn names_are_found_whatever_happens_to_the_entities() {
    let mut world = new_world();
    let (first, second) = (world.spawn((Frozen,)), world.spawn((at(1.0),)));
    world.set_name(second, Some("Argo")).unwrap();
    assert_eq!(world.find("Argo"), Some(second));
    world.set_name(first, Some("Argo")).unwrap();
    // Both are called so: the first in the order of a query counts, now and after a restore.
    let found = world.find("Argo");
    assert_eq!(world.duplicate().unwrap().find("Argo"), found);
    world.despawn(found.unwrap()).unwrap();
    assert_eq!(world.find("Argo"), [first, second].into_iter().find(|it| Some(*it) != found));
    assert_eq!(world.find("Fram"), None);
}

#[test]
fn commands_wait_and_report_what_failed() {
    let mut world = new_world();
    let (ship, gone) = (world.spawn((at(1.0),)), world.spawn(()));
    world.despawn(gone).unwrap();
    let mut commands = Commands::new();
    commands.spawn((at(2.0),));
    commands.spawn_batch([(at(3.0),), (at(4.0),)]);
    commands.spawn_child(ship, (Frozen,));
    commands.spawn_and((at(5.0),), |world, entity| world.set_name(entity, Some("Argo")));
    commands.insert(gone, (Frozen,));
    commands.insert(ship, (Frozen,));
    commands.remove::<(Cargo,)>(ship);
    commands.set_parent(ship, Some(ship));
    commands.insert_resource(Tide { level: 1 });
    commands.send(Eaten { by: 2 });
    commands.despawn(gone);
    commands.add(|world| {
        world.clear_events();
        Ok(())
    });
    assert_eq!((commands.len(), world.len()), (12, 1));
    let failed: Vec<_> = commands.apply(&mut world).iter().map(ToString::to_string).collect();
    assert!(commands.is_empty());
    assert_eq!(failed.len(), 3, "{failed:?}");
    assert!(failed[1].contains("can't be the parent"), "{failed:?}");
    assert_eq!(world.len(), 6);
    assert_eq!(world.children(ship).len(), 1);
    assert!(world.find("Argo").is_some() && world.has::<Frozen>(ship));
    assert_eq!((world.resource::<Tide>().unwrap().level, world.events::<Eaten>().sent()), (1, 1));
    commands.remove_resource::<Tide>();
    commands.apply(&mut world);
    assert!(!world.has_resource::<Tide>());
}

#[test]
fn readers_of_events_are_independent() {
    let mut world = new_world();
    let (mut early, mut late) = (EventCursor::<Eaten>::default(), EventCursor::<Eaten>::default());
    world.send(Eaten { by: 1 });
    let read = |reader: &mut EventCursor<Eaten>, world: &World| {
        reader.read(&world.events()).map(|event| event.by).collect::<Vec<_>>()
    };
    assert_eq!(read(&mut early, &world), [1]);
    world.end_step();
    world.send(Eaten { by: 2 });
    // A reader that runs before the sender sees the event in the next step.
    assert_eq!(late.waiting(&world.events()), 2);
    assert_eq!(read(&mut early, &world), [2]);
    world.end_step();
    assert_eq!((late.missed(&world.events()), read(&mut late, &world)), (1, vec![2]));
    world.send(Eaten { by: 3 });
    late.skip_all(&world.events());
    assert_eq!(read(&mut late, &world), []);
    // Kept as data, the reader goes on where it was.
    let (mut kept, _) = SavedValue::of(&early).unwrap().restore::<EventCursor<Eaten>>(false).unwrap();
    assert_eq!(read(&mut kept, &world), [3]);
}

#[test]
fn a_tracker_tells_what_changed_since_it_looked() {
    let mut world = new_world();
    let [a, b, c] = [1.0, 2.0, 3.0].map(|x| world.spawn((at(x),)));
    let mut tracker = ChangeTracker::<Position>::default();
    let nothing = Changes { added: vec![], changed: vec![], removed: vec![] };
    assert_eq!(tracker.look(&world).added, [a, b, c]);
    assert_eq!(tracker.look(&world), nothing);
    world.get_mut::<Position>(a).unwrap().x = 9.0;
    world.get_mut::<Position>(b).unwrap().x += 0.0;
    world.despawn(c).unwrap();
    let d = world.spawn((at(4.0), Frozen));
    assert_eq!(d.index(), c.index(), "the id is used again, the entity is another one");
    // It is data, and survives a swap; so does the world.
    let (mut kept, _) = SavedValue::of(&tracker).unwrap().restore::<ChangeTracker<Position>>(false).unwrap();
    world.rebuild().unwrap();
    let expected = Changes { added: vec![d], changed: vec![(a, at(1.0))], removed: vec![(c, at(3.0))] };
    assert_eq!(kept.look(&world), expected);
    assert_eq!(kept.look(&world), nothing);
}

#[test]
fn resources_are_borrowed_one_by_one() {
    let mut world = new_world();
    world.resource_or_insert_with(|| Tide { level: 1 }).unwrap().level += 1;
    assert_eq!(world.resource_or_insert_with(|| Tide { level: 9 }).unwrap().level, 2);
    let reading = world.resource::<Tide>().unwrap();
    assert!(matches!(world.resource_mut::<Tide>(), Err(EcsError::InUse { .. })));
    drop(reading);
    let writing = world.resource_mut::<Tide>().unwrap();
    assert!(matches!(world.resource::<Tide>(), Err(EcsError::InUse { .. })));
    assert!(matches!(world.save(&mut Default::default()), Err(EcsError::InUse { .. })));
    drop(writing);
    assert_eq!(world.remove_resource::<Tide>(), Some(Tide { level: 2 }));
    assert!(matches!(world.resource::<Tide>(), Err(EcsError::MissingResource { .. })));
}

#[test]
fn worlds_are_merged_with_their_families() {
    let mut world = new_world();
    world.spawn((at(0.0),));
    let mut other = new_world();
    let [a, b, c] = [1.0, 2.0, 3.0].map(|x| other.spawn((at(x),)));
    other.set_parent(c, Some(a)).unwrap();
    other.set_parent(b, Some(a)).unwrap();
    other.set_name(a, Some("Argo")).unwrap();
    let moved = world.merge(&other).unwrap();
    let new = |old: Entity| moved.iter().find(|(found, _)| *found == old).unwrap().1;
    assert_eq!((world.len(), other.len()), (4, 3));
    assert_eq!(world.find("Argo"), Some(new(a)));
    assert_eq!(world.children(new(a)), [new(c), new(b)]);
    assert_eq!(world.get::<Position>(new(b)).unwrap().x, 2.0);
}

#[test]
fn ids_are_read_from_text() {
    let mut world = new_world();
    let ship = world.spawn(());
    assert_eq!(ship.to_string().parse::<Entity>().unwrap(), ship);
    assert_eq!((ship.index(), ship.generation()), (0, 1));
    for text in ["", "3", "v1", "3v0", "3vx", "-1v1", "4294967296v1"] {
        let refused = text.parse::<Entity>().unwrap_err();
        assert!(refused.to_string().starts_with(&format!("`{text}` is no entity")), "{refused}");
    }
    assert!(!world.contains(Entity::DANGLING));
}

#[test]
fn room_is_made_ahead() {
    let mut world = new_world();
    world.reserve::<(Position, Frozen)>(1000);
    assert_eq!((world.len(), world.archetype_count()), (0, 2));
    assert_eq!(world.register(ModelTypeInfo::component::<Unheard>()).map_err(|it| it.to_string()), Ok(()));
}

#[test]
fn events_of_a_batch_are_sent_like_one_after_the_other() {
    let world = new_world();
    world.send(Eaten { by: 1 });
    world.send_batch([2, 3].map(|by| Eaten { by }));
    world.send_batch(Vec::<Eaten>::new());
    let sent = |world: &World| world.events::<Eaten>().iter().map(|eaten| eaten.by).collect::<Vec<_>>();
    assert_eq!(sent(&world), [1, 2, 3]);
    let breaking = (4..10).map(|by| {
        assert!(by < 6, "no more");
        Eaten { by }
    });
    catch_unwind(AssertUnwindSafe(|| world.send_batch(breaking))).unwrap_err();
    assert_eq!(sent(&world), [1, 2, 3, 4, 5], "those before the panic");
    assert_eq!(world.events::<Eaten>().sent(), 5);
}

#[test]
fn a_batch_is_refused_while_its_events_are_read_and_where_nobody_knows_them() {
    check_panics(
        |world| {
            let _read = world.events::<Eaten>();
            world.send_batch([Eaten { by: 1 }]);
        },
        "`Eaten`",
    );
    check_panics(
        |world| world.send_batch((0..1).map(|by| Eaten { by: world.events::<Eaten>().len() as i64 + by })),
        "`Eaten`",
    );
    let unknowing = World::new();
    let refused = catch_unwind(AssertUnwindSafe(|| unknowing.send_batch([Eaten { by: 1 }]))).unwrap_err();
    assert!(refused.downcast_ref::<String>().unwrap().contains("`Eaten`"));
}

#[test]
fn events_are_read_in_order_where_the_queue_has_gone_around_its_end() {
    let mut world = new_world();
    let mut cursor = EventCursor::<Eaten>::default();
    for round in 0..40 {
        let sent: Vec<_> = (round * 7..(round + 1) * 7).collect();
        world.send_batch(sent.iter().map(|by| Eaten { by: *by }));
        let events = world.events::<Eaten>();
        // What was sent in the step before is still kept.
        let kept: Vec<_> = ((round.max(1) - 1) * 7..(round + 1) * 7).collect();
        assert_eq!(events.iter().map(|eaten| eaten.by).collect::<Vec<_>>(), kept);
        let mut backwards: Vec<_> = events.iter().rev().map(|eaten| eaten.by).collect();
        backwards.reverse();
        assert_eq!((backwards, events.iter().len()), (kept, events.len()));
        let mut read = Vec::new();
        for eaten in cursor.read(&events) {
            read.push(eaten.by);
        }
        assert_eq!(read, sent, "round {round}");
        drop(events);
        world.end_step();
    }
}

#[test]
fn worlds_that_are_alike_know_the_same_and_go_their_own_ways() {
    let mut first = new_world();
    first.spawn((at(1.0),));
    let mut second = first.alike();
    assert!(first.is_alike(&second) && second.is_empty());
    let ship = second.spawn((at(3.0),));
    assert_eq!((first.len(), second.get::<Position>(ship).unwrap().x), (1, 3.0));

    // What one learns is not known to the other.
    #[component(crate = keel_ecs)]
    struct Late {}
    #[event(crate = keel_ecs)]
    struct Called {}
    #[component(crate = keel_ecs, sparse)]
    struct Stunned {}
    second.register(ModelTypeInfo::component::<Late>()).unwrap();
    assert!(!first.is_alike(&second));
    assert!(
        first.type_info(<Late as Component>::ID).is_none()
            && second.type_info(<Late as Component>::ID).is_some()
    );

    // Told of the same together, they share it again; those that were apart stay so.
    let mut third = first.alike();
    let types = [
        ModelTypeInfo::event::<Called>(),
        ModelTypeInfo::component::<Stunned>(),
        ModelTypeInfo::component::<Position>(),
    ];
    let types = SharedTypes::new(types.into_iter().map(std::sync::Arc::new));
    for world in [&mut first, &mut second, &mut third] {
        world.register_shared(&types).unwrap();
        world.send(Called {});
        let stunned = world.spawn((Stunned {}, at(0.0)));
        assert_eq!((world.events::<Called>().len(), world.has::<Stunned>(stunned)), (1, true));
    }
    assert!(first.is_alike(&third) && !first.is_alike(&second));
    keel_core_types::Model::reset(&mut third);
    assert_eq!((third.len(), third.events::<Called>().len()), (0, 0));
    third.spawn((Stunned {},));

    // What one refuses, the others refuse.
    let mut other = World::new();
    let mut more = World::new();
    #[component(crate = keel_ecs, name = "Position")]
    struct Place {
        z: u8,
    }
    other.register(ModelTypeInfo::component::<Place>()).unwrap();
    assert!(matches!(other.register_shared(&types), Err(EcsError::Conflict { .. })));
    more.register_shared(&types).unwrap();
    assert_eq!(Place { z: 1 }.z, 1);
}

#[test]
fn worlds_that_are_alike_track_relate_and_call_hooks_alike() {
    #[component(crate = keel_ecs, tracked, on_insert = ring)]
    struct Bell {}
    #[component(crate = keel_ecs)]
    struct Rings {
        count: u32,
    }
    #[relation(crate = keel_ecs)]
    struct Rope;
    fn ring(world: &World, _: Entity) {
        world.query::<&mut Rings>().for_each(|rings| rings.count += 1);
    }
    let types = [
        ModelTypeInfo::component::<Bell>(),
        ModelTypeInfo::component::<Rings>(),
        ModelTypeInfo::component::<Targets<Rope>>(),
        ModelTypeInfo::component::<Sources<Rope>>(),
    ];
    let types = SharedTypes::new(types.map(std::sync::Arc::new));
    let mut first = World::new();
    let mut second = first.alike();
    first.register_shared(&types).unwrap();
    second.register_shared(&types).unwrap();
    assert!(first.is_alike(&second));
    let third = first.alike();
    for mut world in [first, second, third] {
        let tower = world.spawn((Rings { count: 0 },));
        world.clear_changes();
        let bell = world.spawn((Bell {},));
        world.relate::<Rope>(bell, tower).unwrap();
        assert_eq!(world.get::<Rings>(tower).unwrap().count, 1);
        assert_eq!(world.query_filtered::<&Bell, Added<Bell>>().entities(), [bell]);
        world.despawn(tower).unwrap();
        assert_eq!(world.targets::<Rope>(bell), []);
    }
}
