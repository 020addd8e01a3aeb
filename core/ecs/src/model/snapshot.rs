//! Saving a world and building it again, exactly as it was or with types whose shape has changed.
//!
//! A world is never changed in place: [`World::from_snapshot`] makes a new one, so that the old one, and with it
//! the old code, stays whole until the new one is known to be good.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use atomic_refcell::AtomicRefCell;
use keel_core_types::ComponentId;
use keel_state::{Change, Migration, Snapshot, SnapshotWriter, StateError, TypeSchema, decode, encode_into};
use serde::{Deserialize, Serialize};

use crate::model::component::Operations;
use crate::model::event::{AnyEvents, QueueHeader};
use crate::model::query::entity_of_row;
use crate::model::resource::AnyResource;
use crate::{ComponentAccess, EcsError, Entity, ModelTypeInfo, ModelTypeKind, World};

/// A saved world. Saving into the same one again reuses its buffer: fresh memory costs more than the format.
#[derive(Default)]
pub struct WorldSnapshot {
    index: Index,
    /// Entities and columns of each archetype, then resources, then events, in the order of the index.
    bytes: Vec<u8>,
}

/// What the bytes of a snapshot mean.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Index {
    types: Vec<SavedType>,
    /// Ids below this one were given out at some time; each of them lives or is free.
    id_end: u32,
    /// Ids that are free, in the order in which they are given out again.
    free: Vec<u64>,
    archetypes: Vec<SavedArchetype>,
    /// Type and number of bytes.
    resources: Vec<(u32, u64)>,
    /// Type and number of bytes.
    events: Vec<(u32, u64)>,
    unknown: Arc<Unknown>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct SavedType {
    name: String,
    kind: SavedKind,
    schema: Arc<TypeSchema>,
}

#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
enum SavedKind {
    Component,
    Resource,
    Event,
}

#[derive(Clone, Serialize, Deserialize)]
struct SavedArchetype {
    entities: u64,
    /// Type and number of bytes of each column.
    columns: Vec<(u32, u64)>,
}

/// Values of types that nobody has registered: kept as they are, and saved again.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Unknown {
    types: Vec<UnknownType>,
}

#[derive(Clone, Serialize, Deserialize)]
struct UnknownType {
    saved: SavedType,
    /// For a component: the values of these entities, one after the other, in `bytes`.
    entities: Vec<Entity>,
    bytes: Vec<u8>,
}

/// What became of the saved values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RestoreReport {
    /// How many values (components, resources, event queues) were taken over byte for byte.
    pub carried: usize,
    /// How many values went through a migration.
    pub converted: usize,
    /// What the migrations changed, field by field.
    pub changes: Vec<Change>,
    /// Types that nobody has registered; their values are kept aside and saved again.
    pub kept: Vec<String>,
}

impl WorldSnapshot {
    /// An empty snapshot.
    pub fn new() -> Self {
        Self::default()
    }

    /// The size of the saved values in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// How many entities were saved.
    pub fn entities(&self) -> usize {
        self.index.archetypes.iter().map(|archetype| archetype.entities as usize).sum()
    }

    /// How many components, resources and event queues were saved.
    pub fn values(&self) -> usize {
        let components =
            self.index.archetypes.iter().map(|saved| saved.entities as usize * saved.columns.len());
        components.sum::<usize>() + self.index.resources.len() + self.index.events.len()
    }

    /// Name and schema of each saved type.
    pub fn types(&self) -> impl Iterator<Item = (&str, &TypeSchema)> {
        self.index.types.iter().map(|saved| (saved.name.as_str(), &*saved.schema))
    }

    /// Adds the snapshot to a file, as the sections `world index` and `world data`.
    ///
    /// # Errors
    /// [`EcsError::State`] when it can't be encoded.
    pub fn write(&self, file: &mut SnapshotWriter) -> Result<(), EcsError> {
        file.section("world", "index", |out| encode_into(&self.index, out))?;
        file.section("world", "data", |out| {
            out.extend_from_slice(&self.bytes);
            Ok(())
        })?;
        Ok(())
    }

