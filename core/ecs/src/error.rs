//! What can go wrong in a world, each with the thing, the cause and the next step.

use keel_core_types::IdCollision;
use keel_state::{ReflectError, StateError};

use crate::{Entity, ModelTypeKind};

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
    /// The entity lives and has all that the query hands out, but the query passes it over.
    #[error("entity {entity} is passed over by the query's filter; ask `contains` first, or drop the filter")]
    NotInQuery {
        /// The entity asked.
        entity: Entity,
    },
    /// Someone else holds the component, column or resource in a way that excludes this use.
    #[error("`{name}` is in use elsewhere in this call; end that borrow first")]
    InUse {
        /// The component's or resource's name.
        name: String,
    },
    /// Someone else holds the component of this entity in a way that excludes this use.
    #[error("`{component}` of entity `{entity}` is in use elsewhere in this call; end that borrow first")]
    ComponentInUse {
        /// Whose component it is.
        entity: Entity,
        /// The component's name.
        component: String,
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
    #[error(
        "{parent} can't be the parent of {child}: it is {child} itself or below it; choose another parent"
    )]
    CyclicParent {
        /// The entity to be moved.
        child: Entity,
        /// The refused parent.
        parent: Entity,
    },
    /// The name is a type's of another kind.
    #[error("`{name}` is {found}, {expected} was expected; use the view of that kind, or another name")]
    WrongKind {
        /// The type's declared name.
        name: String,
        /// What was asked for.
        expected: ModelTypeKind,
        /// What it is.
        found: ModelTypeKind,
    },
    /// A value has the schema of another type, or of an older one that can't become today's without a loss.
    #[error(
        "the value is no `{name}`; expected {expected}, found {found}; encode it as a `{name}`, or migrate it \
         with consent to its losses"
    )]
    WrongSchema {
        /// The type's declared name.
        name: String,
        /// The schema of the type.
        expected: String,
        /// The schema of the value.
        found: String,
    },
    /// Only the world itself writes these components, so that both sides of a relation agree.
    #[error("`{name}` is written by the world alone; call `World::set_parent`, or the entity view's")]
    KeptByWorld {
        /// The component's name.
        name: String,
    },
    /// The world keeps an index of the component, so its parts are not changed one by one.
    #[error("`{name}` is not changed in place: the world keeps an index of it; insert another value")]
    WrittenWhole {
        /// The component's name.
        name: String,
    },
    /// A path leads nowhere, or a value does not fit.
    #[error(transparent)]
    Reflect(Box<ReflectError>),
    /// Nobody defines a prefab of this name.
    #[error("there is no prefab `{prefab}`, there are: {known}; define it in the module's `register`")]
    NoSuchPrefab {
        /// What was asked for.
        prefab: String,
        /// What there is.
        known: String,
    },
    /// A prefab asks for what can't be.
    #[error("{prefab}, `{component}`: {because}; correct the prefab")]
    Prefab {
        /// The prefab, or a child in it.
        prefab: String,
        /// The component, or the child's name.
        component: String,
        /// Why.
        because: String,
    },
    /// The type implements no `Default`.
    #[error("`{name}` has no default; derive `Default` for it, or give a value")]
    NoDefault {
        /// The type's declared name.
        name: String,
    },
    /// The world has fewer archetypes.
    #[error("there is no archetype {index}, the world has {count}; list them with the storage view")]
    NoSuchArchetype {
        /// What was asked for.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// What is to be defined at run time can't be a component.
    #[error("`{name}` can't be defined: {because}; {next}")]
    Definition {
        /// What it was to be called.
        name: String,
        /// Why not.
        because: String,
        /// The next step.
        next: String,
    },
    /// A component is to be defined at run time whose name is that of a module's type.
    #[error(
        "`{name}` can't be defined as\n{defined}\na module registers {kind} of that name:\n{known}\nchoose another name, or \
         define it as that"
    )]
    NameTaken {
        /// The name.
        name: String,
        /// What the module's type is.
        kind: ModelTypeKind,
        /// Its schema.
        known: String,
        /// The schema that was to be defined.
        defined: String,
    },
    /// The values of a component that was defined at run time can't become those of what takes its name.
    #[error("`{name}` was defined as\n{known}\nand can't become\n{defined}\n{because}")]
    Redefinition {
        /// The name.
        name: String,
        /// The schema that the values have.
        known: String,
        /// The schema that they were to have.
        defined: String,
        /// Why not, and the next step.
        because: String,
    },
    /// A query's text can't be read.
    #[error(
        "`{term}` in query `{text}` is no term; write `Name`, `!Name`, `?Name` or `(A|B)`, with commas between"
    )]
    QueryText {
        /// The whole query.
        text: String,
        /// The part that can't be read.
        term: String,
    },
    /// A text is no entity's id.
    #[error("`{text}` is no entity; write its index and its generation, as in `3v1`")]
    EntityText {
        /// The text.
        text: String,
    },
    /// More than a world may hold, or its systems may put off.
    #[error(
        "the limit `{limit}` of {max} is reached: {what}; find what does so without an end, or raise it \
         (`keel run --limit {limit}=N`, `EngineConfig::limits`)"
    )]
    Limit {
        /// The limit's name.
        limit: String,
        /// What it is set to.
        max: usize,
        /// What would have gone beyond.
        what: String,
    },
    /// A snapshot could not be read or written.
    #[error(transparent)]
    State(#[from] StateError),
}

impl From<ReflectError> for EcsError {
    fn from(error: ReflectError) -> Self {
        Self::Reflect(Box::new(error))
    }
}

impl From<Box<ReflectError>> for EcsError {
    fn from(error: Box<ReflectError>) -> Self {
        Self::Reflect(error)
    }
}
