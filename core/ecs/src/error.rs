//! What can go wrong in a world, each with the thing, the cause and the next step.

use crate::Entity;
use keel_core_types::IdCollision;
use keel_state::StateError;

/// An error of the ECS area.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EcsError {
    /// The entity was despawned, or never lived in this world.
    #[error("entity {entity} does not live in this world; drop the id, or ask `World::contains` first")]
    NoSuchEntity {
        /// The stale id.
        entity: Entity,
    },
    /// The entity lives, but has no such component.
    #[error("entity {entity} has no component `{component}`; insert one, or query `Option<&{component}>`")]
    MissingComponent {
        /// The entity asked.
        entity: Entity,
        /// The component's name.
        component: String,
    },
    /// Someone else holds the component, column or resource in a way that excludes this use.
    #[error("`{name}` is in use elsewhere in this call; end that borrow first")]
    InUse {
        /// The component's or resource's name.
        name: String,
    },
    /// No resource of this type is in the world.
    #[error("the world has no resource `{resource}`; insert one in the module's `start`")]
    MissingResource {
        /// The resource's name.
        resource: String,
    },
    /// The world does not know the type.
    #[error(
        "type `{name}` is not registered; list it in the `model!` of its crate, and load its Model module"
    )]
    NotRegistered {
        /// The type's declared name.
        name: String,
    },
    /// Two different types claim one name, or two names have one id.
    #[error(transparent)]
    Collision(#[from] IdCollision),
    /// Two types of different shape or layout are registered under one name.
    #[error(
        "type `{name}` is already registered with another layout or from another crate; rename one of them, or \
         rebuild the modules that use it"
    )]
    Conflict {
        /// The type's declared name.
        name: String,
    },
    /// The new parent is the entity itself or one of its descendants.
    #[error("{parent} can't be the parent of {child}: it is {child} itself or below it")]
    CyclicParent {
        /// The entity to be moved.
        child: Entity,
        /// The refused parent.
        parent: Entity,
    },
    /// A snapshot could not be read or written.
    #[error(transparent)]
    State(#[from] StateError),
}
