//! Filling the columns of a new world.

use std::ops::Range;
use std::sync::Arc;

use keel_state::{Migration, StateError};

use crate::model::operations::{Rows, TypedOperations};
use crate::model::snapshot::all_read;
use crate::model::snapshot::exchange::MovingType;
use crate::model::snapshot::share::in_order;
use crate::{EcsError, ModelTypeInfo, World};

/// How many values of a column are encoded, migrated and decoded at a time: few enough to stay in a cache. Doing it
/// with whole columns costs more in page faults than in work.
pub(super) const ROWS_AT_ONCE: usize = 1024;

/// What the values of a saved type become.
pub(super) struct Target {
    pub(super) info: Arc<ModelTypeInfo>,
    pub(super) migration: Migration,
    /// How values of a living world get there, if some of their fields move.
    pub(super) moving: Option<MovingType>,
    /// Whether its changes are in the report.
    pub(super) is_used: bool,
}

/// An archetype on its way into the new world.
pub(super) struct Planned<'s> {
    pub(super) entities: Vec<hecs::Entity>,
    /// None if it has no columns.
    pub(super) batch: Option<hecs::ColumnBatchBuilder>,
    pub(super) columns: Vec<Column<'s>>,
    /// Columns of components that are sparse now.
    pub(super) sparse: Vec<Column<'s>>,
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
    /// As the archetype at this place of a living world has them, whose code reads them.
    Living(&'s World, usize, &'s ModelTypeInfo),
    /// The same, of a type that stays as it is: they lie in both worlds then, and one of them will forget them.
    Shared(&'s World, usize),
}

/// One column to fill.
struct Task<'t, 's> {
    target: &'t Target,
    operations: &'t TypedOperations,
    batch: &'t hecs::ColumnBatchBuilder,
    count: usize,
    values: &'t Values<'s>,
}

/// Where values lie on their way; reused from column to column.
#[derive(Default)]
pub(super) struct Buffers {
    encoded: Vec<u8>,
    migrated: Vec<u8>,
}

