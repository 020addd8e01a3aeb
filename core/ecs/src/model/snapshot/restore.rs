//! Building a world again: from a snapshot, or from a living world whose types have changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use keel_state::{Change, Migration, StateError};

use crate::model::component::{ComponentOperations, Operations};
use crate::model::query::entity_of_row;
use crate::model::snapshot::{
    Index, SavedKind, SavedType, WorldSnapshot, all_read, corrupt, take, take_entities,
};
use crate::{EcsError, ModelTypeInfo, World};

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

impl World {
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
        let mut world = World::of_types(types)?;
        world.unknown = Arc::clone(&snapshot.index.unknown);
        let mut restore = Restore::new(&world, snapshot.index.types.clone(), accept_loss);
        restore.snapshot(&mut world, snapshot)?;
        let report = restore.finish(&mut world, accept_loss)?;
        Ok((world, report))
    }

    /// A world with the values of this one, of `types`, as [`World::from_snapshot`] would make it of this world's
    /// snapshot; but each value goes from one world to the other without lying in a snapshot in between. This world
    /// is only read.
    ///
    /// # Errors
    /// [`EcsError::State`] when a type's `Serialize` or `Deserialize` fails, or when values would be lost and
    /// `accept_loss` is not set; [`EcsError::InUse`] while a resource is written.
    ///
    /// # Panics
    /// When a living query writes a component; the message names it.
    pub fn convert(
        &self,
        types: impl IntoIterator<Item = Arc<ModelTypeInfo>>,
        accept_loss: bool,
    ) -> Result<(World, RestoreReport), EcsError> {
        self.convert_archetypes(types, accept_loss, |_| true)
    }

    /// A world equal to this one, with the types registered now. No pointer into an older generation of any module is
    /// left in it.
    ///
    /// # Errors
    /// [`EcsError::State`] when a type's `Serialize` or `Deserialize` fails.
    pub fn duplicate(&self) -> Result<World, EcsError> {
        Ok(self.convert(self.types.iter().map(Arc::clone), false)?.0)
    }

    /// Puts a [`World::duplicate`] in the place of this world: pointers into older generations of modules are gone,
    /// and columns take no more memory than they need.
    ///
    /// # Errors
    /// As [`World::duplicate`]; the world is then unchanged.
    pub fn rebuild(&mut self) -> Result<(), EcsError> {
        *self = self.duplicate()?;
        Ok(())
    }

    /// [`World::rebuild`], without the archetypes that have no entities. Entities stay in their order. Returns how
    /// many archetypes went.
    ///
    /// # Errors
    /// As [`World::duplicate`]; the world is then unchanged.
    pub fn compact(&mut self) -> Result<usize, EcsError> {
        let before = self.archetype_count();
        let is_used = |archetype: &hecs::Archetype| {
            !archetype.is_empty() || archetype.component_types().next().is_none()
        };
        let types = self.types.iter().map(Arc::clone);
        *self = self.convert_archetypes(types, false, is_used)?.0;
        Ok(before - self.archetype_count())
    }

    fn of_types(types: impl IntoIterator<Item = Arc<ModelTypeInfo>>) -> Result<World, EcsError> {
        let mut world = World::new();
        types.into_iter().try_for_each(|info| world.register(info))?;
        Ok(world)
    }

    fn convert_archetypes(
        &self,
        types: impl IntoIterator<Item = Arc<ModelTypeInfo>>,
        accept_loss: bool,
        is_wanted: impl Fn(&hecs::Archetype) -> bool,
    ) -> Result<(World, RestoreReport), EcsError> {
        let mut world = World::of_types(types)?;
        world.unknown = Arc::clone(&self.unknown);
        let saved = self.types.iter().map(|info| SavedType::of(info)).collect();
        let mut restore = Restore::new(&world, saved, accept_loss);
        restore.world(&mut world, self, is_wanted)?;
        let report = restore.finish(&mut world, accept_loss)?;
        Ok((world, report))
    }
}

