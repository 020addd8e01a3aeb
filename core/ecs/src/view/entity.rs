//! Entities: their lives, names, families and relations.

use keel_core_types::View;
use keel_module_macros::view;

use crate::{ComponentValue, EcsError, Entity, World};

/// Works on entities. Every call that takes an entity and can fail does so with [`EcsError::NoSuchEntity`] for one that
/// does not live; the calls below name what else may go wrong.
#[view(crate = keel_ecs, name = "keel.EntityView")]
pub trait EntityView: View {
    /// Adds an entity without components.
    fn spawn_empty(&self, world: &mut World) -> Entity;

    /// Adds an entity with components.
    ///
    /// # Errors
    /// [`EcsError::NotRegistered`], [`EcsError::WrongKind`], [`EcsError::WrongSchema`], [`EcsError::State`],
    /// [`EcsError::KeptByWorld`]; the world is then unchanged.
    fn spawn(&self, world: &mut World, components: &[ComponentValue]) -> Result<Entity, EcsError>;

    /// Adds an entity for each list of components: all of them or none.
    ///
    /// # Errors
    /// As [`EntityView::spawn`].
    fn spawn_batch(
        &self,
        world: &mut World,
        entities: &[Vec<ComponentValue>],
    ) -> Result<Vec<Entity>, EcsError>;

    /// Adds an entity with copies of another one's components, but for its parent and its children. It is related to
    /// the same targets; nobody is related to it.
    ///
    /// # Errors
    /// [`EcsError::State`] when a component can't be encoded.
    fn clone_entity(&self, world: &mut World, entity: Entity) -> Result<Entity, EcsError>;

    /// Removes an entity, all below it, and those that a relation has go with one of them.
    ///
    /// # Errors
    /// See [`EntityView`].
    fn despawn(&self, world: &mut World, entity: Entity) -> Result<(), EcsError>;

    /// Removes those of `entities` that live, and all below them; how many entities went.
    fn despawn_many(&self, world: &mut World, entities: &[Entity]) -> usize;

    /// Whether the entity lives.
    fn contains(&self, world: &World, entity: Entity) -> bool;

    /// All living entities, archetype by archetype.
    fn all(&self, world: &World) -> Vec<Entity>;

    /// How many entities live.
    fn count(&self, world: &World) -> usize;

    /// The entity with the index `index`, whatever its generation.
    fn at_index(&self, world: &World, index: u32) -> Option<Entity>;

    /// The names of an entity's components, sorted.
    ///
    /// # Errors
    /// See [`EntityView`].
    fn components(&self, world: &World, entity: Entity) -> Result<Vec<String>, EcsError>;

    /// The entity called `name`; with several, the first that a query would meet.
    fn find(&self, world: &World, name: &str) -> Option<Entity>;

    /// What the entity is called.
    ///
    /// # Errors
    /// See [`EntityView`].
    fn name(&self, world: &World, entity: Entity) -> Result<Option<String>, EcsError>;

    /// Names the entity, or takes its name.
    ///
    /// # Errors
    /// See [`EntityView`].
    fn set_name(&self, world: &mut World, entity: Entity, name: Option<&str>) -> Result<(), EcsError>;

    /// The entity that this one belongs to.
    ///
    /// # Errors
    /// See [`EntityView`].
    fn parent(&self, world: &World, entity: Entity) -> Result<Option<Entity>, EcsError>;

    /// Makes `child` belong to `parent`, or to nobody.
    ///
    /// # Errors
    /// [`EcsError::CyclicParent`] when `parent` is `child` or below it.
    fn set_parent(&self, world: &mut World, child: Entity, parent: Option<Entity>) -> Result<(), EcsError>;

    /// The entities that belong to this one, in the order in which they came.
    ///
    /// # Errors
    /// See [`EntityView`].
    fn children(&self, world: &World, entity: Entity) -> Result<Vec<Entity>, EcsError>;

    /// Parent, grandparent and so on.
    ///
    /// # Errors
    /// See [`EntityView`].
    fn ancestors(&self, world: &World, entity: Entity) -> Result<Vec<Entity>, EcsError>;

    /// All entities below this one, parents before their children.
    ///
    /// # Errors
    /// See [`EntityView`].
    fn descendants(&self, world: &World, entity: Entity) -> Result<Vec<Entity>, EcsError>;

    /// The entities that have children and no parent.
    fn roots(&self, world: &World) -> Vec<Entity>;

    /// Relates `source` to `target` by the relation called `relation`; in an exclusive one it leaves the target it had.
    ///
    /// # Errors
    /// [`EcsError::NotRegistered`]
    fn relate(
        &self,
        world: &mut World,
        relation: &str,
        source: Entity,
        target: Entity,
    ) -> Result<(), EcsError>;

    /// Takes that back; whether `source` was related to `target`.
    ///
    /// # Errors
    /// [`EcsError::NotRegistered`]
    fn unrelate(
        &self,
        world: &mut World,
        relation: &str,
        source: Entity,
        target: Entity,
    ) -> Result<bool, EcsError>;

    /// The entities that this one is related to, in the order in which they came.
    ///
    /// # Errors
    /// [`EcsError::NotRegistered`]
    fn targets(&self, world: &World, relation: &str, source: Entity) -> Result<Vec<Entity>, EcsError>;

    /// The entities that are related to this one, in the order in which they came.
    ///
    /// # Errors
    /// [`EcsError::NotRegistered`]
    fn sources(&self, world: &World, relation: &str, target: Entity) -> Result<Vec<Entity>, EcsError>;
}
