//! The world: entities and their components, resources, and queued events.

use std::any::{Any, TypeId};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::{Deref, DerefMut};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use atomic_refcell::{AtomicRef, AtomicRefCell};
use keel_core_types::{ComponentId, Model, ModelType, Shared};

use crate::model::bundle::{Stored, first_unknown};
use crate::model::component::Operations;
use crate::model::event::AnyEvents;
use crate::model::query::{ColumnTable, assert_free};
use crate::model::resource::Resources;
use crate::model::snapshot::Unknown;
use crate::model::types::TypeTable;
use crate::{Bundle, Children, Component, EcsError, Entity, ModelTypeInfo, ModelTypeKind, Name, Parent};

/// Counts the worlds that were made, so that a prepared query notices when it meets another one.
static INCARNATIONS: AtomicU64 = AtomicU64::new(1);

/// Entities with their components, resources, and queued events.
///
/// It is passed in as a parameter wherever it is used; there is no global one.
pub struct World {
    pub(crate) entities: hecs::World,
    pub(crate) resources: Resources,
    pub(crate) events: BTreeMap<ComponentId, AtomicRefCell<Box<dyn AnyEvents>>>,
    // Dropped after the three above: it holds the libraries that their code lies in.
    pub(crate) types: TypeTable,
    /// Bundles that an archetype was made for.
    stored_bundles: HashSet<TypeId, BuildHasherDefault<TypeIdHasher>>,
    /// What a snapshot held of types that nobody has registered; saved again as it is.
    pub(crate) unknown: Arc<Unknown>,
    /// Bundles whose components are all known to be registered.
    checked_bundles: HashSet<TypeId, BuildHasherDefault<TypeIdHasher>>,
    /// The last one of them that was asked for.
    last_bundle: Option<TypeId>,
    names: Shared<NameIndex>,
    columns: Shared<ColumnTable>,
    /// The generation of the entity at each index that lives.
    generations: Vec<u32>,
    /// Counts the calls that may have moved entities.
    structure: u64,
    /// Counts the borrows of columns: each ends the use of pointers that were derived from one before it.
    borrows: AtomicU64,
    incarnation: u64,
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

/// Ends where the author's iterator panics, so that what it gave before is spawned like everything else. hecs would spawn
/// it, too, and nobody would know.
struct UntilPanic<'p, I> {
    bundles: I,
    panic: &'p mut Option<Box<dyn Any + Send>>,
}

