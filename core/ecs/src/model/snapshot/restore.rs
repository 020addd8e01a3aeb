//! Building a world again: from a snapshot, or from a living world whose types have changed.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use keel_core_types::ComponentId;
use keel_state::{Change, Migration, StateError};

use crate::model::operations::Operations;
use crate::model::query::entity_of_row;
use crate::model::snapshot::convert::{Moved, WorldConversion};
use crate::model::snapshot::exchange::{Exchange, MovingType};
use crate::model::snapshot::fill::{Column, Planned, Target, Values, fill_all};
use crate::model::snapshot::{
    SavedKind, SavedSparse, SavedType, WorldSnapshot, all_read, corrupt, take, take_entities,
};
use crate::model::values::ValueBundle;
use crate::{EcsError, Entity, ModelTypeInfo, StorageKind, World};

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
        World::of_types(types)?.filled_from(snapshot, accept_loss)
    }

    pub(crate) fn filled_from(
        self,
        snapshot: &WorldSnapshot,
        accept_loss: bool,
    ) -> Result<(World, RestoreReport), EcsError> {
        let mut world = self;
        // What is kept aside comes back once its entities are there.
        world.define_saved(&snapshot.definitions)?;
        world.unknown = Arc::clone(&snapshot.index.unknown);
        let mut restore = Restore::new(&world, snapshot.index.types.clone(), accept_loss);
        restore.snapshot(&mut world, snapshot)?;
        let report = restore.finish(&mut world, accept_loss)?;
        world.unknown.check()?;
        world.check_hierarchy()?;
        Ok((world, report))
    }

    /// A world equal to this one, with the types registered now. No pointer into an older generation of any module is
    /// left in it.
    ///
    /// # Errors
    /// [`EcsError::State`] when a type's `Serialize` or `Deserialize` fails; [`EcsError::InUse`] while a resource is
    /// written.
    ///
    /// # Panics
    /// When a living query writes a component; the message names it.
    pub fn duplicate(&self) -> Result<World, EcsError> {
        let mut world = World::of_types(self.types.iter().map(Arc::clone))?;
        world.unknown = Arc::clone(&self.unknown);
        let mut restore = Restore::of_world(&world, self, false);
        restore.take_world(&mut world, self, &Moved::default(), |_| true)?;
        restore.finish(&mut world, false)?;
        Ok(world)
    }

    /// Makes this world anew, of the types registered now: pointers into older generations of modules are gone, and
    /// columns take no more memory than they need.
    ///
    /// # Errors
    /// As [`World::duplicate`]; the world is then unchanged.
    pub fn rebuild(&mut self) -> Result<(), EcsError> {
        self.rebuild_of(|_| true)
    }

    /// [`World::rebuild`], without the archetypes that have no entities. Entities stay in their order. Returns how
    /// many archetypes went.
    ///
    /// # Errors
    /// As [`World::duplicate`]; the world is then unchanged.
    pub fn compact(&mut self) -> Result<usize, EcsError> {
        let before = self.archetype_count();
        self.rebuild_of(|archetype| !archetype.is_empty() || archetype.component_types().next().is_none())?;
        Ok(before - self.archetype_count())
    }

    fn rebuild_of(&mut self, is_wanted: impl Fn(&hecs::Archetype) -> bool) -> Result<(), EcsError> {
        let types: Vec<_> = self.types.iter().map(Arc::clone).collect();
        // It knows entities and types by their ids, which stay: a running transaction goes on.
        let journal = std::mem::take(&mut self.journal);
        let mut conversion = WorldConversion::of(std::mem::take(self));
        let (world, made) = match conversion.make_of(types, false, false, is_wanted) {
            Ok(_) => (conversion.accept().0, Ok(())),
            Err(error) => (conversion.undo(), Err(error)),
        };
        *self = world;
        self.journal = journal;
        made
    }

    pub(super) fn of_types(types: impl IntoIterator<Item = Arc<ModelTypeInfo>>) -> Result<World, EcsError> {
        let mut world = World::new();
        types.into_iter().try_for_each(|info| world.register(info))?;
        Ok(world)
    }
}

