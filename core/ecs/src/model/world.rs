//! The world: entities and their components, resources, and queued events.

use std::any::{Any, TypeId};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use atomic_refcell::{AtomicRef, AtomicRefCell, AtomicRefMut};
use keel_core_types::{ComponentId, Model, ModelType};

use crate::model::bundle::first_unknown;
use crate::model::component::Operations;
use crate::model::event::{AnyEvents, EventStore};
use crate::model::resource::Resources;
use crate::model::snapshot::Unknown;
use crate::model::types::TypeTable;
use crate::{
    Bundle, Children, Component, EcsError, Entity, Event, Events, ModelTypeInfo, ModelTypeKind, Name, Parent,
    Resource,
};

/// Counts the worlds that were made, so that a prepared query notices when it meets another one.
static INCARNATIONS: AtomicU64 = AtomicU64::new(1);

/// Entities with their components, resources, and queued events.
///
/// It is passed in as a parameter wherever it is used; there is no global one.
pub struct World {
    pub(crate) entities: hecs::World,
    pub(crate) types: TypeTable,
    pub(crate) resources: Resources,
    pub(crate) events: BTreeMap<ComponentId, AtomicRefCell<Box<dyn AnyEvents>>>,
    /// What a snapshot held of types that nobody has registered; saved again as it is.
    pub(crate) unknown: Unknown,
    /// Bundles whose components are all known to be registered.
    checked_bundles: HashSet<TypeId>,
    names: AtomicRefCell<HashMap<String, Entity>>,
    incarnation: u64,
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
            types: TypeTable::default(),
            resources: Resources::default(),
            events: BTreeMap::new(),
            unknown: Unknown::default(),
            checked_bundles: HashSet::new(),
            names: AtomicRefCell::default(),
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
    /// # Errors
    /// [`EcsError::Collision`] and [`EcsError::Conflict`] when the name is taken by another type.
    pub fn register(&mut self, info: impl Into<Arc<ModelTypeInfo>>) -> Result<(), EcsError> {
        let info = info.into();
        self.types.register(Arc::clone(&info))?;
        self.checked_bundles.clear();
        if let Operations::Event(operations) = &info.operations {
            self.events.entry(info.id()).or_insert_with(|| AtomicRefCell::new((operations.make)()));
        }
        self.adopt_unknown(&info)?;
        Ok(())
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
    /// When a component is not registered; the message names it.
    pub fn spawn<B: Bundle>(&mut self, bundle: B) -> Entity {
        self.check_bundle::<B>();
        Entity::wrap(self.entities.spawn(bundle))
    }

    /// Adds an entity for each of `bundles`; faster than one after the other.
    ///
    /// # Panics
    /// As [`World::spawn`].
    pub fn spawn_batch<B: Bundle>(&mut self, bundles: impl IntoIterator<Item = B>) -> Vec<Entity> {
        self.check_bundle::<B>();
        self.entities.spawn_batch(bundles).map(Entity::wrap).collect()
    }

    /// Removes `entity` and all entities below it.
    ///
    /// # Errors
    /// [`EcsError::NoSuchEntity`] when it does not live.
    pub fn despawn(&mut self, entity: Entity) -> Result<(), EcsError> {
        self.check_alive(entity)?;
        self.leave_parent(entity);
        for below in self.descendants(entity).into_iter().rev().chain([entity]) {
            // Each of them lives: the hierarchy holds no stale ids.
            let _ = self.entities.despawn(below.inner());
        }
        Ok(())
    }

    /// Removes all entities. Resources, events and types stay.
    pub fn clear_entities(&mut self) {
        self.entities.clear();
        self.names.borrow_mut().clear();
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
        let entity_ref =
            self.entities.entity(entity.inner()).map_err(|_| EcsError::NoSuchEntity { entity })?;
        Ok(entity_ref.component_types().filter_map(|id| self.types.of_rust(id)).map(Arc::clone).collect())
    }

    /// The entity called `name`; with several, the first that a query would meet.
    pub fn find(&self, name: &str) -> Option<Entity> {
        let is_called = |entity: Entity| self.get::<Name>(entity).is_ok_and(|found| found.as_str() == name);
        if let Some(entity) = self.names.borrow().get(name).copied().filter(|entity| is_called(*entity)) {
            return Some(entity);
        }
        let mut index = self.names.borrow_mut();
        index.clear();
        self.query::<(Entity, &Name)>().for_each(|(entity, name)| {
            index.entry(name.as_str().to_owned()).or_insert(entity);
        });
        index.get(name).copied()
    }

    // Components.

    /// Adds components to `entity`; those that it has are replaced.
    ///
    /// # Errors
    /// [`EcsError::NoSuchEntity`] when it does not live.
    ///
    /// # Panics
    /// When a component is not registered; the message names it.
    pub fn insert<B: Bundle>(&mut self, entity: Entity, bundle: B) -> Result<(), EcsError> {
        self.check_bundle::<B>();
        self.entities.insert(entity.inner(), bundle).map_err(|_| EcsError::NoSuchEntity { entity })
    }

    /// Takes components from `entity`: all of them, or none when one is missing.
    ///
    /// # Errors
    /// [`EcsError::NoSuchEntity`] or [`EcsError::MissingComponent`].
    pub fn remove<B: Bundle>(&mut self, entity: Entity) -> Result<B, EcsError> {
        self.entities.remove::<B>(entity.inner()).map_err(|error| match error {
            hecs::ComponentError::NoSuchEntity => EcsError::NoSuchEntity { entity },
            hecs::ComponentError::MissingComponent(_) => {
                EcsError::MissingComponent { entity, component: self.missing_of::<B>(entity) }
            }
        })
    }

    /// Reads a component.
    ///
    /// # Errors
    /// [`EcsError::NoSuchEntity`] or [`EcsError::MissingComponent`].
    ///
    /// # Panics
    /// When a living query writes the component; the message names it.
    pub fn get<T: Component>(&self, entity: Entity) -> Result<impl Deref<Target = T> + use<'_, T>, EcsError> {
        self.entities.get::<&T>(entity.inner()).map_err(|error| component_error::<T>(entity, &error))
    }

