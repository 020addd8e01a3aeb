//! What a type must be to live in a world, and what the world keeps to know of it.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use keel_core_types::{ComponentId, ThreadSafe};
use keel_state::{LiveSchema, Schema, TypeAccess, TypeFingerprint, TypeSchema};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::ComponentDefinition;
use crate::model::operations::{
    ComponentOperations, EventOperations, Operations, ResourceOperations, TypedOperations,
};
use crate::model::reaction::Hooks;
use crate::model::relation::RelationOperations;
use crate::model::sparse::{Encoded, SparseOperations};
use crate::model::ticks::Tracking;

/// What can be saved, restored and migrated. The attributes `#[component]`, `#[resource]`, `#[event]` and
/// `#[data]` implement all of it.
pub trait Data: Schema + Serialize + DeserializeOwned + ThreadSafe {}

impl<T: Schema + Serialize + DeserializeOwned + ThreadSafe> Data for T {}

/// Data of an entity.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a component",
    note = "write `#[component]` above its declaration: it gives the type its schema and its name"
)]
pub trait Component: Data {
    /// The declared name: the type's own unless `#[component(name = "...")]` says otherwise.
    const NAME: &'static str;
    /// The hash of the name.
    const ID: ComponentId = ComponentId::of(Self::NAME);
    /// Who may change a value.
    #[doc(hidden)]
    const ACCESS: ComponentAccess = ComponentAccess::Free;
    /// Where values lie.
    const STORAGE: StorageKind = StorageKind::Columns;
    /// What the type does when a value comes or goes.
    #[doc(hidden)]
    const HOOKS: Hooks = Hooks::NONE;
    /// Whether the world notes when values are added and changed: [`ByTicks`](crate::ByTicks) where the attribute says
    /// `tracked`, else [`Untracked`](crate::Untracked).
    type Tracking: Tracking;
    /// The relation that it is a side of.
    #[doc(hidden)]
    const RELATION: Option<RelationOperations> = None;
}

/// Where the values of a component lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum StorageKind {
    /// In a column of the archetype, beside the entity's other components: the fastest to go through, together with
    /// others. Inserting and removing one moves all of the entity's columns.
    #[default]
    Columns,
    /// In a set of its own, `#[component(sparse)]`: for components that come and go, often in every frame. Inserting and
    /// removing one moves nothing else.
    Sparse,
}

/// Who may change the values of a component.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComponentAccess {
    /// Everyone, in place too.
    Free,
    /// Everyone, by inserting and removing; never in place, since the world has an index of it.
    Whole,
    /// The world alone.
    World,
}

/// Data of a world, one of each type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a resource",
    note = "write `#[resource]` above its declaration: it gives the type its schema and its name"
)]
pub trait Resource: Data {
    /// The declared name.
    const NAME: &'static str;
    /// The hash of the name.
    const ID: ComponentId = ComponentId::of(Self::NAME);
    /// Whether the world notes when it is added and changed: `#[resource(tracked)]`.
    const IS_TRACKED: bool = false;
}

/// A message from system to system, kept for two frames.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event",
    note = "write `#[event]` above its declaration: it gives the type its schema and its name"
)]
pub trait Event: Data {
    /// The declared name.
    const NAME: &'static str;
    /// The hash of the name.
    const ID: ComponentId = ComponentId::of(Self::NAME);
}

/// What a registered type is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ModelTypeKind {
    /// Data of an entity.
    Component,
    /// Data of a world.
    Resource,
    /// A message.
    Event,
}

impl fmt::Display for ModelTypeKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Component => "a component",
            Self::Resource => "a resource",
            Self::Event => "an event",
        })
    }
}

/// A type as it is shown to others: plain data, without the code that handles it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeSummary {
    /// The declared name.
    pub name: String,
    /// The hash of the name.
    pub id: ComponentId,
    /// Component, resource or event.
    pub kind: ModelTypeKind,
    /// Names and types of the fields.
    pub schema: Arc<TypeSchema>,
    /// Size in bytes, as it lies in memory.
    pub size: usize,
    /// Alignment in bytes.
    pub align: usize,
}

/// All that a world knows of a type: its name, schema and layout, and how to make, save and restore it.
///
/// Its function pointers lead into the module that exported it.
pub struct ModelTypeInfo {
    pub(crate) name: String,
    pub(crate) id: ComponentId,
    pub(crate) live: LiveSchema,
    /// `live`'s schema alone, shared with the snapshots.
    pub(crate) schema: Arc<TypeSchema>,
    /// Whether equal values may have different bytes: a hashed map or set is saved in another order each time.
    pub(crate) is_unordered: bool,
    pub(crate) fingerprint: TypeFingerprint,
    /// What lends values of the type to paths.
    access: TypeAccess,
    pub(crate) operations: Operations,
    // Dropped after all that leads into the library.
    library: Option<Arc<dyn Any + Send + Sync>>,
}