/// Fills all columns of `archetypes`.
pub(super) fn fill_all(targets: &[Option<Target>], archetypes: &[Planned<'_>]) -> Result<(), EcsError> {
    let tasks = archetypes.iter().flat_map(|archetype| tasks(targets, archetype));
    let (converted, others): (Vec<_>, Vec<_>) = tasks.partition(Task::is_converted);
    let mut buffers = Buffers::default();
    others.iter().try_for_each(|task| task.run(&mut buffers))?;
    let chunks =
        converted.iter().flat_map(|task| chunks(0..task.count, ROWS_AT_ONCE).map(move |rows| (task, rows)));
    let chunks: Vec<_> = chunks.collect();
    let decode = |place: usize, buffers: &mut Buffers| {
        let (task, rows) = &chunks[place];
        task.decode_rows(rows.clone(), buffers)
    };
    let push = |place: usize, rows| {
        let (task, _) = &chunks[place];
        (task.operations.push_rows)(task.batch, rows);
    };
    in_order(chunks.len(), decode, push)
}

fn tasks<'t, 's>(
    targets: &'t [Option<Target>],
    archetype: &'t Planned<'s>,
) -> impl Iterator<Item = Task<'t, 's>> {
    archetype.columns.iter().filter_map(move |column| {
        let target = targets[column.kind].as_ref()?;
        Some(Task {
            target,
            operations: target.info.typed_operations()?,
            batch: archetype.batch.as_ref()?,
            count: archetype.entities.len(),
            values: &column.values,
        })
    })
}

impl Task<'_, '_> {
    /// Whether each value is decoded.
    fn is_converted(&self) -> bool {
        matches!(self.values, Values::Living(_, _, info) if self.copy(info).is_none() && !self.starts_blank())
    }

    fn starts_blank(&self) -> bool {
        self.target.moving.as_ref().is_some_and(MovingType::starts_blank)
    }

    /// How to copy the whole column, if it is plain data that stays as it is.
    fn copy(&self, source: &ModelTypeInfo) -> Option<fn(&hecs::Archetype, &hecs::ColumnBatchBuilder)> {
        let is_same =
            self.target.migration.is_identity() && source.fingerprint() == self.target.info.fingerprint();
        self.operations.copy_column.filter(|_| is_same)
    }

    /// Fills a column whose values are not converted one by one.
    fn run(&self, buffers: &mut Buffers) -> Result<(), EcsError> {
        match self.values {
            Values::Encoded(bytes) => {
                let mut bytes = *bytes;
                for rows in chunks(0..self.count, ROWS_AT_ONCE) {
                    let migrated =
                        migrate(&self.target.migration, rows.len(), &mut bytes, &mut buffers.migrated)?;
                    match migrated {
                        Some(mut migrated) => {
                            (self.operations.fill_column)(self.batch, rows.len(), &mut migrated)?;
                        }
                        None => (self.operations.fill_column)(self.batch, rows.len(), &mut bytes)?,
                    }
                }
                all_read(bytes)?;
            }
            Values::Living(..) if self.starts_blank() => (self.operations.fill_blank)(self.batch, self.count),
            Values::Living(source, place, info) => {
                if let (Some(copy), Some(archetype)) = (self.copy(info), archetype(source, *place)) {
                    copy(archetype, self.batch);
                }
            }
            Values::Shared(source, place) => {
                if let Some(archetype) = archetype(source, *place) {
                    // SAFETY: `WorldConversion` alone asks for it, with the types that one of its worlds forgets; it
                    // owns both, and hands out one of them at most.
                    #[allow(unsafe_code, reason = "values move without being read")]
                    unsafe {
                        (self.operations.share_column)(archetype, self.batch);
                    }
                }
            }
        }
        Ok(())
    }

    /// The values of some rows of a living column, as the new type.
    fn decode_rows(&self, rows: Range<usize>, buffers: &mut Buffers) -> Result<Rows, StateError> {
        let Buffers { encoded, migrated } = buffers;
        let count = rows.len();
        let moving = self.target.moving.as_ref();
        if let Some(mut template) = moving.and_then(|moving| moving.template(count)) {
            return (self.operations.decode_rows)(count, &mut template);
        }
        encoded.clear();
        if let Values::Living(source, place, info) = self.values
            && let (Some(operations), Some(archetype)) = (info.typed_operations(), archetype(source, *place))
        {
            (operations.save_rows)(archetype, rows, encoded)?;
        }
        let mut bytes = encoded.as_slice();
        let migration = moving.map_or(&self.target.migration, MovingType::rest);
        let decoded = match migrate(migration, count, &mut bytes, migrated)? {
            Some(mut migrated) => (self.operations.decode_rows)(count, &mut migrated)?,
            None => (self.operations.decode_rows)(count, &mut bytes)?,
        };
        all_read(bytes)?;
        Ok(decoded)
    }
}

/// Migrates `count` values off the front of `bytes`; none if there is nothing to do.
fn migrate<'m>(
    migration: &Migration,
    count: usize,
    bytes: &mut &[u8],
    migrated: &'m mut Vec<u8>,
) -> Result<Option<&'m [u8]>, StateError> {
    if migration.is_identity() {
        return Ok(None);
    }
    migrated.clear();
    migration.apply_column(count, bytes, migrated)?;
    Ok(Some(migrated))
}

fn archetype(world: &World, place: usize) -> Option<&hecs::Archetype> {
    world.entities.archetypes().nth(place)
}

/// The rows of a column, `size` of them at a time.
pub(super) fn chunks(rows: Range<usize>, size: usize) -> impl Iterator<Item = Range<usize>> {
    rows.clone().step_by(size).map(move |start| start..rows.end.min(start + size))
}
