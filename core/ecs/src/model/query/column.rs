//! Queries for one thing: a component, one that need not be there, the entity itself.

use std::ptr::NonNull;
use std::slice;

use hecs::{Archetype, ArchetypeColumn, ArchetypeColumnMut, Fetch};

use super::ReadOnlyQueryData;
use super::columns::Columns;
use super::rows::fold_rows;
use crate::{Access, Component, ComponentAccess, Entity, QueryData, World};

/// Fails the build of a module that would change in place what the world keeps an index of.
pub(crate) const fn assert_free<T: Component>() {
    assert!(
        matches!(T::ACCESS, ComponentAccess::Free),
        "this component can't be changed in place: insert another value, or call `World::set_parent`"
    );
}

/// Panics, naming the component, where a column is borrowed in a way that excludes `Q`. hecs looks only after it has made
/// a reference to the column, which by itself would end the use of the one that excludes it.
fn assert_available<Q: hecs::Query>(archetype: &Archetype) {
    if let Some(state) = Q::Fetch::prepare(archetype) {
        Q::Fetch::borrow(archetype, state);
        Q::Fetch::release(archetype, state);
    }
}

/// The entity with index `id`, where `id` was read from an archetype of the world with these generations.
///
/// hecs keeps generations too, but offers no safe way to them from a row.
#[inline]
pub(crate) fn entity_of_row(generations: &[u32], id: u32) -> Entity {
    let generation = generations.get(id as usize).copied().unwrap_or_default();
    Entity::from_parts(id, generation)
}

/// The entities of one archetype, and the generations of all.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct RawEntities {
    ids: *const u32,
    generations: *const [u32],
}

impl RawEntities {
    pub(super) fn of(world: &World, archetype: &Archetype) -> Self {
        Self { ids: archetype.ids().as_ptr(), generations: world.generations() }
    }
}

// SAFETY: it reads ids and generations, which are no component's column.
#[allow(unsafe_code, reason = "rows are read by pointers")]
unsafe impl QueryData for Entity {
    type Item<'a> = Entity;
    type ReadOnly = Self;
    type Raw = RawEntities;
    type Guard<'w> = RawEntities;

    fn matches(_: &Archetype) -> bool {
        true
    }

    fn add_access(_: &mut Access) {}

    fn borrow<'w>(world: &'w World, archetype: &'w Archetype) -> Option<RawEntities> {
        Some(RawEntities::of(world, archetype))
    }

    fn raw(guard: &mut RawEntities) -> RawEntities {
        *guard
    }

    fn find(columns: &mut Columns<'_>) -> Option<RawEntities> {
        Some(RawEntities::of(columns.world(), columns.archetype()))
    }

    fn read_only(raw: RawEntities) -> RawEntities {
        raw
    }

    #[inline]
    unsafe fn fetch<'a>(raw: RawEntities, row: usize) -> Self::Item<'a> {
        // SAFETY: the caller vouches that the archetype has such a row, and that nothing has moved: entities come and go
        // by exclusive access to the world alone.
        let (id, generations) = unsafe { (*raw.ids.add(row), &*raw.generations) };
        entity_of_row(generations, id)
    }

    type Slice<'a> = RawEntities;

    unsafe fn slice<'a>(raw: RawEntities, _: usize) -> Self::Slice<'a> {
        raw
    }

    #[inline]
    unsafe fn of_slice<'a>(slice: &mut Self::Slice<'a>, row: usize) -> Self::Item<'a> {
        // SAFETY: the caller keeps the rules of this same function.
        unsafe { Self::fetch(*slice, row) }
    }

    #[inline]
    unsafe fn fold<'a, B>(
        raw: Self::Raw,
        rows: usize,
        first: B,
        step: &mut impl FnMut(B, Self::Item<'a>) -> B,
    ) -> B {
        // SAFETY: the caller keeps the rules of this same function.
        unsafe { fold_rows::<Self, B>(raw, 0..rows, first, step) }
    }
}

