//! Queries for a tracked component with its ticks.

use hecs::Archetype;

use super::columns::Columns;
use super::guard::ColumnGuard;
use super::rows::Driver;
use super::{QueryData, ReadOnlyQueryData};
use crate::model::sparse::SparseGuard;
use crate::model::ticks::{RowTicks, TickWindow};
use crate::{Access, Component, Entity, Ref, Tracked, World};

/// What `&T` knows, and the ticks.
#[doc(hidden)]
pub struct RawRef<'q, T: Component> {
    values: <&'q T as QueryData>::Raw,
    ticks: RowTicks,
}

impl<T: Component> Clone for RawRef<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Component> Copy for RawRef<'_, T> {}

// SAFETY: as of `&T`, whose access it has.
#[allow(unsafe_code, reason = "rows are read by pointers")]
unsafe impl<'q, T: Component + Tracked> QueryData for Ref<'q, T> {
    type Item<'a> = Ref<'a, T>;
    type ReadOnly = Self;
    type Raw = RawRef<'q, T>;

    const SPARSE: usize = <&'q T>::SPARSE;
    const USES_COLUMNS: bool = <&'q T>::USES_COLUMNS;
    const USES_TICKS: bool = true;

    fn matches(archetype: &Archetype) -> bool {
        <&T>::matches(archetype)
    }

    fn add_access(access: &mut Access) {
        <&T>::add_access(access);
    }

    fn borrow<'w>(
        world: &World,
        archetype: &'w Archetype,
        guards: &mut Vec<ColumnGuard<'w>>,
    ) -> Option<Self::Raw> {
        let values = <&T>::borrow(world, archetype, guards)?;
        Some(RawRef { values, ticks: RowTicks::of(Some(archetype)) })
    }

    fn borrow_sparse<'w>(world: &'w World, guards: &mut Vec<SparseGuard<'w>>) {
        <&T>::borrow_sparse(world, guards);
    }

    fn find(columns: &mut Columns<'_>) -> Option<Self::Raw> {
        let values = <&T>::find(columns)?;
        Some(RawRef { values, ticks: RowTicks::of(columns.archetype()) })
    }

    #[inline]
    fn begin(raw: &mut Self::Raw, world: &World, window: TickWindow) {
        raw.ticks.begin(T::ID, world, window);
    }

    #[inline]
    unsafe fn driver(raw: &Self::Raw) -> Option<Driver> {
        // SAFETY: the caller keeps the rules of this same function.
        unsafe { <&T>::driver(&raw.values) }
    }

    #[inline]
    fn read_only(raw: Self::Raw) -> Self::Raw {
        raw
    }

    #[inline]
    unsafe fn fetch<'a>(raw: Self::Raw, row: usize) -> Ref<'a, T> {
        // SAFETY: the caller keeps the rules of this same function, and vouches for the row.
        unsafe { Ref::new(<&T>::fetch(raw.values, row), raw.ticks.of_row(row)) }
    }

    #[inline]
    unsafe fn try_fetch<'a>(raw: Self::Raw, row: usize) -> Option<Ref<'a, T>> {
        // SAFETY: as above.
        unsafe { Some(Ref::new(<&T>::try_fetch(raw.values, row)?, raw.ticks.of_row(row))) }
    }

    #[inline]
    unsafe fn driven<'a>(
        raw: Self::Raw,
        driver: *const (),
        row: usize,
        entity: Entity,
    ) -> Option<Ref<'a, T>> {
        // SAFETY: the caller keeps the rules of this same function.
        unsafe {
            let value = <&T>::driven(raw.values, driver, row, entity)?;
            Some(Ref::new(value, raw.ticks.of_entity(entity.index())))
        }
    }

    type Slice<'a> = (&'a [T], RowTicks);

    #[inline]
    unsafe fn slice<'a>(raw: Self::Raw, rows: usize) -> Self::Slice<'a> {
        // SAFETY: the caller keeps the rules of this same function.
        (unsafe { <&T>::slice(raw.values, rows) }, raw.ticks)
    }

    #[inline]
    unsafe fn of_slice<'a>((values, ticks): &mut Self::Slice<'a>, row: usize) -> Ref<'a, T> {
        // SAFETY: the caller vouches that there is such a row.
        unsafe { Ref::new(values.get_unchecked(row), ticks.of_row(row)) }
    }
}

// SAFETY: a shared reference is handed out.
#[allow(unsafe_code, reason = "rows are read by pointers")]
unsafe impl<T: Component + Tracked> ReadOnlyQueryData for Ref<'_, T> {}
