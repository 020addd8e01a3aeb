//! Working on a world without knowing its types: by declared names, and values with their schemas.

use std::sync::Arc;

use keel_core_types::ComponentId;
use keel_state::{LiveSchema, Migration, SavedValue, StateError};

use crate::model::operations::{ComponentOperations, EventOperations, Operations, ResourceOperations};
use crate::model::values::ValueBundle;
use crate::{Component, ComponentAccess, EcsError, Entity, ModelTypeInfo, ModelTypeKind, TypeSummary, World};

/// A component by its declared name, with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct ComponentValue {
    /// [`Component::NAME`]
    pub name: String,
    /// The value, with its schema.
    pub value: SavedValue,
}

impl ComponentValue {
    /// The value `value` of the component called `name`.
    pub fn new(name: impl Into<String>, value: SavedValue) -> Self {
        Self { name: name.into(), value }
    }

    /// The value of a component whose type is known.
    ///
    /// # Errors
    /// [`StateError::Encode`] when its `Serialize` fails.
    pub fn of<T: Component>(value: &T) -> Result<Self, StateError> {
        Ok(Self::new(T::NAME, SavedValue::of(value)?))
    }
}

/// What the world keeps of the events of one type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventCount {
    /// How many are still kept.
    pub kept: usize,
    /// How many were ever sent; the next one gets this number.
    pub sent: u64,
}

impl EventCount {
    /// The number of the oldest event that is still kept.
    pub fn first(self) -> u64 {
        self.sent - self.kept as u64
    }
}

/// Types.
impl World {
    /// All types that the world knows, sorted by name.
    pub fn type_summaries(&self) -> Vec<TypeSummary> {
        let mut types: Vec<_> = self.types.iter().map(|info| info.summary()).collect();
        types.sort_by(|a, b| a.name.cmp(&b.name));
        types
    }

    /// What the world knows of the type with the declared name `name`.
    ///
    /// # Errors
    /// [`EcsError::NotRegistered`]
    pub fn type_named(&self, name: &str) -> Result<&Arc<ModelTypeInfo>, EcsError> {
        let info = self.types.get(ComponentId::of(name));
        info.ok_or_else(|| EcsError::NotRegistered { name: name.to_owned() })
    }

    /// What the world knows of the component called `name`.
    ///
    /// # Errors
    /// [`EcsError::NotRegistered`], or [`EcsError::WrongKind`] when it is a resource or an event.
    pub fn component_named(&self, name: &str) -> Result<&Arc<ModelTypeInfo>, EcsError> {
        self.component(name).map(|(info, _)| info)
    }

    /// What the world knows of the event called `name`.
    ///
    /// # Errors
    /// [`EcsError::NotRegistered`], or [`EcsError::WrongKind`] when it is a component or a resource.
    pub fn event_named(&self, name: &str) -> Result<&Arc<ModelTypeInfo>, EcsError> {
        self.event_type(name).map(|(info, _)| info)
    }

    /// Whether others than the world may take the component called `name` from an entity.
    ///
    /// # Errors
    /// [`EcsError::KeptByWorld`] if not, and those of [`World::component_named`].
    pub fn check_removable(&self, name: &str) -> Result<(), EcsError> {
        self.component_named(name).and_then(|info| check_writable(info))
    }

    /// The default of the component, resource or event called `name`.
    ///
    /// # Errors
    /// [`EcsError::NotRegistered`], or [`EcsError::NoDefault`] when the type implements no `Default`.
    pub fn default_of(&self, name: &str) -> Result<SavedValue, EcsError> {
        let info = self.type_named(name)?;
        let bytes = info.live.type_default(info.schema().root());
        let bytes = bytes.ok_or_else(|| EcsError::NoDefault { name: name.to_owned() })?;
        Ok(info.saved(bytes))
    }

    fn component(&self, name: &str) -> Result<(&Arc<ModelTypeInfo>, &ComponentOperations), EcsError> {
        let info = self.type_named(name)?;
        match &info.operations {
            Operations::Component(operations) => Ok((info, operations)),
            _ => Err(wrong_kind(info, ModelTypeKind::Component)),
        }
    }

    fn resource_type(&self, name: &str) -> Result<(&Arc<ModelTypeInfo>, &ResourceOperations), EcsError> {
        let info = self.type_named(name)?;
        match &info.operations {
            Operations::Resource(operations) => Ok((info, operations)),
            _ => Err(wrong_kind(info, ModelTypeKind::Resource)),
        }
    }

