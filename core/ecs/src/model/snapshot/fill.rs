//! Filling the columns of a new world.

use std::ops::Range;
use std::sync::Arc;

use keel_state::{Migration, StateError};

use crate::model::component::ComponentOperations;
use crate::model::snapshot::all_read;
use crate::{EcsError, ModelTypeInfo};

/// How many values of a column are encoded, migrated and decoded at a time: few enough to stay in a cache. Doing it
/// with whole columns costs more in page faults than in work.
const ROWS_AT_ONCE: usize = 1024;

/// What the values of a saved type become.
pub(super) struct Target {
    pub(super) info: Arc<ModelTypeInfo>,
    pub(super) migration: Migration,
    /// Whether its changes are in the report.
    pub(super) is_used: bool,
}

/// An archetype on its way into the new world.
pub(super) struct Planned<'s> {
    pub(super) entities: Vec<hecs::Entity>,
    /// None if it has no columns.
    pub(super) batch: Option<hecs::ColumnBatchBuilder>,
    pub(super) columns: Vec<Column<'s>>,
}

/// A column on its way into the new world.
pub(super) struct Column<'s> {
    /// The place of its type among the types that are restored.
    pub(super) kind: usize,
    pub(super) values: Values<'s>,
}

pub(super) enum Values<'s> {
    /// As a snapshot has them.
    Encoded(&'s [u8]),
    /// As an archetype of a living world has them, whose code reads them.
    Living(&'s hecs::Archetype, &'s ModelTypeInfo),
    /// The same, of a type that stays as it is: they lie in both worlds then, and one of them will forget them.
    Shared(&'s hecs::Archetype),
}

/// One column to fill.
struct Task<'t, 's> {
    target: &'t Target,
    operations: &'t ComponentOperations,
    batch: &'t hecs::ColumnBatchBuilder,
    count: usize,
    values: &'t Values<'s>,
}

/// Where values lie on their way; reused from column to column.
#[derive(Default)]
struct Buffers {
    encoded: Vec<u8>,
    migrated: Vec<u8>,
}

/// Fills all columns of `archetypes`.
pub(super) fn fill_all(targets: &[Option<Target>], archetypes: &[Planned<'_>]) -> Result<(), EcsError> {
    let mut buffers = Buffers::default();
    let mut tasks = archetypes.iter().flat_map(|archetype| tasks(targets, archetype));
    tasks.try_for_each(|task| task.run(&mut buffers))
}

fn tasks<'t, 's>(
    targets: &'t [Option<Target>],
    archetype: &'t Planned<'s>,
) -> impl Iterator<Item = Task<'t, 's>> {
    archetype.columns.iter().filter_map(move |column| {
        let target = targets[column.kind].as_ref()?;
        Some(Task {
            target,
            operations: target.info.component_operations()?,
            batch: archetype.batch.as_ref()?,
            count: archetype.entities.len(),
            values: &column.values,
        })
    })
}

impl Task<'_, '_> {
    fn run(&self, buffers: &mut Buffers) -> Result<(), EcsError> {
        match self.values {
            Values::Encoded(bytes) => {
                let mut bytes = *bytes;
                for rows in chunks(0..self.count) {
                    self.decode(rows.len(), &mut bytes, &mut buffers.migrated)?;
                }
                all_read(bytes)?;
            }
            Values::Living(archetype, info) => {
                let is_same = self.target.migration.is_identity()
                    && info.fingerprint() == self.target.info.fingerprint();
                match (self.operations.copy_column, info.component_operations()) {
                    (Some(copy), _) if is_same => copy(archetype, self.batch),
                    (_, Some(source)) => self.encode_and_decode(archetype, source, buffers)?,
                    _ => {}
                }
            }
            Values::Shared(archetype) => {
                // SAFETY: `WorldConversion` alone asks for it, with the types that one of its worlds forgets; it owns
                // both, and hands out one of them at most.
                #[allow(unsafe_code, reason = "values move without being read")]
                unsafe {
                    (self.operations.share_column)(archetype, self.batch);
                }
            }
        }
        Ok(())
    }

    fn encode_and_decode(
        &self,
        archetype: &hecs::Archetype,
        source: &ComponentOperations,
        buffers: &mut Buffers,
    ) -> Result<(), StateError> {
        for rows in chunks(0..self.count) {
            buffers.encoded.clear();
            (source.save_rows)(archetype, rows.clone(), &mut buffers.encoded)?;
            let mut bytes = buffers.encoded.as_slice();
            self.decode(rows.len(), &mut bytes, &mut buffers.migrated)?;
            all_read(bytes)?;
        }
        Ok(())
    }

    /// Reads `count` values off the front of `bytes` into the column.
    fn decode(&self, count: usize, bytes: &mut &[u8], migrated: &mut Vec<u8>) -> Result<(), StateError> {
        if self.target.migration.is_identity() {
            return (self.operations.fill_column)(self.batch, count, bytes);
        }
        migrated.clear();
        self.target.migration.apply_column(count, bytes, migrated)?;
        (self.operations.fill_column)(self.batch, count, &mut migrated.as_slice())
    }
}

/// The rows of a column, a chunk at a time.
fn chunks(rows: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    rows.clone().step_by(ROWS_AT_ONCE).map(move |start| start..rows.end.min(start + ROWS_AT_ONCE))
}
