//! Components that lie in sets of their own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use keel_ecs::{
    Component, EcsError, Entity, ModelTypeInfo, PreparedQuery, SparseStatistics, StorageKind, World,
    WorldConversion,
};
use keel_state::LiveSchema;

use crate::{Frozen, Position, Smoke, Wet, at, new_world, restore, save, through_a_file, types};

/// The same component, in a column and in a set of its own, and one with a field more.
mod column {
    #[keel_ecs::component(crate = keel_ecs)]
    #[derive(Clone, Debug, PartialEq)]
    pub(super) struct Heat {
        pub(super) degrees: i32,
    }
}

mod set {
    #[keel_ecs::component(crate = keel_ecs, sparse)]
    #[derive(Clone, Debug, PartialEq)]
    pub(super) struct Heat {
        pub(super) degrees: i32,
    }
}

mod wider {
    #[keel_ecs::component(crate = keel_ecs, sparse)]
    #[derive(Clone, Debug, PartialEq)]
    pub(super) struct Heat {
        pub(super) degrees: i64,
        #[keel(default = "sun".to_owned())]
        pub(super) from: String,
    }
}

fn smoke(text: &str) -> Smoke {
    Smoke { text: text.to_owned() }
}

fn world_of<T: Component>(values: impl IntoIterator<Item = T>) -> (World, Vec<Entity>) {
    let mut world = new_world();
    world.register(ModelTypeInfo::component::<T>()).unwrap();
    let entities = values.into_iter().map(|value| world.spawn((at(1.0), value))).collect();
    (world, entities)
}

fn with<T: Component>() -> Vec<Arc<ModelTypeInfo>> {
    types().into_iter().chain([ModelTypeInfo::component::<T>()]).map(Arc::new).collect()
}

#[test]
fn inserting_and_removing_moves_nothing_else() {
    let mut world = new_world();
    let ship = world.spawn((at(1.0),));
    let before = world.archetype_of(ship).unwrap();
    assert_eq!(Smoke::STORAGE, StorageKind::Sparse);
    world.insert(ship, (smoke("black"),)).unwrap();
    assert_eq!(world.archetype_of(ship).unwrap(), before);
    assert_eq!(world.archetype_count(), 2, "the empty one, and that of ships");
    world.get_mut::<Smoke>(ship).unwrap().text.push('!');
    assert_eq!(world.get::<Smoke>(ship).unwrap().text, "black!");
    assert_eq!(world.remove::<(Smoke,)>(ship).unwrap().0, smoke("black!"));
    assert!(matches!(
        world.remove::<(Smoke,)>(ship),
        Err(EcsError::MissingComponent { entity, component }) if entity == ship && component == "Smoke"
    ));
}

#[test]
fn an_entity_that_goes_takes_its_values_along() {
    let mut world = new_world();
    let [ship, boat] = [smoke("black"), smoke("white")].map(|smoke| world.spawn((smoke, at(0.0))));
    world.despawn(ship).unwrap();
    assert!(world.get::<Smoke>(ship).is_err() && !world.has::<Smoke>(ship));
    // It has the index of the one that went.
    let next = world.spawn((at(0.0),));
    assert_eq!(next.index(), ship.index());
    assert!(!world.has::<Smoke>(next));
    assert!(world.insert(ship, (smoke("none"),)).is_err());
    assert_eq!(world.query::<(Entity, &Smoke)>().entities(), [boat]);
    let names: Vec<_> = world.components_of(boat).unwrap().iter().map(|it| it.name().to_owned()).collect();
    assert_eq!(names, ["Position", "Smoke"]);
}