    fn event_type(&self, name: &str) -> Result<(&Arc<ModelTypeInfo>, &EventOperations), EcsError> {
        let info = self.type_named(name)?;
        match &info.operations {
            Operations::Event(operations) => Ok((info, operations)),
            _ => Err(wrong_kind(info, ModelTypeKind::Event)),
        }
    }
}

/// Components.
impl World {
    /// Whether `entity` has the component called `name`.
    ///
    /// # Errors
    /// [`EcsError::NoSuchEntity`], and those of [`World::component_named`].
    pub fn has_named(&self, entity: Entity, name: &str) -> Result<bool, EcsError> {
        let (info, _) = self.component(name)?;
        self.has_component(entity, info)
    }

    /// The component called `name` of `entity`, as a copy.
    ///
    /// # Errors
    /// [`EcsError::NoSuchEntity`], [`EcsError::MissingComponent`], and those of [`World::component_named`].
    ///
    /// # Panics
    /// When a living query writes the component; the message names it.
    pub fn value(&self, entity: Entity, name: &str) -> Result<SavedValue, EcsError> {
        let (info, _) = self.component(name)?;
        let mut bytes = Vec::new();
        if !self.encode_component(entity, info, &mut bytes)? {
            return Err(EcsError::MissingComponent { entity, component: name.to_owned() });
        }
        Ok(info.saved(bytes))
    }

    /// All components of `entity`, as copies, in the order of their names.
    ///
    /// # Errors
    /// [`EcsError::NoSuchEntity`]
    ///
    /// # Panics
    /// As [`World::value`].
    pub fn values(&self, entity: Entity) -> Result<Vec<ComponentValue>, EcsError> {
        let mut values = Vec::new();
        for info in self.components_of(entity)? {
            values.push(ComponentValue::new(info.name(), self.value(entity, info.name())?));
        }
        values.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(values)
    }

    /// Adds an entity with these components.
    ///
    /// # Errors
    /// Those of [`World::component_named`]; [`EcsError::WrongSchema`] and [`EcsError::State`] for a value that is
    /// none of its component; [`EcsError::KeptByWorld`] for `Parent` and `Children`; [`EcsError::Limit`]. The world is then
    /// unchanged.
    pub fn spawn_values(&mut self, components: &[ComponentValue]) -> Result<Entity, EcsError> {
        let bundle = self.bundle_of(components)?;
        self.check_room_for([&bundle].into_iter(), 0)?;
        Ok(self.spawn_bundle(bundle))
    }

    /// Adds an entity for each list of components: all of them or none.
    ///
    /// # Errors
    /// As [`World::spawn_values`].
    pub fn spawn_values_batch(&mut self, entities: &[Vec<ComponentValue>]) -> Result<Vec<Entity>, EcsError> {
        let bundles = entities.iter().map(|components| self.bundle_of(components));
        let bundles = bundles.collect::<Result<Vec<_>, _>>()?;
        self.check_room_for(bundles.iter(), 0)?;
        Ok(bundles.into_iter().map(|bundle| self.spawn_bundle(bundle)).collect())
    }

    /// Adds components to `entity`; those that it has are replaced.
    ///
    /// # Errors
    /// [`EcsError::NoSuchEntity`], and those of [`World::spawn_values`]. The world is then unchanged.
    pub fn insert_values(&mut self, entity: Entity, components: &[ComponentValue]) -> Result<(), EcsError> {
        self.check_alive(entity)?;
        let bundle = self.bundle_of(components)?;
        self.insert_values_now(entity, bundle)
    }

    /// Takes the component called `name` from `entity`.
    ///
    /// # Errors
    /// Those of [`World::value`]; [`EcsError::KeptByWorld`] for `Parent` and `Children`.
    pub fn remove_value(&mut self, entity: Entity, name: &str) -> Result<SavedValue, EcsError> {
        let (info, _) = self.component(name)?;
        check_writable(info)?;
        let value = self.value(entity, name)?;
        let (id, remove) = (info.id(), info.typed_operations().map(|operations| operations.remove));
        let before = self.before_remove(entity, &[id])?;
        self.before_change(entity);
        match self.sparse.get_mut(id) {
            Some(set) => {
                set.remove(entity);
            }
            None => {
                self.structure_changed();
                remove.map(|remove| remove(&mut self.entities, entity.inner()));
            }
        }
        self.changes.remove(id, entity);
        self.after_remove(entity, before);
        Ok(value)
    }

