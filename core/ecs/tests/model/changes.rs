//! Change detection: what of tracked components and resources is new to whom.

use std::fmt::Debug;
use std::sync::Arc;

use keel_ecs::{
    Added, ByTicks, Changed, Children, Commands, Component, Entity, ModelTypeInfo, Mut, Or, PreparedPath,
    PreparedQuery, QueryFilter, Ref, RemovalCursor, StorageKind, Tracked, With, Without, World,
    WorldConversion, component, resource,
};

use crate::{Frozen, Position, Tide, at, new_world, through_a_file};

#[component(crate = keel_ecs, tracked)]
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Hull {
    pub(crate) planks: u32,
}

#[component(crate = keel_ecs, sparse, tracked)]
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Fire {
    pub(crate) heat: u32,
}

#[resource(crate = keel_ecs, tracked)]
#[derive(Clone, Debug, Default, PartialEq)]
struct Wind {
    knots: u32,
}

pub(crate) fn tracked_types() -> Vec<Arc<ModelTypeInfo>> {
    let tracked = [
        ModelTypeInfo::component::<Hull>(),
        ModelTypeInfo::component::<Fire>(),
        ModelTypeInfo::resource::<Wind>(),
    ];
    crate::types().into_iter().chain(tracked).map(Arc::new).collect()
}

pub(crate) fn tracked_world() -> World {
    let mut world = new_world();
    tracked_types().into_iter().try_for_each(|info| world.register(info)).unwrap();
    world
}

fn hull(planks: u32) -> Hull {
    Hull { planks }
}

/// Who passes the filter since the world was asked last.
fn news<F: QueryFilter>(world: &World) -> Vec<Entity> {
    let mut entities = world.query_filtered::<Entity, F>().entities();
    let mut seen = Vec::new();
    world.query_filtered::<Entity, F>().for_each(|entity| seen.push(entity));
    let stepped: Vec<_> = world.query_filtered::<Entity, F>().iter().collect();
    entities.sort_unstable();
    seen.sort_unstable();
    assert_eq!(entities, seen, "both ways of going through a query agree");
    seen = stepped;
    seen.sort_unstable();
    assert_eq!(entities, seen);
    entities
}

/// Checks what is new after `change`, and that nothing is new after that.
#[track_caller]
fn check<T: Component + Tracked>(
    world: &mut World,
    change: impl FnOnce(&mut World),
    added: &[Entity],
    changed: &[Entity],
    removed: &[Entity],
) {
    let mut cursor = RemovalCursor::<T>::default();
    cursor.skip_all(&world.removals::<T>());
    world.clear_changes();
    change(world);
    assert_eq!(news::<Added<T>>(world), added, "added");
    assert_eq!(news::<Changed<T>>(world), changed, "changed");
    assert_eq!(cursor.read(&world.removals::<T>()).collect::<Vec<_>>(), removed, "removed");
    world.clear_changes();
    assert_eq!(news::<Or<(Added<T>, Changed<T>)>>(world), []);
    assert_eq!(cursor.waiting(&world.removals::<T>()), 0);
}