    /// Reads what [`WorldSnapshot::write`] wrote.
    ///
    /// # Errors
    /// [`EcsError::State`] when a section is missing or does not decode.
    pub fn read(file: &Snapshot<'_>) -> Result<Self, EcsError> {
        let index = decode(&mut file.require("world", "index")?)?;
        Ok(Self { index, bytes: file.require("world", "data")?.to_vec() })
    }

    /// Every saved value as text: entity or queue, type, value; for people and for comparing two files.
    ///
    /// # Errors
    /// [`EcsError::State`] when the bytes don't fit the schemas.
    pub fn describe(&self) -> Result<BTreeMap<String, String>, EcsError> {
        let mut lines = BTreeMap::new();
        let mut bytes = self.bytes.as_slice();
        for archetype in &self.index.archetypes {
            let entities = take_entities(&mut bytes, archetype.entities)?;
            for entity in entities.iter().map(|entity| Entity::wrap(*entity)) {
                lines.insert(format!("entity {entity}"), String::new());
            }
            for (kind, length) in &archetype.columns {
                let saved = self.saved_type(*kind)?;
                let mut column = take(&mut bytes, *length)?;
                for entity in entities.iter().map(|entity| Entity::wrap(*entity)) {
                    let text = saved.schema.display(&mut column)?;
                    lines.insert(format!("entity {entity} {}", saved.name), text);
                }
            }
        }
        for (kind, length) in &self.index.resources {
            let saved = self.saved_type(*kind)?;
            let text = saved.schema.display(&mut take(&mut bytes, *length)?)?;
            lines.insert(format!("resource {}", saved.name), text);
        }
        for (kind, length) in &self.index.events {
            let saved = self.saved_type(*kind)?;
            let mut queue = take(&mut bytes, *length)?;
            let header: QueueHeader = decode(&mut queue)?;
            header.check(queue)?;
            for number in header.first..header.first + header.count {
                lines.insert(format!("event {} {number}", saved.name), saved.schema.display(&mut queue)?);
            }
        }
        Ok(lines)
    }

    fn saved_type(&self, index: u32) -> Result<&SavedType, StateError> {
        self.index.types.get(index as usize).ok_or_else(|| corrupt("a type that is not in its table"))
    }
}

impl World {
    /// Saves the whole world into `snapshot`, whose buffer is reused.
    ///
    /// # Errors
    /// [`EcsError::State`] when a type's `Serialize` fails, [`EcsError::InUse`] while a resource is written.
    ///
    /// # Panics
    /// When a living query writes a component; the message names it.
    pub fn save(&self, snapshot: &mut WorldSnapshot) -> Result<(), EcsError> {
        snapshot.bytes.clear();
        let mut index = Index::default();
        let mut numbers = BTreeMap::new();
        let mut number_of = |info: &ModelTypeInfo, types: &mut Vec<SavedType>| {
            *numbers.entry(info.id()).or_insert_with(|| {
                types.push(SavedType::of(info));
                types.len() as u32 - 1
            })
        };
        let out = &mut snapshot.bytes;
        for archetype in self.entities.archetypes() {
            let mut saved = SavedArchetype { entities: u64::from(archetype.len()), columns: Vec::new() };
            let start = out.len();
            out.resize(start + archetype.ids().len() * 8, 0);
            let (places, _) = out[start..].as_chunks_mut::<8>();
            for (place, id) in places.iter_mut().zip(archetype.ids()) {
                *place = entity_of_row(self.generations(), *id).bits().to_le_bytes();
            }
            let ids_end = archetype.ids().iter().max().map_or(0, |id| id + 1);
            index.id_end = index.id_end.max(ids_end);
            for info in archetype.component_types().filter_map(|id| self.types.of_rust(id)) {
                let Some(operations) = info.component_operations() else { continue };
                let start = out.len();
                (operations.save_column)(archetype, out)?;
                saved.columns.push((number_of(info, &mut index.types), (out.len() - start) as u64));
            }
            index.archetypes.push(saved);
        }
        index.free = self.entities.freelist().map(|entity| entity.to_bits().get()).collect();
        let freed = self.entities.freelist().map(|entity| entity.id() + 1).max().unwrap_or(0);
        index.id_end = index.id_end.max(freed);
        for id in self.resources.ids() {
            let Some(info) = self.types.get(id) else { continue };
            let Operations::Resource(operations) = &info.operations else { continue };
            let start = out.len();
            (operations.save)(&**self.resources.borrow(id, info.name())?, out)?;
            index.resources.push((number_of(info, &mut index.types), (out.len() - start) as u64));
        }
        for id in self.events.keys() {
            let Some(info) = self.types.get(*id) else { continue };
            let start = out.len();
            self.event_queue(info)?.save(out)?;
            index.events.push((number_of(info, &mut index.types), (out.len() - start) as u64));
        }
        index.unknown = Arc::clone(&self.unknown);
        snapshot.index = index;
        Ok(())
    }

