//! Queries for a component, and for one that need not be there.

use std::ptr::NonNull;
use std::slice;

use hecs::Archetype;

use super::ReadOnlyQueryData;
use super::columns::Columns;
use super::guard::ColumnGuard;
use super::rows::{Driver, fold_items};
use crate::model::sparse::{SparseGuard, SparseRows, SparseSet};
use crate::model::ticks::{TickWindow, Tracking};
use crate::{Access, Component, ComponentAccess, Entity, QueryData, StorageKind, World};

/// Fails the build of a module that would change in place what the world keeps an index of.
pub(crate) const fn assert_free<T: Component>() {
    assert!(
        matches!(T::ACCESS, ComponentAccess::Free),
        "this component can't be changed in place: insert another value, or call `World::set_parent`"
    );
}

/// Asked for each row: a call of another unit there costs more than all else that is done with one. Where it is asked in a
/// `const` block, modules don't compile what is done with the other kind of storage.
#[inline(always)]
pub(super) const fn is_sparse<T: Component>() -> bool {
    matches!(T::STORAGE, StorageKind::Sparse)
}

/// Where the values of `T` lie: the first row of a column, or a sparse set, by its storage.
#[doc(hidden)]
pub union RawValues<T> {
    column: NonNull<T>,
    sparse: SparseRows<T>,
}

impl<T> Clone for RawValues<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for RawValues<T> {}

impl<T: Component> RawValues<T> {
    #[inline]
    fn of_column(column: NonNull<T>) -> Self {
        Self { column }
    }

    fn of_set(world: &World, archetype: Option<&Archetype>) -> Self {
        Self { sparse: SparseRows::of(world.sparse.set(), archetype) }
    }

    fn find(columns: &mut Columns<'_>) -> Option<Self> {
        if const { is_sparse::<T>() } {
            return Some(Self::of_set(columns.world(), columns.archetype()));
        }
        columns.first_row().map(Self::of_column)
    }

    #[inline]
    #[allow(unsafe_code, reason = "one of two, by the storage")]
    fn column(self) -> NonNull<T> {
        assert!(!is_sparse::<T>(), "a sparse component that must be there is asked for by `try_fetch`");
        // SAFETY: a component that is not sparse has a column, by `find` and `raw`.
        unsafe { self.column }
    }

    #[inline]
    #[allow(unsafe_code, reason = "one of two, by the storage")]
    fn sparse(self) -> SparseRows<T> {
        assert!(is_sparse::<T>(), "what is in a column has no set");
        // SAFETY: a sparse component has a set, by `find` and `raw`.
        unsafe { self.sparse }
    }

    /// # Safety
    /// The world exists, and the set is not changed while the driver is used.
    #[inline]
    #[allow(unsafe_code, reason = "sparse sets are behind pointers")]
    unsafe fn driver(self) -> Option<Driver> {
        if const { !is_sparse::<T>() } {
            return None;
        }
        // SAFETY: the caller says so.
        let set = unsafe { self.sparse().set() };
        Some(Driver { set: self.sparse().id(), entities: set.map_or(&[], |set| set.entities()) })
    }

    /// # Safety
    /// As of [`QueryData::try_fetch`].
    #[inline]
    #[allow(unsafe_code, reason = "rows are read by pointers")]
    unsafe fn place(self, row: usize) -> Option<NonNull<T>> {
        if const { is_sparse::<T>() } {
            // SAFETY: the caller vouches that the archetype has such a row, and that nothing has moved.
            return unsafe { self.sparse().of_row(row) };
        }
        // SAFETY: the caller vouches that the column has such a row.
        Some(unsafe { self.column().add(row) })
    }

    /// # Safety
    /// As of [`QueryData::driven`].
    #[inline]
    #[allow(unsafe_code, reason = "rows are read by pointers")]
    unsafe fn driven(self, driver: *const (), row: usize, entity: Entity) -> Option<NonNull<T>> {
        let sparse = self.sparse();
        // SAFETY: the caller vouches that the entity is in this row of the driving set, and that nothing has moved.
        unsafe { if sparse.id() == driver { sparse.at(row) } else { sparse.of_entity(entity.index()) } }
    }