impl ModelTypeInfo {
    /// Describes component `T`.
    pub fn component<T: Component>() -> Self {
        Self::new::<T>(T::NAME, Operations::Component(ComponentOperations::of::<T>()))
    }

    /// Describes a component that no Rust type stands behind.
    pub(crate) fn defined(definition: &Arc<ComponentDefinition>) -> Self {
        let live = definition.live().clone();
        let schema = Arc::new(live.schema().clone());
        Self {
            name: definition.name().to_owned(),
            id: ComponentId::of(definition.name()),
            is_unordered: schema.is_unordered(),
            fingerprint: TypeFingerprint::of::<Encoded>(&live),
            live,
            schema,
            access: TypeAccess::of_encoded(),
            operations: Operations::Component(ComponentOperations::of_defined(SparseOperations::Defined(
                Arc::clone(definition),
            ))),
            library: None,
        }
    }

    /// Describes resource `T`.
    pub fn resource<T: Resource>() -> Self {
        Self::new::<T>(T::NAME, Operations::Resource(ResourceOperations::of::<T>()))
    }

    /// Describes event `T`.
    pub fn event<T: Event>() -> Self {
        Self::new::<T>(T::NAME, Operations::Event(EventOperations::of::<T>()))
    }

    fn new<T: Data>(name: &str, operations: Operations) -> Self {
        let live = LiveSchema::of::<T>();
        let schema = Arc::new(live.schema().clone());
        let mut fingerprint = TypeFingerprint::of::<T>(&live);
        if let Operations::Component(ComponentOperations { behaviour, .. }) = &operations
            && let Some(relation) = behaviour.relation
        {
            // Other rules are another type: what is there may not fit them.
            fingerprint.unseen ^= relation.rules_hash();
        }
        Self {
            name: name.to_owned(),
            id: ComponentId::of(name),
            is_unordered: schema.is_unordered(),
            live,
            schema,
            fingerprint,
            access: TypeAccess::of::<T>(),
            operations,
            library: None,
        }
    }

    /// The same type, which now keeps the `library` of its code mapped for as long as it lives.
    #[must_use]
    pub fn kept_by(mut self, library: Arc<dyn Any + Send + Sync>) -> Self {
        self.library = Some(library);
        self
    }

    /// The declared name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The hash of the name.
    pub fn id(&self) -> ComponentId {
        self.id
    }

    /// Component, resource or event.
    pub fn kind(&self) -> ModelTypeKind {
        match self.operations {
            Operations::Component(_) => ModelTypeKind::Component,
            Operations::Resource(_) => ModelTypeKind::Resource,
            Operations::Event(_) => ModelTypeKind::Event,
        }
    }

    /// Names and types of the fields.
    pub fn schema(&self) -> &TypeSchema {
        self.live.schema()
    }

    /// What lends values of the type to paths: another one for each registration.
    pub(crate) fn access(&self) -> &TypeAccess {
        &self.access
    }

    /// What two modules must agree on before they may touch the same data.
    pub fn fingerprint(&self) -> TypeFingerprint {
        self.fingerprint
    }

    /// Name, schema and layout, without the code.
    pub fn summary(&self) -> TypeSummary {
        TypeSummary {
            name: self.name.clone(),
            id: self.id,
            kind: self.kind(),
            schema: Arc::clone(&self.schema),
            size: self.fingerprint.size,
            align: self.fingerprint.align,
        }
    }

    /// Where values of the component lie; columns for what is no component.
    pub fn storage(&self) -> StorageKind {
        self.sparse_operations().map_or(StorageKind::Columns, |_| StorageKind::Sparse)
    }

    /// Whether the world notes when values of the component, or the resource, are added and changed.
    pub fn is_tracked(&self) -> bool {
        match &self.operations {
            Operations::Component(operations) => operations.is_tracked,
            Operations::Resource(operations) => operations.is_tracked,
            Operations::Event(_) => false,
        }
    }

    /// Whether the component was defined at run time: no Rust type stands behind it.
    pub fn is_defined(&self) -> bool {
        self.definition().is_some()
    }

    /// What it was defined by, if it was defined at run time.
    pub fn definition(&self) -> Option<&Arc<ComponentDefinition>> {
        self.sparse_operations()?.definition()
    }

    pub(crate) fn sparse_operations(&self) -> Option<&SparseOperations> {
        self.component_operations()?.sparse.as_ref()
    }

    pub(crate) fn typed_operations(&self) -> Option<&TypedOperations> {
        self.component_operations()?.typed.as_deref()
    }

    pub(crate) fn component_operations(&self) -> Option<&ComponentOperations> {
        match &self.operations {
            Operations::Component(operations) => Some(operations),
            _ => None,
        }
    }
}