#[test]
fn a_bundle_is_taken_whole_or_not_at_all() {
    let mut world = new_world();
    let ship = world.spawn((at(1.0), smoke("black")));
    let missing = |error: EcsError| error.to_string();
    let error = world.remove::<(Position, Smoke, Wet)>(ship).map(drop).map_err(missing).unwrap_err();
    assert!(error.contains("`Wet`"), "{error}");
    let error = world.remove::<(Smoke, Frozen)>(ship).map(drop).map_err(missing).unwrap_err();
    assert!(error.contains("`Frozen`"), "{error}");
    let (left, position) = world.remove::<(Smoke, Position)>(ship).unwrap();
    assert_eq!((left, position), (smoke("black"), at(1.0)));
    assert!(world.components_of(ship).unwrap().is_empty());
}

#[test]
fn the_smaller_of_sets_and_columns_is_gone_through() {
    let mut world = new_world();
    let all = world.spawn_batch((0..1000).map(|x| (at(x as f32),)));
    for entity in all.iter().step_by(100).rev() {
        world.insert(*entity, (smoke("black"),)).unwrap();
    }
    let mut few = PreparedQuery::<(&Position, &Smoke)>::new();
    let found: Vec<_> = few.query(&mut world).iter().map(|(position, _)| position.x).collect();
    assert_eq!(found, (0..10).rev().map(|x| x as f32 * 100.0).collect::<Vec<_>>(), "in the order of the set");
    for entity in &all {
        world.insert(*entity, (smoke("white"),)).unwrap();
    }
    let found: Vec<_> = few.query(&mut world).iter().map(|(position, _)| position.x).collect();
    assert_eq!(found, (0..1000).map(|x| x as f32).collect::<Vec<_>>(), "in the order of the rows");
}

#[test]
fn borrows_exclude_each_other_by_name() {
    let (mut world, _) = world_of([column::Heat { degrees: 3 }]);
    let ship = world.spawn((smoke("black"), at(2.0)));
    let refused = |call: &dyn Fn(&World)| {
        let payload = catch_unwind(AssertUnwindSafe(|| call(&world))).unwrap_err();
        let message = payload.downcast_ref::<String>().unwrap();
        assert!(message.contains("`Smoke`"), "{message}");
    };
    refused(&|world| {
        let _writing = world.query::<&mut Smoke>();
        world.query::<&Smoke>();
    });
    refused(&|world| {
        let _reading = world.get::<Smoke>(ship).unwrap();
        let _ = world.get_mut::<Smoke>(ship);
    });
    refused(&|world| {
        world.query::<(&mut Smoke, Option<&Smoke>)>();
    });
    refused(&|world| {
        let _ = world.query_one::<(&Smoke, &mut Smoke), _>(ship, |_| ());
    });
    let (one, two) = (world.query::<&Smoke>(), world.query::<(&Smoke, &mut Position)>());
    assert_eq!((one.count(), two.count()), (1, 1));
}

#[test]
fn a_world_comes_back_in_the_order_that_it_had() {
    let mut world = new_world();
    let all: Vec<_> = (0..5).map(|number| world.spawn((smoke(&number.to_string()),))).collect();
    world.remove::<(Smoke,)>(all[1]).unwrap();
    world.insert(all[1], (smoke("again"),)).unwrap();
    let order = |world: &World| {
        world.query::<(Entity, &Smoke)>().iter().map(|(entity, it)| (entity, it.clone())).collect::<Vec<_>>()
    };
    let copy = restore(&through_a_file(&save(&world)));
    assert_eq!(order(&copy), order(&world));
    assert_eq!(copy.hash().unwrap(), world.hash().unwrap());
    assert_eq!(copy.statistics().sparse, world.statistics().sparse);
    let expected = SparseStatistics { component: "Smoke".to_owned(), entities: 5, bytes_per_entity: 24 };
    assert!(world.statistics().sparse.contains(&expected));
    world.get_mut::<Smoke>(all[4]).unwrap().text.clear();
    assert_ne!(copy.hash().unwrap(), world.hash().unwrap());
    let differences = copy.compare(&world).unwrap();
    assert_eq!(differences.len(), 1);
    assert_eq!(differences[0].what, format!("entity {} Smoke", all[4]));
}