/// How many values of a column are encoded, migrated and decoded at a time: few enough to stay in a cache. Doing it
/// with whole columns costs more in page faults than in work.
const ROWS_AT_ONCE: usize = 1024;

/// One restoring at work.
struct Restore {
    /// The types that the values have.
    types: Vec<SavedType>,
    /// For each of them, the one it becomes and how.
    targets: Vec<Option<Target>>,
    without_components: Vec<hecs::Entity>,
    /// Where values lie between two worlds; reused.
    encoded: Vec<u8>,
    /// Where values are migrated; reused.
    migrated: Vec<u8>,
    report: RestoreReport,
}

struct Target {
    info: Arc<ModelTypeInfo>,
    migration: Migration,
    /// Whether its changes are in the report.
    is_used: bool,
}

/// A column on its way into the new world.
struct Column<'s> {
    /// The place of its type in [`Restore::types`].
    kind: usize,
    values: Values<'s>,
}

enum Values<'s> {
    /// As a snapshot has them.
    Encoded(&'s [u8]),
    /// As a living world has them, whose code reads them.
    Living(&'s hecs::Archetype, &'s ModelTypeInfo),
}

impl Restore {
    fn new(world: &World, types: Vec<SavedType>, accept_loss: bool) -> Self {
        let mut targets = Vec::new();
        for saved in &types {
            let info = world.types.get(saved.id()).filter(|info| SavedKind::of(info.kind()) == saved.kind);
            let Some(info) = info else {
                targets.push(None);
                continue;
            };
            let migration = Migration::plan(&saved.schema, &info.live);
            let migration = if accept_loss { migration.accept_losses() } else { migration };
            targets.push(Some(Target { info: Arc::clone(info), migration, is_used: false }));
        }
        let report = RestoreReport::default();
        let (encoded, migrated, without_components) = (Vec::new(), Vec::new(), Vec::new());
        Self { types, targets, without_components, encoded, migrated, report }
    }

    /// Takes all that `snapshot` holds into `world`.
    fn snapshot(&mut self, world: &mut World, snapshot: &WorldSnapshot) -> Result<(), EcsError> {
        let index = &snapshot.index;
        let mut bytes = snapshot.bytes.as_slice();
        let mut ids = Ids::new(index)?;
        for archetype in &index.archetypes {
            let entities = take_entities(&mut bytes, archetype.entities)?;
            ids.claim(&entities)?;
            let mut columns = Vec::new();
            for (kind, length) in &archetype.columns {
                let kind = *kind as usize;
                if columns.iter().any(|known: &Column<'_>| known.kind == kind) {
                    return Err(corrupt("the same column twice").into());
                }
                columns.push(Column { kind, values: Values::Encoded(take(&mut bytes, *length)?) });
            }
            self.archetype(world, &entities, columns)?;
        }
        self.spawn_without_components(world);
        let free = index.free.iter().map(|bits| hecs::Entity::from_bits(*bits));
        let free: Vec<_> = free.collect::<Option<_>>().ok_or_else(|| corrupt("a free id of 0"))?;
        ids.claim(&free)?;
        world.entities.set_freelist(&free);
        for (kind, length) in &index.resources {
            self.resource(world, *kind as usize, take(&mut bytes, *length)?)?;
        }
        for (kind, length) in &index.events {
            self.queue(world, *kind as usize, take(&mut bytes, *length)?)?;
        }
        Ok(())
    }

