//! What happens in a world is told to those who mind: hooks at once, observers from a queue.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use keel_ecs::{
    Children, Commands, Component, ComponentValue, EcsError, Entity, Event, ModelTypeInfo, Occasion,
    Occurrence, Parent, World, WorldConversion, component, resource,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::{Cargo, Eaten, Frozen, Smoke, Wet, at, new_world, restore, save};

const OF_COMPONENTS: [Occasion; 4] =
    [Occasion::Insert, Occasion::Replace, Occasion::Remove, Occasion::Despawn];

/// All that can happen to a component.
fn all_of<T: Component>() -> impl Iterator<Item = (Occasion, keel_core_types::ComponentId)> {
    OF_COMPONENTS.into_iter().map(|occasion| (occasion, T::ID))
}

fn cargo(goods: &str) -> Cargo {
    Cargo { goods: vec![goods.to_owned()] }
}

/// What has happened, a line for each, with the value that has gone.
fn told(world: &mut World) -> Vec<String> {
    let mut lines = Vec::new();
    while let Some(it) = world.next_occurrence() {
        lines.push(describe(world, &it));
    }
    lines
}

fn describe(world: &World, it: &Occurrence) -> String {
    let info = world.type_info(it.id()).unwrap();
    let mut line = format!("{} {}", it.occasion(), info.name());
    if it.occasion() == Occasion::Sent {
        return match world.sent_event::<Eaten>(it) {
            Some(event) => format!("{line} {}", event.by),
            None => format!("{line}, taken"),
        };
    }
    line += &format!(" {}", it.entity());
    let old = world.old_value::<Cargo>(it).map(|old| format!("{:?}", old.goods));
    let old = old.or_else(|_| world.old_value::<Smoke>(it).map(|old| old.text));
    line + &old.map_or_else(|_| String::new(), |old| format!(" was {old}"))
}

#[track_caller]
fn check(change: impl FnOnce(&mut World, Entity), expected: &[&str]) {
    let mut world = new_world();
    let entity = world.spawn((cargo("tea"), Smoke { text: "grey".into() }, at(1.0)));
    world.observe(all_of::<Cargo>().chain(all_of::<Smoke>()));
    change(&mut world, entity);
    assert_eq!(told(&mut world), expected);
    assert!(!world.has_occurrences());
}

#[test]
fn every_way_in_and_out_is_told() {
    check(|world, _| _ = world.spawn((cargo("rum"), at(0.0))), &["Insert Cargo 1v1"]);
    check(
        |world, _| drop(world.spawn_batch((0..2).map(|_| (cargo("rum"),)))),
        &["Insert Cargo 1v1", "Insert Cargo 2v1"],
    );
    check(
        |world, entity| world.insert(entity, (Smoke::default(), at(2.0), cargo("rum"))).unwrap(),
        &[
            "Replace Smoke 0v1 was grey",
            "Replace Cargo 0v1 was [\"tea\"]",
            "Insert Smoke 0v1",
            "Insert Cargo 0v1",
        ],
    );
    check(
        |world, entity| drop(world.remove::<(Cargo, Smoke)>(entity).unwrap()),
        &["Remove Cargo 0v1 was [\"tea\"]", "Remove Smoke 0v1 was grey"],
    );
    check(
        |world, entity| drop(world.exchange::<(Smoke,), _>(entity, (cargo("rum"), Frozen)).unwrap()),
        &["Remove Smoke 0v1 was grey", "Replace Cargo 0v1 was [\"tea\"]", "Insert Cargo 0v1"],
    );
    check(
        |world, entity| drop(world.exchange::<(Cargo,), _>(entity, (cargo("rum"),)).unwrap()),
        &["Replace Cargo 0v1 was [\"tea\"]", "Insert Cargo 0v1"],
    );
    let value = ComponentValue::of(&cargo("rum")).unwrap();
    check(
        |world, entity| world.insert_values(entity, std::slice::from_ref(&value)).unwrap(),
        &["Replace Cargo 0v1 was [\"tea\"]", "Insert Cargo 0v1"],
    );
    check(|world, _| _ = world.spawn_values(std::slice::from_ref(&value)).unwrap(), &["Insert Cargo 1v1"]);
    check(
        |world, entity| {
            world.remove_value(entity, "Smoke").unwrap();
            world.remove_value(entity, "Cargo").unwrap();
        },
        &["Remove Smoke 0v1 was grey", "Remove Cargo 0v1 was [\"tea\"]"],
    );
    check(
        |world, entity| {
            let mut commands = Commands::new();
            commands.remove::<(Cargo,)>(entity);
            commands.insert(entity, (cargo("rum"),));
            assert!(commands.apply(world).is_empty());
        },
        &["Remove Cargo 0v1 was [\"tea\"]", "Insert Cargo 0v1"],
    );
    check(|world, entity| _ = world.clone_entity(entity).unwrap(), &["Insert Cargo 1v1", "Insert Smoke 1v1"]);
    check(
        |world, _| {
            let mut other = new_world();
            other.spawn((cargo("rum"),));
            world.merge(&other).unwrap();
        },
        &["Insert Cargo 1v1"],
    );
}

