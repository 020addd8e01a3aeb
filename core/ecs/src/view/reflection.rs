//! Types, and the parts of values, by name.

use keel_core_types::{ComponentId, View};
use keel_module_macros::view;
use keel_state::{SavedValue, Value};

use crate::{ComponentDefinition, EcsError, Entity, PreparedPath, PreparedTerms, TypeReflection, World};

/// What is at some paths in one match of a query.
#[derive(Clone, Debug, PartialEq)]
pub struct PathValues {
    /// The entity.
    pub entity: Entity,
    /// What is at each path, in their order; `None` where the entity lacks it now.
    pub values: Vec<Option<Value>>,
}

/// Tells what types are made of, and reads, writes and makes values by the names of their parts.
///
/// A path is written as [`FieldPath`](keel_state::FieldPath) says: `Position.x`. Every call that takes one fails with
/// [`EcsError::Reflect`] if it leads nowhere, every call that takes a name or a path with [`EcsError::NotRegistered`] for a
/// type that the world does not know, and with [`EcsError::WrongKind`] for one of another kind than it works on; every call
/// that takes an entity with [`EcsError::NoSuchEntity`] for one that does not live. The calls below name what else may go
/// wrong.
#[view(crate = keel_ecs, name = "keel.ReflectionView")]
pub trait ReflectionView: View {
    /// All types with their fields, docs and defaults, sorted by name.
    fn types(&self, world: &World) -> Vec<TypeReflection>;

    /// One type with its fields, docs and defaults.
    ///
    /// # Errors
    /// See [`ReflectionView`].
    fn info(&self, world: &World, name: &str) -> Result<TypeReflection, EcsError>;

    /// Makes a component known that no Rust type stands behind; see [`World::define_component`].
    ///
    /// # Errors
    /// [`EcsError::NameTaken`] when a type of a module has the name, [`EcsError::Redefinition`] when values that are there
    /// can't become those of the definition. Nothing has changed then.
    fn define(&self, world: &mut World, definition: &ComponentDefinition) -> Result<ComponentId, EcsError>;

    /// The components that were defined so, in the order of their ids.
    fn definitions(&self, world: &World) -> Vec<ComponentDefinition>;

    /// A path that remembers where it leads, to read and write by itself. It may be kept across a swap.
    ///
    /// # Errors
    /// See [`ReflectionView`].
    fn prepare(&self, world: &World, path: &str) -> Result<PreparedPath, EcsError>;

    /// What is at a path in a component.
    ///
    /// # Errors
    /// [`EcsError::MissingComponent`]
    fn read(&self, world: &World, entity: Entity, path: &str) -> Result<Value, EcsError>;

    /// Writes what is at a path in a component.
    ///
    /// # Errors
    /// [`EcsError::MissingComponent`], [`EcsError::KeptByWorld`], [`EcsError::WrittenWhole`]; [`EcsError::Reflect`] when the
    /// value does not fit. Nothing has changed then.
    fn write(&self, world: &mut World, entity: Entity, path: &str, value: &Value) -> Result<(), EcsError>;

    /// What is at a path in a resource.
    ///
    /// # Errors
    /// [`EcsError::MissingResource`]
    fn read_resource(&self, world: &World, path: &str) -> Result<Value, EcsError>;

    /// Writes what is at a path in a resource.
    ///
    /// # Errors
    /// [`EcsError::MissingResource`]; [`EcsError::Reflect`] when the value does not fit. Nothing has changed then.
    fn write_resource(&self, world: &mut World, path: &str, value: &Value) -> Result<(), EcsError>;

    /// A component, resource or event made of a value: fields and variants by name, what is not named by default.
    ///
    /// # Errors
    /// [`EcsError::Reflect`] when the value does not fit.
    fn make(&self, world: &World, name: &str, value: &Value) -> Result<SavedValue, EcsError>;

    /// Adds a component that is made of a value, or replaces it.
    ///
    /// # Errors
    /// As [`ReflectionView::make`], and [`EcsError::KeptByWorld`]. Nothing has changed then.
    fn insert(&self, world: &mut World, entity: Entity, name: &str, value: &Value) -> Result<(), EcsError>;

    /// Adds an entity with components that are made of values.
    ///
    /// # Errors
    /// As [`ReflectionView::insert`].
    fn spawn(&self, world: &mut World, components: &[(&str, Value)]) -> Result<Entity, EcsError>;

    /// Puts a resource that is made of a value into the world.
    ///
    /// # Errors
    /// As [`ReflectionView::make`].
    fn insert_resource(&self, world: &mut World, name: &str, value: &Value) -> Result<(), EcsError>;

    /// Sends an event that is made of a value.
    ///
    /// # Errors
    /// As [`ReflectionView::make`].
    fn send(&self, world: &World, name: &str, value: &Value) -> Result<(), EcsError>;

    /// What is at some paths in each match of a query, archetype by archetype.
    ///
    /// # Errors
    /// See [`ReflectionView`].
    fn rows(
        &self,
        world: &World,
        terms: &mut PreparedTerms,
        paths: &mut [PreparedPath],
    ) -> Result<Vec<PathValues>, EcsError>;
}