impl<I: Iterator> Iterator for UntilPanic<'_, I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        if self.panic.is_some() {
            return None;
        }
        match catch_unwind(AssertUnwindSafe(|| self.bundles.next())) {
            Ok(bundle) => bundle,
            Err(panic) => {
                *self.panic = Some(panic);
                None
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.bundles.size_hint()
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// A world that knows only Keel's own components: [`Name`], [`Parent`] and [`Children`].
    pub fn new() -> Self {
        let mut world = Self {
            entities: hecs::World::new(),
            resources: Resources::default(),
            events: BTreeMap::new(),
            types: TypeTable::default(),
            stored_bundles: HashSet::default(),
            unknown: Arc::default(),
            checked_bundles: HashSet::default(),
            last_bundle: None,
            names: Shared::new(NameIndex::default()),
            columns: Shared::new(ColumnTable::default()),
            borrows: AtomicU64::new(0),
            generations: Vec::new(),
            structure: 1,
            incarnation: INCARNATIONS.fetch_add(1, Ordering::Relaxed),
        };
        for own in Self::own_types() {
            // An empty table refuses nothing.
            let _ = world.register(own);
        }
        world
    }

    /// The types that every world knows.
    pub fn own_types() -> [ModelTypeInfo; 3] {
        [
            ModelTypeInfo::component::<Name>(),
            ModelTypeInfo::component::<Parent>(),
            ModelTypeInfo::component::<Children>(),
        ]
    }

    // Types.

    /// Makes a type known. Registering it again, with the same fingerprint, replaces the code that handles it.
    ///
    /// Values of the type that a snapshot held, and that were kept aside until now, are given back.
    ///
    /// # Errors
    /// [`EcsError::Collision`] and [`EcsError::Conflict`] when the name is taken by another type, and
    /// [`EcsError::State`] when values kept aside don't fit. The world is then unchanged.
    pub fn register(&mut self, info: impl Into<Arc<ModelTypeInfo>>) -> Result<(), EcsError> {
        let info = info.into();
        let adopted = self.plan_adoption(&info, false)?;
        self.types.register(Arc::clone(&info))?;
        self.checked_bundles.clear();
        self.last_bundle = None;
        if let Operations::Event(operations) = &info.operations {
            self.events.entry(info.id()).or_insert_with(|| AtomicRefCell::new((operations.make)()));
        }
        self.adopt(&info, adopted)
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

    // Entities.

    /// Adds an entity with `bundle`'s components.
    ///
    /// # Panics
    /// When a component is not registered, or is `Parent` or `Children`; the message names it.
    pub fn spawn<B: Bundle>(&mut self, bundle: B) -> Entity {
        self.check_bundle::<B>();
        self.structure_changed();
        let entity = self.entities.spawn(Stored::new(bundle, &self.types));
        self.born(entity)
    }

    /// Adds an entity for each of `bundles`; faster than one after the other.
    ///
    /// # Panics
    /// As [`World::spawn`].
    pub fn spawn_batch<B: Bundle>(&mut self, bundles: impl IntoIterator<Item = B>) -> Vec<Entity> {
        self.check_bundle::<B>();
        self.structure_changed();
        self.store_archetype::<B>();
        let mut panic = None;
        let bundles = UntilPanic { bundles: bundles.into_iter(), panic: &mut panic };
        let spawned: Vec<_> = self.entities.spawn_batch(bundles).collect();
        let spawned = spawned.into_iter().map(|entity| self.born(entity)).collect();
        match panic {
            Some(panic) => resume_unwind(panic),
            None => spawned,
        }
    }

    /// Removes `entity` and all entities below it.
    ///
    /// # Errors
    /// [`EcsError::NoSuchEntity`] when it does not live.
    pub fn despawn(&mut self, entity: Entity) -> Result<(), EcsError> {
        let found = self.entity_ref(entity)?;
        let is_alone = !found.has::<Parent>() && !found.has::<Children>();
        self.structure_changed();
        if is_alone {
            let _ = self.entities.despawn(entity.inner());
            return Ok(());
        }
        self.leave_parent(entity);
        for below in self.descendants(entity).into_iter().rev().chain([entity]) {
            // Each of them lives: the hierarchy holds no stale ids.
            let _ = self.entities.despawn(below.inner());
        }
        Ok(())
    }

    /// Removes all entities. Resources, events and types stay, and so do the generations: ids from before are stale.
    pub fn clear_entities(&mut self) {
        self.structure_changed();
        for entity in self.entities() {
            // It was just listed. `hecs::World::clear` would give out the same ids again.
            let _ = self.entities.despawn(entity.inner());
        }
    }

    /// Makes room for `additional` entities with `B`'s components, so that spawning them moves no columns.
    ///
    /// # Panics
    /// As [`World::spawn`].
    pub fn reserve<B: Bundle>(&mut self, additional: u32) {
        self.check_bundle::<B>();
        self.store_archetype::<B>();
        self.entities.reserve::<B>(additional);
    }

    /// Whether `entity` lives.
    pub fn contains(&self, entity: Entity) -> bool {
        self.entities.contains(entity.inner())
    }

    /// How many entities live.
    pub fn len(&self) -> usize {
        self.entities.len() as usize
    }

    /// Whether no entity lives.
    pub fn is_empty(&self) -> bool {
        self.entities.is_empty()
    }

    /// All living entities, archetype by archetype.
    pub fn entities(&self) -> Vec<Entity> {
        self.query::<Entity>().iter().collect()
    }

    /// The names of the components that `entity` has.
    ///
    /// # Errors
    /// [`EcsError::NoSuchEntity`] when it does not live.
    pub fn components_of(&self, entity: Entity) -> Result<Vec<Arc<ModelTypeInfo>>, EcsError> {
        let entity_ref = self.entity_ref(entity)?;
        Ok(entity_ref.component_types().filter_map(|id| self.types.of_rust(id)).map(Arc::clone).collect())
    }

    /// The entity called `name`; with several, the first that a query would meet. The index behind it is made anew by
    /// the first search after entities have come, gone or changed their components.
    pub fn find(&self, name: &str) -> Option<Entity> {
        {
            let index = self.names.read();
            if index.structure == self.structure {
                return index.by_name.get(name).copied();
            }
        }
        let mut index = self.names.write();
        index.by_name.clear();
        self.query::<(Entity, &Name)>().for_each(|(entity, name)| {
            index.by_name.entry(name.as_str().to_owned()).or_insert(entity);
        });
        index.structure = self.structure;
        index.by_name.get(name).copied()
    }

    /// What `entity` is called.
    pub fn name(&self, entity: Entity) -> Option<String> {
        self.entity_ref(entity).ok()?.get::<&Name>().map(|name| name.as_str().to_owned())
    }

    /// Calls `entity` by `name`, or takes its name.
    ///
    /// # Errors
    /// [`EcsError::NoSuchEntity`] when it does not live.
    pub fn set_name(&mut self, entity: Entity, name: Option<&str>) -> Result<(), EcsError> {
        self.check_alive(entity)?;
        match name {
            Some(name) => self.insert(entity, (Name::new(name),)),
            None if self.has::<Name>(entity) => self.remove::<(Name,)>(entity).map(drop),
            None => Ok(()),
        }
    }

    // Components.

    /// Adds components to `entity`; those that it has are replaced.
    ///
    /// # Errors
    /// [`EcsError::NoSuchEntity`] when it does not live.
    ///
    /// # Panics
    /// As [`World::spawn`].
    pub fn insert<B: Bundle>(&mut self, entity: Entity, bundle: B) -> Result<(), EcsError> {
        self.check_bundle::<B>();
        self.structure_changed();
        let bundle = Stored::new(bundle, &self.types);
        self.entities.insert(entity.inner(), bundle).map_err(|_| EcsError::NoSuchEntity { entity })
    }

    /// Takes components from `entity`: all of them, or none when one is missing.
    ///
    /// # Errors
    /// [`EcsError::NoSuchEntity`], [`EcsError::MissingComponent`], or [`EcsError::KeptByWorld`] for `Parent` and
    /// `Children`.
    pub fn remove<B: Bundle>(&mut self, entity: Entity) -> Result<B, EcsError> {
        if let Some(name) = B::kept_by_world() {
            return Err(EcsError::KeptByWorld { name: name.to_owned() });
        }
        self.structure_changed();
        self.entities.remove::<B>(entity.inner()).map_err(|error| self.bundle_error::<B>(entity, &error))
    }

    /// Takes `R`'s components from `entity` and adds `bundle`'s, in one move.
    ///
    /// # Errors
    /// As [`World::remove`]; nothing has changed then.
    ///
    /// # Panics
    /// As [`World::spawn`].
    pub fn exchange<R: Bundle, B: Bundle>(&mut self, entity: Entity, bundle: B) -> Result<R, EcsError> {
        self.check_bundle::<B>();
        if let Some(name) = R::kept_by_world() {
            return Err(EcsError::KeptByWorld { name: name.to_owned() });
        }
        self.structure_changed();
        let bundle = Stored::new(bundle, &self.types);
        let exchanged = self.entities.exchange::<R, _>(entity.inner(), bundle);
        exchanged.map_err(|error| self.bundle_error::<R>(entity, &error))
    }

    /// Reads a component.
    ///
    /// # Errors
    /// [`EcsError::NoSuchEntity`] or [`EcsError::MissingComponent`].
    ///
    /// # Panics
    /// When a living query writes the component; the message names it.
    #[inline]
    pub fn get<T: Component>(&self, entity: Entity) -> Result<impl Deref<Target = T> + use<'_, T>, EcsError> {
        match self.entities.get::<&T>(entity.inner()) {
            Ok(value) => Ok(value),
            Err(error) => Err(component_error::<T>(entity, &error)),
        }
    }

    /// Writes a component.
    ///
    /// # Errors
    /// As [`World::get`].
    ///
    /// # Panics
    /// When a living query reads or writes the component; the message names it.
    #[inline]
    pub fn get_mut<T: Component>(
        &self,
        entity: Entity,
    ) -> Result<impl DerefMut<Target = T> + use<'_, T>, EcsError> {
        const { assert_free::<T>() };
        self.columns_borrowed();
        match self.entities.get::<&mut T>(entity.inner()) {
            Ok(value) => Ok(value),
            Err(error) => Err(component_error::<T>(entity, &error)),
        }
    }

    /// Whether `entity` lives and has a `T`.
    pub fn has<T: Component>(&self, entity: Entity) -> bool {
        self.entities.entity(entity.inner()).is_ok_and(|entity| entity.has::<T>())
    }

    // What the other files of this crate need.

    pub(crate) fn inner(&self) -> &hecs::World {
        &self.entities
    }

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
        entity
    }

    /// As [`World::born`], for entities that come back.
    pub(crate) fn restored(&mut self, entities: &[hecs::Entity]) {
        let end = entities.iter().map(|entity| entity.id() as usize + 1).max().unwrap_or_default();
        if end > self.generations.len() {
            self.generations.resize(end, 0);
        }
        for entity in entities {
            self.generations[entity.id() as usize] = Entity::wrap(*entity).generation();
        }
    }

    #[inline]
    pub(crate) fn structure_changed(&mut self) {
        self.structure += 1;
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
        if self.stored_bundles.insert(TypeId::of::<B>()) {
            let mut types = hecs::ColumnBatchType::new();
            B::with_static_type_info(|infos| {
                for info in infos {
                    types.add_dynamic(self.types.stored(*info));
                }
            });
            if let Ok(nobody) = types.into_batch(0).build() {
                drop(self.entities.spawn_column_batch(nobody));
            }
        }
    }

    #[inline]
    fn check_bundle<B: Bundle>(&mut self) {
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
                    self.entity_ref(entity)
                        .is_ok_and(|entity| entity.component_types().any(|found| found == id))
                };
                let component = B::unknown(&has).unwrap_or("?").to_owned();
                EcsError::MissingComponent { entity, component }
            }
        }
    }
}

#[cold]
#[inline(never)]
fn component_error<T: Component>(entity: Entity, error: &hecs::ComponentError) -> EcsError {
    match error {
        hecs::ComponentError::NoSuchEntity => EcsError::NoSuchEntity { entity },
        hecs::ComponentError::MissingComponent(_) => {
            EcsError::MissingComponent { entity, component: T::NAME.to_owned() }
        }
    }
}

impl Model for World {
    fn model_type(&self) -> ModelType {
        ModelType::of("World")
    }

    fn reset(&mut self) {
        let types: Vec<_> = self.types.iter().map(Arc::clone).collect();
        *self = Self::new();
        for info in types {
            // They were registered together before.
            let _ = self.register(info);
        }
    }
}