#[test]
fn an_entity_that_goes_takes_its_values_with_it() {
    let mut order = [("Cargo", Cargo::ID, "[\"tea\"]"), ("Smoke", Smoke::ID, "grey")];
    order.sort_by_key(|(_, id, _)| *id);
    let gone = |name: &str, old: &str| {
        [format!("Despawn {name} 0v1 was {old}"), format!("Remove {name} 0v1 was {old}")]
    };
    let lines = order.map(|(name, _, old)| gone(name, old)).concat();
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    check(|world, entity| world.despawn(entity).unwrap(), &lines);
    check(|world, _| world.clear_entities(), &lines);
    check(
        |world, entity| {
            let parent = world.spawn(());
            world.set_parent(entity, Some(parent)).unwrap();
            world.despawn(parent).unwrap();
        },
        &lines,
    );
}

#[test]
fn what_fails_and_what_comes_back_is_not_told() {
    check(
        |world, entity| {
            assert!(world.remove::<(Cargo, Frozen)>(entity).is_err());
            assert!(world.exchange::<(Frozen,), _>(entity, (cargo("rum"),)).is_err());
            assert!(world.remove_value(entity, "Frozen").is_err());
            assert!(world.insert(Entity::DANGLING, (cargo("rum"),)).is_err());
            assert!(world.despawn(Entity::DANGLING).is_err());
        },
        &[],
    );
    check(|world, _| *world = restore(&save(world)), &[]);
    check(|world, _| *world = world.duplicate().unwrap(), &[]);
    check(|world, _| world.rebuild().unwrap(), &[]);
    // Nobody minds these two.
    check(|world, entity| world.insert(entity, (at(2.0), Wet::default())).unwrap(), &[]);
    check(
        |world, entity| {
            world.observe(all_of::<Smoke>());
            drop(world.remove::<(Cargo,)>(entity).unwrap());
            world.observe([]);
            drop(world.remove::<(Smoke,)>(entity).unwrap());
        },
        &[],
    );
}

#[test]
fn families_are_told_of() {
    let mut world = new_world();
    let [child, first, second] = [(); 3].map(|()| world.spawn(()));
    world.observe(all_of::<Parent>().chain(all_of::<Children>()));
    world.set_parent(child, Some(first)).unwrap();
    assert_eq!(told(&mut world), ["Insert Children 1v1", "Insert Parent 0v1"]);
    world.set_parent(child, Some(second)).unwrap();
    assert_eq!(
        told(&mut world),
        ["Remove Children 1v1", "Insert Children 2v1", "Replace Parent 0v1", "Insert Parent 0v1"]
    );
    world.set_parent(child, None).unwrap();
    assert_eq!(told(&mut world), ["Remove Children 2v1", "Remove Parent 0v1"]);
}

