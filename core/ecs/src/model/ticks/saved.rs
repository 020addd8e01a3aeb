//! Ticks in a snapshot.

use std::sync::atomic::{AtomicU32, Ordering};

use keel_core_types::ComponentId;
use keel_state::{Snapshot, SnapshotWriter, StateError, decode, encode_into};
use serde::{Deserialize, Serialize};

use super::clock::Clock;
use super::resource::ResourceTicks;
use super::table::TickTable;
use super::world::Changes;
use crate::model::event::{EventStore, QueueHeader};
use crate::{EcsError, Entity, World};

/// No clock gets there.
const TICK_MAX: u64 = 1 << 62;

/// The ticks of a world. Those of components lie side by side in `bytes`: for each table when values were added, then when
/// they were changed, 4 bytes for each index.
#[derive(Default)]
pub(crate) struct SavedChanges {
    index: Index,
    bytes: Vec<u8>,
}

#[derive(Default, Serialize, Deserialize)]
struct Index {
    now: u64,
    since: u64,
    base: u64,
    tables: Vec<SavedTable>,
    resources: Vec<SavedResource>,
}

#[derive(Serialize, Deserialize)]
struct SavedTable {
    name: String,
    /// For how many indices there are ticks.
    len: u64,
    first: u64,
    step_start: u64,
    removed: Vec<Entity>,
}

#[derive(Serialize, Deserialize)]
struct SavedResource {
    name: String,
    added: u32,
    changed: u32,
}

impl SavedChanges {
    /// Takes the ticks of `world`.
    pub(crate) fn take(&mut self, world: &World) {
        let Changes { clock: Clock { now, since, base }, tables, resources, .. } = &world.changes;
        self.bytes.clear();
        self.index = Index { now: *now, since: *since, base: *base, ..Index::default() };
        for (id, table) in tables {
            let Some(info) = world.type_info(*id) else { continue };
            save_ticks(&table.added, &mut self.bytes);
            save_ticks(&table.changed, &mut self.bytes);
            let QueueHeader { first, step_start, .. } = table.removed.header();
            self.index.tables.push(SavedTable {
                name: info.name().to_owned(),
                len: table.added.len() as u64,
                first,
                step_start,
                removed: table.removed.from(first).copied().collect(),
            });
        }
        for (id, ticks) in resources {
            let Some(info) = world.type_info(*id) else { continue };
            self.index.resources.push(SavedResource {
                name: info.name().to_owned(),
                added: ticks.added.load(Ordering::Relaxed),
                changed: ticks.changed.load(Ordering::Relaxed),
            });
        }
    }

    fn is_empty(&self) -> bool {
        self.index.tables.is_empty() && self.index.resources.is_empty()
    }

    /// Adds the ticks to a file, as the sections `world changes` and `world ticks`; nothing where nothing is tracked.
    pub(crate) fn write(&self, file: &mut SnapshotWriter) -> Result<(), EcsError> {
        if self.is_empty() {
            return Ok(());
        }
        file.section("world", "changes", |out| encode_into(&self.index, out))?;
        file.section("world", "ticks", |out| {
            out.extend_from_slice(&self.bytes);
            Ok(())
        })?;
        Ok(())
    }

    pub(crate) fn read(file: &Snapshot<'_>) -> Result<Self, EcsError> {
        if file.get("world", "changes").is_none() {
            return Ok(Self::default());
        }
        let index = decode(&mut file.require("world", "changes")?)?;
        Ok(Self { index, bytes: file.require("world", "ticks")?.to_vec() })
    }

    /// The ticks as a world has them, if they can be a world's.
    pub(crate) fn changes(&self) -> Result<Changes, StateError> {
        if self.is_empty() {
            return Ok(Changes::default());
        }
        let Index { now, since, base, .. } = self.index;
        let reach = now.checked_sub(base).and_then(|reach| u32::try_from(reach).ok());
        let Some(reach) = reach.filter(|_| now < TICK_MAX && since <= now) else {
            return Err(corrupt("a clock that no world has"));
        };
        let mut changes = Changes { clock: Clock { now, since, base }, ..Changes::default() };
        let mut bytes = self.bytes.as_slice();
        for saved in &self.index.tables {
            let table = saved.table(&mut bytes, reach)?;
            changes.tables.push((ComponentId::of(&saved.name), table));
        }
        if !bytes.is_empty() {
            return Err(corrupt("more ticks than its index says"));
        }
        for SavedResource { name, added, changed } in &self.index.resources {
            if added > changed || *changed > reach {
                return Err(corrupt("a tick that is yet to come"));
            }
            let ticks = ResourceTicks { added: AtomicU32::new(*added), changed: AtomicU32::new(*changed) };
            changes.resources.push((ComponentId::of(name), ticks));
        }
        changes.tables.sort_by_key(|(id, _)| *id);
        changes.resources.sort_by_key(|(id, _)| *id);
        Ok(changes)
    }
}

impl SavedTable {
    fn table(&self, bytes: &mut &[u8], reach: u32) -> Result<TickTable, StateError> {
        let added = load_ticks(bytes, self.len)?;
        let changed = load_ticks(bytes, self.len)?;
        let is_wrong = |(added, changed): (&AtomicU32, &AtomicU32)| {
            let (added, changed) = (added.load(Ordering::Relaxed), changed.load(Ordering::Relaxed));
            (added == 0) != (changed == 0) || changed > reach || added > changed
        };
        if added.iter().zip(&changed).any(is_wrong) {
            return Err(corrupt("a tick that is yet to come"));
        }
        let header =
            QueueHeader { first: self.first, step_start: self.step_start, count: self.removed.len() as u64 };
        let removed = EventStore::of_saved(header, self.removed.iter().copied())?;
        Ok(TickTable { added, changed, removed })
    }
}

fn save_ticks(ticks: &[AtomicU32], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + ticks.len() * 4, 0);
    let (places, _) = out[start..].as_chunks_mut::<4>();
    for (place, tick) in places.iter_mut().zip(ticks) {
        *place = tick.load(Ordering::Relaxed).to_le_bytes();
    }
}

fn load_ticks(bytes: &mut &[u8], count: u64) -> Result<Vec<AtomicU32>, StateError> {
    let length = usize::try_from(count).ok().and_then(|count| count.checked_mul(4));
    let taken = length.and_then(|length| bytes.split_at_checked(length));
    let (taken, rest) = taken.ok_or_else(|| corrupt("fewer ticks than its index says"))?;
    *bytes = rest;
    let (chunks, _) = taken.as_chunks::<4>();
    Ok(chunks.iter().map(|chunk| AtomicU32::new(u32::from_le_bytes(*chunk))).collect())
}

fn corrupt(found: &str) -> StateError {
    StateError::Corrupt { expected: "the ticks of a world".to_owned(), found: found.to_owned() }
}
