//! Which entities a query passes over.

use std::marker::PhantomData;

use hecs::Archetype;

use super::column::is_sparse;
use super::rows::Driver;
use crate::model::sparse::SparseRows;
use crate::model::ticks::TickWindow;
use crate::{Access, Component, Entity, World};

/// Which entities a query passes over: [`With`], [`Without`], [`Added`](crate::Added), [`Changed`](crate::Changed),
/// [`Or`], and tuples (all of them hold).
///
/// # Safety
/// It is implemented in this crate alone. It reads no component's values.
#[allow(unsafe_code, reason = "sparse sets are asked by pointers")]
pub unsafe trait QueryFilter {
    /// The sparse sets that are asked for each entity, and what holds for all of an archetype.
    #[doc(hidden)]
    type Raw: Copy;

    /// Whether it asks entity by entity: sparse sets, or ticks.
    #[doc(hidden)]
    const ASKS_EACH: bool;
    /// Whether it asks for columns.
    #[doc(hidden)]
    const USES_COLUMNS: bool;
    /// Whether it asks ticks, so that [`QueryFilter::begin`] is to be called before the query is gone through.
    #[doc(hidden)]
    const USES_TICKS: bool;

    /// Whether some of the archetype's entities may pass.
    #[doc(hidden)]
    fn passes(archetype: &Archetype) -> bool;

    /// Adds what it passes over for certain, and of what it asks the ticks.
    fn add_access(access: &mut Access);

    #[doc(hidden)]
    fn find(world: &World, archetype: Option<&Archetype>) -> Self::Raw;

    /// Finds the ticks, for one who goes through the query once.
    #[doc(hidden)]
    fn begin(raw: &mut Self::Raw, world: &World, window: TickWindow);

    /// The smallest of the sparse sets that an entity must be in.
    ///
    /// # Safety
    /// `raw` is of a world that exists, and the sets are not changed while the driver is used.
    #[doc(hidden)]
    unsafe fn driver(raw: &Self::Raw) -> Option<Driver>;

    /// Whether the entity in this row passes.
    ///
    /// # Safety
    /// `raw` is that of an archetype of more than `row` rows; it has not changed since it was found, and
    /// no sparse set is changed meanwhile.
    #[doc(hidden)]
    unsafe fn accepts(raw: Self::Raw, row: usize) -> bool;

    /// Whether [`QueryFilter::rejects_block`] is worth asking of these rows.
    #[doc(hidden)]
    #[inline]
    fn rejects_blocks(_: &Self::Raw) -> bool {
        false
    }

    /// Whether none of the [`BLOCK`](super::rows::BLOCK) rows from this one on passes. Said of those of which it is known
    /// quicker than by asking row by row; false of others.
    ///
    /// # Safety
    /// As of [`QueryFilter::accepts`], for all of them.
    #[doc(hidden)]
    #[inline]
    unsafe fn rejects_block(_: Self::Raw, _: usize) -> bool {
        false
    }

    /// Whether a living entity passes; called only where `USES_COLUMNS` is false.
    ///
    /// # Safety
    /// `raw` is of a world that exists, and no sparse set is changed meanwhile.
    #[doc(hidden)]
    unsafe fn accepts_entity(raw: Self::Raw, entity: Entity) -> bool;
}

/// Only entities that have a `T`.
pub struct With<T>(PhantomData<T>);

/// Only entities that have no `T`.
pub struct Without<T>(PhantomData<T>);

/// Only entities for which one of the filters of tuple `F` holds.
pub struct Or<F>(PhantomData<F>);

/// What is known of `T` in an archetype.
#[doc(hidden)]
pub struct RawHas<T> {
    in_columns: bool,
    sparse: SparseRows<T>,
}

impl<T> Clone for RawHas<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for RawHas<T> {}

impl<T: Component> RawHas<T> {
    pub(super) fn find(world: &World, archetype: Option<&Archetype>) -> Self {
        if const { is_sparse::<T>() } {
            return Self { in_columns: false, sparse: SparseRows::of(world.sparse.set(), archetype) };
        }
        Self { in_columns: archetype.is_some_and(Archetype::has::<T>), sparse: SparseRows::nowhere() }
    }

    /// # Safety
    /// As of [`QueryFilter::accepts`].
    #[inline]
    #[allow(unsafe_code, reason = "sparse sets are asked by pointers")]
    unsafe fn has(self, row: usize) -> bool {
        if const { is_sparse::<T>() } {
            // SAFETY: the caller says so.
            unsafe { self.sparse.of_row(row) }.is_some()
        } else {
            self.in_columns
        }
    }

