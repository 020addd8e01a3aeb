//! Random histories that use all parts of a world together, against a plain model of it: components of all kinds, families,
//! relations, prefabs, observers, change detection, transactions, saves and conversions.

#[path = "together_check.rs"]
mod check;
#[path = "together_commands.rs"]
mod commands;

use std::sync::Arc;

use keel_ecs::{
    ChangeMark, Component, Entity, ModelTypeInfo, Occasion, Occurrence, Prefab, PrefabPart, RemovalCursor,
    Targets, World, WorldConversion,
};
use keel_state::Value;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::changes::{Fire, Hull};
use crate::changes_property::{self, exchange_cursor, look, wide};
use crate::relations::{CarriedBy, DockedAt, Likes, sides};
use crate::together_plain::{KINDS, Kind, LINKS, Link, Plain, PlainEntity, Told};
use crate::{Eaten, Position, Smoke, Tide, at, save, through_a_file};

/// A number stands for an entity: any that ever lived, modulo their count.
#[derive(Clone, Debug)]
enum Change {
    Spawn(u8, u8),
    SpawnBatch(u8),
    SpawnPrefab(Option<u8>),
    DefinePrefab(u8),
    Follow(usize),
    Clone(usize),
    Despawn(usize),
    Insert(usize, u8),
    Put(usize, Kind, u8),
    Take(usize, Kind),
    TakeTwo(usize),
    Write(usize, Kind, u8),
    Exchange(usize),
    SetParent(usize, Option<usize>),
    SetName(usize, Option<u8>),
    Relate(usize, Link, usize),
    Unrelate(usize, Link, usize),
    UnrelateAll(usize),
    Commands(Vec<Change>),
    Send(u8),
    Tide(Option<u8>),
    Clear,
    EndStep,
    Look(usize),
    Tell,
    Save,
    Alike,
    Duplicate,
    Rebuild,
    Convert(bool),
    Merge,
    Transaction(Vec<Change>, bool),
}

/// What may happen in a transaction, too.
fn simple() -> BoxedStrategy<Change> {
    let one = any::<usize>();
    let kind = || proptest::sample::select(&KINDS[..]);
    let link = || proptest::sample::select(&LINKS[..]);
    prop_oneof![
        4 => (0_u8..16, 0_u8..5).prop_map(|(components, value)| Change::Spawn(components, value)),
        1 => (0_u8..40).prop_map(Change::SpawnBatch),
        3 => proptest::option::of(0_u8..4).prop_map(Change::SpawnPrefab),
        2 => (0_u8..4).prop_map(Change::DefinePrefab),
        1 => one.prop_map(Change::Follow),
        2 => one.prop_map(Change::Clone),
        4 => one.prop_map(Change::Despawn),
        2 => (one, 0_u8..5).prop_map(|(entity, value)| Change::Insert(entity, value)),
        5 => (one, kind(), 0_u8..5).prop_map(|(entity, kind, value)| Change::Put(entity, kind, value)),
        3 => (one, kind()).prop_map(|(entity, kind)| Change::Take(entity, kind)),
        1 => one.prop_map(Change::TakeTwo),
        3 => (one, kind(), 0_u8..5).prop_map(|(entity, kind, value)| Change::Write(entity, kind, value)),
        2 => one.prop_map(Change::Exchange),
        4 => (one, any::<Option<usize>>()).prop_map(|(child, parent)| Change::SetParent(child, parent)),
        1 => (one, proptest::option::of(0_u8..3)).prop_map(|(entity, name)| Change::SetName(entity, name)),
        9 => (one, link(), one).prop_map(|(source, link, target)| Change::Relate(source, link, target)),
        3 => (one, link(), one).prop_map(|(source, link, target)| Change::Unrelate(source, link, target)),
        1 => one.prop_map(Change::UnrelateAll),
        3 => vec(commands::command(), 1..7).prop_map(Change::Commands),
        2 => (0_u8..9).prop_map(Change::Send),
        1 => proptest::option::of(0_u8..9).prop_map(Change::Tide),
        1 => Just(Change::Clear),
    ]
    .boxed()
}

