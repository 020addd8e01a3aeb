//! Components of entities, by name.

use keel_core_types::View;
use keel_module_macros::view;
use keel_state::{Difference, SavedValue, Value};

use crate::{ComponentValue, EcsError, Entity, TypeSummary, World};

/// Works on the components of entities, by their declared names.
///
/// Every call that takes a name fails with [`EcsError::NotRegistered`] for one that the world does not know, and with
/// [`EcsError::WrongKind`] for a resource's or an event's; every call that takes an entity fails with
/// [`EcsError::NoSuchEntity`] for one that does not live. The calls below name what else may go wrong.
#[view(crate = keel_ecs, name = "keel.ComponentView")]
pub trait ComponentView: View {
    /// The names of all components that the world knows, sorted.
    fn names(&self, world: &World) -> Vec<String>;

    /// Name, schema and layout of a component.
    ///
    /// # Errors
    /// See [`ComponentView`].
    fn info(&self, world: &World, name: &str) -> Result<TypeSummary, EcsError>;

    /// The component's default value.
    ///
    /// # Errors
    /// [`EcsError::NoDefault`]
    fn default_value(&self, world: &World, name: &str) -> Result<SavedValue, EcsError>;

    /// Whether the entity has the component.
    ///
    /// # Errors
    /// See [`ComponentView`].
    fn has(&self, world: &World, entity: Entity, name: &str) -> Result<bool, EcsError>;

    /// A copy of the component.
    ///
    /// # Errors
    /// [`EcsError::MissingComponent`]
    fn get(&self, world: &World, entity: Entity, name: &str) -> Result<SavedValue, EcsError>;

    /// The component for people to read.
    ///
    /// # Errors
    /// [`EcsError::MissingComponent`]
    fn get_value(&self, world: &World, entity: Entity, name: &str) -> Result<Value, EcsError>;

    /// Copies of all components of an entity, sorted by name.
    ///
    /// # Errors
    /// See [`ComponentView`].
    fn get_all(&self, world: &World, entity: Entity) -> Result<Vec<ComponentValue>, EcsError>;

    /// Adds a component, or replaces it.
    ///
    /// # Errors
    /// [`EcsError::WrongSchema`], [`EcsError::State`], [`EcsError::KeptByWorld`]; nothing has changed then.
    fn insert(
        &self,
        world: &mut World,
        entity: Entity,
        name: &str,
        value: &SavedValue,
    ) -> Result<(), EcsError>;

    /// Adds or replaces components, in one move: all of them or none.
    ///
    /// # Errors
    /// As [`ComponentView::insert`].
    fn insert_many(
        &self,
        world: &mut World,
        entity: Entity,
        components: &[ComponentValue],
    ) -> Result<(), EcsError>;

    /// Replaces a component that the entity has, and returns the one before.
    ///
    /// # Errors
    /// [`EcsError::MissingComponent`], and as [`ComponentView::insert`].
    fn replace(
        &self,
        world: &mut World,
        entity: Entity,
        name: &str,
        value: &SavedValue,
    ) -> Result<SavedValue, EcsError>;

    /// Takes a component from an entity.
    ///
    /// # Errors
    /// [`EcsError::MissingComponent`], [`EcsError::KeptByWorld`].
    fn remove(&self, world: &mut World, entity: Entity, name: &str) -> Result<SavedValue, EcsError>;

    /// Takes components from an entity: all of them, or none when one is missing.
    ///
    /// # Errors
    /// As [`ComponentView::remove`].
    fn remove_many(
        &self,
        world: &mut World,
        entity: Entity,
        names: &[&str],
    ) -> Result<Vec<SavedValue>, EcsError>;

    /// Takes the component from all entities that have it; how many had it.
    ///
    /// # Errors
    /// [`EcsError::KeptByWorld`]
    fn remove_everywhere(&self, world: &mut World, name: &str) -> Result<usize, EcsError>;

    /// Copies a component from one entity to another.
    ///
    /// # Errors
    /// [`EcsError::MissingComponent`], [`EcsError::KeptByWorld`].
    fn copy(&self, world: &mut World, from: Entity, to: Entity, name: &str) -> Result<(), EcsError>;

    /// Moves a component from one entity to another.
    ///
    /// # Errors
    /// As [`ComponentView::copy`].
    fn transfer(&self, world: &mut World, from: Entity, to: Entity, name: &str) -> Result<(), EcsError>;

    /// How many entities have the component.
    ///
    /// # Errors
    /// See [`ComponentView`].
    fn count(&self, world: &World, name: &str) -> Result<usize, EcsError>;

    /// The entities that have the component, in the order of a query.
    ///
    /// # Errors
    /// See [`ComponentView`].
    fn entities_with(&self, world: &World, name: &str) -> Result<Vec<Entity>, EcsError>;

    /// Where the components of two entities differ, field by field.
    ///
    /// # Errors
    /// [`EcsError::MissingComponent`]
    fn compare(
        &self,
        world: &World,
        before: Entity,
        after: Entity,
        name: &str,
    ) -> Result<Vec<Difference>, EcsError>;
}