    /// Takes all that lives in `source` into `world`.
    fn world(
        &mut self,
        world: &mut World,
        source: &World,
        is_wanted: impl Fn(&hecs::Archetype) -> bool,
    ) -> Result<(), EcsError> {
        let kinds: BTreeMap<_, _> =
            source.types.iter().enumerate().map(|(kind, info)| (info.id(), kind)).collect();
        for archetype in source.entities.archetypes().filter(|archetype| is_wanted(archetype)) {
            let ids = archetype.ids().iter();
            let entities: Vec<_> = ids.map(|id| entity_of_row(source.generations(), *id).inner()).collect();
            let infos = archetype.component_types().filter_map(|id| source.types.of_rust(id));
            let columns =
                infos.map(|info| Column { kind: kinds[&info.id()], values: Values::Living(archetype, info) });
            self.archetype(world, &entities, columns.collect())?;
        }
        self.spawn_without_components(world);
        world.entities.set_freelist(&source.entities.freelist().collect::<Vec<_>>());
        for id in source.resources.ids() {
            let Some(info) = source.types.get(id) else { continue };
            let Operations::Resource(operations) = &info.operations else { continue };
            let mut bytes = Vec::new();
            (operations.save)(&**source.resources.borrow(id, info.name())?, &mut bytes)?;
            self.resource(world, kinds[&id], &bytes)?;
        }
        for id in source.events.keys() {
            let Some(info) = source.types.get(*id) else { continue };
            let mut bytes = Vec::new();
            source.event_queue(info)?.save(&mut bytes)?;
            self.queue(world, kinds[id], &bytes)?;
        }
        Ok(())
    }

    /// Gives values that were kept aside to types that are known now, and says what became of all values.
    fn finish(self, world: &mut World, accept_loss: bool) -> Result<RestoreReport, EcsError> {
        let infos: Vec<_> = world.types.iter().map(Arc::clone).collect();
        for info in &infos {
            let adopted = world.plan_adoption(info, accept_loss)?;
            world.adopt(info, adopted)?;
        }
        let kept = world.kept_types().map(str::to_owned).collect();
        Ok(RestoreReport { kept, ..self.report })
    }

    /// Adds an archetype of `entities`, in their order.
    fn archetype(
        &mut self,
        world: &mut World,
        entities: &[hecs::Entity],
        columns: Vec<Column<'_>>,
    ) -> Result<(), EcsError> {
        let mut types = hecs::ColumnBatchType::new();
        let mut known = Vec::new();
        for column in columns {
            match self.targets.get(column.kind).ok_or_else(|| corrupt("an unknown type number"))? {
                Some(target) => {
                    let operations = target.info.component_operations();
                    let operations =
                        operations.ok_or_else(|| corrupt("a column of something else than a component"))?;
                    types.add_dynamic(world.types.stored(operations.column));
                    known.push(column);
                }
                None => self.keep_aside(world, entities, &column)?,
            }
        }
        if known.is_empty() {
            self.without_components.extend_from_slice(entities);
            return Ok(());
        }
        let mut batch = types.into_batch(entities.len() as u32);
        for column in &known {
            self.fill(&mut batch, entities.len(), column)?;
        }
        let batch = batch.build().map_err(|_| corrupt("a column with too few values"))?;
        // A batch takes its ids off the free list. `spawn_column_batch_at`, which takes them as an argument, looks
        // through the free list for each of them: time quadratic in the number of entities.
        world.entities.set_freelist(entities);
        drop(world.entities.spawn_column_batch(batch));
        world.restored(entities);
        Ok(())
    }

    fn spawn_without_components(&mut self, world: &mut World) {
        // One by one they come off the end of the list.
        self.without_components.reverse();
        world.entities.set_freelist(&self.without_components);
        for _ in &self.without_components {
            world.entities.spawn(());
        }
        world.restored(&self.without_components);
    }

    /// Fills one column of `batch` with `count` values.
    fn fill(
        &mut self,
        batch: &mut hecs::ColumnBatchBuilder,
        count: usize,
        column: &Column<'_>,
    ) -> Result<(), EcsError> {
        // It was found a moment ago.
        let Some(target) = &self.targets[column.kind] else { return Ok(()) };
        let Some(operations) = target.info.component_operations() else { return Ok(()) };
        let is_same = target.migration.is_identity();
        match &column.values {
            Values::Encoded(bytes) => {
                let mut bytes = *bytes;
                for rows in chunks(count) {
                    decode_rows(target, operations, batch, rows.len(), &mut bytes, &mut self.migrated)?;
                }
                all_read(bytes)?;
            }
            Values::Living(archetype, info) => match operations.copy_column {
                Some(copy) if is_same && info.fingerprint() == target.info.fingerprint() => {
                    copy(archetype, batch);
                }
                _ => {
                    let Some(source) = info.component_operations() else { return Ok(()) };
                    for rows in chunks(count) {
                        self.encoded.clear();
                        (source.save_rows)(archetype, rows.clone(), &mut self.encoded)?;
                        let mut bytes = self.encoded.as_slice();
                        decode_rows(target, operations, batch, rows.len(), &mut bytes, &mut self.migrated)?;
                        all_read(bytes)?;
                    }
                }
            },
        }
        self.count(count, column.kind);
        Ok(())
    }