    /// What restoring values saved with `snapshot`'s types into `types` would change, field by field; nothing is
    /// restored.
    pub fn plan_restore(types: &[Arc<ModelTypeInfo>], snapshot: &WorldSnapshot) -> Vec<Change> {
        let live: BTreeMap<_, _> = types.iter().map(|info| (info.id(), info)).collect();
        let saved = snapshot.index.types.iter();
        let plans =
            saved.filter_map(|saved| Some(Migration::plan(&saved.schema, &live.get(&saved.id())?.live)));
        plans.flat_map(|plan| plan.changes().to_vec()).collect()
    }

    /// Builds the world that `snapshot` holds, of `types`. Ids, generations, the free list, and the order of
    /// archetypes and rows come out as they were.
    ///
    /// # Errors
    /// [`EcsError::State`] when the snapshot is damaged, or when values would be lost and `accept_loss` is not set.
    pub fn from_snapshot(
        types: impl IntoIterator<Item = Arc<ModelTypeInfo>>,
        snapshot: &WorldSnapshot,
        accept_loss: bool,
    ) -> Result<(World, RestoreReport), EcsError> {
        let mut world = World::new();
        for info in types {
            world.register(info)?;
        }
        world.unknown = Arc::clone(&snapshot.index.unknown);
        let mut restore = Restore::new(&world, snapshot, accept_loss);
        restore.entities(&mut world)?;
        restore.resources(&mut world)?;
        restore.events(&mut world)?;
        let mut report = restore.report;
        let infos: Vec<_> = world.types.iter().map(Arc::clone).collect();
        for info in &infos {
            let adopted = world.plan_adoption(info, accept_loss)?;
            world.adopt(info, adopted)?;
        }
        report.kept = world.kept_types().map(str::to_owned).collect();
        Ok((world, report))
    }

    /// The names of the types whose values a snapshot held, and that nobody has registered.
    pub fn kept_types(&self) -> impl Iterator<Item = &str> {
        self.unknown.types.iter().map(|kept| kept.saved.name.as_str())
    }

    /// A world equal to this one, made by saving and restoring it with the types registered now. No pointer into
    /// an older generation of any module is left in it.
    ///
    /// # Errors
    /// [`EcsError::State`] when a type's `Serialize` or `Deserialize` fails.
    pub fn duplicate(&self, buffer: &mut WorldSnapshot) -> Result<World, EcsError> {
        self.save(buffer)?;
        Ok(Self::from_snapshot(self.types.iter().map(Arc::clone), buffer, false)?.0)
    }

    /// Puts a [`World::duplicate`] in the place of this world: pointers into older generations of modules are gone,
    /// and columns take no more memory than they need.
    ///
    /// # Errors
    /// As [`World::duplicate`]; the world is then unchanged.
    pub fn rebuild(&mut self, buffer: &mut WorldSnapshot) -> Result<(), EcsError> {
        *self = self.duplicate(buffer)?;
        Ok(())
    }

    /// [`World::rebuild`], without the archetypes that have no entities. Entities stay in their order. Returns how
    /// many archetypes went.
    ///
    /// # Errors
    /// As [`World::duplicate`]; the world is then unchanged.
    pub fn compact(&mut self, buffer: &mut WorldSnapshot) -> Result<usize, EcsError> {
        self.save(buffer)?;
        let archetypes = &mut buffer.index.archetypes;
        let before = archetypes.len();
        archetypes.retain(|archetype| archetype.entities > 0 || archetype.columns.is_empty());
        let gone = before - archetypes.len();
        let types: Vec<_> = self.types.iter().map(Arc::clone).collect();
        *self = Self::from_snapshot(types, buffer, false)?.0;
        Ok(gone)
    }