#[test]
fn events_come_after_what_happened_before_them() {
    let mut world = new_world();
    world.send(Eaten { by: 1 });
    world.observe([(Occasion::Sent, Eaten::ID), (Occasion::Insert, Cargo::ID)]);
    assert!(!world.has_occurrences(), "what was sent before is nothing new");
    world.send(Eaten { by: 2 });
    assert!(world.has_occurrences());
    world.set_cause(7);
    let entity = world.spawn((cargo("rum"),));
    world.send(Eaten { by: 3 });
    let first = world.next_occurrence().unwrap();
    assert_eq!((first.cause(), first.entity()), (0, Entity::DANGLING));
    assert_eq!(describe(&world, &first), "Sent Eaten 2");
    let second = world.next_occurrence().unwrap();
    assert_eq!((second.cause(), second.entity()), (7, entity));
    world.set_cause(0);
    world.send(Eaten { by: 4 });
    assert_eq!(world.forget_caused(), 1, "the event of cause 7");
    assert_eq!(told(&mut world), ["Sent Eaten 4"]);
    world.observe([(Occasion::Sent, Eaten::ID)]);
    world.send(Eaten { by: 5 });
    let sent = world.next_occurrence().unwrap();
    drop(world.drain_events::<Eaten>());
    assert_eq!(describe(&world, &sent), "Sent Eaten, taken");
}

/// What its hooks have noted.
#[resource(crate = keel_ecs)]
#[derive(Default)]
struct Journal {
    lines: Vec<String>,
}

#[component(
    crate = keel_ecs,
    on_insert = noted_insert,
    on_replace = noted_replace,
    on_remove = noted_remove,
    on_despawn = noted_despawn
)]
#[derive(Clone, Debug, Default, PartialEq)]
struct Guarded {
    text: String,
}

#[component(crate = keel_ecs, sparse, on_insert = panicking, on_remove = panicking)]
#[derive(Clone, Debug, Default, PartialEq)]
struct Fragile {
    is_broken: bool,
}

fn note(world: &World, word: &str, entity: Entity) {
    let text = world.get::<Guarded>(entity).map(|it| it.text.clone());
    let mut journal = world.resource_mut::<Journal>().unwrap();
    journal.lines.push(format!("{word} {entity} {}", text.unwrap()));
}

fn noted_insert(world: &World, entity: Entity) {
    note(world, "insert", entity);
    // A hook may change values, its own too.
    let mut guarded = world.get_mut::<Guarded>(entity).unwrap();
    guarded.text.make_ascii_uppercase();
}

fn noted_replace(world: &World, entity: Entity) {
    note(world, "replace", entity);
}

fn noted_remove(world: &World, entity: Entity) {
    note(world, "remove", entity);
}

fn noted_despawn(world: &World, entity: Entity) {
    note(world, "despawn", entity);
}

fn panicking(world: &World, entity: Entity) {
    assert!(!world.get::<Fragile>(entity).unwrap().is_broken, "a broken value");
}

fn hooked_world() -> World {
    let mut world = new_world();
    world.register(ModelTypeInfo::component::<Guarded>()).unwrap();
    world.register(ModelTypeInfo::component::<Fragile>()).unwrap();
    world.register(ModelTypeInfo::resource::<Journal>()).unwrap();
    world.insert_resource(Journal::default()).unwrap();
    world
}

fn guarded(text: &str) -> Guarded {
    Guarded { text: text.into() }
}

fn noted(world: &World) -> Vec<String> {
    std::mem::take(&mut world.resource_mut::<Journal>().unwrap().lines)
}