    /// # Safety
    /// As of [`QueryFilter::accepts_entity`].
    #[inline]
    #[allow(unsafe_code, reason = "sparse sets are asked by pointers")]
    unsafe fn has_entity(self, entity: Entity) -> bool {
        // SAFETY: the caller says so.
        unsafe { self.sparse.of_entity(entity.index()) }.is_some()
    }
}

// SAFETY: it asks which entities have a `T`.
#[allow(unsafe_code, reason = "sparse sets are asked by pointers")]
unsafe impl<T: Component> QueryFilter for With<T> {
    type Raw = RawHas<T>;

    const ASKS_EACH: bool = is_sparse::<T>();
    const USES_COLUMNS: bool = !is_sparse::<T>();
    const USES_TICKS: bool = false;

    fn passes(archetype: &Archetype) -> bool {
        is_sparse::<T>() || archetype.has::<T>()
    }

    fn add_access(access: &mut Access) {
        access.add_with(T::ID);
    }

    fn find(world: &World, archetype: Option<&Archetype>) -> RawHas<T> {
        RawHas::find(world, archetype)
    }

    #[inline]
    fn begin(_: &mut RawHas<T>, _: &World, _: TickWindow) {}

    #[inline]
    unsafe fn driver(raw: &RawHas<T>) -> Option<Driver> {
        if const { !is_sparse::<T>() } {
            return None;
        }
        // SAFETY: the caller keeps the rules of this same function.
        let set = unsafe { raw.sparse.set() };
        Some(Driver { set: raw.sparse.id(), entities: set.map_or(&[], |set| set.entities()) })
    }

    #[inline]
    unsafe fn accepts(raw: RawHas<T>, row: usize) -> bool {
        // SAFETY: the caller keeps the rules of this same function.
        unsafe { raw.has(row) }
    }

    #[inline]
    unsafe fn accepts_entity(raw: RawHas<T>, entity: Entity) -> bool {
        // SAFETY: the caller keeps the rules of this same function.
        unsafe { raw.has_entity(entity) }
    }
}

// SAFETY: it asks which entities have a `T`.
#[allow(unsafe_code, reason = "sparse sets are asked by pointers")]
unsafe impl<T: Component> QueryFilter for Without<T> {
    type Raw = RawHas<T>;

    const ASKS_EACH: bool = is_sparse::<T>();
    const USES_COLUMNS: bool = !is_sparse::<T>();
    const USES_TICKS: bool = false;

    fn passes(archetype: &Archetype) -> bool {
        is_sparse::<T>() || !archetype.has::<T>()
    }

    fn add_access(access: &mut Access) {
        access.add_without(T::ID);
    }

    fn find(world: &World, archetype: Option<&Archetype>) -> RawHas<T> {
        RawHas::find(world, archetype)
    }

    #[inline]
    fn begin(_: &mut RawHas<T>, _: &World, _: TickWindow) {}

    #[inline]
    unsafe fn driver(_: &RawHas<T>) -> Option<Driver> {
        None
    }

    #[inline]
    unsafe fn accepts(raw: RawHas<T>, row: usize) -> bool {
        // SAFETY: the caller keeps the rules of this same function.
        !unsafe { raw.has(row) }
    }

    #[inline]
    unsafe fn accepts_entity(raw: RawHas<T>, entity: Entity) -> bool {
        // SAFETY: the caller keeps the rules of this same function.
        !unsafe { raw.has_entity(entity) }
    }
}

// SAFETY: it asks nothing.
#[allow(unsafe_code, reason = "the trait says so")]
unsafe impl QueryFilter for () {
    type Raw = ();

    const ASKS_EACH: bool = false;
    const USES_COLUMNS: bool = false;
    const USES_TICKS: bool = false;

    fn passes(_: &Archetype) -> bool {
        true
    }

    fn add_access(_: &mut Access) {}

    fn find(_: &World, _: Option<&Archetype>) {}

    #[inline]
    fn begin((): &mut (), _: &World, _: TickWindow) {}

    #[inline]
    unsafe fn driver((): &()) -> Option<Driver> {
        None
    }

    #[inline]
    unsafe fn accepts((): (), _: usize) -> bool {
        true
    }

    #[inline]
    unsafe fn accepts_entity((): (), _: Entity) -> bool {
        true
    }
}
