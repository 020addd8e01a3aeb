//! Where queries find values of a sparse set.

use std::cell::UnsafeCell;
use std::ptr::NonNull;

use super::set::{PAGE, SparseSet};

/// A sparse set, and the entities of an archetype whose values are looked for in it.
pub(crate) struct SparseRows<T> {
    set: Option<NonNull<SparseSet<T>>>,
    /// The archetype's entities, by index.
    ids: *const u32,
}

impl<T> Clone for SparseRows<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for SparseRows<T> {}

impl<T> SparseRows<T> {
    /// No set.
    pub(crate) const fn nowhere() -> Self {
        Self { set: None, ids: std::ptr::null() }
    }

    pub(crate) fn of(set: Option<NonNull<SparseSet<T>>>, archetype: Option<&hecs::Archetype>) -> Self {
        let ids = archetype.map_or(std::ptr::null(), |archetype| archetype.ids().as_ptr());
        Self { set, ids }
    }

    /// Which set it is.
    #[inline]
    pub(crate) fn id(&self) -> *const () {
        self.set.map_or(std::ptr::null(), |set| set.as_ptr().cast_const().cast())
    }

    /// # Safety
    /// The set's world exists, and the set is not changed for `'a`.
    #[inline]
    #[allow(unsafe_code, reason = "the set is behind a pointer")]
    pub(crate) unsafe fn set<'a>(&self) -> Option<&'a SparseSet<T>> {
        // SAFETY: the caller says so.
        self.set.map(|set| unsafe { set.as_ref() })
    }

    /// The value in a row of the set.
    ///
    /// # Safety
    /// As of [`SparseRows::set`]; the set has such a row.
    #[inline]
    #[allow(unsafe_code, reason = "the set is behind a pointer")]
    pub(crate) unsafe fn at(&self, row: usize) -> Option<NonNull<T>> {
        // SAFETY: the caller says so.
        unsafe { self.set() }.map(|set| place_of(unsafe { set.values.get_unchecked(row) }))
    }

    /// The value of the entity in a row of the archetype.
    ///
    /// # Safety
    /// As of [`SparseRows::set`]; the archetype has such a row, and has not changed since it was found.
    #[inline]
    #[allow(unsafe_code, reason = "the set is behind a pointer")]
    pub(crate) unsafe fn of_row(&self, row: usize) -> Option<NonNull<T>> {
        // SAFETY: the caller says so.
        unsafe { self.of_entity(*self.ids.add(row)) }
    }

    /// The value of the living entity with this index.
    ///
    /// # Safety
    /// As of [`SparseRows::set`].
    #[inline]
    #[allow(unsafe_code, reason = "the set is behind a pointer")]
    pub(crate) unsafe fn of_entity(&self, index: u32) -> Option<NonNull<T>> {
        // SAFETY: the caller says so.
        let set = unsafe { self.set() }?;
        let row = set.pages.get(index as usize / PAGE)?.as_ref()?[index as usize % PAGE];
        // No row is beyond the last one.
        set.values.get(row as usize).map(place_of)
    }
}

#[inline]
fn place_of<T>(cell: &UnsafeCell<T>) -> NonNull<T> {
    // A cell is laid out as its value is.
    NonNull::from(cell).cast()
}