    /// Adds an entity with copies of `entity`'s components, but for its parent and its children. Its name is copied
    /// too. It is related to the same targets; nobody is related to it.
    ///
    /// # Errors
    /// [`EcsError::NoSuchEntity`]; [`EcsError::Limit`]; [`EcsError::State`] when a type's `Serialize` or `Deserialize` fails.
    pub fn clone_entity(&mut self, entity: Entity) -> Result<Entity, EcsError> {
        let mut components = self.values(entity)?;
        components.retain(|component| {
            self.component_named(&component.name).is_ok_and(|info| check_writable(info).is_ok())
        });
        let copy = self.spawn_values(&components)?;
        if let Err(error) = self.copy_targets(entity, copy) {
            self.despawn(copy)?;
            return Err(error);
        }
        Ok(copy)
    }

    pub(crate) fn bundle_of(&self, components: &[ComponentValue]) -> Result<ValueBundle, EcsError> {
        let mut bundle = ValueBundle::default();
        for ComponentValue { name, value } in components {
            self.add_to_bundle(&mut bundle, name, value)?;
        }
        Ok(bundle)
    }

    pub(crate) fn add_to_bundle(
        &self,
        bundle: &mut ValueBundle,
        name: &str,
        value: &SavedValue,
    ) -> Result<(), EcsError> {
        let (info, operations) = self.component(name)?;
        check_writable(info)?;
        let bytes = info.bytes_of(value)?;
        let mut rest = bytes.as_ref();
        bundle.add(info, operations, &mut rest)?;
        Ok(all_read(rest)?)
    }
}

/// Resources.
impl World {
    /// The names of the resources that the world has, sorted.
    pub fn resource_names(&self) -> Vec<String> {
        let names =
            self.resources.ids().filter_map(|id| self.types.get(id)).map(|info| info.name().to_owned());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    /// Whether the world has the resource called `name`.
    ///
    /// # Errors
    /// [`EcsError::NotRegistered`], or [`EcsError::WrongKind`] when it is a component or an event.
    pub fn has_resource_named(&self, name: &str) -> Result<bool, EcsError> {
        self.resource_type(name).map(|(info, _)| self.resources.contains(info.id()))
    }

    /// The resource called `name`, as a copy.
    ///
    /// # Errors
    /// [`EcsError::MissingResource`], [`EcsError::InUse`], and those of [`World::has_resource_named`].
    pub fn resource_value(&self, name: &str) -> Result<SavedValue, EcsError> {
        let (info, operations) = self.resource_type(name)?;
        let mut bytes = Vec::new();
        (operations.save)(&**self.resources.borrow(info.id(), name)?, &mut bytes)?;
        Ok(info.saved(bytes))
    }

    /// Puts a resource into the world, in the place of the one that was there.
    ///
    /// # Errors
    /// [`EcsError::WrongSchema`] and [`EcsError::State`] for a value that is none of the resource, and those of
    /// [`World::has_resource_named`].
    pub fn insert_resource_value(&mut self, name: &str, value: &SavedValue) -> Result<(), EcsError> {
        let (info, operations) = self.resource_type(name)?;
        let bytes = info.bytes_of(value)?;
        let mut rest = bytes.as_ref();
        let resource = (operations.restore)(&mut rest)?;
        all_read(rest)?;
        let (id, name) = (info.id(), info.name());
        self.before_resource(id);
        let stored = self.types.stored_resource(resource.into_any());
        let stored = stored.ok_or_else(|| EcsError::Conflict { name: name.to_owned() })?;
        self.resources.insert_any(id, stored);
        self.changes.insert_resource(id);
        Ok(())
    }

    /// Takes all resources out of the world; how many there were.
    pub fn clear_resources(&mut self) -> usize {
        let count = self.resources.len();
        self.resources.ids().for_each(|id| self.before_resource(id));
        self.resources = Default::default();
        self.changes.clear_resources();
        count
    }

    /// Takes the resource called `name` out of the world.
    ///
    /// # Errors
    /// Those of [`World::resource_value`].
    pub fn remove_resource_value(&mut self, name: &str) -> Result<SavedValue, EcsError> {
        let value = self.resource_value(name)?;
        self.before_resource(ComponentId::of(name));
        self.resources.remove_any(ComponentId::of(name));
        self.changes.remove_resource(ComponentId::of(name));
        Ok(value)
    }
}

/// Events.
impl World {
    /// How many events called `name` are kept, and were sent.
    ///
    /// # Errors
    /// [`EcsError::NotRegistered`], [`EcsError::WrongKind`]; [`EcsError::InUse`] while the queue is written.
    pub fn event_count(&self, name: &str) -> Result<EventCount, EcsError> {
        let (info, _) = self.event_type(name)?;
        let store = self.event_queue(info)?;
        Ok(EventCount { kept: store.len(), sent: store.sent() })
    }