fn transaction(of: impl Strategy<Value = Change>) -> impl Strategy<Value = Change> {
    (vec(of, 1..8), any::<bool>()).prop_map(|(changes, keeps)| Change::Transaction(changes, keeps))
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        40 => simple(),
        6 => transaction(prop_oneof![8 => simple(), 1 => transaction(simple())]),
        2 => Just(Change::EndStep),
        4 => (0_usize..2).prop_map(Change::Look),
        4 => Just(Change::Tell),
        1 => Just(Change::Save),
        1 => Just(Change::Alike),
        1 => Just(Change::Duplicate),
        1 => Just(Change::Rebuild),
        2 => any::<bool>().prop_map(Change::Convert),
        1 => Just(Change::Merge),
    ]
}

/// One who looks now and then at what is new.
#[derive(Default)]
struct Reader {
    mark: ChangeMark,
    hulls: RemovalCursor<Hull>,
    wide_hulls: RemovalCursor<wide::Hull>,
    fires: RemovalCursor<Fire>,
    /// The model's time.
    since: u64,
}

struct History {
    world: World,
    is_wide: bool,
    plain: Plain,
    readers: [Reader; 2],
}

fn types(is_wide: bool) -> Vec<Arc<ModelTypeInfo>> {
    let relations = [sides::<Likes>(), sides::<DockedAt>(), sides::<CarriedBy>()];
    let relations = relations.into_iter().flatten().map(Arc::new);
    let own = World::own_types();
    changes_property::types(is_wide).into_iter().chain(relations).chain(own).collect()
}

fn smoke(value: u64) -> Smoke {
    Smoke { text: value.to_string() }
}

fn fire(heat: u64) -> Fire {
    Fire { heat: heat as u32 }
}

fn raft(heat: u64) -> Prefab {
    let sail = Prefab::new().with((smoke(3),)).with_named("Hull", &[("planks", 2.into())]);
    Prefab::new().with((at(1.0), fire(heat))).child("sail", sail)
}

fn observe(world: &mut World) {
    let (hull, fire) = (Hull::ID, Fire::ID);
    let kinds = [Occasion::Insert, Occasion::Replace, Occasion::Remove];
    let docked = kinds.map(|occasion| (occasion, Targets::<DockedAt>::ID));
    let tracked = kinds.into_iter().chain([Occasion::Despawn]);
    let tracked = tracked.flat_map(|occasion| [(occasion, hull), (occasion, fire)]);
    world
        .observe(docked.into_iter().chain(tracked).chain([(Occasion::Sent, <Eaten as keel_ecs::Event>::ID)]));
}

impl History {
    fn new() -> Self {
        let (mut world, _) = World::from_snapshot(types(false), &save(&World::new()), false).unwrap();
        world.define_prefab("raft", &raft(1)).unwrap();
        observe(&mut world);
        let plain = Plain { heat: 1, now: 1, ..Plain::default() };
        Self { world, is_wide: false, plain, readers: Default::default() }
    }

    /// One that lives.
    fn living(&self, number: usize) -> Option<Entity> {
        let entity = self.any(number)?;
        assert_eq!(self.world.contains(entity), self.plain.entities.contains_key(&entity));
        self.world.contains(entity).then_some(entity)
    }

    fn any(&self, number: usize) -> Option<Entity> {
        self.plain.ids.get(number.checked_rem(self.plain.ids.len())?).copied()
    }

    fn put(&mut self, entity: Entity, kind: Kind, value: u64) {
        match kind {
            Kind::Hull => self.world.insert_named(entity, "Hull", &[("planks", Value::from(value))]).unwrap(),
            Kind::Fire => self.world.insert(entity, (fire(value),)).unwrap(),
        }
        self.plain.put(entity, kind, value);
    }