fn check_all_ways<T>(path: &str)
where
    T: Component<Tracking = ByTicks> + Tracked + Clone + Debug + Default,
{
    let mut world = tracked_world();
    world.spawn((at(0.0),));
    let [a, b] = [1.0, 2.0].map(|x| world.spawn((at(x),)));
    let name = T::NAME;
    let none: &[Entity] = &[];
    check::<T>(&mut world, |world| world.insert(a, (T::default(),)).unwrap(), &[a], &[a], none);
    check::<T>(&mut world, |world| world.insert(a, (T::default(), Frozen)).unwrap(), none, &[a], none);
    check::<T>(&mut world, |world| world.insert_named(b, name, &[]).unwrap(), &[b], &[b], none);
    check::<T>(&mut world, |world| drop(world.get::<T>(a).unwrap()), none, none, none);
    check::<T>(&mut world, |world| drop(world.get_mut::<T>(a).unwrap()), none, none, none);
    check::<T>(&mut world, |world| *world.get_mut::<T>(a).unwrap() = T::default(), none, &[a], none);
    check::<T>(&mut world, |world| world.write_path(b, path, 7).unwrap(), none, &[b], none);
    check::<T>(&mut world, |world| assert!(world.write_path(b, path, "x").is_err()), none, none, none);
    let write_all = |world: &mut World| world.query::<&mut T>().for_each(|mut value| *value = T::default());
    check::<T>(&mut world, write_all, none, &[a, b], none);
    let read_all = |world: &mut World| world.query::<&mut T>().for_each(|value| drop(value.clone()));
    check::<T>(&mut world, read_all, none, none, none);
    let write_frozen = |world: &mut World| {
        let mut query = PreparedQuery::<(&mut T, Entity), With<Frozen>>::new();
        query.query(world).iter_mut().for_each(|(mut value, _)| *value = T::default());
    };
    check::<T>(&mut world, write_frozen, none, &[a], none);
    let write_one = |world: &mut World| {
        let mut query = PreparedQuery::<(&mut T, &Position)>::new();
        *query.query(world).get_mut(b).unwrap().0 = T::default();
        assert!(world.query_one::<&mut T, _>(b, |value| value.is_changed()).unwrap().unwrap());
    };
    check::<T>(&mut world, write_one, none, &[b], none);
    check::<T>(&mut world, |world| drop(world.remove::<(T,)>(a).unwrap()), none, none, &[a]);
    check::<T>(&mut world, |world| drop(world.remove::<(T,)>(a).unwrap_err()), none, none, none);
    check::<T>(&mut world, |world| drop(world.remove_value(b, name).unwrap()), none, none, &[b]);
    let again = |world: &mut World| {
        world.insert(a, (T::default(),)).unwrap();
        world.remove::<(T,)>(a).unwrap();
        world.insert(a, (T::default(),)).unwrap();
    };
    check::<T>(&mut world, again, &[a], &[a], &[a]);
    let exchange = |world: &mut World| {
        world.exchange::<(Position,), (T,)>(b, (T::default(),)).unwrap();
    };
    check::<T>(&mut world, exchange, &[b], &[b], none);
    let exchange_back = |world: &mut World| drop(world.exchange::<(T,), (Position,)>(b, (at(1.0),)).unwrap());
    check::<T>(&mut world, exchange_back, none, none, &[b]);
    let mut born = Vec::new();
    let mut spawn = |world: &mut World| {
        born.push(world.spawn((T::default(),)));
        born.extend(world.spawn_batch((0..40).map(|_| (T::default(),))));
        born.extend(world.spawn_batch((0..4).map(|x| (at(x as f32), T::default()))));
        born.push(world.spawn_named(&[(T::NAME, &[])]).unwrap());
        born.push(world.clone_entity(a).unwrap());
    };
    world.clear_changes();
    spawn(&mut world);
    assert_eq!(news::<Added<T>>(&world), born);
    let gone = born[3];
    check::<T>(&mut world, |world| world.despawn(gone).unwrap(), none, none, &[gone]);
    let mut next = None;
    // It has the index of the one that went.
    check::<T>(&mut world, |world| next = Some(world.spawn((at(1.0),))), none, none, none);
    let next = next.unwrap();
    assert_eq!(next.index(), gone.index());
    check::<T>(&mut world, |world| world.insert(next, (T::default(),)).unwrap(), &[next], &[next], none);
    let mut all = news::<With<T>>(&world);
    let mut cursor = RemovalCursor::<T>::default();
    cursor.skip_all(&world.removals::<T>());
    world.clear_entities();
    let mut lost: Vec<_> = cursor.read(&world.removals::<T>()).collect();
    lost.sort_unstable();
    all.sort_unstable();
    assert_eq!(lost, all);
}

#[test]
fn every_way_of_writing_a_column_is_noticed() {
    assert_eq!(Hull::STORAGE, StorageKind::Columns);
    check_all_ways::<Hull>("Hull.planks");
}

#[test]
fn every_way_of_writing_a_sparse_component_is_noticed() {
    assert_eq!(Fire::STORAGE, StorageKind::Sparse);
    check_all_ways::<Fire>("Fire.heat");
}