    /// Sends an event.
    ///
    /// # Errors
    /// Those of [`World::event_count`], and [`EcsError::WrongSchema`] and [`EcsError::State`] for a value that is
    /// none of the event. Nothing is sent then.
    pub fn send_value(&self, name: &str, event: &SavedValue) -> Result<(), EcsError> {
        self.send_values(name, std::slice::from_ref(event))
    }

    /// Sends events, all of them or none.
    ///
    /// # Errors
    /// As [`World::send_value`].
    pub fn send_values(&self, name: &str, events: &[SavedValue]) -> Result<(), EcsError> {
        let (info, operations) = self.event_type(name)?;
        let encoded = events.iter().map(|event| info.bytes_of(event)).collect::<Result<Vec<_>, _>>()?;
        for bytes in &encoded {
            let mut rest = bytes.as_ref();
            (operations.check)(&mut rest)?;
            all_read(rest)?;
        }
        let in_use = || EcsError::InUse { name: name.to_owned() };
        let mut store = match self.events.get(&info.id()) {
            Some(store) => store.try_borrow_mut().map_err(|_| in_use())?,
            None => return Err(EcsError::NotRegistered { name: name.to_owned() }),
        };
        for bytes in &encoded {
            store.send_encoded(&mut bytes.as_ref())?;
        }
        Ok(())
    }

    /// The events called `name` that are kept and have at least the number `from`, at most `count`, oldest first,
    /// each with its number.
    ///
    /// # Errors
    /// Those of [`World::event_count`].
    pub fn event_values(
        &self,
        name: &str,
        from: u64,
        count: usize,
    ) -> Result<Vec<(u64, SavedValue)>, EcsError> {
        let (info, _) = self.event_type(name)?;
        let mut events = Vec::new();
        self.event_queue(info)?.visit(from, count, &mut |number, bytes| {
            events.push((number, info.saved(bytes.to_vec())));
        })?;
        Ok(events)
    }

    /// Drops the events called `name` that are kept; they count as sent.
    ///
    /// # Errors
    /// [`EcsError::NotRegistered`], [`EcsError::WrongKind`].
    pub fn clear_events_named(&mut self, name: &str) -> Result<(), EcsError> {
        let id = self.event_type(name)?.0.id();
        self.before_queue(id);
        if let Some(store) = self.events.get_mut(&id) {
            store.get_mut().clear();
        }
        Ok(())
    }
}

impl ModelTypeInfo {
    /// A value of this type that was encoded just now.
    pub(crate) fn saved(&self, bytes: Vec<u8>) -> SavedValue {
        SavedValue::from_parts(Arc::clone(&self.schema), bytes)
    }

    /// The bytes of `value` as this build's: as they are where the schema is the same, migrated where it is an
    /// older one of the same type and nothing is lost.
    pub(crate) fn bytes_of<'v>(&self, value: &'v SavedValue) -> Result<std::borrow::Cow<'v, [u8]>, EcsError> {
        if value.schema() == &*self.schema {
            return Ok(value.bytes().into());
        }
        let wrong = || EcsError::WrongSchema {
            name: self.name().to_owned(),
            expected: self.schema.to_string(),
            found: value.schema().to_string(),
        };
        let root_name = |schema: &keel_state::TypeSchema| schema.name_of(schema.root());
        let migration = Migration::plan(value.schema(), &self.live);
        if root_name(value.schema()) != root_name(&self.schema) || migration.is_lossy() {
            return Err(wrong());
        }
        let mut migrated = Vec::new();
        migration.apply(&mut value.bytes(), &mut migrated).map_err(|_| wrong())?;
        Ok(migrated.into())
    }

    /// The type as its author declares it.
    pub fn live_schema(&self) -> &LiveSchema {
        &self.live
    }
}

fn check_writable(info: &ModelTypeInfo) -> Result<(), EcsError> {
    match &info.operations {
        Operations::Component(operations) if operations.access == ComponentAccess::World => {
            Err(EcsError::KeptByWorld { name: info.name().to_owned() })
        }
        _ => Ok(()),
    }
}

fn wrong_kind(info: &ModelTypeInfo, expected: ModelTypeKind) -> EcsError {
    EcsError::WrongKind { name: info.name().to_owned(), expected, found: info.kind() }
}

fn all_read(rest: &[u8]) -> Result<(), StateError> {
    match rest.len() {
        0 => Ok(()),
        left => Err(StateError::TrailingBytes { left }),
    }
}
