//! Random histories of tracked components, against a plain account of what is new to several readers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use keel_ecs::{
    Added, ChangeMark, Changed, Component, Entity, ModelTypeInfo, PreparedQuery, RemovalCursor, Tracked,
    Without, World, WorldConversion,
};
use keel_state::{SavedValue, Value};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::changes::{Fire, Hull};
use crate::{Frozen, at, save, through_a_file};

/// A hull whose planks are counted further.
pub(crate) mod wide {
    #[keel_ecs::component(crate = keel_ecs, tracked)]
    #[derive(Clone, Debug, Default, PartialEq)]
    pub(crate) struct Hull {
        pub(crate) planks: u64,
    }
}

/// A number stands for an entity: any that ever lived, modulo their count.
#[derive(Clone, Debug)]
enum Change {
    Spawn {
        hull: bool,
        fire: bool,
        frozen: bool,
    },
    SpawnBatch(u8),
    SpawnChild(usize),
    Despawn(usize),
    Insert {
        entity: usize,
        hull: bool,
        fire: bool,
    },
    RemoveHull(usize),
    RemoveFire(usize),
    FireForFrozen(usize),
    WriteHull(usize),
    WriteFire(usize),
    /// All fires of entities that are not frozen and whose index is even.
    WriteFires,
    ReadFires,
    EndStep,
    Look(u8),
    Save,
    Duplicate,
    Rebuild,
    /// Whether hulls are wide from now on.
    Convert(bool),
    Clear,
}

fn change() -> impl Strategy<Value = Change> {
    let entity = any::<usize>();
    prop_oneof![
        5 => any::<[bool; 3]>().prop_map(|[hull, fire, frozen]| Change::Spawn { hull, fire, frozen }),
        1 => (0_u8..40).prop_map(Change::SpawnBatch),
        1 => entity.prop_map(Change::SpawnChild),
        3 => entity.prop_map(Change::Despawn),
        4 => (entity, any::<bool>(), any::<bool>())
            .prop_map(|(entity, hull, fire)| Change::Insert { entity, hull, fire }),
        3 => entity.prop_map(Change::RemoveHull),
        3 => entity.prop_map(Change::RemoveFire),
        1 => entity.prop_map(Change::FireForFrozen),
        4 => entity.prop_map(Change::WriteHull),
        4 => entity.prop_map(Change::WriteFire),
        2 => Just(Change::WriteFires),
        1 => Just(Change::ReadFires),
        2 => Just(Change::EndStep),
        6 => (0_u8..3).prop_map(Change::Look),
        1 => Just(Change::Save),
        1 => Just(Change::Duplicate),
        1 => Just(Change::Rebuild),
        1 => any::<bool>().prop_map(Change::Convert),
        1 => Just(Change::Clear),
    ]
}

/// When values of one component were added and changed, and who has lost one.
#[derive(Clone, Default)]
pub(crate) struct Account {
    values: BTreeMap<Entity, (u64, u64)>,
    /// When, who, and how many steps have ended since.
    pub(crate) lost: Vec<(u64, Entity, u8)>,
}

impl Account {
    pub(crate) fn insert(&mut self, entity: Entity, now: u64) {
        self.values.entry(entity).or_insert((now, now)).1 = now;
    }

    pub(crate) fn write(&mut self, entity: Entity, now: u64) {
        self.values.get_mut(&entity).unwrap().1 = now;
    }

    /// Whether there was one.
    pub(crate) fn remove(&mut self, entity: Entity, now: u64) -> bool {
        let had = self.values.remove(&entity).is_some();
        self.lost.extend(had.then_some((now, entity, 0)));
        had
    }

    pub(crate) fn end_step(&mut self) {
        self.lost.retain_mut(|(_, _, steps)| {
            *steps += 1;
            *steps < 2
        });
    }

    /// All values were changed.
    pub(crate) fn converted(&mut self, now: u64) {
        self.values.values_mut().for_each(|(_, changed)| *changed = now);
    }

    pub(crate) fn new_since(&self, since: u64) -> (BTreeSet<Entity>, BTreeSet<Entity>) {
        let of = |is_new: fn(&(u64, u64), u64) -> bool| {
            let values = self.values.iter().filter(|(_, times)| is_new(times, since));
            values.map(|(entity, _)| *entity).collect()
        };
        (of(|(added, _), since| *added > since), of(|(_, changed), since| *changed > since))
    }
}

/// One who looks now and then.
#[derive(Clone, Default)]
struct Reader {
    mark: ChangeMark,
    hulls: RemovalCursor<Hull>,
    wide_hulls: RemovalCursor<wide::Hull>,
    fires: RemovalCursor<Fire>,
    /// The account's time.
    since: u64,
}