#[test]
fn commands_and_merging_are_noticed() {
    let mut world = tracked_world();
    let ship = world.spawn((hull(1),));
    world.clear_changes();
    let mut commands = Commands::new();
    commands.insert(ship, (hull(2),));
    commands.spawn((hull(3),));
    assert!(commands.apply(&mut world).is_empty());
    assert_eq!(news::<Changed<Hull>>(&world).len(), 2);
    let mut other = tracked_world();
    other.clear_changes();
    let merged = other.merge(&world).unwrap();
    assert_eq!(news::<Added<Hull>>(&other), merged.iter().map(|(_, new)| *new).collect::<Vec<_>>());
}

#[test]
fn filters_are_joined_as_all_filters_are() {
    let mut world = tracked_world();
    let hulled = world.spawn((hull(1),));
    let burning = world.spawn((Fire { heat: 1 }, at(0.0)));
    let both = world.spawn((hull(1), Fire { heat: 1 }, Frozen));
    world.clear_changes();
    assert_eq!(news::<Or<(Changed<Hull>, Changed<Fire>)>>(&world), []);
    world.get_mut::<Hull>(hulled).unwrap().planks = 2;
    world.get_mut::<Fire>(both).unwrap().heat = 2;
    assert_eq!(news::<Or<(Changed<Hull>, Changed<Fire>)>>(&world), [hulled, both]);
    assert_eq!(news::<(Changed<Hull>, Without<Fire>)>(&world), [hulled]);
    assert_eq!(news::<(Changed<Fire>, With<Frozen>)>(&world), [both]);
    assert_eq!(news::<(Changed<Hull>, Changed<Fire>)>(&world), []);
    assert_eq!(news::<Or<(With<Position>, Changed<Hull>)>>(&world), [hulled, burning]);
    let mut query = PreparedQuery::<(Entity, &mut Hull), Changed<Hull>>::new();
    assert_eq!(query.query(&mut world).count(), 1);
    query.query(&mut world).for_each(|(entity, hull)| assert_eq!((entity, hull.planks), (hulled, 2)));
    assert!(query.query(&mut world).get(both).is_err());
    assert!(world.query_filtered::<&Children, Changed<Hull>>().is_empty());
}

#[test]
fn what_is_written_can_be_left_out_or_left_as_it_is() {
    let mut world = tracked_world();
    let ship = world.spawn((hull(1),));
    let mut write = |change: fn(Mut<'_, Hull>)| {
        world.clear_changes();
        world.query::<&mut Hull>().for_each(change);
        let news = news::<Changed<Hull>>(&world);
        (news == [ship], world.get::<Hull>(ship).unwrap().planks)
    };
    assert_eq!(write(|mut hull| assert!(!hull.set_if_neq(Hull { planks: 1 }))), (false, 1));
    assert_eq!(write(|mut hull| assert!(hull.set_if_neq(Hull { planks: 2 }))), (true, 2));
    assert_eq!(write(|mut hull| hull.bypass_change_detection().planks = 3), (false, 3));
    assert_eq!(write(|mut hull| hull.set_changed()), (true, 3));
    assert_eq!(write(|hull| hull.into_inner().planks = 4), (true, 4));
    assert_eq!(write(|hull| assert_eq!(format!("{hull:?}"), "Hull { planks: 4 }")), (false, 4));
}

#[test]
fn what_is_read_tells_whether_it_is_new() {
    let mut world = tracked_world();
    let old = world.spawn((hull(1), Fire::default()));
    world.clear_changes();
    let new = world.spawn((hull(2),));
    world.get_mut::<Fire>(old).unwrap().heat = 1;
    let told = |hull: Ref<'_, Hull>| (hull.planks, hull.is_added(), hull.is_changed());
    let mut seen: Vec<_> = world.query::<Ref<Hull>>().iter().map(told).collect();
    seen.sort_unstable();
    assert_eq!(seen, [(1, false, false), (2, true, true)]);
    let mut fires = PreparedQuery::<(Option<Ref<Fire>>, Entity)>::new();
    let mut burning = Vec::new();
    fires.query(&mut world).for_each(|(fire, entity)| {
        burning.push((entity, fire.map(|fire| (fire.is_added(), fire.is_changed()))));
    });
    burning.sort_unstable();
    assert_eq!(burning, [(old, Some((false, true))), (new, None)]);
    let fire = world.query_one::<Ref<Fire>, _>(old, |fire| fire.into_inner().heat).unwrap();
    assert_eq!(fire, Some(1));
}