/// One restoring at work.
pub(super) struct Restore {
    /// The types that the values have.
    types: Vec<SavedType>,
    /// For each of them, the one it becomes and how.
    pub(super) targets: Vec<Option<Target>>,
    report: RestoreReport,
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
            targets.push(Some(Target { info: Arc::clone(info), migration, moving: None, is_used: false }));
        }
        Self { types, targets, report: RestoreReport::default() }
    }

    /// Takes all that `snapshot` holds into `world`.
    fn snapshot(&mut self, world: &mut World, snapshot: &WorldSnapshot) -> Result<(), EcsError> {
        let index = &snapshot.index;
        let mut bytes = snapshot.bytes.as_slice();
        let mut ids = Ids { is_claimed: vec![false; index.id_end as usize] };
        let mut archetypes = Vec::new();
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
            archetypes.push(self.plan(world, entities, columns)?);
        }
        self.spawn(world, archetypes)?;
        for SavedSparse { kind, entities, length } in &index.sparse {
            let entities = take_entities(&mut bytes, *entities)?;
            let values = take(&mut bytes, *length)?;
            self.sparse(world, *kind as usize, &entities, values)?;
        }
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
        match self.take_changes(world, &snapshot.changes.changes()?) {
            true => Ok(()),
            false => Err(corrupt("ticks of values that are not there").into()),
        }
    }

    pub(super) fn of_world(world: &World, source: &World, accept_loss: bool) -> Self {
        Self::new(world, source.types.iter().map(|info| SavedType::of(info)).collect(), accept_loss)
    }

    /// Lets fields of components that are not `shared` move by themselves: [`Restore::exchange`] has then to be run.
    /// `source` is the world of [`Restore::of_world`].
    pub(super) fn move_fields(&mut self, world: &World, source: &World, shared: &Moved, accept_loss: bool) {
        // Values that come back go to their entities, whose rows are then elsewhere.
        if source.kept_types().any(|kept| world.type_info(ComponentId::of(kept)).is_some()) {
            return;
        }
        for (info, target) in source.types.iter().zip(&mut self.targets) {
            if let Some(target) = target
                && info.storage() == StorageKind::Columns
                && target.info.storage() == StorageKind::Columns
                && !shared.contains(info.fingerprint().rust)
            {
                target.moving = MovingType::plan(info, &target.info, accept_loss);
            }
        }
    }

    /// Whether any field moves by itself.
    pub(super) fn moves_fields(&self) -> bool {
        self.targets.iter().flatten().any(|target| target.moving.is_some())
    }

    /// What has to be exchanged between the values of both worlds.
    pub(super) fn exchange(&mut self, world: &World, source: &World) -> Result<Exchange, StateError> {
        let types = self.targets.iter_mut().flatten().filter_map(|target| target.moving.take()).collect();
        let exchange = Exchange::between(source, world, types);
        exchange.ok_or_else(|| corrupt("values in another place than its own"))
    }

    /// Takes all that lives in `source` into `world`; `shared` components lie in both then.
    pub(super) fn take_world(
        &mut self,
        world: &mut World,
        source: &World,
        shared: &Moved,
        is_wanted: impl Fn(&hecs::Archetype) -> bool,
    ) -> Result<(), EcsError> {
        let kinds: BTreeMap<_, _> =
            source.types.iter().enumerate().map(|(kind, info)| (info.id(), kind)).collect();
        let mut archetypes = Vec::new();
        for (place, archetype) in source.entities.archetypes().enumerate() {
            if !is_wanted(archetype) {
                continue;
            }
            let ids = archetype.ids().iter();
            let entities = ids.map(|id| entity_of_row(source.generations(), *id).inner()).collect();
            let infos = archetype.component_types().filter_map(|id| source.types.of_rust(id));
            let columns = infos.map(|info| Column {
                kind: kinds[&info.id()],
                values: match shared.contains(info.fingerprint().rust) {
                    true => Values::Shared(source, place),
                    false => Values::Living(source, place, info),
                },
            });
            archetypes.push(self.plan(world, entities, columns.collect())?);
        }
        self.spawn(world, archetypes)?;
        for (id, cell) in source.sparse.iter().filter(|(_, cell)| !cell.entities().is_empty()) {
            if shared.contains_set(id) {
                self.count(cell.entities().len(), kinds[&id]);
                continue;
            }
            let entities: Vec<_> = cell.entities().iter().map(|entity| entity.inner()).collect();
            let mut bytes = Vec::new();
            cell.read().set().save(&mut bytes)?;
            self.sparse(world, kinds[&id], &entities, &bytes)?;
        }
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
        self.take_changes(world, &source.changes);
        Ok(())
    }

    /// Gives values that were kept aside to types that are known now, and says what became of all values.
    pub(super) fn finish(self, world: &mut World, accept_loss: bool) -> Result<RestoreReport, EcsError> {
        let infos: Vec<_> = world.types.iter().map(Arc::clone).collect();
        for info in &infos {
            let adopted = world.plan_adoption(info, accept_loss)?;
            world.adopt(info, adopted)?;
        }
        world.mend_relations(accept_loss)?;
        let kept = world.kept_types().map(str::to_owned).collect();
        Ok(RestoreReport { kept, ..self.report })
    }

    /// Makes room for an archetype of `entities`, in their order, and keeps aside what nobody knows.
    fn plan<'s>(
        &self,
        world: &mut World,
        entities: Vec<hecs::Entity>,
        columns: Vec<Column<'s>>,
    ) -> Result<Planned<'s>, EcsError> {
        let mut types = hecs::ColumnBatchType::new();
        let (mut known, mut sparse) = (Vec::new(), Vec::new());
        for column in columns {
            match self.targets.get(column.kind).ok_or_else(|| corrupt("an unknown type number"))? {
                Some(target) => {
                    let operations = target.info.component_operations();
                    let operations =
                        operations.ok_or_else(|| corrupt("a column of something else than a component"))?;
                    let (None, Some(typed)) = (&operations.sparse, &operations.typed) else {
                        sparse.push(column);
                        continue;
                    };
                    types.add_dynamic(world.types.stored(typed.column));
                    known.push(column);
                }
                None => self.keep_aside(world, &entities, &column)?,
            }
        }
        let batch = (!known.is_empty()).then(|| types.into_batch(entities.len() as u32));
        Ok(Planned { entities, batch, columns: known, sparse })
    }

    /// Fills the archetypes and puts them into the world.
    fn spawn(&mut self, world: &mut World, archetypes: Vec<Planned<'_>>) -> Result<(), EcsError> {
        fill_all(&self.targets, &archetypes)?;
        let mut without_components = Vec::new();
        let mut now_sparse = Vec::new();
        let mut fresh = FreshIds::default();
        for Planned { entities, batch, columns, sparse } in archetypes {
            now_sparse.extend(sparse.into_iter().map(|column| (column, entities.clone())));
            columns.iter().for_each(|column| self.count(entities.len(), column.kind));
            let Some(batch) = batch else {
                without_components.extend(entities);
                continue;
            };
            let batch = batch.build().map_err(|_| corrupt("a column with too few values"))?;
            // A batch takes its ids off the free list. `spawn_column_batch_at`, which takes them as an argument, looks
            // through the free list for each of them: time quadratic in the number of entities.
            if !fresh.take(&entities) {
                world.entities.set_freelist(&entities);
            }
            drop(world.entities.spawn_column_batch(batch));
            world.restored(&entities);
        }
        // One by one they come off the end of the list.
        without_components.reverse();
        world.entities.set_freelist(&without_components);
        for _ in &without_components {
            world.entities.spawn(());
        }
        world.restored(&without_components);
        for (Column { kind, values }, entities) in now_sparse {
            let bytes = encoded(&values, entities.len())?;
            self.sparse(world, kind, &entities, &bytes)?;
        }
        Ok(())
    }

    /// Gives these entities, which are in the world, values of a component: into its set, or into columns if the component
    /// is not sparse any more.
    fn sparse(
        &mut self,
        world: &mut World,
        kind: usize,
        entities: &[hecs::Entity],
        mut bytes: &[u8],
    ) -> Result<(), EcsError> {
        let ids: Vec<_> = entities.iter().map(|entity| Entity::wrap(*entity)).collect();
        if !ids.iter().all(|entity| world.contains(*entity)) {
            return Err(corrupt("a value of an entity that does not live").into());
        }
        let saved = self.types.get(kind).ok_or_else(|| corrupt("a type that is not in its table"))?;
        let Some(target) = &self.targets[kind] else {
            Arc::make_mut(&mut world.unknown).keep(saved, entities, bytes);
            return Ok(());
        };
        let operations = target.info.component_operations();
        let operations = operations.ok_or_else(|| corrupt("a value of something else than a component"))?;
        if let Some(set) = world.sparse.get_mut(target.info.id()) {
            set.restore(&ids, &target.migration, &mut bytes)?;
            if set.entities().len() != ids.len() {
                return Err(corrupt("two values of one entity").into());
            }
        } else {
            let mut migrated = Vec::new();
            for entity in &ids {
                migrated.clear();
                target.migration.apply(&mut bytes, &mut migrated)?;
                let mut bundle = ValueBundle::default();
                bundle.add(&target.info, operations, &mut migrated.as_slice())?;
                world.insert_bundle(*entity, bundle);
            }
        }
        all_read(bytes)?;
        self.count(ids.len(), kind);
        Ok(())
    }

    fn keep_aside(
        &self,
        world: &mut World,
        entities: &[hecs::Entity],
        column: &Column<'_>,
    ) -> Result<(), EcsError> {
        // Types that stay as they are stay known.
        if !matches!(column.values, Values::Shared(..)) {
            let bytes = encoded(&column.values, entities.len())?;
            Arc::make_mut(&mut world.unknown).keep(&self.types[column.kind], entities, &bytes);
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
        let mut migrated = Vec::new();
        target.migration.apply(&mut bytes, &mut migrated)?;
        all_read(bytes)?;
        world.resources.insert_any(target.info.id(), (operations.restore)(&mut migrated.as_slice())?);
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

/// The encoded values of a column of so many rows.
fn encoded<'v>(values: &Values<'v>, rows: usize) -> Result<Cow<'v, [u8]>, StateError> {
    let mut bytes = Vec::new();
    match values {
        Values::Encoded(bytes) => return Ok((*bytes).into()),
        Values::Living(source, place, info) => {
            if let (Some(operations), Some(archetype)) =
                (info.typed_operations(), source.entities.archetypes().nth(*place))
            {
                (operations.save_rows)(archetype, 0..rows, &mut bytes)?;
            }
        }
        Values::Shared(..) => return Err(corrupt("a column in two kinds of storage")),
    }
    Ok(bytes.into())
}

/// The ids that a new world gives by itself, in their order. To write a free list, and to read it, takes as long as the
/// values do.
#[derive(Default)]
struct FreshIds {
    next: u32,
}

impl FreshIds {
    /// Whether these are the next ones; the next after them are those that lie behind all of them.
    fn take(&mut self, entities: &[hecs::Entity]) -> bool {
        let is_fresh = |(entity, id): (&hecs::Entity, u32)| entity.to_bits().get() == 1 << 32 | u64::from(id);
        let are_fresh = entities.iter().zip(self.next..).all(is_fresh);
        let last = if are_fresh { entities.last() } else { entities.iter().max_by_key(|entity| entity.id()) };
        self.next = self.next.max(last.map_or(0, |entity| entity.id() + 1));
        are_fresh
    }
}

/// Sees to it that each id of a snapshot is in one place.
struct Ids {
    is_claimed: Vec<bool>,
}

impl Ids {
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