    /// All values of a set.
    ///
    /// # Safety
    /// As of [`QueryData::fold_set`].
    #[inline]
    #[allow(unsafe_code, reason = "sparse sets are behind pointers")]
    unsafe fn set_values(self) -> (NonNull<T>, usize) {
        // SAFETY: the caller says so.
        unsafe { self.sparse().set() }.map_or((NonNull::dangling(), 0), SparseSet::values)
    }
}

/// What `&mut T` hands out.
type Written<'a, T> = <<T as Component>::Tracking as Tracking>::Write<'a, T>;

/// Where values that are written lie, and their ticks if `T` is tracked.
#[doc(hidden)]
pub struct RawWritten<T: Component> {
    values: RawValues<T>,
    ticks: <T::Tracking as Tracking>::Rows,
}

impl<T: Component> Clone for RawWritten<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Component> Copy for RawWritten<T> {}

// SAFETY: items read a value of `T`, as `add_access` says.
#[allow(unsafe_code, reason = "rows are read by pointers")]
unsafe impl<T: Component> QueryData for &T {
    type Item<'a> = &'a T;
    type ReadOnly = Self;
    type Raw = RawValues<T>;

    const SPARSE: usize = is_sparse::<T>() as usize;
    const USES_COLUMNS: bool = !is_sparse::<T>();
    const USES_TICKS: bool = false;

    fn matches(archetype: &Archetype) -> bool {
        is_sparse::<T>() || archetype.has::<T>()
    }

    fn add_access(access: &mut Access) {
        access.add_read(T::ID, T::NAME);
        access.add_with(T::ID);
    }

    fn borrow<'w>(
        world: &World,
        archetype: &'w Archetype,
        guards: &mut Vec<ColumnGuard<'w>>,
    ) -> Option<Self::Raw> {
        if const { is_sparse::<T>() } {
            return Some(RawValues::of_set(world, Some(archetype)));
        }
        ColumnGuard::read(archetype, guards).map(RawValues::of_column)
    }

    fn borrow_sparse<'w>(world: &'w World, guards: &mut Vec<SparseGuard<'w>>) {
        if const { is_sparse::<T>() } {
            guards.extend(world.sparse.cell(T::ID).map(|cell| cell.read()));
        }
    }

    fn find(columns: &mut Columns<'_>) -> Option<Self::Raw> {
        RawValues::find(columns)
    }

    #[inline]
    fn begin(_: &mut Self::Raw, _: &World, _: TickWindow) {}

    #[inline]
    unsafe fn driver(raw: &Self::Raw) -> Option<Driver> {
        // SAFETY: the caller keeps the rules of this same function.
        unsafe { raw.driver() }
    }

    #[inline]
    fn read_only(raw: Self::Raw) -> Self::Raw {
        raw
    }

    #[inline]
    unsafe fn fetch<'a>(raw: Self::Raw, row: usize) -> &'a T {
        // SAFETY: the caller vouches that the column has such a row, has not moved, and is not written.
        unsafe { raw.column().add(row).as_ref() }
    }

    #[inline]
    unsafe fn try_fetch<'a>(raw: Self::Raw, row: usize) -> Option<&'a T> {
        // SAFETY: the caller vouches for the row, and that its value is not written.
        unsafe { raw.place(row).map(|place| place.as_ref()) }
    }

    #[inline]
    unsafe fn driven<'a>(raw: Self::Raw, driver: *const (), row: usize, entity: Entity) -> Option<&'a T> {
        // SAFETY: the caller vouches for the entity, and that its value is not written.
        unsafe { raw.driven(driver, row, entity).map(|place| place.as_ref()) }
    }

    type Slice<'a> = &'a [T];

    #[inline]
    unsafe fn slice<'a>(raw: Self::Raw, rows: usize) -> &'a [T] {
        // SAFETY: the caller vouches that the column has so many rows, has not moved, and is not written.
        unsafe { slice::from_raw_parts(raw.column().as_ptr(), rows) }
    }

    #[inline]
    unsafe fn of_slice<'a>(slice: &mut Self::Slice<'a>, row: usize) -> Self::Item<'a> {
        // SAFETY: the caller vouches that there is such a row.
        unsafe { slice.get_unchecked(row) }
    }

    #[inline]
    unsafe fn fold_set<'a, B>(
        raw: Self::Raw,
        _: Driver,
        first: B,
        step: &mut impl FnMut(B, Self::Item<'a>) -> B,
    ) -> B {
        // SAFETY: the caller keeps the rules of this same function; each value is handed out once.
        unsafe {
            let (values, count) = raw.set_values();
            fold_items(0..count, first, |row| values.add(row).as_ref(), step)
        }
    }
}