    fn apply(&mut self, change: &Change) {
        self.plain.now += 1;
        match change {
            Change::Transaction(changes, keeps) => self.transaction(changes, *keeps),
            Change::EndStep => {
                self.tell();
                self.world.end_step();
                self.plain.end_step();
            }
            Change::Look(reader) => self.look(*reader),
            Change::Tell => self.tell(),
            Change::Save => {
                let saved = through_a_file(&save(&self.world));
                let (world, _) = World::from_snapshot(types(self.is_wide), &saved, false).unwrap();
                self.go_on_with(world);
            }
            Change::Alike => {
                let (world, _) = self.world.alike_from(&save(&self.world), false).unwrap();
                self.go_on_with(world);
            }
            Change::Duplicate => {
                let world = self.world.duplicate().unwrap();
                self.go_on_with(world);
            }
            Change::Rebuild => self.world.rebuild().unwrap(),
            Change::Convert(is_wide) => self.convert(*is_wide),
            Change::Merge => self.merge(),
            Change::Spawn(..) | Change::SpawnBatch(_) | Change::SpawnPrefab(_) | Change::Clone(_) => {
                self.spawn(change);
            }
            _ => self.change(change),
        }
    }

    /// Goes on with a copy, of which nobody was told anything yet.
    fn go_on_with(&mut self, world: World) {
        self.world = world;
        observe(&mut self.world);
        (self.plain.told, self.plain.unseen) = Default::default();
    }

    fn transaction(&mut self, changes: &[Change], keeps: bool) {
        let before = self.plain.clone();
        let hash = self.world.hash().unwrap();
        self.world.begin_transaction();
        changes.iter().for_each(|change| self.apply(change));
        if keeps {
            self.world.commit();
        } else {
            self.world.set_cause(0);
            self.world.roll_back();
            self.plain = Plain { now: self.plain.now, ..before };
            assert_eq!(self.world.hash().unwrap(), hash);
        }
    }

    fn spawn(&mut self, change: &Change) {
        match *change {
            Change::Spawn(components, value) => {
                let value = u64::from(value);
                let entity = match components % 4 {
                    0 => self.world.spawn(()),
                    1 => self.world.spawn((at(2.0), fire(value))),
                    2 => self.world.spawn((smoke(value),)),
                    _ => self.world.spawn((smoke(value), fire(value), at(2.0))),
                };
                self.plain.spawn(entity);
                let plain = self.plain.of(entity);
                plain.position = (components % 2 == 1).then(|| at(2.0));
                plain.smoke = (components % 4 > 1).then(|| value.to_string());
                if components % 2 == 1 {
                    self.plain.put(entity, Kind::Fire, value);
                }
                if components > 7 {
                    self.put(entity, Kind::Hull, value);
                }
            }
            Change::SpawnBatch(count) => {
                let all = self.world.spawn_batch((0..count).map(|_| (at(4.0), smoke(4))));
                let sparse = self.world.spawn_batch((0..count / 8).map(|_| (at(4.0), fire(4), smoke(4))));
                for (entity, is_hot) in
                    all.iter().map(|it| (it, false)).chain(sparse.iter().map(|it| (it, true)))
                {
                    self.plain.spawn(*entity);
                    (self.plain.of(*entity).position, self.plain.of(*entity).smoke) =
                        (Some(at(4.0)), Some("4".to_owned()));
                    if is_hot {
                        self.plain.put(*entity, Kind::Fire, 4);
                    }
                }
            }
            Change::SpawnPrefab(heat) => {
                let entity = match heat {
                    Some(heat) => self.world.spawn_prefab("raft", (fire(heat.into()),)),
                    None => self.world.spawn_prefab("raft", ()),
                };
                self.spawned_prefab(entity.unwrap(), heat.map(u64::from));
            }
            Change::Clone(number) => {
                let Some(entity) = self.living(number) else { return };
                let copy = self.world.clone_entity(entity).unwrap();
                let original = self.plain.entities[&entity].clone();
                self.plain.spawn(copy);
                let PlainEntity { tracked, .. } = original;
                *self.plain.of(copy) =
                    PlainEntity { parent: None, children: Vec::new(), tracked: [None; 2], ..original };
                for kind in KINDS {
                    if let Some(value) = tracked[kind as usize] {
                        self.plain.put(copy, kind, value);
                    }
                }
                for link in LINKS {
                    for target in self.plain.links(link, entity).0 {
                        let target = if target == entity { copy } else { target };
                        self.plain.relate(link, (copy, target));
                    }
                }
            }
            _ => unreachable!("the caller knows what spawns"),
        }
    }

