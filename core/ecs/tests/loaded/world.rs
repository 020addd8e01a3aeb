//! The calls of the world view.

use keel::ecs::{ModelTypeInfo, World, WorldSnapshot, WorldView};

use crate::{Chart, Eaten, Position, Tide, at, new_world, refuses, saved, view};

fn worlds() -> &'static dyn WorldView {
    view::<dyn WorldView>()
}

/// One ship, a tide, one event.
fn small_world() -> World {
    let mut world = new_world();
    world.spawn((at(1.0),));
    world.insert_resource(Tide { level: 2.0 }).unwrap();
    world.send(Eaten { by: 3 });
    world
}

#[test]
fn a_world_is_described_and_emptied() {
    let mut world = small_world();
    assert_eq!((worlds().len(&world), worlds().is_empty(&world)), (1, false));
    assert_eq!(worlds().types(&world).len(), 12);
    assert_eq!(worlds().kept_types(&world), Vec::<String>::new());
    let lines = worlds().describe(&world).unwrap();
    assert_eq!(lines["entity 0v1 Position"], "Position { x: 1.0, y: 0.0 }");
    assert_eq!(lines["resource Tide"], "Tide { level: 2.0 }");
    assert_eq!(lines["event Eaten 0"], "Eaten { by: 3 }");

    let created = worlds().create(&world).unwrap();
    assert_eq!((created.len(), created.types().count()), (0, 12));
    worlds().clear_entities(&mut world);
    assert!(worlds().is_empty(&world) && world.has_resource::<Tide>());
    assert_eq!(worlds().clear_resources(&mut world), 1);
    world.spawn((at(1.0),));
    worlds().reset(&mut world);
    assert!(world.is_empty() && world.events::<Eaten>().is_empty());
    assert_eq!(worlds().types(&world).len(), 12);
}

#[test]
fn a_world_is_saved_restored_and_copied() {
    let mut world = small_world();
    let hash = worlds().hash(&world).unwrap();
    let mut snapshot = WorldSnapshot::new();
    worlds().save(&world, &mut snapshot).unwrap();
    assert_eq!(worlds().plan_restore(&world, &snapshot), []);
    world.get_mut::<Position>(world.entities()[0]).unwrap().x = 9.0;
    assert_ne!(worlds().hash(&world).unwrap(), hash);
    let report = worlds().restore(&mut world, &snapshot, false).unwrap();
    // A position, a tide, and two queues.
    assert_eq!((report.carried, report.converted), (4, 0));
    assert_eq!(worlds().hash(&world).unwrap(), hash);
    assert_eq!(worlds().duplicate(&world).unwrap().hash().unwrap(), hash);
    let moved = worlds().merge(&mut world, &small_world()).unwrap();
    assert_eq!(moved.len(), 1);
    assert_eq!(*world.get::<Position>(moved[0].1).unwrap(), at(1.0));
}

mod narrow {
    //! The same component with a field less.
    use keel::prelude::*;

    #[component]
    #[derive(Clone, Copy, Debug, Default, PartialEq)]
    pub(super) struct Position {
        pub(super) x: f32,
    }
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let mut snapshot = WorldSnapshot::new();
    worlds().save(&small_world(), &mut snapshot).unwrap();
    let mut world = World::new();
    world.register(ModelTypeInfo::component::<narrow::Position>()).unwrap();
    assert_eq!(worlds().plan_restore(&world, &snapshot).len(), 1);
    refuses(worlds().restore(&mut world, &snapshot, false), "the migration would lose data");
    assert!(world.is_empty());
    let report = worlds().restore(&mut world, &snapshot, true).unwrap();
    assert_eq!((report.converted, report.changes.len()), (1, 1));
    assert_eq!(worlds().kept_types(&world), ["Tide", "Eaten", "Called"]);
    assert_eq!(*world.get::<narrow::Position>(world.entities()[0]).unwrap(), narrow::Position { x: 1.0 });

    let mut bare = World::new();
    refuses(worlds().merge(&mut bare, &small_world()), "type `Position` is not registered");
    assert!(bare.is_empty());

    let world = small_world();
    let writing = world.resource_mut::<Tide>().unwrap();
    refuses(worlds().save(&world, &mut snapshot), "`Tide` is in use elsewhere");
    refuses(worlds().hash(&world), "`Tide` is in use elsewhere");
    refuses(worlds().duplicate(&world), "`Tide` is in use elsewhere");
    refuses(worlds().describe(&world), "`Tide` is in use elsewhere");
    refuses(worlds().resource(&world, "Tide"), "`Tide` is in use elsewhere");
    drop(writing);
}

#[test]
fn resources_are_found_by_name() {
    let mut world = new_world();
    assert!(!worlds().has_resource(&world, "Tide").unwrap());
    assert!(worlds().init_resource(&mut world, "Tide").unwrap());
    assert!(!worlds().init_resource(&mut world, "Tide").unwrap());
    worlds().insert_resource(&mut world, "Tide", &saved(&Tide { level: 4.0 })).unwrap();
    worlds().insert_resource(&mut world, "Chart", &saved(&Chart { name: "Sund".into() })).unwrap();
    assert_eq!(worlds().resources(&world), ["Chart", "Tide"]);
    assert_eq!(world.resource::<Tide>().unwrap().level, 4.0);
    assert_eq!(worlds().resource(&world, "Tide").unwrap(), saved(&Tide { level: 4.0 }));
    assert_eq!(worlds().resource_value(&world, "Chart").unwrap().to_string(), r#"Chart { name: "Sund" }"#);
    assert_eq!(worlds().remove_resource(&mut world, "Tide").unwrap(), saved(&Tide { level: 4.0 }));

    refuses(worlds().resource(&world, "Tide"), "the world has no resource `Tide`");
    refuses(worlds().resource_value(&world, "Tide"), "the world has no resource `Tide`");
    refuses(worlds().remove_resource(&mut world, "Tide"), "the world has no resource `Tide`");
    refuses(worlds().has_resource(&world, "Sail"), "type `Sail` is not registered");
    refuses(worlds().insert_resource(&mut world, "Position", &saved(&at(1.0))), "`Position` is a component");
    refuses(worlds().insert_resource(&mut world, "Tide", &saved(&at(1.0))), "the value is no `Tide`");
    worlds().remove_resource(&mut world, "Chart").unwrap();
    refuses(worlds().init_resource(&mut world, "Chart"), "`Chart` has no default");
}

#[test]
fn a_room_of_the_pool_is_a_world_as_any_other() {
    let rooms = keel::binding::ModelPool::new(2, new_world);
    let room = rooms.take().unwrap();
    worlds()
        .insert_resource(&mut rooms.get_mut(room).unwrap(), "Tide", &saved(&Tide { level: 3.0 }))
        .unwrap();
    assert_eq!(worlds().resources(&rooms.get(room).unwrap()), ["Tide"]);
    rooms.release(room).unwrap();
    let again = rooms.take().unwrap();
    assert_ne!(again, room);
    assert_eq!(worlds().resources(&rooms.get(again).unwrap()), Vec::<String>::new());
    assert_eq!(worlds().types(&rooms.get(again).unwrap()).len(), 12, "a recycled room knows its types");
}