    /// Writes a component.
    ///
    /// # Errors
    /// As [`World::get`].
    ///
    /// # Panics
    /// When a living query reads or writes the component; the message names it.
    pub fn get_mut<T: Component>(
        &self,
        entity: Entity,
    ) -> Result<impl DerefMut<Target = T> + use<'_, T>, EcsError> {
        self.entities.get::<&mut T>(entity.inner()).map_err(|error| component_error::<T>(entity, &error))
    }

    /// Whether `entity` lives and has a `T`.
    pub fn has<T: Component>(&self, entity: Entity) -> bool {
        self.entities.entity(entity.inner()).is_ok_and(|entity| entity.has::<T>())
    }

    // Resources.

    /// Puts a resource into the world and returns the one it replaces.
    ///
    /// # Errors
    /// [`EcsError::NotRegistered`] when the world does not know `T`.
    pub fn insert_resource<T: Resource>(&mut self, value: T) -> Result<Option<T>, EcsError> {
        if !self.types.knows(TypeId::of::<T>()) {
            return Err(EcsError::NotRegistered { name: T::NAME.to_owned() });
        }
        Ok(self.resources.insert(value))
    }

    /// Takes a resource out of the world.
    pub fn remove_resource<T: Resource>(&mut self) -> Option<T> {
        self.resources.remove()
    }

    /// Whether the world has a `T`.
    pub fn has_resource<T: Resource>(&self) -> bool {
        self.resources.contains(T::ID)
    }

    /// Reads a resource.
    ///
    /// # Errors
    /// [`EcsError::MissingResource`]; [`EcsError::InUse`] while someone writes it.
    pub fn resource<T: Resource>(&self) -> Result<impl Deref<Target = T> + use<'_, T>, EcsError> {
        self.resources.get::<T>()
    }

    /// Writes a resource.
    ///
    /// # Errors
    /// [`EcsError::MissingResource`]; [`EcsError::InUse`] while someone reads or writes it.
    pub fn resource_mut<T: Resource>(&self) -> Result<impl DerefMut<Target = T> + use<'_, T>, EcsError> {
        self.resources.get_mut::<T>()
    }

    // Events.

    /// Sends `event` to all readers of its type.
    ///
    /// # Panics
    /// When the event's type is not registered, or is being read in the same call; the message names it.
    pub fn send<E: Event>(&self, event: E) {
        self.event_store_mut::<E>().send(event);
    }

    /// The events of type `E` that are still kept.
    ///
    /// # Panics
    /// When the event's type is not registered; the message names it.
    pub fn events<E: Event>(&self) -> Events<'_, E> {
        let store = AtomicRef::map(self.event_cell::<E>().borrow(), |store| typed::<E>(store.as_any()));
        Events::new(store)
    }

    /// Takes all events of type `E` out of the world; no reader sees them any more.
    ///
    /// # Panics
    /// As [`World::send`].
    pub fn drain_events<E: Event>(&mut self) -> Vec<E> {
        self.event_store_mut::<E>().drain()
    }

    /// Drops all events of all types.
    pub fn clear_events(&mut self) {
        for store in self.events.values_mut() {
            store.get_mut().clear();
        }
    }

    /// Ends the frame for events: those from the frame before the running one are dropped. The engine calls it.
    pub fn end_frame(&mut self) {
        for store in self.events.values_mut() {
            store.get_mut().end_frame();
        }
    }

    fn event_cell<E: Event>(&self) -> &AtomicRefCell<Box<dyn AnyEvents>> {
        self.events
            .get(&E::ID)
            .unwrap_or_else(|| panic!("{}", EcsError::NotRegistered { name: E::NAME.to_owned() }))
    }

    fn event_store_mut<E: Event>(&self) -> AtomicRefMut<'_, EventStore<E>> {
        let store = self.event_cell::<E>().try_borrow_mut();
        let store = store.unwrap_or_else(|_| panic!("{}", EcsError::InUse { name: E::NAME.to_owned() }));
        AtomicRefMut::map(store, |store| match store.as_any_mut().downcast_mut() {
            Some(store) => store,
            None => panic!("{}", EcsError::Conflict { name: E::NAME.to_owned() }),
        })
    }

    // What the other files of this crate need.

    pub(crate) fn inner(&self) -> &hecs::World {
        &self.entities
    }

    pub(crate) fn incarnation(&self) -> u64 {
        self.incarnation
    }

    pub(crate) fn check_alive(&self, entity: Entity) -> Result<(), EcsError> {
        if self.contains(entity) { Ok(()) } else { Err(EcsError::NoSuchEntity { entity }) }
    }

    fn check_bundle<B: Bundle>(&mut self) {
        if self.checked_bundles.contains(&TypeId::of::<B>()) {
            return;
        }
        if let Some(name) = first_unknown::<B>(&self.types) {
            panic!("{}", EcsError::NotRegistered { name: name.to_owned() });
        }
        self.checked_bundles.insert(TypeId::of::<B>());
    }

    fn missing_of<B: Bundle>(&self, entity: Entity) -> String {
        let has = |id: TypeId| {
            self.entities
                .entity(entity.inner())
                .is_ok_and(|entity| entity.component_types().any(|found| found == id))
        };
        B::unknown(&has).unwrap_or("?").to_owned()
    }
}

fn typed<E: Event>(store: &dyn Any) -> &EventStore<E> {
    match store.downcast_ref() {
        Some(store) => store,
        None => panic!("{}", EcsError::Conflict { name: E::NAME.to_owned() }),
    }
}

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