// SAFETY: a shared reference is handed out.
#[allow(unsafe_code, reason = "rows are read by pointers")]
unsafe impl<T: Component> ReadOnlyQueryData for &T {}

// SAFETY: items write a value of `T`, as `add_access` says.
#[allow(unsafe_code, reason = "rows are written by pointers")]
unsafe impl<'q, T: Component> QueryData for &'q mut T {
    type Item<'a> = Written<'a, T>;
    type ReadOnly = &'q T;
    type Raw = RawWritten<T>;

    const SPARSE: usize = is_sparse::<T>() as usize;
    const USES_COLUMNS: bool = !is_sparse::<T>();
    const USES_TICKS: bool = T::Tracking::IS_TRACKED;

    fn matches(archetype: &Archetype) -> bool {
        is_sparse::<T>() || archetype.has::<T>()
    }

    fn add_access(access: &mut Access) {
        access.add_write(T::ID, T::NAME);
        access.add_with(T::ID);
    }

    fn borrow<'w>(
        world: &World,
        archetype: &'w Archetype,
        guards: &mut Vec<ColumnGuard<'w>>,
    ) -> Option<Self::Raw> {
        const { assert_free::<T>() };
        let values = match const { is_sparse::<T>() } {
            true => RawValues::of_set(world, Some(archetype)),
            false => RawValues::of_column(ColumnGuard::write(archetype, guards)?),
        };
        Some(RawWritten { values, ticks: T::Tracking::rows(Some(archetype)) })
    }

    fn borrow_sparse<'w>(world: &'w World, guards: &mut Vec<SparseGuard<'w>>) {
        if const { is_sparse::<T>() } {
            guards.extend(world.sparse.cell(T::ID).map(|cell| cell.write()));
        }
    }

    fn find(columns: &mut Columns<'_>) -> Option<Self::Raw> {
        const { assert_free::<T>() };
        let values = RawValues::find(columns)?;
        Some(RawWritten { values, ticks: T::Tracking::rows(columns.archetype()) })
    }

    #[inline]
    fn begin(raw: &mut Self::Raw, world: &World, window: TickWindow) {
        T::Tracking::begin(&mut raw.ticks, T::ID, world, window);
    }

    #[inline]
    unsafe fn driver(raw: &Self::Raw) -> Option<Driver> {
        // SAFETY: the caller keeps the rules of this same function.
        unsafe { raw.values.driver() }
    }

    #[inline]
    fn read_only(raw: Self::Raw) -> RawValues<T> {
        raw.values
    }

    #[inline]
    unsafe fn fetch<'a>(raw: Self::Raw, row: usize) -> Written<'a, T> {
        // SAFETY: the caller vouches that the column has such a row, has not moved, and is touched by nobody else.
        unsafe { T::Tracking::write_row(raw.ticks, row, raw.values.column().add(row).as_mut()) }
    }

    #[inline]
    unsafe fn try_fetch<'a>(raw: Self::Raw, row: usize) -> Option<Written<'a, T>> {
        // SAFETY: the caller vouches for the row, and that nobody else touches its value.
        unsafe {
            let place = raw.values.place(row);
            place.map(|mut place| T::Tracking::write_row(raw.ticks, row, place.as_mut()))
        }
    }

    #[inline]
    unsafe fn driven<'a>(
        raw: Self::Raw,
        driver: *const (),
        row: usize,
        entity: Entity,
    ) -> Option<Written<'a, T>> {
        // SAFETY: the caller vouches for the entity, and that nobody else touches its value.
        unsafe {
            let place = raw.values.driven(driver, row, entity);
            place.map(|mut place| T::Tracking::write_entity(raw.ticks, || entity.index(), place.as_mut()))
        }
    }

    type Slice<'a> = <T::Tracking as Tracking>::Slice<'a, T>;

    #[inline]
    unsafe fn slice<'a>(raw: Self::Raw, rows: usize) -> Self::Slice<'a> {
        // SAFETY: the caller vouches that the column has so many rows, has not moved, and is touched by nobody else.
        unsafe { T::Tracking::slice(raw.ticks, raw.values.column(), rows) }
    }

    #[inline]
    unsafe fn of_slice<'a>(slice: &mut Self::Slice<'a>, row: usize) -> Self::Item<'a> {
        // SAFETY: the caller vouches that there is such a row, and asks for each once: no two of these overlap.
        unsafe { T::Tracking::of_slice(slice, row) }
    }

    #[inline]
    unsafe fn fold_set<'a, B>(
        raw: Self::Raw,
        Driver { entities, .. }: Driver,
        first: B,
        step: &mut impl FnMut(B, Self::Item<'a>) -> B,
    ) -> B {
        // SAFETY: the caller keeps the rules of this same function; each value is handed out once, and the entity in its row
        // is the one that it belongs to.
        unsafe {
            let (values, count) = raw.values.set_values();
            let entities = &*entities;
            let item = |row: usize| {
                T::Tracking::write_entity(raw.ticks, || entities[row].index(), values.add(row).as_mut())
            };
            fold_items(0..count, first, item, step)
        }
    }
}