// SAFETY: ids are read.
#[allow(unsafe_code, reason = "rows are read by pointers")]
unsafe impl ReadOnlyQueryData for Entity {}

// SAFETY: `fetch` reads a row of the column of `T`, as `add_access` says.
#[allow(unsafe_code, reason = "rows are read by pointers")]
unsafe impl<T: Component> QueryData for &T {
    type Item<'a> = &'a T;
    type ReadOnly = Self;
    type Raw = NonNull<T>;
    type Guard<'w> = ArchetypeColumn<'w, T>;

    fn matches(archetype: &Archetype) -> bool {
        archetype.has::<T>()
    }

    fn add_access(access: &mut Access) {
        access.add_read(T::ID, T::NAME);
        access.add_with(T::ID);
    }

    fn borrow<'w>(_: &'w World, archetype: &'w Archetype) -> Option<Self::Guard<'w>> {
        assert_available::<&T>(archetype);
        archetype.get::<&T>()
    }

    fn raw(guard: &mut Self::Guard<'_>) -> NonNull<T> {
        NonNull::from(&**guard).cast()
    }

    fn find(columns: &mut Columns<'_>) -> Option<NonNull<T>> {
        columns.first_row()
    }

    fn read_only(raw: NonNull<T>) -> NonNull<T> {
        raw
    }

    #[inline]
    unsafe fn fetch<'a>(raw: NonNull<T>, row: usize) -> &'a T {
        // SAFETY: the caller vouches that the column has such a row, has not moved, and is not written.
        unsafe { raw.add(row).as_ref() }
    }

    type Slice<'a> = &'a [T];

    #[inline]
    unsafe fn slice<'a>(raw: NonNull<T>, rows: usize) -> &'a [T] {
        // SAFETY: the caller vouches that the column has so many rows, has not moved, and is not written.
        unsafe { slice::from_raw_parts(raw.as_ptr(), rows) }
    }

    #[inline]
    unsafe fn of_slice<'a>(slice: &mut Self::Slice<'a>, row: usize) -> Self::Item<'a> {
        // SAFETY: the caller vouches that there is such a row.
        unsafe { slice.get_unchecked(row) }
    }

    #[inline]
    unsafe fn fold<'a, B>(
        raw: Self::Raw,
        rows: usize,
        first: B,
        step: &mut impl FnMut(B, Self::Item<'a>) -> B,
    ) -> B {
        // SAFETY: the caller keeps the rules of this same function.
        unsafe { fold_rows::<Self, B>(raw, 0..rows, first, step) }
    }
}

// SAFETY: a shared reference is handed out.
#[allow(unsafe_code, reason = "rows are read by pointers")]
unsafe impl<T: Component> ReadOnlyQueryData for &T {}

// SAFETY: `fetch` writes a row of the column of `T`, as `add_access` says.
#[allow(unsafe_code, reason = "rows are written by pointers")]
unsafe impl<'q, T: Component> QueryData for &'q mut T {
    type Item<'a> = &'a mut T;
    type ReadOnly = &'q T;
    type Raw = NonNull<T>;
    type Guard<'w> = ArchetypeColumnMut<'w, T>;

    fn matches(archetype: &Archetype) -> bool {
        archetype.has::<T>()
    }

    fn add_access(access: &mut Access) {
        access.add_write(T::ID, T::NAME);
        access.add_with(T::ID);
    }

    fn borrow<'w>(_: &'w World, archetype: &'w Archetype) -> Option<Self::Guard<'w>> {
        const { assert_free::<T>() };
        assert_available::<&mut T>(archetype);
        archetype.get::<&mut T>()
    }

    fn raw(guard: &mut Self::Guard<'_>) -> NonNull<T> {
        NonNull::from(&mut **guard).cast()
    }

    fn find(columns: &mut Columns<'_>) -> Option<NonNull<T>> {
        const { assert_free::<T>() };
        columns.first_row()
    }

    fn read_only(raw: NonNull<T>) -> NonNull<T> {
        raw
    }

