//! Random histories of a world, against a plain model of it.

use std::collections::BTreeMap;

use keel_ecs::{Commands, Entity, EventCursor, Name, Or, PreparedQuery, With, Without, World};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::{Cargo, Eaten, Frozen, Position, Smoke, Tide, Wet, at, new_world, restore, save, through_a_file};

/// A number stands for an entity: any that ever lived, counted from the first, modulo their count.
#[derive(Clone, Debug)]
enum Change {
    Spawn { components: u8, value: i8 },
    SpawnBatch { count: u8 },
    Despawn(usize),
    InsertPosition(usize, i8),
    InsertCargo(usize, i8),
    InsertFrozen(usize),
    RemovePosition(usize),
    RemoveCargo(usize),
    RemoveFrozen(usize),
    InsertSmoke(usize, i8),
    RemoveSmoke(usize),
    InsertWet(usize, u8),
    RemoveWet(usize),
    Exchange(usize, i8),
    SetParent(usize, Option<usize>),
    SetName(usize, Option<u8>),
    Send(i8),
    Drain,
    EndStep,
    InsertTide(i8),
    RemoveTide,
    Read,
    Restore,
    Duplicate,
    Rebuild,
    Compact,
    Clear,
}

fn change() -> impl Strategy<Value = Change> {
    let entity = any::<usize>();
    prop_oneof![
        6 => (0_u8..32, any::<i8>()).prop_map(|(components, value)| Change::Spawn { components, value }),
        1 => (0_u8..5).prop_map(|count| Change::SpawnBatch { count }),
        4 => entity.prop_map(Change::Despawn),
        3 => (entity, any::<i8>()).prop_map(|(entity, value)| Change::InsertPosition(entity, value)),
        3 => (entity, any::<i8>()).prop_map(|(entity, value)| Change::InsertCargo(entity, value)),
        2 => entity.prop_map(Change::InsertFrozen),
        2 => entity.prop_map(Change::RemovePosition),
        2 => entity.prop_map(Change::RemoveCargo),
        2 => entity.prop_map(Change::RemoveFrozen),
        3 => (entity, any::<i8>()).prop_map(|(entity, value)| Change::InsertSmoke(entity, value)),
        2 => entity.prop_map(Change::RemoveSmoke),
        3 => (entity, any::<u8>()).prop_map(|(entity, value)| Change::InsertWet(entity, value)),
        2 => entity.prop_map(Change::RemoveWet),
        1 => (entity, any::<i8>()).prop_map(|(entity, value)| Change::Exchange(entity, value)),
        5 => (entity, any::<Option<usize>>()).prop_map(|(child, parent)| Change::SetParent(child, parent)),
        2 => (entity, proptest::option::of(0_u8..4)).prop_map(|(entity, name)| Change::SetName(entity, name)),
        3 => any::<i8>().prop_map(Change::Send),
        1 => Just(Change::Drain),
        3 => Just(Change::EndStep),
        1 => any::<i8>().prop_map(Change::InsertTide),
        1 => Just(Change::RemoveTide),
        2 => Just(Change::Read),
        3 => Just(Change::Restore),
        2 => Just(Change::Duplicate),
        1 => Just(Change::Rebuild),
        1 => Just(Change::Compact),
        1 => Just(Change::Clear),
    ]
}

#[derive(Clone, Debug, Default, PartialEq)]
struct PlainEntity {
    position: Option<Position>,
    cargo: Option<Cargo>,
    frozen: bool,
    smoke: Option<Smoke>,
    wet: Option<Wet>,
    name: Option<String>,
    parent: Option<Entity>,
    children: Vec<Entity>,
}

/// What a world is, without any of its storage.
#[derive(Default)]
struct Plain {
    entities: BTreeMap<Entity, PlainEntity>,
    /// Number, value, and whether a frame has ended since.
    events: Vec<(u64, i64, bool)>,
    sent: u64,
    tide: Option<i64>,
    read: u64,
}

impl Plain {
    fn despawn(&mut self, entity: Entity) {
        self.leave_parent(entity);
        let mut gone = vec![entity];
        while let Some(next) = gone.pop() {
            gone.extend(self.entities.remove(&next).unwrap().children);
        }
    }

    fn leave_parent(&mut self, child: Entity) {
        if let Some(parent) = self.entities.get_mut(&child).unwrap().parent.take() {
            self.entities.get_mut(&parent).unwrap().children.retain(|found| *found != child);
        }
    }