    /// Copies all entities of `other` into this world; they get new ids, returned beside the old ones. Ids that
    /// `other`'s components hold are those of `other`, but for [`crate::Parent`] and [`crate::Children`].
    ///
    /// # Errors
    /// [`EcsError::NotRegistered`] when `other` has a component that this world does not know in that shape, and
    /// [`EcsError::State`] when a type's `Serialize` or `Deserialize` fails; this world is then unchanged.
    pub fn merge(&mut self, other: &World) -> Result<Vec<(Entity, Entity)>, EcsError> {
        let mut bundles = Vec::new();
        let mut bytes = Vec::new();
        for entity in other.entities() {
            let mut bundle = hecs::EntityBuilder::new();
            for info in other.components_of(entity)? {
                let target = self.types.get(info.id());
                let target = target.filter(|target| target.fingerprint() == info.fingerprint());
                let target = target.and_then(|target| target.component_operations());
                let (Some(target), Some(source)) = (target, info.component_operations()) else {
                    return Err(EcsError::NotRegistered { name: info.name().to_owned() });
                };
                if target.access == ComponentAccess::World {
                    continue;
                }
                bytes.clear();
                (source.get)(other.entity_ref(entity)?, &mut bytes)?;
                (target.build)(&mut bundle, &mut bytes.as_slice())?;
            }
            bundles.push((entity, bundle));
        }
        self.structure_changed();
        let spawned = bundles.into_iter().map(|(old, mut bundle)| {
            let entity = self.entities.spawn(bundle.build());
            (old, self.born(entity))
        });
        let moved: Vec<_> = spawned.collect();
        self.relink(other, &moved);
        Ok(moved)
    }

    /// Makes the families that the merged entities had in `other`; children come in the same order.
    fn relink(&mut self, other: &World, moved: &[(Entity, Entity)]) {
        let new_id: BTreeMap<_, _> = moved.iter().copied().collect();
        for (old, new) in moved {
            for child in other.children(*old).iter().filter_map(|child| new_id.get(child)) {
                // Both were spawned a moment ago, and `other` has no cycles.
                let _ = self.set_parent(*child, Some(*new));
            }
        }
    }

    /// The values that were kept aside for this type, as its own; nothing is changed yet.
    pub(crate) fn plan_adoption(
        &self,
        info: &ModelTypeInfo,
        accept_loss: bool,
    ) -> Result<Vec<Adopted>, EcsError> {
        let is_its_own = |kept: &&UnknownType| {
            kept.saved.name == info.name() && kept.saved.kind == SavedKind::of(info.kind())
        };
        let kept = self.unknown.types.iter().filter(is_its_own);
        kept.map(|kept| Adopted::new(kept, info, accept_loss)).collect()
    }

    /// Gives the values that were kept aside for this type back to their entities. What came in the meantime stays.
    pub(crate) fn adopt(&mut self, info: &ModelTypeInfo, adopted: Vec<Adopted>) -> Result<(), EcsError> {
        if adopted.is_empty() {
            return Ok(());
        }
        self.structure_changed();
        for adopted in adopted {
            match adopted {
                Adopted::Components(values) => {
                    for (entity, mut bundle) in values {
                        if self.contains(entity) {
                            // It was just found alive.
                            let _ = self.entities.insert(entity.inner(), bundle.build());
                        }
                    }
                }
                Adopted::Resource(value) if !self.resources.contains(info.id()) => {
                    self.resources.insert_any(info.id(), value);
                }
                Adopted::Events(queue) => {
                    let store = self.events.get_mut(&info.id()).map(AtomicRefCell::get_mut);
                    if let Some(store) = store.filter(|store| store.sent() == 0) {
                        *store = queue;
                    }
                }
                Adopted::Resource(_) => {}
            }
        }
        Arc::make_mut(&mut self.unknown).types.retain(|kept| kept.saved.id() != info.id());
        Ok(())
    }
}

