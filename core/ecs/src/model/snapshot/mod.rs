//! Saving a world and building it again, exactly as it was or with types whose shape has changed.
//!
//! A world is never changed in place: [`World::from_snapshot`] and [`WorldConversion`] make a new one, so that the old
//! one, and with it the old code, stays whole until the new one is known to be good.

mod changes;
mod compare;
mod convert;
mod exchange;
mod fill;
mod merge;
mod restore;
mod share;
mod unknown;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use keel_core_types::ComponentId;
use keel_state::{Snapshot, SnapshotWriter, StateError, TypeSchema, decode, decode_all, encode_into};
use serde::{Deserialize, Serialize};

pub use self::compare::WorldDifference;
pub use self::convert::{ReplacedWorld, WorldConversion};
pub(crate) use self::convert::{drop_value, share_column};
pub(crate) use self::exchange::first_row;
pub use self::restore::RestoreReport;
pub(crate) use self::unknown::Unknown;
use crate::model::define::SavedDefinition;
use crate::model::event::QueueHeader;
use crate::model::operations::Operations;
use crate::model::query::entity_of_row;
use crate::model::ticks::SavedChanges;
use crate::{EcsError, Entity, ModelTypeInfo, ModelTypeKind, World};

/// A saved world. Saving into the same one again reuses its buffer: fresh memory costs more than the format.
#[derive(Default)]
pub struct WorldSnapshot {
    index: Index,
    /// Entities and columns of each archetype, then entities and values of each sparse component, then resources, then events, in the order of the index.
    bytes: Vec<u8>,
    changes: SavedChanges,
    /// The components that were defined at run time.
    definitions: Vec<SavedDefinition>,
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
    /// Components that lie in sets of their own.
    sparse: Vec<SavedSparse>,
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

/// Entities and values of one sparse component, in the order of its set.
#[derive(Clone, Serialize, Deserialize)]
struct SavedSparse {
    kind: u32,
    entities: u64,
    /// How many bytes the values take.
    length: u64,
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

    /// Name and schema of each saved type.
    pub fn types(&self) -> impl Iterator<Item = (&str, &TypeSchema)> {
        self.index.types.iter().map(|saved| (saved.name.as_str(), &*saved.schema))
    }

    /// Adds the snapshot to a file, as the sections `world index` and `world data`; where something is tracked, also
    /// `world changes` and `world ticks`; where components were defined at run time, `world definitions`.
    ///
    /// # Errors
    /// [`EcsError::State`] when it can't be encoded.
    pub fn write(&self, file: &mut SnapshotWriter) -> Result<(), EcsError> {
        file.section("world", "index", |out| encode_into(&self.index, out))?;
        file.section("world", "data", |out| {
            out.extend_from_slice(&self.bytes);
            Ok(())
        })?;
        if !self.definitions.is_empty() {
            file.section("world", "definitions", |out| encode_into(&self.definitions, out))?;
        }
        self.changes.write(file)
    }

    /// Reads what [`WorldSnapshot::write`] wrote.
    ///
    /// # Errors
    /// [`EcsError::State`] when a section is missing or does not decode.
    pub fn read(file: &Snapshot<'_>) -> Result<Self, EcsError> {
        let index: Index = decode_all(file.require("world", "index")?)?;
        let bytes = file.require("world", "data")?;
        index.check(bytes.len())?;
        let changes = SavedChanges::read(file)?;
        let definitions = file.get("world", "definitions").map(|section| decode_all(section.bytes()));
        let definitions = definitions.transpose()?.unwrap_or_default();
        Ok(Self { index, bytes: bytes.to_vec(), changes, definitions })
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
        for SavedSparse { kind, entities, length } in &self.index.sparse {
            let entities = take_entities(&mut bytes, *entities)?;
            let saved = self.saved_type(*kind)?;
            let mut values = take(&mut bytes, *length)?;
            for entity in entities.iter().map(|entity| Entity::wrap(*entity)) {
                let text = saved.schema.display(&mut values)?;
                lines.insert(format!("entity {entity} {}", saved.name), text);
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
                let Some(operations) = info.typed_operations() else { continue };
                let start = out.len();
                (operations.save_rows)(archetype, 0..archetype.ids().len(), out)?;
                saved.columns.push((number_of(info, &mut index.types), (out.len() - start) as u64));
            }
            index.archetypes.push(saved);
        }
        for (id, cell) in self.sparse.iter().filter(|(_, cell)| !cell.entities().is_empty()) {
            let Some(info) = self.types.get(id) else { continue };
            let guard = cell.read();
            let entities = guard.set().entities();
            entities.iter().for_each(|entity| out.extend_from_slice(&entity.bits().to_le_bytes()));
            let start = out.len();
            guard.set().save(out)?;
            let (entities, length) = (entities.len() as u64, (out.len() - start) as u64);
            index.sparse.push(SavedSparse { kind: number_of(info, &mut index.types), entities, length });
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
        snapshot.definitions = self.definitions().map(|definition| SavedDefinition::of(definition)).collect();
        snapshot.changes.take(self);
        Ok(())
    }
}

impl Index {
    /// Refuses numbers that don't add up to so many bytes of values, and ids to no more than it names: what is made room
    /// for later is bounded by the file.
    fn check(&self, bytes: usize) -> Result<(), StateError> {
        let of_archetype = |saved: &SavedArchetype| {
            let columns = saved.columns.iter().map(|(_, length)| u128::from(*length));
            u128::from(saved.entities) * 8 + columns.sum::<u128>()
        };
        let of_sparse = |saved: &SavedSparse| u128::from(saved.entities) * 8 + u128::from(saved.length);
        let whole = self.resources.iter().chain(&self.events).map(|(_, length)| u128::from(*length));
        let archetypes = self.archetypes.iter().map(of_archetype);
        let needed: u128 = archetypes.chain(self.sparse.iter().map(of_sparse)).chain(whole).sum();
        if needed != bytes as u128 {
            return Err(corrupt("another number of bytes than its index says"));
        }
        let living: u128 = self.archetypes.iter().map(|archetype| u128::from(archetype.entities)).sum();
        if living + self.free.len() as u128 != u128::from(self.id_end) {
            return Err(corrupt("ids that neither live nor are free"));
        }
        let mut kinds = BTreeSet::new();
        match self.resources.iter().chain(&self.events).all(|(kind, _)| kinds.insert(*kind)) {
            true => Ok(()),
            false => Err(corrupt("two values of one resource, or two queues of one event")),
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
    // A million of them is usual, and collecting options takes four times as long.
    let mut are_ids = true;
    let ids = chunks.iter().map(|chunk| {
        let id = hecs::Entity::from_bits(u64::from_le_bytes(*chunk));
        are_ids &= id.is_some();
        id.unwrap_or(hecs::Entity::DANGLING)
    });
    let entities = ids.collect();
    if are_ids { Ok(entities) } else { Err(corrupt("an entity id of 0")) }
}

fn all_read(rest: &[u8]) -> Result<(), StateError> {
    if rest.is_empty() { Ok(()) } else { Err(corrupt("more bytes than its values need")) }
}

fn corrupt(found: &str) -> StateError {
    StateError::Corrupt {
        expected: "a snapshot that agrees with its own index".to_owned(),
        found: found.to_owned(),
    }
}