#[test]
fn hooks_are_called_in_every_way_in_and_out() {
    let mut world = hooked_world();
    let entity = world.spawn((guarded("a"), at(0.0)));
    assert_eq!(world.get::<Guarded>(entity).unwrap().text, "A", "the hook changed it at once");
    world.insert(entity, (guarded("b"),)).unwrap();
    assert_eq!(noted(&world), ["insert 0v1 a", "replace 0v1 A", "insert 0v1 b"]);
    world.insert_values(entity, &[ComponentValue::of(&guarded("c")).unwrap()]).unwrap();
    world.remove_value(entity, Guarded::NAME).unwrap();
    assert_eq!(noted(&world), ["replace 0v1 B", "insert 0v1 c", "remove 0v1 C"]);
    let [other] = world.spawn_batch([(guarded("d"),)])[..] else { panic!() };
    let copy = world.clone_entity(other).unwrap();
    assert_eq!(noted(&world), ["insert 1v1 d", "insert 2v1 D"]);
    drop(world.exchange::<(Guarded,), _>(other, (guarded("e"),)).unwrap());
    world.despawn(other).unwrap();
    drop(world.remove::<(Guarded,)>(copy).unwrap());
    let expected = ["replace 1v1 D", "insert 1v1 e", "despawn 1v1 E", "remove 1v1 E", "remove 2v1 D"];
    assert_eq!(noted(&world), expected);

    world.spawn((guarded("f"),));
    noted(&world);
    let types: Vec<_> = world.types().cloned().collect();
    let (restored, _) = World::from_snapshot(types, &save(&world), false).unwrap();
    let copies = [restored, world.duplicate().unwrap()];
    copies.iter().for_each(|world| assert_eq!(noted(world), Vec::<String>::new()));
}

#[test]
fn a_hook_that_panics_leaves_a_whole_world() {
    let mut world = hooked_world();
    let entity = world.spawn((Frozen,));
    world.observe(all_of::<Fragile>());
    let broken = Fragile { is_broken: true };
    let panic = catch_unwind(AssertUnwindSafe(|| world.insert(entity, (broken.clone(),))));
    assert!(panic.is_err());
    assert_eq!(*world.get::<Fragile>(entity).unwrap(), broken, "it was in when its hook was called");
    assert_eq!(told(&mut world), ["Insert Fragile 0v1"]);
    assert!(catch_unwind(AssertUnwindSafe(|| world.remove::<(Fragile,)>(entity))).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| world.despawn(entity))).is_err());
    assert!(world.contains(entity) && world.has::<Fragile>(entity), "it was not gone yet");
    assert_eq!(told(&mut world), Vec::<String>::new());
    world.get_mut::<Fragile>(entity).unwrap().is_broken = false;
    world.despawn(entity).unwrap();
    assert_eq!(told(&mut world), ["Despawn Fragile 0v1", "Remove Fragile 0v1"]);
}

#[test]
fn a_hook_that_panics_leaves_a_whole_family() {
    let mut world = hooked_world();
    let [parent, first, second] = [(); 3].map(|()| world.spawn((Fragile::default(), guarded("a"))));
    world.set_parent(first, Some(parent)).unwrap();
    world.set_parent(second, Some(parent)).unwrap();
    world.get_mut::<Fragile>(first).unwrap().is_broken = true;
    for _ in 0..2 {
        assert!(catch_unwind(AssertUnwindSafe(|| world.despawn(parent))).is_err());
        assert_eq!((world.len(), world.children(parent)), (3, vec![first, second]));
        assert!(catch_unwind(AssertUnwindSafe(|| world.clear_entities())).is_err());
        assert_eq!(world.len(), 3);
    }
    world.get_mut::<Fragile>(first).unwrap().is_broken = false;
    world.despawn(parent).unwrap();
    assert!(world.is_empty());
    // Of a batch all are told of, whatever comes of the first hook.
    world.observe(all_of::<Fragile>());
    let broken = (0..3).map(|_| (Fragile { is_broken: true },));
    assert!(catch_unwind(AssertUnwindSafe(|| world.spawn_batch(broken))).is_err());
    assert_eq!(told(&mut world).len(), world.len());
}

/// A value that can't be written down while it is armed.
#[component(crate = keel_ecs)]
#[derive(Clone, Debug, Default)]
struct Mine {
    fuse: Fuse,
}

#[derive(Clone, Debug, Default)]
struct Fuse {
    is_armed: bool,
}

impl serde::Serialize for Fuse {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        assert!(!self.is_armed, "it went off");
        self.is_armed.serialize(serializer)
    }
}

impl<'de> serde::Deserialize<'de> for Fuse {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::Deserialize::deserialize(deserializer).map(|is_armed| Self { is_armed })
    }
}