#[test]
fn resources_tell_whether_they_are_new() {
    let mut world = tracked_world();
    world.insert_resource(Wind { knots: 1 }).unwrap();
    world.insert_resource(Tide { level: 1 }).unwrap();
    let seen = |world: &World| {
        let wind = world.resource::<Wind>().unwrap();
        (wind.is_added(), wind.is_changed())
    };
    assert_eq!(seen(&world), (true, true));
    world.clear_changes();
    assert_eq!(seen(&world), (false, false));
    let mut check = |change: &dyn Fn(&mut World), expected| {
        world.clear_changes();
        change(&mut world);
        assert_eq!(seen(&world), expected);
    };
    check(&|world| drop(world.resource_mut::<Wind>().unwrap()), (false, false));
    check(&|world| world.resource_mut::<Wind>().unwrap().knots = 2, (false, true));
    check(
        &|world| assert!(!world.resource_mut::<Wind>().unwrap().set_if_neq(Wind { knots: 2 })),
        (false, false),
    );
    check(&|world| world.resource_mut::<Wind>().unwrap().bypass_change_detection().knots = 3, (false, false));
    check(&|world| world.write_resource_path("Wind.knots", 4).unwrap(), (false, true));
    check(&|world| assert!(world.write_resource_path("Wind.knots", "x").is_err()), (false, false));
    check(&|world| assert!(world.insert_resource(Wind { knots: 5 }).unwrap().is_some()), (false, true));
    check(&|world| world.insert_resource_named("Wind", &[]).unwrap(), (false, true));
    let anew = |world: &mut World| {
        world.remove_resource::<Wind>();
        world.resource_or_insert_with(Wind::default).unwrap().knots = 1;
    };
    check(&anew, (true, true));
    let anew = |world: &mut World| {
        assert_eq!(world.clear_resources(), 2);
        world.insert_resource(Wind::default()).unwrap();
    };
    check(&anew, (true, true));
}

#[test]
fn removals_are_told_as_long_as_events() {
    let mut world = tracked_world();
    let ships: Vec<_> = (0..3).map(|planks| world.spawn((hull(planks),))).collect();
    let (mut early, mut late) = (RemovalCursor::<Hull>::default(), RemovalCursor::<Hull>::default());
    world.despawn(ships[0]).unwrap();
    assert_eq!(early.read(&world.removals()).collect::<Vec<_>>(), ships[..1]);
    world.end_step();
    world.remove::<(Hull,)>(ships[1]).unwrap();
    assert_eq!(early.waiting(&world.removals()), 1);
    assert_eq!(world.removals::<Hull>().iter().collect::<Vec<_>>(), ships[..2]);
    world.end_step();
    assert_eq!(late.read(&world.removals()).collect::<Vec<_>>(), ships[1..2]);
    world.end_step();
    assert!(world.removals::<Hull>().is_empty());
    assert_eq!((early.waiting(&world.removals()), early.missed(&world.removals())), (0, 1));
}

#[test]
fn ticks_come_back_with_a_snapshot() {
    let mut world = tracked_world();
    world.insert_resource(Wind::default()).unwrap();
    let ships: Vec<_> = (0..4).map(|planks| world.spawn((hull(planks), Fire::default()))).collect();
    let mark = world.mark_changes();
    world.get_mut::<Hull>(ships[1]).unwrap().planks = 9;
    world.get_mut::<Fire>(ships[2]).unwrap().heat = 9;
    world.despawn(ships[3]).unwrap();
    let saved = through_a_file(&crate::save(&world));
    let (mut restored, _) = World::from_snapshot(tracked_types(), &saved, false).unwrap();
    for world in [&world.duplicate().unwrap(), &restored] {
        let since = |mark| world.query_since::<Entity, Changed<Hull>>(mark).entities();
        assert_eq!(since(mark), ships[1..2]);
        assert_eq!(world.query_since::<Entity, Changed<Fire>>(mark).entities(), ships[2..3]);
        assert_eq!(world.query_since::<Entity, Added<Hull>>(mark).entities(), []);
        assert_eq!(world.removals::<Hull>().iter().collect::<Vec<_>>(), ships[3..]);
    }
    let mark = restored.mark_changes();
    restored.get_mut::<Hull>(ships[0]).unwrap().planks = 1;
    assert_eq!(restored.query_since::<Entity, Changed<Hull>>(mark).entities(), ships[..1]);
    restored.rebuild().unwrap();
    assert_eq!(restored.query_since::<Entity, Changed<Hull>>(mark).entities(), ships[..1]);
    // A mark of another world's time, which is later than this one's, is no reason to miss anything.
    assert_eq!(tracked_world().query_since::<Entity, Changed<Hull>>(mark).entities(), []);
    let mut young = tracked_world();
    let ship = young.spawn((hull(1),));
    assert_eq!(young.query_since::<Entity, Changed<Hull>>(restored.mark_changes()).entities(), [ship]);
}

