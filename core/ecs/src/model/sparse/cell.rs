//! The sets of a world, and who borrows them.

use std::any::TypeId;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicIsize, Ordering};

use keel_core_types::ComponentId;

use super::set::{AnySparse, SparseSet};
use super::{Encoded, SparseOperations};
use crate::model::conflict::Borrowing;
use crate::{Component, ComponentAccess, EcsError, Entity, ModelTypeInfo};

/// One set, with who borrows it at run time.
pub(crate) struct SparseCell {
    name: String,
    rust: TypeId,
    // Owned. It is a pointer, and all use of the set goes through it, so that queries may keep copies of it.
    set: NonNull<dyn AnySparse>,
    /// How many read it; -1 while it is written.
    borrows: AtomicIsize,
}

// SAFETY: the set is `Send` and `Sync`, and the cell is its only owner.
#[allow(unsafe_code, reason = "a pointer is not `Send` by itself")]
unsafe impl Send for SparseCell {}
// SAFETY: as above.
#[allow(unsafe_code, reason = "a pointer is not `Sync` by itself")]
unsafe impl Sync for SparseCell {}

impl SparseCell {
    fn new(info: &ModelTypeInfo, set: Box<dyn AnySparse>) -> Self {
        Self {
            name: info.name().to_owned(),
            rust: info.fingerprint().rust,
            set: NonNull::from(Box::leak(set)),
            borrows: AtomicIsize::new(0),
        }
    }

    /// Whether `entity` has a value.
    #[inline]
    #[allow(unsafe_code, reason = "the set is behind a pointer")]
    pub(crate) fn contains(&self, entity: Entity) -> bool {
        // SAFETY: which entities have a value changes by exclusive access to the world alone.
        unsafe { self.set.as_ref() }.contains(entity)
    }

    /// The entities that have a value, row by row.
    #[inline]
    #[allow(unsafe_code, reason = "the set is behind a pointer")]
    pub(crate) fn entities(&self) -> &[Entity] {
        // SAFETY: as above.
        unsafe { self.set.as_ref() }.entities()
    }

    #[inline]
    #[allow(unsafe_code, reason = "the set is behind a pointer")]
    pub(crate) fn get_mut(&mut self) -> &mut dyn AnySparse {
        // SAFETY: it is owned, and borrowed exclusively with the cell.
        unsafe { self.set.as_mut() }
    }

    /// The set as one of `T`s.
    #[inline]
    fn typed<T: Component>(&self) -> Option<NonNull<SparseSet<T>>> {
        (self.rust == TypeId::of::<T>()).then(|| self.set.cast())
    }

    /// Borrows the set to read values.
    ///
    /// # Panics
    /// While it is written; the message names the component.
    #[inline]
    pub(crate) fn read(&self) -> SparseGuard<'_> {
        let read = |borrows: isize| (borrows >= 0).then_some(borrows + 1);
        self.borrow(read)
    }

    /// Borrows the set to write values.
    ///
    /// # Panics
    /// While it is read or written; the message names the component.
    #[inline]
    pub(crate) fn write(&self) -> SparseGuard<'_> {
        self.borrow(|borrows| (borrows == 0).then_some(-1))
    }

    /// Shows `show` the bytes of the value of `entity`, where values lie encoded. None if it has none.
    ///
    /// # Panics
    /// As [`SparseCell::read`].
    pub(crate) fn with_encoded<R>(&self, entity: Entity, show: impl FnOnce(&[u8]) -> R) -> Option<R> {
        let guard = self.read();
        let value = guard.set().encoded(entity)?.get();
        // SAFETY: values are written by whoever holds a writing guard alone, which the reading one excludes; and rows move
        // by exclusive access to the world alone.
        #[allow(unsafe_code, reason = "values lie in cells")]
        Some(show(unsafe { &(*value).0 }))
    }

    /// As [`SparseCell::with_encoded`], to be changed. Every call must leave the bytes of a value there.
    ///
    /// # Panics
    /// As [`SparseCell::write`].
    pub(crate) fn with_encoded_mut<R>(
        &self,
        entity: Entity,
        change: impl FnOnce(&mut Encoded) -> R,
    ) -> Option<R> {
        let _guard = self.write();
        // SAFETY: which entities have a value, and where, changes by exclusive access to the world alone.
        #[allow(unsafe_code, reason = "the set is behind a pointer")]
        let value = unsafe { self.set.as_ref() }.encoded(entity)?.get();
        // SAFETY: the guard keeps everybody else away from the values until this returns.
        #[allow(unsafe_code, reason = "values lie in cells")]
        Some(change(unsafe { &mut *value }))
    }

    #[inline]
    fn borrow(&self, change: impl FnMut(isize) -> Option<isize>) -> SparseGuard<'_> {
        if self.borrows.fetch_update(Ordering::Acquire, Ordering::Relaxed, change).is_err() {
            let _borrowing = Borrowing::of(&self.name, None);
            panic!("{}", EcsError::InUse { name: self.name.clone() });
        }
        SparseGuard { cell: self }
    }
}

impl Drop for SparseCell {
    fn drop(&mut self) {
        // SAFETY: it was leaked from a box when the cell was made, and the cell goes.
        #[allow(unsafe_code, reason = "the set is behind a pointer")]
        drop(unsafe { Box::from_raw(self.set.as_ptr()) });
    }
}

/// The borrow of a set.
#[doc(hidden)]
pub struct SparseGuard<'w> {
    cell: &'w SparseCell,
}

