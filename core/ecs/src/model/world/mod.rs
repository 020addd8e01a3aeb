//! The world: entities and their components, resources, and queued events.

mod alike;
mod components;
mod entities;

pub use self::alike::SharedTypes;

use std::any::TypeId;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::DerefMut;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use atomic_refcell::{AtomicRef, AtomicRefCell};
use keel_core_types::{ComponentId, Model, ModelType, Shared};

use crate::model::bundle::first_unknown;
use crate::model::event::AnyEvents;
use crate::model::journal::JournalCell;
use crate::model::limits::Room;
use crate::model::operations::Operations;
use crate::model::prefab::Prefabs;
use crate::model::query::ColumnTable;
use crate::model::reaction::Reactions;
use crate::model::relation::RelationSides;
use crate::model::resource::Resources;
use crate::model::snapshot::Unknown;
use crate::model::sparse::SparseSets;
use crate::model::ticks::Changes;
use crate::model::types::TypeTable;
use crate::{Bundle, Children, EcsError, Entity, ModelTypeInfo, ModelTypeKind, Name, Parent, PrefabPart};

/// Counts the worlds that were made, so that a prepared query notices when it meets another one.
static INCARNATIONS: AtomicU64 = AtomicU64::new(1);

/// [`World::own_types`], described once: a swap asks for them several times. Their code is the facade's, which is never
/// unmapped.
static OWN_TYPES: LazyLock<TypeTable> = LazyLock::new(|| {
    let mut table = TypeTable::default();
    let own = [
        ModelTypeInfo::component::<Name>(),
        ModelTypeInfo::component::<Parent>(),
        ModelTypeInfo::component::<Children>(),
        ModelTypeInfo::component::<PrefabPart>(),
        ModelTypeInfo::resource::<Prefabs>(),
    ];
    // An empty table refuses nothing.
    own.into_iter().for_each(|info| drop(table.register(Arc::new(info))));
    table
});

/// Entities with their components, resources, and queued events.
///
/// It is passed in as a parameter wherever it is used; there is no global one.
pub struct World {
    pub(crate) entities: hecs::World,
    pub(crate) sparse: SparseSets,
    pub(crate) resources: Resources,
    pub(crate) changes: Changes,
    pub(crate) events: BTreeMap<ComponentId, AtomicRefCell<Box<dyn AnyEvents>>>,
    // Dropped after those above: it holds the libraries that their code lies in.
    pub(crate) types: TypeTable,
    /// Bundles that an archetype was made for.
    stored_bundles: HashSet<TypeId, BuildHasherDefault<TypeIdHasher>>,
    /// What a snapshot held of types that nobody has registered; saved again as it is.
    pub(crate) unknown: Arc<Unknown>,
    /// Bundles whose components are all known to be registered.
    checked_bundles: HashSet<TypeId, BuildHasherDefault<TypeIdHasher>>,
    /// The last one of them that was asked for.
    last_bundle: Option<TypeId>,
    /// Who minds what happens, and what has happened.
    pub(crate) reactions: Reactions,
    /// The relations that are registered, in the order of their targets' ids.
    pub(crate) relations: Vec<RelationSides>,
    names: Shared<NameIndex>,
    /// What a running transaction has changed.
    pub(crate) journal: JournalCell,
    columns: Shared<ColumnTable>,
    /// The generation of the entity at each index that lives; 0, which no entity has, where none does.
    generations: Vec<u32>,
    /// Counts the calls that may have moved entities.
    pub(crate) structure: u64,
    /// Counts the borrows of columns: each ends the use of pointers that were derived from one before it.
    borrows: AtomicU64,
    incarnation: u64,
    pub(crate) room: Room,
}

/// The names as they were when `structure` had this value.
#[derive(Default)]
struct NameIndex {
    structure: u64,
    by_name: HashMap<String, Entity>,
}

/// A `TypeId` is a hash already.
#[derive(Default)]
struct TypeIdHasher(u64);