struct History {
    world: World,
    is_wide: bool,
    /// All that live, with their children.
    living: BTreeMap<Entity, Vec<Entity>>,
    frozen: BTreeSet<Entity>,
    ids: Vec<Entity>,
    now: u64,
    hulls: Account,
    fires: Account,
    readers: [Reader; 3],
    burning: PreparedQuery<(Entity, &'static mut Fire), Without<Frozen>>,
}

pub(crate) fn types(is_wide: bool) -> Vec<Arc<ModelTypeInfo>> {
    let hull =
        if is_wide { ModelTypeInfo::component::<wide::Hull>() } else { ModelTypeInfo::component::<Hull>() };
    crate::types().into_iter().chain([hull, ModelTypeInfo::component::<Fire>()]).map(Arc::new).collect()
}

/// Who was added and changed since, and, in order, who has lost one.
pub(crate) fn look<T: Component + Tracked>(
    world: &World,
    mark: ChangeMark,
    cursor: &mut RemovalCursor<T>,
) -> (BTreeSet<Entity>, BTreeSet<Entity>, Vec<Entity>) {
    let added = world.query_since::<Entity, Added<T>>(mark).iter().collect();
    let mut changed = BTreeSet::new();
    world.query_since::<(Entity, &T), Changed<T>>(mark).for_each(|(entity, _)| {
        changed.insert(entity);
    });
    (added, changed, cursor.read(&world.removals::<T>()).collect())
}

impl History {
    fn new() -> Self {
        let mut world = World::new();
        types(false).into_iter().try_for_each(|info| world.register(info)).unwrap();
        Self {
            world,
            is_wide: false,
            living: BTreeMap::new(),
            frozen: BTreeSet::new(),
            ids: Vec::new(),
            now: 1,
            hulls: Account::default(),
            fires: Account::default(),
            readers: Default::default(),
            burning: PreparedQuery::new(),
        }
    }

    /// One that lives.
    fn living(&self, number: usize) -> Option<Entity> {
        let entity = *self.ids.get(number.checked_rem(self.ids.len())?)?;
        self.living.contains_key(&entity).then_some(entity)
    }

    fn born(&mut self, entity: Entity) {
        self.ids.push(entity);
        self.living.insert(entity, Vec::new());
    }

    fn insert(&mut self, entity: Entity, hull: bool, fire: bool) {
        if hull {
            self.world.insert_named(entity, "Hull", &[("planks", Value::from(1_u32))]).unwrap();
            self.hulls.insert(entity, self.now);
        }
        if fire {
            self.world.insert(entity, (Fire::default(),)).unwrap();
            self.fires.insert(entity, self.now);
        }
    }

    fn gone(&mut self, entity: Entity) {
        for child in self.living.remove(&entity).unwrap_or_default().into_iter().rev() {
            self.gone(child);
        }
        self.hulls.remove(entity, self.now);
        self.fires.remove(entity, self.now);
        self.frozen.remove(&entity);
    }