impl keel_state::Schema for Fuse {
    fn schema(types: &mut keel_state::SchemaBuilder) -> keel_state::TypeRef {
        bool::schema(types)
    }
}

#[test]
fn a_value_that_can_not_be_written_down_goes_untold() {
    let mut world = new_world();
    world.register(ModelTypeInfo::component::<Mine>()).unwrap();
    let armed = || Mine { fuse: Fuse { is_armed: true } };
    let [parent, child] =
        [(armed(), cargo("tea")), (Mine::default(), cargo("rum"))].map(|it| world.spawn(it));
    world.set_parent(child, Some(parent)).unwrap();
    world.observe([(Occasion::Remove, Mine::ID), (Occasion::Remove, Cargo::ID)]);
    drop(world.remove::<(Cargo,)>(child).unwrap());
    assert!(catch_unwind(AssertUnwindSafe(|| world.remove::<(Mine,)>(parent))).is_err());
    assert!(world.has::<Mine>(parent), "nothing was changed");
    world.despawn(parent).unwrap();
    assert!(world.is_empty(), "what was begun is brought to its end");
    let mut lines = told(&mut world);
    lines.sort();
    let expected = ["Remove Cargo 0v1 was [\"tea\"]", "Remove Cargo 1v1 was [\"rum\"]", "Remove Mine 1v1"];
    assert_eq!(lines, expected);
}

mod before {
    use super::*;

    #[component(crate = keel_ecs)]
    pub(super) struct Hull {
        pub(super) planks: u8,
    }
}

mod after {
    use super::*;

    #[component(crate = keel_ecs)]
    pub(super) struct Hull {
        pub(super) planks: u32,
        #[keel(default = 5)]
        pub(super) masts: u32,
    }
}

#[test]
fn what_waits_goes_on_into_a_world_of_other_types() {
    let mut world = World::new();
    world.register(ModelTypeInfo::component::<before::Hull>()).unwrap();
    let entity = world.spawn((before::Hull { planks: 9 },));
    world.observe(all_of::<before::Hull>());
    world.despawn(entity).unwrap();
    let mut conversion = WorldConversion::of(world);
    conversion.make([ModelTypeInfo::component::<after::Hull>().into()], false).unwrap();
    let (mut world, _old) = conversion.accept();
    let gone = world.next_occurrence().unwrap();
    let hull = world.old_value::<after::Hull>(&gone).unwrap();
    assert_eq!((gone.entity(), hull.planks, hull.masts), (entity, 9, 5));
    world.next_occurrence().unwrap();
    world.spawn((after::Hull { planks: 1, masts: 1 },));
    assert_eq!(told(&mut world).len(), 1, "it is observed on");
    let refused = world.old_value::<Cargo>(&gone);
    assert!(matches!(refused, Err(EcsError::MissingComponent { .. })));
}

#[derive(Clone, Debug)]
enum Change {
    Spawn(u8),
    Batch(u8),
    Insert(usize, u8),
    InsertByName(usize, u8),
    Remove(usize),
    RemoveBoth(usize),
    RemoveByName(usize),
    Exchange(usize, u8),
    Despawn(usize),
    SetParent(usize, usize),
    Rebuild,
    Clear,
}

fn change() -> impl Strategy<Value = Change> {
    let (entity, value) = (any::<usize>(), any::<u8>());
    prop_oneof![
        4 => value.prop_map(Change::Spawn),
        1 => (0_u8..40).prop_map(Change::Batch),
        4 => (entity, value).prop_map(|(entity, value)| Change::Insert(entity, value)),
        2 => (entity, value).prop_map(|(entity, value)| Change::InsertByName(entity, value)),
        2 => entity.prop_map(Change::Remove),
        2 => entity.prop_map(Change::RemoveBoth),
        2 => entity.prop_map(Change::RemoveByName),
        2 => (entity, value).prop_map(|(entity, value)| Change::Exchange(entity, value)),
        2 => entity.prop_map(Change::Despawn),
        2 => (entity, entity).prop_map(|(child, parent)| Change::SetParent(child, parent)),
        1 => Just(Change::Rebuild),
        1 => Just(Change::Clear),
    ]
}

