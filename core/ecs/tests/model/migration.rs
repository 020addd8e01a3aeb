//! Restoring into types whose fields have changed since.

use keel_ecs::{Component, EcsError, ModelTypeInfo, World};
use keel_state::LiveSchema;

use crate::{save, through_a_file};

/// The types as they were saved.
mod before {
    use keel_ecs::{component, event, resource};

    #[component(crate = keel_ecs)]
    #[derive(Clone, Copy)]
    pub(super) struct Ship {
        pub(super) hull: f32,
        pub(super) crew: u16,
    }

    #[resource(crate = keel_ecs)]
    pub(super) struct Sea {
        pub(super) depth: f32,
        pub(super) salt: u8,
    }

    #[event(crate = keel_ecs)]
    pub(super) struct Hit {
        pub(super) damage: u8,
    }
}

/// A field renamed, one added, one widened.
mod after {
    use keel_ecs::{component, event, resource};

    #[component(crate = keel_ecs)]
    pub(super) struct Ship {
        #[keel(default = 3)]
        pub(super) masts: u8,
        #[keel(renamed_from = "hull")]
        pub(super) armor: f32,
        pub(super) crew: u64,
    }

    #[resource(crate = keel_ecs)]
    pub(super) struct Sea {
        #[keel(renamed_from = "depth")]
        pub(super) fathoms: f32,
        pub(super) salt: u8,
        pub(super) fish: Vec<u8>,
    }

    #[event(crate = keel_ecs)]
    pub(super) struct Hit {
        #[keel(default = "reef".to_owned())]
        pub(super) by: String,
        pub(super) damage: u8,
    }
}

/// A field of each is gone.
mod lossy {
    use keel_ecs::{component, event, resource};

    #[component(crate = keel_ecs)]
    pub(super) struct Ship {
        pub(super) crew: u16,
    }

    #[resource(crate = keel_ecs)]
    pub(super) struct Sea {
        pub(super) salt: u8,
    }

    #[event(crate = keel_ecs)]
    pub(super) struct Hit {}
}

fn saved() -> keel_ecs::WorldSnapshot {
    let mut world = World::new();
    world.register(ModelTypeInfo::component::<before::Ship>()).unwrap();
    world.register(ModelTypeInfo::resource::<before::Sea>()).unwrap();
    world.register(ModelTypeInfo::event::<before::Hit>()).unwrap();
    world.spawn((before::Ship { hull: 0.5, crew: 7 },));
    world.insert_resource(before::Sea { depth: 9.0, salt: 35 }).unwrap();
    world.send(before::Hit { damage: 2 });
    through_a_file(&save(&world))
}

#[test]
fn components_resources_and_events_are_migrated() {
    let types = [
        ModelTypeInfo::component::<after::Ship>(),
        ModelTypeInfo::resource::<after::Sea>(),
        ModelTypeInfo::event::<after::Hit>(),
    ];
    let types = types.map(std::sync::Arc::new);
    let planned = World::plan_restore(&types, &saved());
    let (world, report) = World::from_snapshot(types, &saved(), false).unwrap();
    assert_eq!(report.changes, planned);
    // Renamed, added and widened; renamed and added; added.
    assert_eq!((report.changes.len(), report.converted, report.carried), (6, 3, 0), "{:?}", report.changes);
    let ship = world.entities()[0];
    let ship = world.get::<after::Ship>(ship).unwrap();
    assert_eq!((ship.masts, ship.armor, ship.crew), (3, 0.5, 7));
    let sea = world.resource::<after::Sea>().unwrap();
    assert_eq!((sea.fathoms, sea.salt, sea.fish.len()), (9.0, 35, 0));
    let hits = world.events::<after::Hit>();
    let hit = hits.iter().next().unwrap();
    assert_eq!((hit.by.as_str(), hit.damage), ("reef", 2));
}

#[track_caller]
fn check_lossy(info: fn() -> ModelTypeInfo, field: &str) {
    let refused = World::from_snapshot([info().into()], &saved(), false).err().unwrap();
    assert!(
        matches!(refused, EcsError::State(keel_state::StateError::LossesNotAccepted { .. })),
        "{refused}"
    );
    assert!(refused.to_string().contains(field), "{refused}");
    let (world, report) = World::from_snapshot([info().into()], &saved(), true).unwrap();
    assert_eq!(report.converted, 1);
    assert_eq!(report.changes.len(), 1);

    // The same where the values were kept aside, and the type comes later.
    let (mut later, _) = World::from_snapshot([], &saved(), false).unwrap();
    assert!(later.register(info()).is_err());
    assert_eq!(later.kept_types().count(), 3, "a refused registration changes nothing");
    assert!(later.type_info(info().id()).is_none());
    let (accepted, _) = World::from_snapshot([info().into()], &save(&later), true).unwrap();
    assert_eq!(accepted.hash().unwrap(), world.hash().unwrap());
}

#[test]
fn losses_need_consent() {
    check_lossy(ModelTypeInfo::component::<lossy::Ship>, "hull");
    check_lossy(ModelTypeInfo::resource::<lossy::Sea>, "depth");
    check_lossy(ModelTypeInfo::event::<lossy::Hit>, "damage");
    let (world, _) =
        World::from_snapshot([ModelTypeInfo::component::<lossy::Ship>().into()], &saved(), true).unwrap();
    assert_eq!(world.get::<lossy::Ship>(world.entities()[0]).unwrap().crew, 7);
    let (world, _) =
        World::from_snapshot([ModelTypeInfo::resource::<lossy::Sea>().into()], &saved(), true).unwrap();
    assert_eq!(world.resource::<lossy::Sea>().unwrap().salt, 35);
}

#[test]
fn a_name_belongs_to_one_shape_at_a_time() {
    let mut world = World::new();
    world.register(ModelTypeInfo::component::<before::Ship>()).unwrap();
    world.register(ModelTypeInfo::component::<before::Ship>()).unwrap();
    let refused = world.register(ModelTypeInfo::component::<after::Ship>()).unwrap_err();
    assert!(refused.to_string().contains("type `Ship` is already registered"), "{refused}");
    let live = LiveSchema::of::<before::Ship>();
    assert_eq!(world.type_info(before::Ship::ID).unwrap().schema(), live.schema());
}

#[test]
fn a_value_of_an_older_shape_is_migrated_when_nothing_is_lost() {
    let mut world = World::new();
    world.register(ModelTypeInfo::component::<after::Ship>()).unwrap();
    let old = keel_ecs::ComponentValue::of(&before::Ship { hull: 0.5, crew: 7 }).unwrap();
    let ship = world.spawn_values(std::slice::from_ref(&old)).unwrap();
    assert_eq!(world.get::<after::Ship>(ship).unwrap().armor, 0.5);

    let mut narrow = World::new();
    narrow.register(ModelTypeInfo::component::<lossy::Ship>()).unwrap();
    let refused = narrow.spawn_values(&[old]).unwrap_err();
    assert!(refused.to_string().starts_with("the value is no `Ship`"), "{refused}");
}