    fn keep_aside(
        &self,
        world: &mut World,
        entities: &[hecs::Entity],
        column: &Column<'_>,
    ) -> Result<(), EcsError> {
        let unknown = Arc::make_mut(&mut world.unknown);
        match &column.values {
            Values::Encoded(bytes) => unknown.keep(&self.types[column.kind], entities, bytes),
            Values::Living(archetype, info) => {
                let Some(source) = info.component_operations() else { return Ok(()) };
                let mut bytes = Vec::new();
                (source.save_rows)(archetype, 0..entities.len(), &mut bytes)?;
                unknown.keep(&self.types[column.kind], entities, &bytes);
            }
        }
        Ok(())
    }

    fn resource(&mut self, world: &mut World, kind: usize, mut bytes: &[u8]) -> Result<(), EcsError> {
        let saved = self.types.get(kind).ok_or_else(|| corrupt("a type that is not in its table"))?;
        let Some(target) = &self.targets[kind] else {
            Arc::make_mut(&mut world.unknown).keep(saved, &[], bytes);
            return Ok(());
        };
        let Operations::Resource(operations) = &target.info.operations else {
            return Err(corrupt("a resource of something else than one").into());
        };
        self.migrated.clear();
        target.migration.apply(&mut bytes, &mut self.migrated)?;
        all_read(bytes)?;
        world.resources.insert_any(target.info.id(), (operations.restore)(&mut self.migrated.as_slice())?);
        self.count(1, kind);
        Ok(())
    }

    fn queue(&mut self, world: &mut World, kind: usize, mut bytes: &[u8]) -> Result<(), EcsError> {
        let saved = self.types.get(kind).ok_or_else(|| corrupt("a type that is not in its table"))?;
        let Some(target) = &self.targets[kind] else {
            Arc::make_mut(&mut world.unknown).keep(saved, &[], bytes);
            return Ok(());
        };
        let store = world.events.get_mut(&target.info.id());
        let store = store.ok_or_else(|| corrupt("a queue of something else than an event"))?;
        store.get_mut().restore(&target.migration, &mut bytes)?;
        all_read(bytes)?;
        self.count(1, kind);
        Ok(())
    }

    /// Notes that `values` values of a type were taken over.
    fn count(&mut self, values: usize, kind: usize) {
        let Some(target) = &mut self.targets[kind] else { return };
        if target.migration.is_identity() {
            self.report.carried += values;
        } else {
            self.report.converted += values;
        }
        if !std::mem::replace(&mut target.is_used, true) {
            self.report.changes.extend_from_slice(target.migration.changes());
        }
    }
}

/// The rows of a column, a chunk at a time.
fn chunks(count: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    (0..count).step_by(ROWS_AT_ONCE).map(move |start| start..count.min(start + ROWS_AT_ONCE))
}

/// Reads `count` values off the front of `bytes` into the target's column.
fn decode_rows(
    target: &Target,
    operations: &ComponentOperations,
    batch: &mut hecs::ColumnBatchBuilder,
    count: usize,
    bytes: &mut &[u8],
    migrated: &mut Vec<u8>,
) -> Result<(), StateError> {
    if target.migration.is_identity() {
        return (operations.fill_column)(batch, count, bytes);
    }
    migrated.clear();
    target.migration.apply_column(count, bytes, migrated)?;
    (operations.fill_column)(batch, count, &mut migrated.as_slice())
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