#[test]
fn values_are_kept_while_nobody_knows_their_type() {
    let (world, entities) = world_of([set::Heat { degrees: 3 }, set::Heat { degrees: 4 }]);
    let (mut without, report) = World::from_snapshot(types().map(Into::into), &save(&world), false).unwrap();
    assert_eq!(report.kept, ["Heat"]);
    assert_eq!(without.hash().unwrap(), world.hash().unwrap());
    without.register(ModelTypeInfo::component::<set::Heat>()).unwrap();
    assert_eq!(without.get::<set::Heat>(entities[1]).unwrap().degrees, 4);
    assert_eq!(without.kept_types().count(), 0);
}

#[test]
fn a_conversion_hands_a_set_on_as_it_is() {
    let (mut world, entities) = world_of([set::Heat { degrees: 3 }, set::Heat { degrees: 4 }]);
    world.insert(entities[0], (smoke("black"),)).unwrap();
    let address = |world: &World| std::ptr::from_ref(&*world.get::<Smoke>(entities[0]).unwrap().text).addr();
    let (before, hash) = (address(&world), world.hash().unwrap());

    let mut conversion = WorldConversion::of(world);
    conversion.make(with::<wider::Heat>(), false).unwrap();
    let world = conversion.undo();
    assert_eq!(world.hash().unwrap(), hash);

    let mut conversion = WorldConversion::of(world);
    let report = conversion.make(with::<wider::Heat>(), false).unwrap();
    assert_eq!(
        (report.carried, report.converted),
        (4, 2),
        "two positions, the smoke and the queue; two heats"
    );
    let (world, old) = conversion.accept();
    drop(old);
    assert_eq!(address(&world), before);
    let heat = wider::Heat { degrees: 4, from: "sun".to_owned() };
    assert_eq!(*world.get::<wider::Heat>(entities[1]).unwrap(), heat);
}

#[track_caller]
fn check_storage_changes<From: Component, To: Component>(from: [From; 2], is_same: impl Fn(&To) -> bool) {
    let (world, entities) = world_of(from);
    let (restored, report) = World::from_snapshot(with::<To>(), &save(&world), false).unwrap();
    assert_eq!((report.carried, report.converted), (5, 0), "two positions, two heats and the queue");
    let mut conversion = WorldConversion::of(world);
    conversion.make(with::<To>(), false).unwrap();
    let (converted, _) = conversion.accept();
    for world in [restored, converted] {
        assert_eq!(world.query::<(&Position, &To)>().entities(), entities);
        assert!(is_same(&world.get::<To>(entities[1]).unwrap()));
    }
}

#[test]
fn a_component_may_move_between_columns_and_sets() {
    let schemas = [LiveSchema::of::<column::Heat>(), LiveSchema::of::<set::Heat>()];
    assert_eq!(schemas[0].schema(), schemas[1].schema());
    check_storage_changes([column::Heat { degrees: 3 }, column::Heat { degrees: 4 }], |heat: &set::Heat| {
        heat.degrees == 4
    });
    check_storage_changes([set::Heat { degrees: 3 }, set::Heat { degrees: 4 }], |heat: &column::Heat| {
        heat.degrees == 4
    });
}

#[test]
fn by_name_a_sparse_component_is_as_any_other() {
    let mut world = new_world();
    let ship = world.spawn((at(1.0), smoke("black")));
    let values = world.values(ship).unwrap();
    assert_eq!(values.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["Position", "Smoke"]);
    let copy = world.clone_entity(ship).unwrap();
    assert_eq!(world.get::<Smoke>(copy).unwrap().text, "black");
    assert!(world.has_named(copy, "Smoke").unwrap());
    world.remove_value(copy, "Smoke").unwrap();
    assert!(!world.has_named(copy, "Smoke").unwrap() && world.has_named(copy, "Position").unwrap());
    assert!(world.remove_value(copy, "Smoke").is_err());
    let mut other = new_world();
    let merged = other.merge(&world).unwrap();
    assert_eq!(other.get::<Smoke>(merged[0].1).unwrap().text, "black");
}