// SAFETY: as of `Q`, whose access it has.
#[allow(unsafe_code, reason = "rows are read by pointers")]
unsafe impl<Q: QueryData> QueryData for Option<Q> {
    type Item<'a> = Option<Q::Item<'a>>;
    type ReadOnly = Option<Q::ReadOnly>;
    type Raw = Option<Q::Raw>;

    const SPARSE: usize = 0;
    const USES_COLUMNS: bool = Q::USES_COLUMNS;
    const USES_TICKS: bool = Q::USES_TICKS;

    fn matches(_: &Archetype) -> bool {
        true
    }

    fn add_access(access: &mut Access) {
        access.add_optional(Q::add_access);
    }

    fn borrow<'w>(
        world: &World,
        archetype: &'w Archetype,
        guards: &mut Vec<ColumnGuard<'w>>,
    ) -> Option<Self::Raw> {
        Some(if Q::matches(archetype) { Q::borrow(world, archetype, guards) } else { None })
    }

    fn borrow_sparse<'w>(world: &'w World, guards: &mut Vec<SparseGuard<'w>>) {
        Q::borrow_sparse(world, guards);
    }

    fn find(columns: &mut Columns<'_>) -> Option<Self::Raw> {
        Some(if columns.archetype().is_none_or(Q::matches) { Q::find(columns) } else { None })
    }

    #[inline]
    fn begin(raw: &mut Self::Raw, world: &World, window: TickWindow) {
        raw.iter_mut().for_each(|raw| Q::begin(raw, world, window));
    }

    #[inline]
    unsafe fn driver(_: &Self::Raw) -> Option<Driver> {
        None
    }

    #[inline]
    fn read_only(raw: Self::Raw) -> Option<<Q::ReadOnly as QueryData>::Raw> {
        raw.map(Q::read_only)
    }

    #[inline]
    unsafe fn fetch<'a>(raw: Self::Raw, row: usize) -> Self::Item<'a> {
        // SAFETY: the caller keeps the rules of this same function.
        raw.and_then(|raw| unsafe { Q::try_fetch(raw, row) })
    }

    #[inline]
    unsafe fn driven<'a>(
        raw: Self::Raw,
        driver: *const (),
        row: usize,
        entity: Entity,
    ) -> Option<Self::Item<'a>> {
        // SAFETY: the caller keeps the rules of this same function.
        Some(raw.and_then(|raw| unsafe { Q::driven(raw, driver, row, entity) }))
    }

    // What need not be there is asked for row by row.
    type Slice<'a> = Self::Raw;

    #[inline]
    unsafe fn slice<'a>(raw: Self::Raw, _: usize) -> Self::Slice<'a> {
        raw
    }

    #[inline]
    unsafe fn of_slice<'a>(slice: &mut Self::Slice<'a>, row: usize) -> Self::Item<'a> {
        // SAFETY: the caller keeps the rules of this same function.
        unsafe { Self::fetch(*slice, row) }
    }
}

// SAFETY: as of `Q`.
#[allow(unsafe_code, reason = "rows are read by pointers")]
unsafe impl<Q: ReadOnlyQueryData> ReadOnlyQueryData for Option<Q> {}