impl<'w> SparseGuard<'w> {
    #[allow(unsafe_code, reason = "the set is behind a pointer")]
    pub(crate) fn set(&self) -> &dyn AnySparse {
        // SAFETY: values are written by whoever holds a writing guard alone, and never while this is used: such a guard is
        // not asked for its set.
        unsafe { self.cell.set.as_ref() }
    }

    /// The value of `entity`.
    #[inline]
    pub(crate) fn value<T: Component>(&self, entity: Entity) -> Option<NonNull<T>> {
        let set = self.cell.typed::<T>()?;
        // SAFETY: rows move by exclusive access to the world alone, which the guard excludes.
        #[allow(unsafe_code, reason = "the set is behind a pointer")]
        let set: &'w SparseSet<T> = unsafe { set.as_ref() };
        NonNull::new(set.cell(entity)?.get())
    }
}

impl Drop for SparseGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        let release = |borrows: isize| Some(if borrows < 0 { 0 } else { borrows - 1 });
        let _ = self.cell.borrows.fetch_update(Ordering::Release, Ordering::Relaxed, release);
    }
}

/// The sparse sets of one world.
#[derive(Default)]
#[doc(hidden)]
pub struct SparseSets {
    /// In the order of their ids.
    cells: Vec<(ComponentId, SparseCell)>,
    /// The place of the one that was asked for last: whoever inserts into one set does so again and again.
    last: usize,
}

impl SparseSets {
    /// Makes a set for a type that is registered now, unless there is one.
    pub(crate) fn register(&mut self, info: &ModelTypeInfo, operations: &SparseOperations) {
        if let Err(place) = self.place(info.id()) {
            self.cells.insert(place, (info.id(), SparseCell::new(info, operations.make())));
        }
    }

    /// Exchanges the set of a type, if the type is sparse.
    #[allow(unsafe_code, reason = "the set is behind a pointer")]
    pub(crate) fn replace(&mut self, id: ComponentId, set: Box<dyn AnySparse>) -> Option<Box<dyn AnySparse>> {
        let place = self.place(id).ok()?;
        let cell = &mut self.cells[place].1;
        let before = std::mem::replace(&mut cell.set, NonNull::from(Box::leak(set)));
        // SAFETY: it was leaked from a box when it was put there, and another one is there now.
        Some(unsafe { Box::from_raw(before.as_ptr()) })
    }

    /// Drops the set of a type that is known no longer.
    pub(crate) fn forget(&mut self, id: ComponentId) {
        if let Ok(place) = self.place(id) {
            drop(self.cells.remove(place));
        }
    }

    #[inline]
    pub(crate) fn cell(&self, id: ComponentId) -> Option<&SparseCell> {
        self.place(id).ok().map(|place| &self.cells[place].1)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (ComponentId, &SparseCell)> {
        self.cells.iter().map(|(id, cell)| (*id, cell))
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, id: ComponentId) -> Option<&mut dyn AnySparse> {
        let place = self.place(id).ok()?;
        Some(self.cells[place].1.get_mut())
    }

    /// The set of `T`, for as long as the world exists.
    #[inline]
    pub(crate) fn set<T: Component>(&self) -> Option<NonNull<SparseSet<T>>> {
        self.cell(T::ID)?.typed()
    }

    #[inline]
    #[allow(unsafe_code, reason = "the set is behind a pointer")]
    pub(crate) fn set_mut<T: Component>(&mut self) -> Option<&mut SparseSet<T>> {
        if self.cells.get(self.last).is_none_or(|(id, _)| *id != T::ID) {
            self.last = self.place(T::ID).ok()?;
        }
        let mut set = self.cells[self.last].1.typed::<T>()?;
        // SAFETY: it is owned, and borrowed exclusively with `self`.
        Some(unsafe { set.as_mut() })
    }

    /// The value of a component that the world alone writes.
    #[inline]
    #[allow(unsafe_code, reason = "the set is behind a pointer, and values lie in cells")]
    pub(crate) fn kept_by_world<T: Component>(&self, entity: Entity) -> Option<&T> {
        const { assert!(matches!(T::ACCESS, ComponentAccess::World)) };
        let set = self.set::<T>()?;
        // SAFETY: the set is owned, and stays where it is for as long as `self` is borrowed. A value of this type is
        // written by exclusive access to the world alone: queries, `World::get_mut` and paths refuse to.
        unsafe { Some(&*set.as_ref().cell(entity)?.get()) }
    }

    /// Whether `entity` has a `T`.
    #[inline]
    #[allow(unsafe_code, reason = "the set is behind a pointer")]
    pub(crate) fn has<T: Component>(&self, entity: Entity) -> bool {
        // SAFETY: which entities have a value changes by exclusive access to the world alone.
        self.set::<T>().is_some_and(|set| unsafe { set.as_ref() }.contains(entity))
    }

    /// Drops all values of an entity that is going.
    #[inline]
    pub(crate) fn despawned(&mut self, entity: Entity) {
        for (_, cell) in &mut self.cells {
            cell.get_mut().remove(entity);
        }
    }

    /// The components of this kind that `entity` has.
    pub(crate) fn of_entity(&self, entity: Entity) -> impl Iterator<Item = ComponentId> {
        self.iter().filter(move |(_, cell)| cell.contains(entity)).map(|(id, _)| id)
    }

    #[inline]
    fn place(&self, id: ComponentId) -> Result<usize, usize> {
        self.cells.binary_search_by_key(&id, |(id, _)| *id)
    }
}