/// One thing that differs between two worlds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorldDifference {
    /// `entity 3v1 Position`, `resource Tide`, `event Eaten 7`.
    pub what: String,
    /// The value in the first world, as text, if it has one.
    pub before: Option<String>,
    /// The value in the second world, as text, if it has one.
    pub after: Option<String>,
}

impl World {
    /// Where this world and `other` differ, value by value.
    ///
    /// # Errors
    /// As [`World::save`].
    pub fn compare(&self, other: &World) -> Result<Vec<WorldDifference>, EcsError> {
        let describe = |world: &World| {
            let mut snapshot = WorldSnapshot::new();
            world.save(&mut snapshot)?;
            snapshot.describe()
        };
        let (before, mut after) = (describe(self)?, describe(other)?);
        let mut differences = Vec::new();
        for (what, before) in before {
            let after = after.remove(&what);
            if after.as_ref() != Some(&before) {
                differences.push(WorldDifference { what, before: Some(before), after });
            }
        }
        let added =
            after.into_iter().map(|(what, after)| WorldDifference { what, before: None, after: Some(after) });
        differences.extend(added);
        Ok(differences)
    }
}

/// Values that were kept aside, decoded.
pub(crate) enum Adopted {
    Components(Vec<(Entity, hecs::EntityBuilder)>),
    Resource(Box<dyn AnyResource>),
    Events(Box<dyn AnyEvents>),
}

impl Adopted {
    fn new(kept: &UnknownType, info: &ModelTypeInfo, accept_loss: bool) -> Result<Self, EcsError> {
        let migration = Migration::plan(&kept.saved.schema, &info.live);
        let migration = if accept_loss { migration.accept_losses() } else { migration };
        let mut bytes = kept.bytes.as_slice();
        let mut migrated = Vec::new();
        Ok(match &info.operations {
            Operations::Component(operations) => {
                let mut values = Vec::new();
                for entity in &kept.entities {
                    migrated.clear();
                    migration.apply(&mut bytes, &mut migrated)?;
                    let mut bundle = hecs::EntityBuilder::new();
                    (operations.build)(&mut bundle, &mut migrated.as_slice())?;
                    values.push((*entity, bundle));
                }
                Self::Components(values)
            }
            Operations::Resource(operations) => {
                migration.apply(&mut bytes, &mut migrated)?;
                Self::Resource((operations.restore)(&mut migrated.as_slice())?)
            }
            Operations::Event(operations) => {
                let mut queue = (operations.make)();
                queue.restore(&migration, &mut bytes)?;
                Self::Events(queue)
            }
        })
    }
}

/// How many values of a column are migrated before they are decoded: few enough to stay in a cache. Migrating whole
/// columns into fresh memory costs more in page faults than the migration itself.
const MIGRATED_AT_ONCE: usize = 1024;

/// One restoring at work.
struct Restore<'s> {
    snapshot: &'s WorldSnapshot,
    bytes: &'s [u8],
    /// For each saved type, the one it becomes and how.
    targets: Vec<Option<Target>>,
    /// Where columns are migrated; reused.
    migrated: Vec<u8>,
    report: RestoreReport,
}

struct Target {
    info: Arc<ModelTypeInfo>,
    migration: Migration,
}

impl<'s> Restore<'s> {
    fn new(world: &World, snapshot: &'s WorldSnapshot, accept_loss: bool) -> Self {
        let mut targets = Vec::new();
        let mut report = RestoreReport::default();
        for saved in &snapshot.index.types {
            let info = world.types.get(saved.id()).filter(|info| SavedKind::of(info.kind()) == saved.kind);
            let Some(info) = info else {
                targets.push(None);
                continue;
            };
            let migration = Migration::plan(&saved.schema, &info.live);
            let migration = if accept_loss { migration.accept_losses() } else { migration };
            report.changes.extend_from_slice(migration.changes());
            targets.push(Some(Target { info: Arc::clone(info), migration }));
        }
        Self { snapshot, bytes: &snapshot.bytes, targets, migrated: Vec::new(), report }
    }

