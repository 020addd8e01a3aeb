//! What is done with values of a registered type by code that knows it, for code that does not.

use std::alloc::Layout;
use std::any::{Any, TypeId};
use std::ops::Range;

use keel_state::{FieldKey, StateError, decode, encode_column, encode_into};

use crate::model::event::{AnyEvents, EventStore};
use crate::model::reaction::Hooks;
use crate::model::reflect::{Lending, ResourceLending};
use crate::model::relation::RelationOperations;
use crate::model::resource::AnyResource;
use crate::model::snapshot::{drop_value, first_row, share_column};
use crate::model::sparse::SparseOperations;
use crate::model::ticks::Tracking;
use crate::{Component, ComponentAccess, Event, Resource, StorageKind};

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

/// What is done with a component without knowing its type.
pub(crate) struct ComponentOperations {
    /// None if no Rust type stands behind the component: its values lie encoded, in a set.
    pub(crate) typed: Option<Box<TypedOperations>>,
    pub(crate) access: ComponentAccess,
    pub(crate) behaviour: Box<Behaviour>,
    /// How its sets are made, if it is sparse.
    pub(crate) sparse: Option<SparseOperations>,
    pub(crate) is_tracked: bool,
}

/// What is done with values of a Rust type.
pub(crate) struct TypedOperations {
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
    pub(crate) lending: Lending,
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

impl ComponentOperations {
    pub(crate) fn of<T: Component>() -> Self {
        Self {
            typed: Some(Box::new(TypedOperations::of::<T>())),
            access: T::ACCESS,
            behaviour: Box::new(Behaviour { hooks: T::HOOKS, relation: T::RELATION }),
            sparse: (T::STORAGE == StorageKind::Sparse).then(SparseOperations::of::<T>),
            is_tracked: T::Tracking::IS_TRACKED,
        }
    }

    /// Of a component that no Rust type stands behind.
    pub(crate) fn of_defined(sparse: SparseOperations) -> Self {
        Self {
            typed: None,
            access: ComponentAccess::Free,
            behaviour: Box::new(Behaviour { hooks: Hooks::NONE, relation: None }),
            sparse: Some(sparse),
            is_tracked: false,
        }
    }
}

impl TypedOperations {
    fn of<T: Component>() -> Self {
        Self {
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
            lending: Lending::of::<T>(),
        }
    }
}

impl ResourceOperations {
    pub(crate) fn of<T: Resource>() -> Self {
        Self {
            save: |resource, out| match resource.as_any().downcast_ref::<T>() {
                Some(value) => encode_into(value, out),
                None => Ok(()),
            },
            restore: |bytes| Ok(Box::new(decode::<T>(bytes)?)),
            own: |value| Some(value.downcast::<T>().ok()?),
            lending: ResourceLending::of::<T>(),
            is_tracked: T::IS_TRACKED,
        }
    }
}

impl EventOperations {
    pub(crate) fn of<T: Event>() -> Self {
        Self { make: || Box::new(EventStore::<T>::default()), check: |bytes| decode::<T>(bytes).map(drop) }
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