    fn apply(&mut self, change: &Change) {
        self.now += 1;
        let now = self.now;
        match *change {
            Change::Spawn { hull, fire, frozen } => {
                let entity = match (fire, frozen) {
                    (true, false) => self.world.spawn((Fire::default(), at(1.0))),
                    (true, true) => self.world.spawn((Frozen, Fire::default())),
                    (false, true) => self.world.spawn((Frozen,)),
                    (false, false) => self.world.spawn((at(0.0),)),
                };
                self.born(entity);
                self.frozen.extend(frozen.then_some(entity));
                if fire {
                    self.fires.insert(entity, now);
                }
                self.insert(entity, hull, false);
            }
            Change::SpawnBatch(count) => {
                let fires = (0..count).map(|heat| (Fire { heat: heat.into() },));
                for entity in self.world.spawn_batch(fires) {
                    self.born(entity);
                    self.fires.insert(entity, now);
                    // Many rows of one archetype.
                    self.insert(entity, count % 2 == 0, false);
                }
            }
            Change::SpawnChild(parent) => {
                let Some(parent) = self.living(parent) else { return };
                let child = self.world.spawn_child(parent, (Fire::default(),)).unwrap();
                self.born(child);
                self.living.get_mut(&parent).unwrap().push(child);
                self.fires.insert(child, now);
            }
            Change::Despawn(number) => {
                let Some(entity) = self.living(number) else { return };
                self.world.despawn(entity).unwrap();
                self.living.values_mut().for_each(|children| children.retain(|child| *child != entity));
                self.gone(entity);
            }
            Change::Insert { entity, hull, fire } => {
                let Some(entity) = self.living(entity) else { return };
                self.insert(entity, hull, fire);
            }
            Change::RemoveHull(number) => {
                let Some(entity) = self.living(number) else { return };
                let removed = self.world.remove_value(entity, "Hull").is_ok();
                assert_eq!(removed, self.hulls.remove(entity, now));
            }
            Change::RemoveFire(number) => {
                let Some(entity) = self.living(number) else { return };
                let removed = self.world.remove::<(Fire,)>(entity).is_ok();
                assert_eq!(removed, self.fires.remove(entity, now));
            }
            Change::FireForFrozen(number) => {
                let Some(entity) = self.living(number) else { return };
                let exchanged = self.world.exchange::<(Frozen,), (Fire,)>(entity, (Fire::default(),));
                assert_eq!(exchanged.is_ok(), self.frozen.remove(&entity));
                if exchanged.is_ok() {
                    self.fires.insert(entity, now);
                }
            }
            Change::WriteHull(number) => {
                let Some(entity) = self.living(number) else { return };
                if self.world.write_path(entity, "Hull.planks", 2).is_ok() {
                    self.hulls.write(entity, now);
                }
            }
            Change::WriteFire(number) => {
                let Some(entity) = self.living(number) else { return };
                if let Ok(mut fire) = self.world.get_mut::<Fire>(entity) {
                    fire.heat += 1;
                    self.fires.write(entity, now);
                }
            }
            Change::WriteFires => {
                let (frozen, fires) = (&self.frozen, &mut self.fires);
                self.burning.query(&mut self.world).for_each(|(entity, mut fire)| {
                    assert!(!frozen.contains(&entity));
                    if entity.index().is_multiple_of(2) {
                        fire.heat += 1;
                        fires.write(entity, now);
                    }
                });
            }
            Change::ReadFires => {
                let count =
                    self.burning.query(&mut self.world).iter_mut().filter(|(_, fire)| fire.heat < 99).count();
                assert!(count <= self.fires.values.len());
            }
            Change::EndStep => {
                self.world.end_step();
                self.hulls.end_step();
                self.fires.end_step();
            }
            Change::Look(reader) => self.look(reader.into()),
            Change::Save => {
                let saved = through_a_file(&save(&self.world));
                self.world = World::from_snapshot(types(self.is_wide), &saved, false).unwrap().0;
            }
            Change::Duplicate => self.world = self.world.duplicate().unwrap(),
            Change::Rebuild => self.world.rebuild().unwrap(),
            Change::Convert(is_wide) => self.convert(is_wide),
            Change::Clear => {
                for entity in self.world.entities() {
                    self.hulls.remove(entity, now);
                    self.fires.remove(entity, now);
                }
                self.world.clear_entities();
                self.living.clear();
                self.frozen.clear();
            }
        }
    }

    fn convert(&mut self, is_wide: bool) {
        let mut conversion = WorldConversion::of(std::mem::take(&mut self.world));
        // What does not fit is lost: nothing here.
        conversion.make(types(is_wide), true).unwrap();
        self.world = conversion.accept().0;
        if is_wide != self.is_wide {
            let now = self.now;
            self.hulls.converted(now);
            for reader in &mut self.readers {
                let (narrow, wide) = (&mut reader.hulls, &mut reader.wide_hulls);
                // A cursor is a number: it goes on as that of the other type.
                match is_wide {
                    true => *wide = exchange_cursor(narrow),
                    false => *narrow = exchange_cursor(wide),
                }
            }
        }
        self.is_wide = is_wide;
    }

    fn look(&mut self, reader: usize) {
        let reader = &mut self.readers[reader];
        let check = |found: (BTreeSet<Entity>, BTreeSet<Entity>, Vec<Entity>), account: &Account| {
            let (added, changed) = account.new_since(reader.since);
            let lost: Vec<_> = account
                .lost
                .iter()
                .filter(|(time, ..)| *time > reader.since)
                .map(|(_, entity, _)| *entity)
                .collect();
            let (mut found_lost, mut all_lost) = (found.2.clone(), lost.clone());
            found_lost.sort_unstable();
            all_lost.sort_unstable();
            assert_eq!((found.0, found.1, found_lost), (added, changed, all_lost));
        };
        let hulls = match self.is_wide {
            true => look::<wide::Hull>(&self.world, reader.mark, &mut reader.wide_hulls),
            false => look::<Hull>(&self.world, reader.mark, &mut reader.hulls),
        };
        check(hulls, &self.hulls);
        check(look::<Fire>(&self.world, reader.mark, &mut reader.fires), &self.fires);
        reader.mark = self.world.mark_changes();
        reader.since = self.now;
    }
}

pub(crate) fn exchange_cursor<T: Component, U: Component>(cursor: &RemovalCursor<T>) -> RemovalCursor<U> {
    let saved = SavedValue::of(cursor).unwrap();
    saved.restore(false).unwrap().0
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 2 } else { 256 }, ..ProptestConfig::default() })]

    #[test]
    fn every_reader_sees_what_is_new_to_it(changes in vec(change(), 1..if cfg!(miri) { 12 } else { 90 })) {
        let mut history = History::new();
        for change in &changes {
            history.apply(change);
        }
        (0..3).for_each(|reader| history.look(reader));
    }
}
