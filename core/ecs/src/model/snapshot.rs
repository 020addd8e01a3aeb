//! Saving a world and building it again, exactly as it was or with types whose shape has changed.
//!
//! A world is never changed in place: [`World::from_snapshot`] makes a new one, so that the old one, and with it
//! the old code, stays whole until the new one is known to be good.

use std::collections::BTreeMap;
use std::sync::Arc;

use keel_core_types::ComponentId;
use keel_state::{Change, Migration, Snapshot, SnapshotWriter, StateError, TypeSchema, decode, encode_into};
use serde::{Deserialize, Serialize};

use crate::model::component::Operations;
use crate::model::query::entity_of_row;
use crate::{EcsError, Entity, ModelTypeInfo, ModelTypeKind, World};

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
    /// Ids below this one were given out at some time.
    id_end: u32,
    /// Ids that are free, in the order in which they are given out again.
    free: Vec<u64>,
    archetypes: Vec<SavedArchetype>,
    /// Type and number of bytes.
    resources: Vec<(u32, u64)>,
    /// Type and number of bytes.
    events: Vec<(u32, u64)>,
    unknown: Unknown,
}

#[derive(Clone, Serialize, Deserialize)]
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
    types: BTreeMap<ComponentId, UnknownType>,
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
        let components = self.index.archetypes.iter().map(|saved| saved.entities as usize * saved.columns.len());
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
            for entity in &entities {
                lines.insert(format!("entity {entity}"), String::new());
            }
            for (kind, length) in &archetype.columns {
                let saved = self.saved_type(*kind)?;
                let mut column = take(&mut bytes, *length)?;
                for entity in &entities {
                    lines.insert(
                        format!("entity {entity} {}", saved.name),
                        saved.schema.display(&mut column)?,
                    );
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
            let (first, _, count) = decode::<(u64, u64, u64)>(&mut queue)?;
            for number in first..first.saturating_add(count) {
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
    /// [`EcsError::State`] when a type's `Serialize` fails.
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
            for id in archetype.ids() {
                out.extend_from_slice(&entity_of_row(&self.entities, *id).bits().to_le_bytes());
                index.id_end = index.id_end.max(id + 1);
            }
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
        for (id, value) in self.resources.iter() {
            let Some(info) = self.types.get(id) else { continue };
            let Operations::Resource(operations) = &info.operations else { continue };
            let start = out.len();
            (operations.save)(&**value, out)?;
            index.resources.push((number_of(info, &mut index.types), (out.len() - start) as u64));
        }
        for (id, store) in &self.events {
            let Some(info) = self.types.get(*id) else { continue };
            let start = out.len();
            store.borrow().save(out)?;
            index.events.push((number_of(info, &mut index.types), (out.len() - start) as u64));
        }
        index.unknown = self.unknown.clone();
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
        world.unknown = snapshot.index.unknown.clone();
        let mut restore = Restore::new(&world, snapshot, accept_loss);
        restore.entities(&mut world)?;
        restore.resources(&mut world)?;
        restore.events(&mut world)?;
        let report = restore.report;
        let infos: Vec<_> = world.types.iter().map(Arc::clone).collect();
        infos.iter().try_for_each(|info| world.adopt_unknown(info))?;
        Ok((world, report))
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

    /// Moves all entities of `other` into this world; they get new ids, returned beside the old ones. Ids that
    /// `other`'s components hold are those of `other`, but for [`crate::Parent`] and [`crate::Children`].
    ///
    /// # Errors
    /// [`EcsError::NotRegistered`] when `other` has a component that this world does not know, and
    /// [`EcsError::State`] when a type's `Serialize` or `Deserialize` fails; this world is then unchanged.
    pub fn merge(&mut self, other: &World) -> Result<Vec<(Entity, Entity)>, EcsError> {
        let mut entities = Vec::new();
        for entity in other.entities() {
            let mut components = Vec::new();
            for info in other.components_of(entity)? {
                let target = self.types.get(info.id());
                let known =
                    target.filter(|target| target.fingerprint() == info.fingerprint()).map(Arc::clone);
                let known = known.ok_or_else(|| EcsError::NotRegistered { name: info.name().to_owned() })?;
                let mut bytes = Vec::new();
                if let (Some(operations), Ok(source)) =
                    (info.component_operations(), other.entities.entity(entity.inner()))
                {
                    (operations.get)(source, &mut bytes)?;
                }
                components.push((known, bytes));
            }
            entities.push((entity, components));
        }
        let moved: Vec<_> =
            entities.iter().map(|(old, _)| (*old, Entity::wrap(self.entities.spawn(())))).collect();
        for ((_, components), (_, new)) in entities.iter().zip(&moved) {
            for (info, bytes) in components {
                if let Some(operations) = info.component_operations() {
                    (operations.insert)(&mut self.entities, new.inner(), &mut bytes.as_slice())?;
                }
            }
        }
        self.relink(&moved)?;
        Ok(moved)
    }

    /// Replaces the ids in `Parent` and `Children` of entities that were merged.
    fn relink(&mut self, moved: &[(Entity, Entity)]) -> Result<(), EcsError> {
        let new_id: BTreeMap<_, _> = moved.iter().copied().collect();
        let links: Vec<_> = moved.iter().map(|(_, new)| (*new, self.parent(*new))).collect();
        for (child, _) in &links {
            let _ = self.remove::<(crate::Parent,)>(*child);
            let _ = self.remove::<(crate::Children,)>(*child);
        }
        for (child, parent) in links {
            if let Some(parent) = parent.and_then(|parent| new_id.get(&parent)) {
                self.set_parent(child, Some(*parent))?;
            }
        }
        Ok(())
    }

    /// Gives the values that were kept aside for this type back to their entities.
    pub(crate) fn adopt_unknown(&mut self, info: &ModelTypeInfo) -> Result<(), EcsError> {
        let Some(kept) = self.unknown.types.get(&info.id()) else { return Ok(()) };
        let Some(operations) = info.component_operations() else { return Ok(()) };
        let migration = Migration::plan(&kept.saved.schema, &info.live);
        let mut bytes = kept.bytes.as_slice();
        let mut values = Vec::new();
        for entity in &kept.entities {
            let mut value = Vec::new();
            migration.apply(&mut bytes, &mut value)?;
            values.push((*entity, value));
        }
        for (entity, value) in values {
            if self.contains(entity) {
                (operations.insert)(&mut self.entities, entity.inner(), &mut value.as_slice())?;
            }
        }
        self.unknown.types.remove(&info.id());
        Ok(())
    }
}

/// One restoring at work.
struct Restore<'s> {
    snapshot: &'s WorldSnapshot,
    bytes: &'s [u8],
    /// For each saved type, the one it becomes and how.
    targets: Vec<Option<Target>>,
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
                report.kept.push(saved.name.clone());
                targets.push(None);
                continue;
            };
            let migration = Migration::plan(&saved.schema, &info.live);
            let migration = if accept_loss { migration.accept_losses() } else { migration };
            report.changes.extend_from_slice(migration.changes());
            targets.push(Some(Target { info: Arc::clone(info), migration }));
        }
        Self { snapshot, bytes: &snapshot.bytes, targets, report }
    }

    fn entities(&mut self, world: &mut World) -> Result<(), EcsError> {
        let index = &self.snapshot.index;
        // Every id is made first: `spawn_column_batch_at` looks through the free list for each id that does not
        // live, which takes time quadratic in the number of entities.
        drop(world.entities.reserve_entities(index.id_end));
        world.entities.flush();
        let mut lives = vec![false; index.id_end as usize];
        let mut without_components = Vec::new();
        for archetype in &index.archetypes {
            let entities = take_entities(&mut self.bytes, archetype.entities)?;
            for entity in &entities {
                let slot = lives.get_mut(entity.index() as usize);
                *slot.ok_or_else(|| corrupt("an entity beyond the last id"))? = true;
            }
            if archetype.columns.is_empty() {
                without_components = entities;
            } else {
                self.archetype(world, archetype, &entities)?;
            }
        }
        for id in (0..index.id_end).filter(|id| !lives[*id as usize]) {
            let entity = entity_of_row(&world.entities, id);
            // It was made above and belongs to nobody.
            let _ = world.entities.despawn(entity.inner());
        }
        // Last, and in order: they share an archetype with the ids that were just despawned.
        for entity in without_components {
            world.entities.spawn_at(entity.inner(), ());
        }
        let free: Option<Vec<_>> = index.free.iter().map(|bits| hecs::Entity::from_bits(*bits)).collect();
        world.entities.set_freelist(&free.ok_or_else(|| corrupt("a free id of 0"))?);
        Ok(())
    }

    fn archetype(
        &mut self,
        world: &mut World,
        archetype: &SavedArchetype,
        entities: &[Entity],
    ) -> Result<(), EcsError> {
        let mut columns = Vec::new();
        let mut batch = hecs::ColumnBatchType::new();
        for (kind, length) in &archetype.columns {
            let bytes = take(&mut self.bytes, *length)?;
            let target = self.targets.get(*kind as usize).ok_or_else(|| corrupt("an unknown type number"))?;
            let Some(target) = target else {
                world.unknown.keep(self.snapshot.saved_type(*kind)?, entities, bytes);
                continue;
            };
            if let Some(operations) = target.info.component_operations() {
                (operations.add_column)(&mut batch);
                columns.push((target, operations, bytes));
            }
        }
        let mut batch = batch.into_batch(entities.len() as u32);
        let mut migrated = Vec::new();
        for (target, operations, mut bytes) in columns {
            if target.migration.is_identity() {
                (operations.fill_column)(&mut batch, entities.len(), &mut bytes)?;
                self.report.carried += entities.len();
            } else {
                migrated.clear();
                target.migration.apply_column(entities.len(), &mut bytes, &mut migrated)?;
                (operations.fill_column)(&mut batch, entities.len(), &mut migrated.as_slice())?;
                self.report.converted += entities.len();
            }
            all_read(bytes)?;
        }
        let batch = batch.build().map_err(|_| corrupt("a column with too few values"))?;
        let handles: Vec<_> = entities.iter().map(|entity| entity.inner()).collect();
        world.entities.spawn_column_batch_at(&handles, batch);
        Ok(())
    }

    fn resources(&mut self, world: &mut World) -> Result<(), EcsError> {
        for (kind, length) in &self.snapshot.index.resources {
            let mut bytes = take(&mut self.bytes, *length)?;
            let saved = self.snapshot.saved_type(*kind)?;
            let Some(Some(target)) = self.targets.get(*kind as usize) else {
                world.unknown.keep(saved, &[], bytes);
                continue;
            };
            let Operations::Resource(operations) = &target.info.operations else { continue };
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
                world.unknown.keep(saved, &[], bytes);
                continue;
            };
            if let Some(store) = world.events.get_mut(&target.info.id()) {
                store.get_mut().restore(&target.migration, &mut bytes)?;
                all_read(bytes)?;
            }
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
    fn keep(&mut self, saved: &SavedType, entities: &[Entity], bytes: &[u8]) {
        let kept = self.types.entry(saved.id()).or_insert_with(|| UnknownType {
            saved: saved.clone(),
            entities: Vec::new(),
            bytes: Vec::new(),
        });
        kept.entities.extend_from_slice(entities);
        kept.bytes.extend_from_slice(bytes);
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

fn take_entities(bytes: &mut &[u8], count: u64) -> Result<Vec<Entity>, StateError> {
    let raw = take(bytes, count.saturating_mul(8))?;
    let bits = raw
        .chunks_exact(8)
        .map(|chunk| chunk.iter().rev().fold(0, |bits, byte| bits << 8 | u64::from(*byte)));
    bits.map(|bits| Entity::from_bits(bits).ok_or_else(|| corrupt("an entity id of 0"))).collect()
}

fn all_read(rest: &[u8]) -> Result<(), StateError> {
    if rest.is_empty() { Ok(()) } else { Err(corrupt("more bytes than its values need")) }
}

fn corrupt(found: &str) -> StateError {
    StateError::Corrupt { expected: "a snapshot that agrees with its own index", found: found.to_owned() }
}