/// The same components, of another shape or not tracked.
mod other {
    #[keel_ecs::component(crate = keel_ecs, tracked)]
    #[derive(Debug, PartialEq)]
    pub(super) struct Hull {
        pub(super) planks: u64,
    }

    #[keel_ecs::component(crate = keel_ecs, tracked)]
    #[derive(Debug, PartialEq)]
    pub(super) struct Position {
        pub(super) x: f32,
        pub(super) y: f32,
    }

    #[keel_ecs::component(crate = keel_ecs)]
    #[derive(Debug, PartialEq)]
    pub(super) struct Fire {
        pub(super) heat: u32,
    }
}

#[test]
fn a_conversion_keeps_ticks_and_changes_what_it_converts() {
    let mut world = tracked_world();
    let [old, new] = [1, 2].map(|planks| world.spawn((at(1.0), hull(planks), Fire::default())));
    let mark = world.mark_changes();
    world.get_mut::<Fire>(new).unwrap().heat = 1;
    world.despawn(old).unwrap();
    let types = crate::types().into_iter().chain([
        ModelTypeInfo::component::<other::Hull>(),
        ModelTypeInfo::component::<Fire>(),
        ModelTypeInfo::resource::<Wind>(),
    ]);
    let mut conversion = WorldConversion::of(world);
    conversion.make(types.map(Arc::new), false).unwrap();
    let mut world = conversion.accept().0;
    assert_eq!(world.get::<other::Hull>(new).unwrap().planks, 2);
    assert_eq!(world.query_since::<Entity, Changed<other::Hull>>(mark).entities(), [new], "converted");
    assert_eq!(world.query_since::<Entity, Added<other::Hull>>(mark).entities(), []);
    assert_eq!(world.removals::<other::Hull>().iter().collect::<Vec<_>>(), [old]);
    assert_eq!(world.query_since::<Entity, Changed<Fire>>(mark).entities(), [new]);
    let later = world.mark_changes();
    assert_eq!(world.query_since::<Entity, Changed<other::Hull>>(later).entities(), []);
    world.get_mut::<other::Hull>(new).unwrap().planks = 3;
    assert_eq!(world.query_since::<Entity, Changed<other::Hull>>(later).entities(), [new]);
}

#[test]
fn what_becomes_tracked_counts_as_added() {
    let mut world = tracked_world();
    let ship = world.spawn((at(1.0), Fire::default()));
    let mark = world.mark_changes();
    let types = [
        ModelTypeInfo::component::<other::Position>(),
        ModelTypeInfo::component::<other::Fire>(),
        ModelTypeInfo::component::<Hull>(),
    ];
    let mut conversion = WorldConversion::of(world);
    conversion.make(types.map(Arc::new), false).unwrap();
    let world = conversion.accept().0;
    assert_eq!(world.query_since::<Entity, Added<other::Position>>(mark).entities(), [ship]);
    assert_eq!(world.get::<other::Fire>(ship).unwrap().heat, 0);
}

#[test]
fn a_path_that_is_kept_notes_what_it_writes() {
    let mut world = tracked_world();
    let ship = world.spawn((hull(1),));
    let mut planks = PreparedPath::parse("Hull.planks").unwrap();
    world.clear_changes();
    assert_eq!(planks.read::<u32>(&world, ship).unwrap(), 1);
    assert_eq!(news::<Changed<Hull>>(&world), []);
    planks.write(&world, ship, 2).unwrap();
    assert_eq!(news::<Changed<Hull>>(&world), [ship]);
}