fn apply(world: &mut World, ids: &mut Vec<Entity>, change: &Change) {
    let id = |number: usize| ids.get(number.checked_rem(ids.len())?).copied();
    let id = |number| id(number).unwrap_or(Entity::DANGLING);
    let (named, smoke) = (|value: &u8| cargo(&value.to_string()), |value: &u8| value.to_string());
    // Many of these are refused: then nothing is told.
    match change {
        Change::Spawn(value) if value % 2 == 0 => ids.push(world.spawn((named(value), at(0.0)))),
        Change::Spawn(value) => ids.push(world.spawn((named(value), Smoke { text: smoke(value) }))),
        Change::Batch(count) => ids.extend(world.spawn_batch((0..*count).map(|value| (named(&value),)))),
        Change::Insert(entity, value) if value % 2 == 0 => {
            let _ = world.insert(id(*entity), (named(value), Smoke { text: smoke(value) }));
        }
        Change::Insert(entity, value) => {
            let _ = world.insert(id(*entity), (named(value),));
        }
        Change::InsertByName(entity, value) => {
            let _ = world.insert_values(id(*entity), &[ComponentValue::of(&named(value)).unwrap()]);
        }
        Change::Remove(entity) => drop(world.remove::<(Smoke,)>(id(*entity))),
        Change::RemoveBoth(entity) => drop(world.remove::<(Smoke, Cargo)>(id(*entity))),
        Change::RemoveByName(entity) => drop(world.remove_value(id(*entity), "Cargo")),
        Change::Exchange(entity, value) => {
            drop(world.exchange::<(Smoke,), _>(id(*entity), (named(value), Frozen)));
        }
        Change::Despawn(entity) => drop(world.despawn(id(*entity))),
        Change::SetParent(child, parent) => drop(world.set_parent(id(*child), Some(id(*parent)))),
        Change::Rebuild => world.rebuild().unwrap(),
        Change::Clear => world.clear_entities(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Whoever does nothing but listen knows who has what.
    #[test]
    fn what_is_told_is_all_that_happens(changes in vec(change(), 1..60)) {
        let mut world = new_world();
        world.observe(all_of::<Cargo>().chain(all_of::<Smoke>()));
        let (mut ids, mut known) = (Vec::new(), BTreeMap::new());
        for change in &changes {
            apply(&mut world, &mut ids, change);
            while let Some(it) = world.next_occurrence() {
                let key = (it.entity(), it.id());
                let value = |it: &Occurrence| {
                    world.old_value::<Cargo>(it).map(|it| it.goods.concat())
                        .or_else(|_| world.old_value::<Smoke>(it).map(|it| it.text))
                };
                match it.occasion() {
                    Occasion::Insert => {
                        let now = match it.id() {
                            Cargo::ID => world.get::<Cargo>(it.entity()).unwrap().goods.concat(),
                            _ => world.get::<Smoke>(it.entity()).unwrap().text.clone(),
                        };
                        prop_assert_eq!(known.insert(key, now), None);
                    }
                    Occasion::Replace | Occasion::Remove => {
                        prop_assert_eq!(known.remove(&key), Some(value(&it).unwrap()));
                    }
                    _ => {
                        prop_assert_eq!(known.get(&key), Some(&value(&it).unwrap()));
                        prop_assert!(!world.contains(it.entity()));
                    }
                }
            }
            let mut cargoes = world.query::<(Entity, &Cargo)>();
            let mut found: BTreeMap<_, _> =
                cargoes.iter().map(|(id, it)| ((id, Cargo::ID), it.goods.concat())).collect();
            drop(cargoes);
            let mut smokes = world.query::<(Entity, &Smoke)>();
            found.extend(smokes.iter().map(|(id, it)| ((id, Smoke::ID), it.text.clone())));
            drop(smokes);
            prop_assert_eq!(&found, &known);
        }
    }
}