    fn entities(&mut self, world: &mut World) -> Result<(), EcsError> {
        let snapshot = self.snapshot;
        let index = &snapshot.index;
        let mut ids = Ids::new(index)?;
        let mut without_components = Vec::new();
        for archetype in &index.archetypes {
            let entities = take_entities(&mut self.bytes, archetype.entities)?;
            ids.claim(&entities)?;
            let Some(batch) = self.columns(world, archetype, &entities)? else {
                without_components.extend(entities);
                continue;
            };
            // A batch takes its ids off the free list. `spawn_column_batch_at`, which takes them as an argument, looks
            // through the free list for each of them: time quadratic in the number of entities.
            world.entities.set_freelist(&entities);
            drop(world.entities.spawn_column_batch(batch));
            world.restored(&entities);
        }
        // One by one they come off the end of the list.
        let count = without_components.len();
        without_components.reverse();
        world.entities.set_freelist(&without_components);
        (0..count).for_each(|_| {
            world.entities.spawn(());
        });
        world.restored(&without_components);
        let free = index.free.iter().map(|bits| hecs::Entity::from_bits(*bits));
        let free: Vec<_> = free.collect::<Option<_>>().ok_or_else(|| corrupt("a free id of 0"))?;
        ids.claim(&free)?;
        world.entities.set_freelist(&free);
        Ok(())
    }

    /// The columns of one archetype; none if nothing of it is known.
    fn columns(
        &mut self,
        world: &mut World,
        archetype: &SavedArchetype,
        entities: &[hecs::Entity],
    ) -> Result<Option<hecs::ColumnBatch>, EcsError> {
        let mut columns = Vec::new();
        let mut batch = hecs::ColumnBatchType::new();
        let mut seen = BTreeSet::new();
        for (kind, length) in &archetype.columns {
            let bytes = take(&mut self.bytes, *length)?;
            let target = self.targets.get(*kind as usize).ok_or_else(|| corrupt("an unknown type number"))?;
            if !seen.insert(*kind) {
                return Err(corrupt("the same column twice").into());
            }
            let Some(target) = target else {
                let unknown = Arc::make_mut(&mut world.unknown);
                unknown.keep(self.snapshot.saved_type(*kind)?, entities, bytes);
                continue;
            };
            let operations = target.info.component_operations();
            let operations =
                operations.ok_or_else(|| corrupt("a column of something else than a component"))?;
            (operations.add_column)(&mut batch);
            columns.push((target, operations, bytes));
        }
        if columns.is_empty() {
            return Ok(None);
        }
        let mut batch = batch.into_batch(entities.len() as u32);
        for (target, operations, mut bytes) in columns {
            if target.migration.is_identity() {
                (operations.fill_column)(&mut batch, entities.len(), &mut bytes)?;
                self.report.carried += entities.len();
            } else {
                let mut left = entities.len();
                while left > 0 {
                    let count = left.min(MIGRATED_AT_ONCE);
                    self.migrated.clear();
                    target.migration.apply_column(count, &mut bytes, &mut self.migrated)?;
                    (operations.fill_column)(&mut batch, count, &mut self.migrated.as_slice())?;
                    left -= count;
                }
                self.report.converted += entities.len();
            }
            all_read(bytes)?;
        }
        Ok(Some(batch.build().map_err(|_| corrupt("a column with too few values"))?))
    }

    fn resources(&mut self, world: &mut World) -> Result<(), EcsError> {
        for (kind, length) in &self.snapshot.index.resources {
            let mut bytes = take(&mut self.bytes, *length)?;
            let saved = self.snapshot.saved_type(*kind)?;
            let Some(Some(target)) = self.targets.get(*kind as usize) else {
                Arc::make_mut(&mut world.unknown).keep(saved, &[], bytes);
                continue;
            };
            let Operations::Resource(operations) = &target.info.operations else {
                return Err(corrupt("a resource of something else than one").into());
            };
            let mut migrated = Vec::new();
            target.migration.apply(&mut bytes, &mut migrated)?;
            all_read(bytes)?;
            world.resources.insert_any(target.info.id(), (operations.restore)(&mut migrated.as_slice())?);
            self.count(target.migration.is_identity());
        }
        Ok(())
    }