    fn spawned_prefab(&mut self, entity: Entity, heat: Option<u64>) {
        let sail = self.world.prefab_part(entity, "sail").unwrap();
        self.plain.spawn(entity);
        self.plain.spawn(sail);
        (self.plain.of(entity).position, self.plain.of(entity).part) = (Some(at(1.0)), Some(String::new()));
        (self.plain.of(sail).smoke, self.plain.of(sail).part) = (Some("3".into()), Some("sail".into()));
        self.plain.put(sail, Kind::Hull, 2);
        let heat = heat.unwrap_or(self.plain.heat);
        self.plain.put(entity, Kind::Fire, heat);
        self.plain.set_parent(sail, Some(entity));
    }

    fn change(&mut self, change: &Change) {
        match *change {
            Change::DefinePrefab(heat) => {
                self.world.define_prefab("raft", &raft(heat.into())).unwrap();
                let before = std::mem::replace(&mut self.plain.heat, heat.into());
                let is_one = |it: &PlainEntity| {
                    it.part.as_deref() == Some("") && it.tracked[Kind::Fire as usize] == Some(before)
                };
                let all =
                    self.plain.entities.iter().filter(|(_, it)| is_one(it) && before != u64::from(heat));
                for entity in all.map(|(entity, _)| *entity).collect::<Vec<_>>() {
                    self.plain.put(entity, Kind::Fire, heat.into());
                }
            }
            Change::Send(by) => {
                self.world.send(Eaten { by: by.into() });
                self.plain.events.push((by.into(), 0));
                self.plain.unseen.push(by.into());
            }
            Change::Tide(level) => {
                self.plain.tide = level.map(i64::from);
                match self.plain.tide {
                    Some(level) => drop(self.world.insert_resource(Tide { level })),
                    None => drop(self.world.remove_resource::<Tide>()),
                }
            }
            Change::Clear => {
                self.world.clear_entities();
                self.plain.clear();
            }
            Change::Relate(source, link, target) => self.relate(source, link, target),
            Change::Unrelate(source, link, target) => {
                let (Some(source), Some(target)) = (self.any(source), self.any(target)) else { return };
                let found = self.world.unrelate_named(NAMES[link as usize], source, target);
                let live = [source, target].iter().all(|it| self.plain.entities.contains_key(it));
                assert_eq!(found.ok(), live.then(|| self.plain.unrelate(link, (source, target))));
            }
            Change::SetParent(child, parent) => {
                let Some(child) = self.living(child) else { return };
                let parent = parent.and_then(|number| self.any(number));
                let (plain, lives) = (&self.plain, |it: Entity| self.plain.entities.contains_key(&it));
                let is_allowed = parent.is_none_or(|it| lives(it) && !plain.is_below(it, child));
                assert_eq!(self.world.set_parent(child, parent).is_ok(), is_allowed);
                if is_allowed {
                    self.plain.set_parent(child, parent);
                }
            }
            Change::Commands(ref commands) => self.commands(commands),
            Change::Follow(number)
            | Change::Despawn(number)
            | Change::Insert(number, _)
            | Change::Put(number, ..)
            | Change::Take(number, _)
            | Change::TakeTwo(number)
            | Change::Write(number, ..)
            | Change::Exchange(number)
            | Change::SetName(number, _)
            | Change::UnrelateAll(number) => match self.living(number) {
                Some(entity) => self.change_one(entity, change),
                None => assert!(self.any(number).is_none_or(|dead| self.world.despawn(dead).is_err())),
            },
            _ => unreachable!("the caller knows the others"),
        }
    }