    #[inline]
    unsafe fn fetch<'a>(raw: NonNull<T>, row: usize) -> &'a mut T {
        // SAFETY: the caller vouches that the column has such a row, has not moved, and is touched by nobody else.
        unsafe { raw.add(row).as_mut() }
    }

    type Slice<'a> = &'a mut [T];

    #[inline]
    unsafe fn slice<'a>(raw: NonNull<T>, rows: usize) -> &'a mut [T] {
        // SAFETY: the caller vouches that the column has so many rows, has not moved, and is touched by nobody else.
        unsafe { slice::from_raw_parts_mut(raw.as_ptr(), rows) }
    }

    #[inline]
    unsafe fn of_slice<'a>(slice: &mut Self::Slice<'a>, row: usize) -> Self::Item<'a> {
        // SAFETY: the caller vouches that there is such a row, and asks for each once: no two of these overlap.
        unsafe { &mut *slice.as_mut_ptr().add(row) }
    }

    #[inline]
    unsafe fn fold<'a, B>(
        raw: Self::Raw,
        rows: usize,
        first: B,
        step: &mut impl FnMut(B, Self::Item<'a>) -> B,
    ) -> B {
        // SAFETY: the caller keeps the rules of this same function.
        unsafe { fold_rows::<Self, B>(raw, 0..rows, first, step) }
    }
}

// SAFETY: as of `Q`, whose access it has.
#[allow(unsafe_code, reason = "rows are read by pointers")]
unsafe impl<Q: QueryData> QueryData for Option<Q> {
    type Item<'a> = Option<Q::Item<'a>>;
    type ReadOnly = Option<Q::ReadOnly>;
    type Raw = Option<Q::Raw>;
    type Guard<'w> = Option<Q::Guard<'w>>;

    fn matches(_: &Archetype) -> bool {
        true
    }

    fn add_access(access: &mut Access) {
        access.add_optional(Q::add_access);
    }

    fn borrow<'w>(world: &'w World, archetype: &'w Archetype) -> Option<Self::Guard<'w>> {
        Some(if Q::matches(archetype) { Q::borrow(world, archetype) } else { None })
    }

    fn raw(guard: &mut Self::Guard<'_>) -> Self::Raw {
        guard.as_mut().map(Q::raw)
    }

    fn find(columns: &mut Columns<'_>) -> Option<Self::Raw> {
        Some(if Q::matches(columns.archetype()) { Q::find(columns) } else { None })
    }

    fn read_only(raw: Self::Raw) -> Option<<Q::ReadOnly as QueryData>::Raw> {
        raw.map(Q::read_only)
    }

    #[inline]
    unsafe fn fetch<'a>(raw: Self::Raw, row: usize) -> Self::Item<'a> {
        // SAFETY: the caller keeps the rules of this same function.
        raw.map(|raw| unsafe { Q::fetch(raw, row) })
    }

    type Slice<'a> = Option<Q::Slice<'a>>;

    #[inline]
    unsafe fn slice<'a>(raw: Self::Raw, rows: usize) -> Self::Slice<'a> {
        // SAFETY: the caller keeps the rules of this same function.
        raw.map(|raw| unsafe { Q::slice(raw, rows) })
    }

    #[inline]
    unsafe fn of_slice<'a>(slice: &mut Self::Slice<'a>, row: usize) -> Self::Item<'a> {
        // SAFETY: the caller keeps the rules of this same function.
        slice.as_mut().map(|slice| unsafe { Q::of_slice(slice, row) })
    }

    #[inline]
    unsafe fn fold<'a, B>(
        raw: Self::Raw,
        rows: usize,
        first: B,
        step: &mut impl FnMut(B, Self::Item<'a>) -> B,
    ) -> B {
        // SAFETY: the caller keeps the rules of this same function.
        unsafe { fold_rows::<Self, B>(raw, 0..rows, first, step) }
    }
}

// SAFETY: as of `Q`.
#[allow(unsafe_code, reason = "rows are read by pointers")]
unsafe impl<Q: ReadOnlyQueryData> ReadOnlyQueryData for Option<Q> {}