impl Hasher for TypeIdHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// A world that knows only Keel's own components: [`Name`], [`Parent`], [`Children`] and [`PrefabPart`].
    pub fn new() -> Self {
        let mut world = Self { types: OWN_TYPES.clone(), ..Self::of_no_types() };
        world.make_all_places();
        world
    }

    fn of_no_types() -> Self {
        Self {
            entities: hecs::World::new(),
            sparse: SparseSets::default(),
            resources: Resources::default(),
            changes: Changes::default(),
            events: BTreeMap::new(),
            types: TypeTable::default(),
            stored_bundles: HashSet::default(),
            unknown: Arc::default(),
            checked_bundles: HashSet::default(),
            last_bundle: None,
            reactions: Reactions::default(),
            relations: Vec::new(),
            names: Shared::new(NameIndex::default()),
            journal: JournalCell::default(),
            columns: Shared::new(ColumnTable::default()),
            borrows: AtomicU64::new(0),
            generations: Vec::new(),
            structure: 1,
            incarnation: INCARNATIONS.fetch_add(1, Ordering::Relaxed),
            room: Room::default(),
        }
    }

    /// The types that every world knows, in the order of their ids.
    pub fn own_types() -> impl Iterator<Item = Arc<ModelTypeInfo>> {
        OWN_TYPES.iter().map(Arc::clone)
    }

    // Types.

    /// Makes a type known. Registering it again, with the same fingerprint, replaces the code that handles it.
    ///
    /// Values of the type that a snapshot held, and that were kept aside until now, are given back.
    ///
    /// # Errors
    /// [`EcsError::Collision`] and [`EcsError::Conflict`] when the name is taken by another type, and
    /// [`EcsError::State`] when values kept aside don't fit; [`EcsError::Redefinition`] when the values of a component that
    /// was defined at run time under this name don't. The world is then unchanged.
    pub fn register(&mut self, info: impl Into<Arc<ModelTypeInfo>>) -> Result<(), EcsError> {
        self.register_with(info.into(), false)
    }

    /// [`World::register`], with or without consent to what values lose that were kept aside, or are those of a component
    /// that was defined at run time under the same name.
    pub(crate) fn register_with(
        &mut self,
        info: Arc<ModelTypeInfo>,
        accept_loss: bool,
    ) -> Result<(), EcsError> {
        if self.takes_over(&info) {
            return self.take_over(info, accept_loss);
        }
        let adopted = self.plan_adoption(&info, accept_loss)?;
        self.put_type(&info)?;
        let comes_back = !adopted.is_empty();
        self.adopt(&info, adopted)?;
        if comes_back {
            self.mend_relations(false)?;
        }
        Ok(())
    }

    /// Makes a type known, and what the world has for it.
    pub(crate) fn put_type(&mut self, info: &Arc<ModelTypeInfo>) -> Result<(), EcsError> {
        self.types.register(Arc::clone(info))?;
        self.forget_checks();
        self.make_places(info);
        Ok(())
    }

    /// Makes what the world itself has for a type that it knows: the queue of an event, the set of a sparse component, ticks,
    /// and who reacts.
    fn make_places(&mut self, info: &ModelTypeInfo) {
        self.reactions.register(info);
        self.register_relation(info);
        if let Operations::Event(operations) = &info.operations {
            self.events.entry(info.id()).or_insert_with(|| AtomicRefCell::new((operations.make)()));
        }
        if let Some(operations) = info.sparse_operations() {
            self.sparse.register(info, operations);
            // A query may have looked for the set in vain.
            self.structure_changed();
        }
        self.track(info);
    }

    /// Looks at bundles again: what is known of their types may be another thing now.
    fn forget_checks(&mut self) {
        self.checked_bundles.clear();
        self.last_bundle = None;
    }

    /// What the world knows of a type.
    pub fn type_info(&self, id: ComponentId) -> Option<&Arc<ModelTypeInfo>> {
        self.types.get(id)
    }

    /// All registered types, in the order of their ids.
    pub fn types(&self) -> impl Iterator<Item = &Arc<ModelTypeInfo>> {
        self.types.iter()
    }

    /// The registered components, in the order of their ids.
    pub fn component_types(&self) -> impl Iterator<Item = &Arc<ModelTypeInfo>> {
        self.types.iter().filter(|info| info.kind() == ModelTypeKind::Component)
    }

    // What the other files of this crate need.

    #[inline]
    pub(crate) fn inner(&self) -> &hecs::World {
        &self.entities
    }

    #[inline]
    pub(crate) fn incarnation(&self) -> u64 {
        self.incarnation
    }

    /// Where the columns lie, as far as it was asked for.
    pub(crate) fn column_table(&self) -> impl DerefMut<Target = ColumnTable> + use<'_> {
        self.columns.write()
    }

    /// As long as it is the same, columns are where they were found without a borrow.
    #[inline]
    pub(crate) fn columns_version(&self) -> [u64; 2] {
        [self.structure, self.borrows.load(Ordering::Relaxed)]
    }

    /// To be called whenever a column is borrowed otherwise than by [`World::column_table`].
    #[inline]
    pub(crate) fn columns_borrowed(&self) {
        self.borrows.fetch_add(1, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn check_alive(&self, entity: Entity) -> Result<(), EcsError> {
        if self.contains(entity) { Ok(()) } else { Err(EcsError::NoSuchEntity { entity }) }
    }

    #[inline]
    pub(crate) fn entity_ref(&self, entity: Entity) -> Result<hecs::EntityRef<'_>, EcsError> {
        match self.entities.entity(entity.inner()) {
            Ok(found) => Ok(found),
            Err(_) => Err(EcsError::NoSuchEntity { entity }),
        }
    }

    #[inline]
    pub(crate) fn generations(&self) -> &[u32] {
        &self.generations
    }

    /// Every entity that hecs makes goes through here.
    #[inline]
    pub(crate) fn born(&mut self, entity: hecs::Entity) -> Entity {
        let entity = Entity::wrap(entity);
        let index = entity.index() as usize;
        if index >= self.generations.len() {
            self.generations.resize(index + 1, 0);
        }
        self.generations[index] = entity.generation();
        if let Some(journal) = self.journal.get_mut() {
            journal.born(entity);
        }
        entity
    }

    /// As [`World::born`], for many.
    pub(crate) fn born_together(&mut self, entities: impl Iterator<Item = Entity> + Clone) {
        let mut end = 0;
        entities.clone().for_each(|entity| end = end.max(entity.index() as usize + 1));
        if end > self.generations.len() {
            self.generations.resize(end, 0);
        }
        for entity in entities.clone() {
            self.generations[entity.index() as usize] = entity.generation();
        }
        if let Some(journal) = self.journal.get_mut() {
            entities.for_each(|entity| journal.born(entity));
        }
    }

    /// As [`World::born`], for entities that come back.
    pub(crate) fn restored(&mut self, entities: &[hecs::Entity]) {
        self.born_together(entities.iter().map(|entity| Entity::wrap(*entity)));
    }

    #[inline]
    pub(crate) fn structure_changed(&mut self) {
        self.structure += 1;
        if self.journal.is_kept() {
            self.keep_ids();
        }
    }

    /// The queue of an event type, to be read.
    pub(crate) fn event_queue(
        &self,
        info: &ModelTypeInfo,
    ) -> Result<AtomicRef<'_, Box<dyn AnyEvents>>, EcsError> {
        let name = || info.name().to_owned();
        let cell = self.events.get(&info.id()).ok_or_else(|| EcsError::NotRegistered { name: name() })?;
        cell.try_borrow().map_err(|_| EcsError::InUse { name: name() })
    }

    /// Makes the archetype of `B`'s components, unless there is one. hecs's calls for many entities at once would make
    /// it with the drop functions of the calling module.
    fn store_archetype<B: Bundle>(&mut self) {
        if self.stored_bundles.insert(TypeId::of::<B>())
            && let Ok(nobody) = self.column_types::<B>().into_batch(0).build()
        {
            drop(self.entities.spawn_column_batch(nobody));
        }
    }

    /// The types of `B`'s columns as they may lie in the world.
    fn column_types<B: Bundle>(&self) -> hecs::ColumnBatchType {
        let mut types = hecs::ColumnBatchType::new();
        B::with_static_type_info(|infos| {
            for info in infos {
                types.add_dynamic(self.types.stored(*info));
            }
        });
        types
    }

    #[inline]
    pub(crate) fn check_bundle<B: Bundle>(&mut self) {
        if self.last_bundle != Some(TypeId::of::<B>()) {
            self.check_other_bundle::<B>();
        }
    }

    fn check_other_bundle<B: Bundle>(&mut self) {
        if let Some(name) = B::kept_by_world() {
            panic!("{}", EcsError::KeptByWorld { name: name.to_owned() });
        }
        if !self.checked_bundles.contains(&TypeId::of::<B>()) {
            if let Some(name) = first_unknown::<B>(&self.types) {
                panic!("{}", EcsError::NotRegistered { name: name.to_owned() });
            }
            self.checked_bundles.insert(TypeId::of::<B>());
        }
        self.last_bundle = Some(TypeId::of::<B>());
    }

    fn bundle_error<B: Bundle>(&self, entity: Entity, error: &hecs::ComponentError) -> EcsError {
        match error {
            hecs::ComponentError::NoSuchEntity => EcsError::NoSuchEntity { entity },
            hecs::ComponentError::MissingComponent(_) => {
                let has = |id: TypeId| {
                    self.components_of(entity)
                        .is_ok_and(|found| found.iter().any(|info| info.fingerprint().rust == id))
                };
                let component = B::unknown(&has).unwrap_or("?").to_owned();
                EcsError::MissingComponent { entity, component }
            }
        }
    }
}

impl Model for World {
    fn model_type(&self) -> ModelType {
        ModelType::of("World")
    }

    fn reset(&mut self) {
        *self = self.alike();
    }
}