    fn change_one(&mut self, entity: Entity, change: &Change) {
        let Self { world, plain, .. } = self;
        match *change {
            Change::Follow(_) => {
                let followed = world.remove::<(PrefabPart,)>(entity).is_ok();
                assert_eq!(followed, plain.of(entity).part.take().is_some());
            }
            Change::Despawn(_) => {
                world.despawn(entity).unwrap();
                plain.despawn(entity);
            }
            Change::Insert(_, value) => {
                world.insert(entity, (smoke(value.into()), at(3.0))).unwrap();
                (plain.of(entity).smoke, plain.of(entity).position) =
                    (Some(value.to_string()), Some(at(3.0)));
            }
            Change::Put(_, kind, value) => self.put(entity, kind, value.into()),
            Change::Take(_, kind) => {
                let taken = match kind {
                    Kind::Hull => world.remove_value(entity, "Hull").is_ok(),
                    Kind::Fire => world.remove::<(Fire,)>(entity).is_ok(),
                };
                assert_eq!(taken, plain.take(entity, kind));
            }
            Change::TakeTwo(_) => {
                let has_both = plain.of(entity).position.is_some() && plain.of(entity).tracked[1].is_some();
                assert_eq!(world.remove::<(Fire, Position)>(entity).is_ok(), has_both);
                if has_both {
                    plain.take(entity, Kind::Fire);
                    plain.of(entity).position = None;
                }
            }
            Change::Write(_, kind, value) => {
                let written = match kind {
                    Kind::Hull => world.write_path(entity, "Hull.planks", u32::from(value)).is_ok(),
                    Kind::Fire => world.get_mut::<Fire>(entity).map(|mut it| it.heat = value.into()).is_ok(),
                };
                assert_eq!(written, plain.write(entity, kind, value.into()));
            }
            Change::Exchange(_) => {
                let exchanged = world.exchange::<(Fire,), _>(entity, (smoke(8), at(8.0))).is_ok();
                assert_eq!(exchanged, plain.take(entity, Kind::Fire));
                if exchanged {
                    (plain.of(entity).smoke, plain.of(entity).position) = (Some("8".into()), Some(at(8.0)));
                }
            }
            Change::SetName(_, name) => {
                plain.of(entity).name = name.map(|name| name.to_string());
                world.set_name(entity, plain.of(entity).name.as_deref()).unwrap();
            }
            Change::UnrelateAll(_) => {
                let targets = plain.links(Link::Likes, entity).0;
                assert_eq!(world.unrelate_all::<Likes>(entity).unwrap(), targets.len());
                targets.into_iter().for_each(|it| assert!(plain.unrelate(Link::Likes, (entity, it))));
            }
            _ => unreachable!("the caller knows the others"),
        }
    }

    fn relate(&mut self, source: usize, link: Link, target: usize) {
        let (Some(source), Some(target)) = (self.any(source), self.any(target)) else { return };
        let related = match link {
            Link::Likes => self.world.relate::<Likes>(source, target),
            Link::DockedAt => self.world.relate::<DockedAt>(source, target),
            Link::CarriedBy => self.world.relate_named("CarriedBy", source, target),
        };
        let live = [source, target].iter().all(|it| self.plain.entities.contains_key(it));
        assert_eq!(related.is_ok(), live);
        if live {
            self.plain.relate(link, (source, target));
        }
    }
}

const NAMES: [&str; 3] = ["Likes", "DockedAt", "CarriedBy"];