    fn events(&mut self, world: &mut World) -> Result<(), EcsError> {
        for (kind, length) in &self.snapshot.index.events {
            let mut bytes = take(&mut self.bytes, *length)?;
            let saved = self.snapshot.saved_type(*kind)?;
            let Some(Some(target)) = self.targets.get(*kind as usize) else {
                Arc::make_mut(&mut world.unknown).keep(saved, &[], bytes);
                continue;
            };
            let store = world.events.get_mut(&target.info.id());
            let store = store.ok_or_else(|| corrupt("a queue of something else than an event"))?;
            store.get_mut().restore(&target.migration, &mut bytes)?;
            all_read(bytes)?;
            self.count(target.migration.is_identity());
        }
        Ok(())
    }

    fn count(&mut self, identical: bool) {
        if identical {
            self.report.carried += 1;
        } else {
            self.report.converted += 1;
        }
    }
}

impl SavedType {
    fn of(info: &ModelTypeInfo) -> Self {
        Self {
            name: info.name().to_owned(),
            kind: SavedKind::of(info.kind()),
            schema: Arc::clone(&info.schema),
        }
    }

    fn id(&self) -> ComponentId {
        ComponentId::of(&self.name)
    }
}

impl SavedKind {
    fn of(kind: ModelTypeKind) -> Self {
        match kind {
            ModelTypeKind::Component => Self::Component,
            ModelTypeKind::Resource => Self::Resource,
            ModelTypeKind::Event => Self::Event,
        }
    }
}

impl Unknown {
    fn keep(&mut self, saved: &SavedType, entities: &[hecs::Entity], bytes: &[u8]) {
        let known = self.types.iter().position(|kept| kept.saved == *saved);
        let position = known.unwrap_or_else(|| {
            self.types.push(UnknownType { saved: saved.clone(), entities: Vec::new(), bytes: Vec::new() });
            self.types.len() - 1
        });
        let kept = &mut self.types[position];
        if saved.kind != SavedKind::Component {
            // There is one value of each resource, and one queue of each event.
            kept.bytes.clear();
        }
        kept.entities.extend(entities.iter().map(|entity| Entity::wrap(*entity)));
        kept.bytes.extend_from_slice(bytes);
    }
}

/// Sees to it that each id of a snapshot is in one place.
struct Ids {
    is_claimed: Vec<bool>,
}

impl Ids {
    fn new(index: &Index) -> Result<Self, StateError> {
        let living = index.archetypes.iter().map(|archetype| u128::from(archetype.entities)).sum::<u128>();
        // Each living entity takes bytes and each free one is in the list, so this bounds what a damaged number can
        // ask for.
        if living + index.free.len() as u128 != u128::from(index.id_end) {
            return Err(corrupt("ids that neither live nor are free"));
        }
        Ok(Self { is_claimed: vec![false; index.id_end as usize] })
    }

    fn claim(&mut self, entities: &[hecs::Entity]) -> Result<(), StateError> {
        for entity in entities {
            match self.is_claimed.get_mut(entity.id() as usize) {
                Some(claimed) if !*claimed => *claimed = true,
                Some(_) => return Err(corrupt("an id in two places")),
                None => return Err(corrupt("an id beyond the last one")),
            }
        }
        Ok(())
    }
}

fn take<'b>(bytes: &mut &'b [u8], length: u64) -> Result<&'b [u8], StateError> {
    let (taken, rest) = usize::try_from(length)
        .ok()
        .and_then(|length| bytes.split_at_checked(length))
        .ok_or_else(|| corrupt("fewer bytes than its index says"))?;
    *bytes = rest;
    Ok(taken)
}

fn take_entities(bytes: &mut &[u8], count: u64) -> Result<Vec<hecs::Entity>, StateError> {
    let raw = take(bytes, count.saturating_mul(8))?;
    let (chunks, _) = raw.as_chunks::<8>();
    let ids = chunks.iter().map(|chunk| hecs::Entity::from_bits(u64::from_le_bytes(*chunk)));
    ids.collect::<Option<_>>().ok_or_else(|| corrupt("an entity id of 0"))
}

fn all_read(rest: &[u8]) -> Result<(), StateError> {
    if rest.is_empty() { Ok(()) } else { Err(corrupt("more bytes than its values need")) }
}

fn corrupt(found: &str) -> StateError {
    StateError::Corrupt { expected: "a snapshot that agrees with its own index", found: found.to_owned() }
}
