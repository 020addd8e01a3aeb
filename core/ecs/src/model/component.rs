//! What a type must be to live in a world, and what the world keeps to know of it.

use std::alloc::Layout;
use std::any::{Any, TypeId};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use keel_core_types::{ComponentId, ThreadSafe};
use keel_state::{
    FieldKey, LiveSchema, Schema, StateError, TypeAccess, TypeFingerprint, TypeSchema, decode, encode_column,
    encode_into,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::model::event::{AnyEvents, EventStore};
use crate::model::reaction::Hooks;
use crate::model::reflect::{Lending, ResourceLending};
use crate::model::relation::RelationOperations;
use crate::model::resource::AnyResource;
use crate::model::snapshot::{drop_value, first_row, share_column};
use crate::model::sparse::SparseOperations;
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

pub(crate) enum Operations {
    Component(ComponentOperations),
    Resource(ResourceOperations),
    Event(EventOperations),
}

/// A `Vec` of values of a component.
pub(crate) type Rows = Box<dyn Any + Send>;

/// What is shown the place and the encoded value of each row.
type VisitRow<'a> = dyn FnMut(usize, &[u8]) + 'a;

/// Encodes rows of a column.
type SaveRows = fn(&hecs::Archetype, Range<usize>, &mut Vec<u8>) -> Result<(), StateError>;

/// A resource, handled by another registration of its type.
type OwnResource = fn(Box<dyn Any>) -> Option<Box<dyn AnyResource>>;

/// A resource from its bytes.
type RestoreResource = fn(&mut &[u8]) -> Result<Box<dyn AnyResource>, StateError>;

/// What is done with a column without knowing its type.
pub(crate) struct ComponentOperations {
    /// How hecs stores it. The drop function in it is the module's, and so is used through
    /// [`TypeTable::stored`](crate::model::types::TypeTable::stored) alone.
    pub(crate) column: hecs::TypeInfo,
    pub(crate) needs_drop: bool,
    /// Appends the encoded values of these rows.
    pub(crate) save_rows: SaveRows,
    /// Copies a column of plain data into the column of the same type of a batch.
    pub(crate) copy_column: Option<fn(&hecs::Archetype, &hecs::ColumnBatchBuilder)>,
    /// [`share_column`]
    pub(crate) share_column: unsafe fn(&hecs::Archetype, &hecs::ColumnBatchBuilder),
    /// The fields that can move by themselves.
    pub(crate) fields: fn() -> Vec<FieldKey>,
    /// Appends the encoded [`Schema::blank`]; false if there is none.
    pub(crate) save_blank: fn(&mut Vec<u8>) -> Result<bool, StateError>,
    /// Puts so many of it into a column.
    pub(crate) fill_blank: fn(&hecs::ColumnBatchBuilder, usize),
    pub(crate) first_row: fn(&hecs::Archetype) -> Option<*mut u8>,
    pub(crate) visit_column: fn(&hecs::Archetype, &mut VisitRow<'_>) -> Result<(), StateError>,
    pub(crate) fill_column: fn(&hecs::ColumnBatchBuilder, usize, &mut &[u8]) -> Result<(), StateError>,
    /// Reads values off the front of the bytes.
    pub(crate) decode_rows: fn(usize, &mut &[u8]) -> Result<Rows, StateError>,
    /// Puts them into a column.
    pub(crate) push_rows: fn(&hecs::ColumnBatchBuilder, Rows),
    pub(crate) get: fn(hecs::EntityRef<'_>, &mut Vec<u8>) -> Result<bool, StateError>,
    pub(crate) build: fn(&mut hecs::EntityBuilder, &mut &[u8]) -> Result<(), StateError>,
    pub(crate) remove: fn(&mut hecs::World, hecs::Entity) -> bool,
    pub(crate) access: ComponentAccess,
    pub(crate) behaviour: Box<Behaviour>,
    /// How its sets are made, if it is sparse.
    pub(crate) sparse: Option<SparseOperations>,
    pub(crate) lending: Lending,
    pub(crate) is_tracked: bool,
}

/// What a component's type does beside being stored.
pub(crate) struct Behaviour {
    pub(crate) hooks: Hooks,
    /// What is done with the relation that it is a side of.
    pub(crate) relation: Option<RelationOperations>,
}

pub(crate) struct ResourceOperations {
    pub(crate) save: fn(&dyn AnyResource, &mut Vec<u8>) -> Result<(), StateError>,
    pub(crate) restore: RestoreResource,
    /// The same resource, handled by the code of this registration.
    pub(crate) own: OwnResource,
    pub(crate) lending: ResourceLending,
    pub(crate) is_tracked: bool,
}

pub(crate) struct EventOperations {
    pub(crate) make: fn() -> Box<dyn AnyEvents>,
    /// Reads one event off the front of the bytes, and drops it.
    pub(crate) check: fn(&mut &[u8]) -> Result<(), StateError>,
}

impl ModelTypeInfo {
    /// Describes component `T`.
    pub fn component<T: Component>() -> Self {
        Self::new::<T>(
            T::NAME,
            Operations::Component(ComponentOperations {
                column: hecs::TypeInfo::from_parts(TypeId::of::<T>(), Layout::new::<T>(), drop_value::<T>),
                needs_drop: std::mem::needs_drop::<T>(),
                save_rows: save_rows::<T>,
                copy_column: T::plain().map(|_| copy_column::<T> as fn(&_, &_)),
                share_column: share_column::<T>,
                fields: || T::movable_fields().into_vec(),
                save_blank: |out| match T::blank() {
                    Some(blank) => encode_into(&blank, out).map(|()| true),
                    None => Ok(false),
                },
                fill_blank: |batch, count| {
                    if let Some(places) = batch.writer::<T>() {
                        push_all(places, std::iter::from_fn(T::blank).take(count));
                    }
                },
                first_row: first_row::<T>,
                visit_column: visit_column::<T>,
                fill_column: fill_column::<T>,
                decode_rows: decode_rows::<T>,
                push_rows: |batch, rows| {
                    if let (Some(places), Ok(rows)) = (batch.writer::<T>(), rows.downcast::<Vec<T>>()) {
                        push_all(places, rows.into_iter());
                    }
                },
                get: get::<T>,
                build: |bundle, bytes| {
                    bundle.add(decode::<T>(bytes)?);
                    Ok(())
                },
                remove: |world, entity| world.remove_one::<T>(entity).is_ok(),
                access: T::ACCESS,
                behaviour: Box::new(Behaviour { hooks: T::HOOKS, relation: T::RELATION }),
                sparse: (T::STORAGE == StorageKind::Sparse).then(SparseOperations::of::<T>),
                lending: Lending::of::<T>(),
                is_tracked: T::Tracking::IS_TRACKED,
            }),
        )
    }

    /// Describes resource `T`.
    pub fn resource<T: Resource>() -> Self {
        Self::new::<T>(
            T::NAME,
            Operations::Resource(ResourceOperations {
                save: |resource, out| match resource.as_any().downcast_ref::<T>() {
                    Some(value) => encode_into(value, out),
                    None => Ok(()),
                },
                restore: |bytes| Ok(Box::new(decode::<T>(bytes)?)),
                own: |value| Some(value.downcast::<T>().ok()?),
                lending: ResourceLending::of::<T>(),
                is_tracked: T::IS_TRACKED,
            }),
        )
    }

    /// Describes event `T`.
    pub fn event<T: Event>() -> Self {
        Self::new::<T>(
            T::NAME,
            Operations::Event(EventOperations {
                make: || Box::new(EventStore::<T>::default()),
                check: |bytes| decode::<T>(bytes).map(drop),
            }),
        )
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

    pub(crate) fn sparse_operations(&self) -> Option<SparseOperations> {
        self.component_operations()?.sparse
    }

    pub(crate) fn component_operations(&self) -> Option<&ComponentOperations> {
        match &self.operations {
            Operations::Component(operations) => Some(operations),
            _ => None,
        }
    }
}

fn save_rows<T: Component>(
    archetype: &hecs::Archetype,
    rows: Range<usize>,
    out: &mut Vec<u8>,
) -> Result<(), StateError> {
    let Some(column) = archetype.get::<&T>() else { return Ok(()) };
    match T::plain() {
        Some(plain) => out.extend_from_slice(plain.bytes(&column[rows])),
        None => encode_column(&column[rows], out)?,
    }
    Ok(())
}

fn copy_column<T: Component>(archetype: &hecs::Archetype, batch: &hecs::ColumnBatchBuilder) {
    // The batch was made from a type list that this component is part of, as the archetype was.
    if let (Some(column), Some(places), Some(plain)) =
        (archetype.get::<&T>(), batch.writer::<T>(), T::plain())
    {
        push_all(places, plain.values(plain.bytes(&column)));
    }
}

/// Puts values into places, of which there are enough.
fn push_all<T>(mut places: hecs::BatchWriter<'_, T>, values: impl Iterator<Item = T>) {
    for value in values {
        let _ = places.push(value);
    }
}

fn visit_column<T: Component>(
    archetype: &hecs::Archetype,
    visit: &mut VisitRow<'_>,
) -> Result<(), StateError> {
    let Some(column) = archetype.get::<&T>() else { return Ok(()) };
    let mut bytes = Vec::new();
    for (row, value) in column.iter().enumerate() {
        bytes.clear();
        encode_into(value, &mut bytes)?;
        visit(row, &bytes);
    }
    Ok(())
}

fn fill_column<T: Component>(
    batch: &hecs::ColumnBatchBuilder,
    count: usize,
    bytes: &mut &[u8],
) -> Result<(), StateError> {
    // The batch was made from a type list that this component is part of.
    let Some(mut places) = batch.writer::<T>() else { return Ok(()) };
    if let Some(plain) = T::plain() {
        push_all(places, plain.take(count, bytes)?);
        return Ok(());
    }
    for _ in 0..count {
        // The batch has room for exactly `count` values, so none is given back.
        let _ = places.push(decode::<T>(bytes)?);
    }
    Ok(())
}

fn decode_rows<T: Component>(count: usize, bytes: &mut &[u8]) -> Result<Rows, StateError> {
    if let Some(plain) = T::plain() {
        return Ok(Box::new(plain.take(count, bytes)?.collect::<Vec<_>>()));
    }
    let mut rows = Vec::with_capacity(count);
    for _ in 0..count {
        rows.push(decode::<T>(bytes)?);
    }
    Ok(Box::new(rows))
}

fn get<T: Component>(entity: hecs::EntityRef<'_>, out: &mut Vec<u8>) -> Result<bool, StateError> {
    match entity.get::<&T>() {
        Some(value) => encode_into(&*value, out).map(|()| true),
        None => Ok(false),
    }
}