    fn is_below(&self, entity: Entity, above: Entity) -> bool {
        let parent = |entity: &Entity| self.entities[entity].parent;
        std::iter::successors(Some(entity), parent).any(|found| found == above)
    }
}

struct History {
    world: World,
    plain: Plain,
    /// All that ever lived.
    ids: Vec<Entity>,
    reader: EventCursor<Eaten>,
    prepared: Prepared,
}

type SmokesAndIsCold = (With<Smoke>, Or<(With<Frozen>, Without<Wet>)>);

/// Queries that live as long as the history does.
#[derive(Default)]
struct Prepared {
    columns: PreparedQuery<(Entity, &'static mut Position, Option<&'static Smoke>)>,
    both: PreparedQuery<(Entity, &'static Position, &'static mut Smoke)>,
    sparse: PreparedQuery<(Entity, &'static Smoke)>,
    two: PreparedQuery<(Entity, &'static mut Smoke, &'static Wet), Without<Frozen>>,
    filtered: PreparedQuery<Entity, SmokesAndIsCold>,
    dry: PreparedQuery<(Entity, &'static mut Smoke), Without<Wet>>,
}

fn cargo(value: i8) -> Cargo {
    Cargo { goods: vec![format!("{value}"); (value.unsigned_abs() % 3).into()] }
}

fn smoke(value: i8) -> Smoke {
    Smoke { text: format!("{value}") }
}

impl History {
    fn new() -> Self {
        Self {
            world: new_world(),
            plain: Plain::default(),
            ids: Vec::new(),
            reader: EventCursor::default(),
            prepared: Prepared::default(),
        }
    }

    fn id(&self, number: usize) -> Option<Entity> {
        self.ids.get(number.checked_rem(self.ids.len())?).copied()
    }

    fn spawned(&mut self, entity: Entity, plain: PlainEntity) {
        assert!(!self.ids.contains(&entity), "{entity} was given out twice");
        self.ids.push(entity);
        self.plain.entities.insert(entity, plain);
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::Spawn { components, value } => self.spawn(*components, *value),
            Change::SpawnBatch { count } => {
                for entity in self.world.spawn_batch((0..*count).map(|x| (at(x.into()), Frozen))) {
                    let x = self.world.get::<Position>(entity).unwrap().x;
                    let plain = PlainEntity { position: Some(at(x)), frozen: true, ..PlainEntity::default() };
                    self.spawned(entity, plain);
                }
            }
            Change::Despawn(number) => {
                let Some(entity) = self.id(*number) else { return };
                let lives = self.plain.entities.contains_key(&entity);
                assert_eq!(self.world.despawn(entity).is_ok(), lives);
                if lives {
                    self.plain.despawn(entity);
                }
            }
            Change::InsertPosition(number, value) => {
                self.on(*number, |world, entity, plain| {
                    plain.position = Some(at((*value).into()));
                    // By name, as the views do it.
                    let value = keel_ecs::ComponentValue::of(&at((*value).into())).unwrap();
                    world.insert_values(entity, &[value]).unwrap();
                });
            }
            Change::InsertCargo(number, value) => {
                self.on(*number, |world, entity, plain| {
                    plain.cargo = Some(cargo(*value));
                    world.insert(entity, (cargo(*value),)).unwrap();
                });
            }
            Change::InsertFrozen(number) => {
                self.on(*number, |world, entity, plain| {
                    plain.frozen = true;
                    let mut commands = Commands::new();
                    commands.insert(entity, (Frozen,));
                    assert!(commands.apply(world).is_empty());
                });
            }
            Change::RemovePosition(number) => self.on(*number, |world, entity, plain| {
                assert_eq!(world.remove::<(Position,)>(entity).ok().map(|(it,)| it), plain.position.take());
            }),
            Change::RemoveCargo(number) => self.on(*number, |world, entity, plain| {
                let removed = world.remove_value(entity, "Cargo").ok();
                assert_eq!(removed.map(|it| it.restore::<Cargo>(false).unwrap().0), plain.cargo.take());
            }),
            Change::RemoveFrozen(number) => self.on(*number, |world, entity, plain| {
                let mut commands = Commands::new();
                commands.remove::<(Frozen,)>(entity);
                assert!(commands.apply(world).is_empty());
                plain.frozen = false;
            }),
            Change::InsertSmoke(number, value) => self.on(*number, |world, entity, plain| {
                plain.smoke = Some(smoke(*value));
                if value % 2 == 0 {
                    world.insert(entity, (smoke(*value),)).unwrap();
                } else {
                    let value = keel_ecs::ComponentValue::of(&smoke(*value)).unwrap();
                    world.insert_values(entity, &[value]).unwrap();
                }
            }),
            Change::RemoveSmoke(number) => self.on(*number, |world, entity, plain| {
                let removed = world.remove_value(entity, "Smoke").ok();
                assert_eq!(removed.map(|it| it.restore::<Smoke>(false).unwrap().0), plain.smoke.take());
            }),
            Change::InsertWet(number, drops) => self.on(*number, |world, entity, plain| {
                plain.wet = Some(Wet { drops: (*drops).into() });
                plain.frozen = true;
                world.insert(entity, (Frozen, Wet { drops: (*drops).into() })).unwrap();
            }),
            Change::RemoveWet(number) => self.on(*number, |world, entity, plain| {
                if plain.frozen && plain.wet.is_some() && number % 2 == 0 {
                    let (wet, _) = world.remove::<(Wet, Frozen)>(entity).unwrap();
                    assert_eq!(Some(wet), plain.wet.take());
                    plain.frozen = false;
                } else {
                    assert_eq!(world.remove::<(Wet,)>(entity).ok().map(|(wet,)| wet), plain.wet.take());
                }
            }),
            Change::Exchange(number, value) => self.on(*number, |world, entity, plain| {
                let exchanged = world.exchange::<(Smoke,), _>(entity, (Wet { drops: 1 }, cargo(*value)));
                assert_eq!(exchanged.ok().map(|(smoke,)| smoke), plain.smoke.clone());
                if plain.smoke.take().is_some() {
                    (plain.wet, plain.cargo) = (Some(Wet { drops: 1 }), Some(cargo(*value)));
                }
            }),
            Change::SetParent(child, parent) => self.set_parent(*child, *parent),
            Change::SetName(number, name) => self.on(*number, |world, entity, plain| {
                plain.name = name.map(|name| format!("name {name}"));
                world.set_name(entity, plain.name.as_deref()).unwrap();
            }),
            Change::Send(value) => {
                self.world.send(Eaten { by: (*value).into() });
                self.plain.events.push((self.plain.sent, (*value).into(), false));
                self.plain.sent += 1;
            }
            Change::Drain => {
                let drained = self.world.drain_events::<Eaten>();
                let expected: Vec<_> = self.plain.events.drain(..).map(|(_, by, _)| Eaten { by }).collect();
                assert_eq!(drained, expected);
            }
            Change::EndStep => {
                self.world.end_step();
                self.plain.events.retain(|(_, _, ended)| !ended);
                self.plain.events.iter_mut().for_each(|(_, _, ended)| *ended = true);
            }
            Change::InsertTide(level) => {
                let before = self.world.insert_resource(Tide { level: (*level).into() }).unwrap();
                assert_eq!(before.map(|tide| tide.level), self.plain.tide.replace((*level).into()));
            }
            Change::RemoveTide => {
                let before = self.world.remove_resource::<Tide>();
                assert_eq!(before.map(|tide| tide.level), self.plain.tide.take());
            }
            Change::Read => self.read(),
            Change::Restore => self.replace_world(|world| restore(&through_a_file(&save(world))), true),
            Change::Duplicate => {
                self.replace_world(|world| world.duplicate().unwrap(), true);
            }
            Change::Rebuild => self.replace_world(
                |world| {
                    let mut copy = world.duplicate().unwrap();
                    copy.rebuild().unwrap();
                    copy
                },
                true,
            ),
            Change::Compact => self.replace_world(
                |world| {
                    let mut copy = world.duplicate().unwrap();
                    copy.compact().unwrap();
                    copy
                },
                false,
            ),
            Change::Clear => {
                self.world.clear_entities();
                self.plain.entities.clear();
            }
        }
    }

    fn spawn(&mut self, components: u8, value: i8) {
        let mut plain = PlainEntity::default();
        let entity = if components & 24 == 24 {
            plain.wet = Some(Wet { drops: 7 });
            plain.position = Some(at(value.into()));
            self.world.spawn((Wet { drops: 7 }, at(value.into())))
        } else {
            self.world.spawn(())
        };
        if components & 1 != 0 {
            plain.position = Some(at(value.into()));
            self.world.insert(entity, (at(value.into()),)).unwrap();
        }
        if components & 8 != 0 {
            plain.smoke = Some(smoke(value));
            self.world.insert(entity, (smoke(value),)).unwrap();
        }
        if components & 2 != 0 {
            plain.cargo = Some(cargo(value));
            self.world.insert(entity, (cargo(value),)).unwrap();
        }
        if components & 4 != 0 {
            plain.frozen = true;
            self.world.insert(entity, (Frozen,)).unwrap();
        }
        self.spawned(entity, plain);
    }

    fn on(&mut self, number: usize, change: impl FnOnce(&mut World, Entity, &mut PlainEntity)) {
        let Some(entity) = self.id(number) else { return };
        match self.plain.entities.get_mut(&entity) {
            Some(plain) => change(&mut self.world, entity, plain),
            None => {
                assert!(!self.world.contains(entity));
                assert!(self.world.get::<Position>(entity).is_err());
                assert!(self.world.insert(entity, (Frozen,)).is_err());
                assert!(self.world.remove::<(Frozen,)>(entity).is_err());
            }
        }
    }

    fn set_parent(&mut self, child: usize, parent: Option<usize>) {
        let Some(child) = self.id(child) else { return };
        let parent = parent.and_then(|number| self.id(number));
        let lives = |entity: &Entity| self.plain.entities.contains_key(entity);
        let is_allowed = lives(&child)
            && parent.is_none_or(|parent| lives(&parent) && !self.plain.is_below(parent, child));
        assert_eq!(self.world.set_parent(child, parent).is_ok(), is_allowed);
        if is_allowed {
            self.plain.leave_parent(child);
            self.plain.entities.get_mut(&child).unwrap().parent = parent;
            if let Some(parent) = parent {
                self.plain.entities.get_mut(&parent).unwrap().children.push(child);
            }
        }
    }

    fn read(&mut self) {
        let events = self.world.events::<Eaten>();
        let missed = self.plain.events.first().map_or(self.plain.sent, |(number, ..)| *number);
        assert_eq!(self.reader.missed(&events), missed.saturating_sub(self.plain.read));
        let seen: Vec<_> = self.reader.read(&events).map(|event| event.by).collect();
        let unread = self.plain.events.iter().filter(|(number, ..)| *number >= self.plain.read);
        assert_eq!(seen, unread.map(|(_, by, _)| *by).collect::<Vec<_>>());
        self.plain.read = self.plain.sent;
    }

    /// Goes on with a copy, which must be the same in all that can be seen: ids, order, archetypes, hash, and the ids
    /// that come next.
    fn replace_world(&mut self, copy: impl FnOnce(&World) -> World, keeps_archetypes: bool) {
        let mut copied = copy(&self.world);
        assert_eq!(copied.entities(), self.world.entities());
        assert_eq!(copied.hash().unwrap(), self.world.hash().unwrap());
        assert_eq!(copied.free_ids(), self.world.free_ids());
        assert_eq!(copied.compare(&self.world).unwrap(), []);
        if keeps_archetypes {
            assert_eq!(copied.statistics(), self.world.statistics());
        }
        std::mem::swap(&mut self.world, &mut copied);
        let next: Vec<_> = (0..3).map(|_| copied.spawn(())).collect();
        for expected in next {
            let entity = self.world.spawn(());
            assert_eq!(entity, expected, "future ids come out the same");
            self.spawned(entity, PlainEntity::default());
        }
    }

    /// Each prepared query finds what the plain model has, and what a query that borrows finds.
    fn check_queries(&mut self) {
        let Self { world, plain, prepared, .. } = self;
        let ids = |is_match: fn(&PlainEntity) -> bool| {
            plain.entities.iter().filter(|(_, it)| is_match(it)).map(|(id, _)| *id).collect::<Vec<_>>()
        };
        let sorted = |mut found: Vec<Entity>| {
            found.sort();
            found
        };
        let with_both = ids(|it| it.position.is_some() && it.smoke.is_some());
        let mut found = Vec::new();
        prepared.columns.query(world).for_each(|(entity, position, smoke)| {
            assert_eq!(Some(*position), plain.entities[&entity].position);
            assert_eq!(smoke, plain.entities[&entity].smoke.as_ref());
            found.push(entity);
        });
        assert_eq!(sorted(found), ids(|it| it.position.is_some()));
        let mut query = prepared.both.query(world);
        let found: Vec<_> = (&mut query).into_iter().map(|(entity, ..)| entity).collect();
        assert_eq!(sorted(found), with_both);
        assert_eq!(query.count(), with_both.len());
        assert_eq!(sorted(query.entities()), with_both);
        for (entity, expected) in &plain.entities {
            let found = query.get(*entity).ok().map(|(_, position, smoke)| (*position, smoke.clone()));
            assert_eq!(found, expected.position.zip(expected.smoke.clone()));
        }
        let query = prepared.sparse.query(world);
        assert_eq!(sorted(query.iter().map(|(entity, _)| entity).collect()), ids(|it| it.smoke.is_some()));
        assert!(query.iter().all(|(entity, smoke)| plain.entities[&entity].smoke.as_ref() == Some(smoke)));
        let mut found = Vec::new();
        prepared.two.query(world).for_each(|(entity, ..)| found.push(entity));
        assert_eq!(sorted(found), ids(|it| it.smoke.is_some() && it.wet.is_some() && !it.frozen));
        let mut found = Vec::new();
        prepared.dry.query(world).for_each(|(entity, _)| found.push(entity));
        let dry = ids(|it| it.smoke.is_some() && it.wet.is_none());
        assert_eq!(sorted(found), dry);
        let found: Vec<_> = prepared.dry.query(world).iter_mut().map(|(entity, _)| entity).collect();
        assert_eq!(sorted(found), dry);
        let found: Vec<_> = prepared.filtered.query(world).iter().collect();
        let expected = ids(|it| it.smoke.is_some() && (it.frozen || it.wet.is_none()));
        assert_eq!(sorted(found), expected);
        assert_eq!(sorted(world.query_filtered::<Entity, SmokesAndIsCold>().iter().collect()), expected);
        assert_eq!(sorted(world.query::<(&mut Smoke, &Position)>().entities()), with_both);
        let terms = "Smoke, !Wet, (Position|Cargo)".parse().unwrap();
        let expected =
            ids(|it| it.smoke.is_some() && it.wet.is_none() && (it.position.is_some() || it.cargo.is_some()));
        assert_eq!(sorted(world.entities_matching(&terms).unwrap()), expected);
        assert_eq!(world.count_matching(&terms).unwrap(), expected.len());
    }

    fn check(&mut self) {
        self.check_queries();
        let Self { world, plain, .. } = self;
        assert_eq!(world.len(), plain.entities.len());
        let mut listed = world.entities();
        listed.sort();
        assert_eq!(listed, plain.entities.keys().copied().collect::<Vec<_>>());
        for (entity, expected) in &plain.entities {
            let found = PlainEntity {
                position: world.get::<Position>(*entity).ok().map(|it| *it),
                cargo: world.get::<Cargo>(*entity).ok().map(|it| it.clone()),
                frozen: world.has::<Frozen>(*entity),
                smoke: world.get::<Smoke>(*entity).ok().map(|it| it.clone()),
                wet: world.get_mut::<Wet>(*entity).ok().map(|it| *it),
                name: world.name(*entity),
                parent: world.parent(*entity),
                children: world.children(*entity),
            };
            assert_eq!(found, *expected, "{entity}");
        }
        for number in 0..4 {
            let name = format!("name {number}");
            let mut first = None;
            world.query::<(Entity, &Name)>().for_each(|(entity, found)| {
                if found.as_str() == name {
                    first = first.or(Some(entity));
                }
            });
            assert_eq!(world.find(&name), first);
        }
        let kept: Vec<_> = world.events::<Eaten>().iter().map(|event| event.by).collect();
        assert_eq!(kept, plain.events.iter().map(|(_, by, _)| *by).collect::<Vec<_>>());
        assert_eq!(world.events::<Eaten>().sent(), plain.sent);
        assert_eq!(world.resource::<Tide>().ok().map(|tide| tide.level), plain.tide);
        let mut count = 0;
        world.query::<&Position>().for_each(|_| count += 1);
        assert_eq!(count, plain.entities.values().filter(|it| it.position.is_some()).count());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn a_world_does_what_a_plain_model_does(changes in vec(change(), 1..80)) {
        let mut history = History::new();
        for change in &changes {
            history.apply(change);
            history.check();
        }
    }
}
