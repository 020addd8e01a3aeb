//! The ticks of the rows of an archetype, found by pointers as the values are.

use std::ptr::NonNull;
use std::slice;
use std::sync::atomic::{AtomicU32, Ordering};

use keel_core_types::ComponentId;

use super::table::NOWHERE;
use super::{Mut, TickWindow, ValueTicks};
use crate::{Component, World};

/// The entities of an archetype, and the ticks of one component. What it points to is vouched for by who calls its unsafe
/// functions: the archetype has not changed since it was found, nor has the world's structure since the query began.
#[derive(Clone, Copy)]
#[doc(hidden)]
pub struct RowTicks {
    /// The archetype's entities, by index.
    ids: *const u32,
    added: *const AtomicU32,
    changed: *const AtomicU32,
    len: usize,
    window: TickWindow,
}

impl RowTicks {
    /// The entities; the ticks are found when a query begins.
    pub(crate) fn of(archetype: Option<&hecs::Archetype>) -> Self {
        Self {
            ids: archetype.map_or(std::ptr::null(), |archetype| archetype.ids().as_ptr()),
            added: std::ptr::null(),
            changed: std::ptr::null(),
            len: 0,
            window: TickWindow { since: 0, now: 0 },
        }
    }

    /// Finds the ticks of the component, for one query.
    #[inline]
    pub(crate) fn begin(&mut self, id: ComponentId, world: &World, window: TickWindow) {
        let (added, changed) = world.changes.columns(id);
        (self.added, self.changed, self.len) = (added.as_ptr(), changed.as_ptr(), added.len());
        self.window = window;
    }

    /// # Safety
    /// The archetype has such a row; see above.
    #[inline(always)]
    #[allow(unsafe_code, reason = "entities are read by pointers")]
    unsafe fn index(&self, row: usize) -> u32 {
        // SAFETY: the caller says so.
        unsafe { *self.ids.add(row) }
    }

    /// # Safety
    /// See above.
    #[inline(always)]
    #[allow(unsafe_code, reason = "ticks are found by pointers")]
    unsafe fn is_new(&self, ticks: *const AtomicU32, index: u32) -> bool {
        // SAFETY: there are so many; the table does not change while the query lives, by what the caller says.
        (index as usize) < self.len
            && unsafe { (*ticks.add(index as usize)).load(Ordering::Relaxed) } > self.window.since
    }

    /// Whether the entity with this index was given its value since the window's begin.
    ///
    /// # Safety
    /// See above.
    #[inline(always)]
    #[allow(unsafe_code, reason = "ticks are found by pointers")]
    pub(crate) unsafe fn is_added(&self, index: u32) -> bool {
        // SAFETY: the caller says so.
        unsafe { self.is_new(self.added, index) }
    }

    /// Whether its value was added or changed since.
    ///
    /// # Safety
    /// See above.
    #[inline(always)]
    #[allow(unsafe_code, reason = "ticks are found by pointers")]
    pub(crate) unsafe fn is_changed(&self, index: u32) -> bool {
        // SAFETY: the caller says so.
        unsafe { self.is_new(self.changed, index) }
    }

    /// # Safety
    /// See above.
    #[inline(always)]
    #[allow(unsafe_code, reason = "ticks are found by pointers")]
    unsafe fn is_any_new(&self, ticks: *const AtomicU32, first: usize, count: usize) -> bool {
        if self.len < count || first > self.len - count {
            // Some have no ticks here: they are asked one by one.
            return true;
        }
        let mut is_any_new = false;
        for next in 0..count {
            // SAFETY: there are so many; the table does not change while the query lives, by what the caller says.
            let tick = unsafe { (*ticks.add(first.wrapping_add(next))).load(Ordering::Relaxed) };
            is_any_new |= tick > self.window.since;
        }
        is_any_new
    }

    /// Whether one of so many entities, from this index on, was given its value since the window's begin.
    ///
    /// # Safety
    /// See above.
    #[inline(always)]
    #[allow(unsafe_code, reason = "ticks are found by pointers")]
    pub(crate) unsafe fn is_any_added(&self, first: usize, count: usize) -> bool {
        // SAFETY: the caller says so.
        unsafe { self.is_any_new(self.added, first, count) }
    }

    /// Whether a value of one of them was added or changed since.
    ///
    /// # Safety
    /// See above.
    #[inline(always)]
    #[allow(unsafe_code, reason = "ticks are found by pointers")]
    pub(crate) unsafe fn is_any_changed(&self, first: usize, count: usize) -> bool {
        // SAFETY: the caller says so.
        unsafe { self.is_any_new(self.changed, first, count) }
    }

    /// [`RowTicks::is_added`], of the entity in a row.
    ///
    /// # Safety
    /// The archetype has such a row; see above.
    #[inline(always)]
    #[allow(unsafe_code, reason = "ticks are found by pointers")]
    pub(crate) unsafe fn is_row_added(&self, row: usize) -> bool {
        // SAFETY: the caller says so.
        unsafe { self.is_added(self.index(row)) }
    }

    /// [`RowTicks::is_changed`], of the entity in a row.
    ///
    /// # Safety
    /// The archetype has such a row; see above.
    #[inline(always)]
    #[allow(unsafe_code, reason = "ticks are found by pointers")]
    pub(crate) unsafe fn is_row_changed(&self, row: usize) -> bool {
        // SAFETY: the caller says so.
        unsafe { self.is_changed(self.index(row)) }
    }

    /// The ticks of the entity with this index.
    ///
    /// # Safety
    /// See above, for `'a`.
    #[inline]
    #[allow(unsafe_code, reason = "ticks are found by pointers")]
    pub(crate) unsafe fn of_entity<'a>(&self, index: u32) -> ValueTicks<'a> {
        let index = index as usize;
        if index >= self.len {
            return ValueTicks { added: &NOWHERE, changed: &NOWHERE, window: self.window };
        }
        // SAFETY: there are so many; the table does not change for `'a`, by what the caller says.
        unsafe {
            ValueTicks {
                added: &*self.added.add(index),
                changed: &*self.changed.add(index),
                window: self.window,
            }
        }
    }

    /// The ticks of the entity in a row.
    ///
    /// # Safety
    /// The archetype has such a row; see above.
    #[inline]
    #[allow(unsafe_code, reason = "ticks are found by pointers")]
    pub(crate) unsafe fn of_row<'a>(&self, row: usize) -> ValueTicks<'a> {
        // SAFETY: the caller says so.
        unsafe { self.of_entity(self.index(row)) }
    }
}

/// What `&mut T` in a query hands out, by whether `T` is tracked: [`Untracked`] or [`ByTicks`].
///
/// # Safety
/// It is implemented here alone. `write` hands out the value that it is given, and nothing else of it.
#[doc(hidden)]
#[allow(unsafe_code, reason = "queries rely on it")]
pub unsafe trait Tracking: 'static {
    const IS_TRACKED: bool;
    /// A value that is written.
    type Write<'a, T: Component>;
    /// Where the ticks of an archetype's rows lie.
    type Rows: Copy;
    /// A column, of which the compiler knows that it overlaps with no other one.
    type Slice<'a, T: Component>;

    fn rows(archetype: Option<&hecs::Archetype>) -> Self::Rows;

    fn begin(rows: &mut Self::Rows, id: ComponentId, world: &World, window: TickWindow);

    /// The value of the entity in a row.
    ///
    /// # Safety
    /// The archetype has such a row; see [`RowTicks`].
    unsafe fn write_row<T: Component>(rows: Self::Rows, row: usize, value: &mut T) -> Self::Write<'_, T>;

    /// The value of the entity with this index.
    ///
    /// # Safety
    /// See [`RowTicks`].
    unsafe fn write_entity<T: Component>(
        rows: Self::Rows,
        index: impl FnOnce() -> u32,
        value: &mut T,
    ) -> Self::Write<'_, T>;

    /// So many values of a column.
    ///
    /// # Safety
    /// They are there, and nobody else touches them for `'a`.
    unsafe fn slice<'a, T: Component>(rows: Self::Rows, first: NonNull<T>, len: usize) -> Self::Slice<'a, T>;

    /// # Safety
    /// The slice has more than `row` values, and each is asked for once; see [`RowTicks`].
    unsafe fn of_slice<'a, T: Component>(slice: &mut Self::Slice<'a, T>, row: usize) -> Self::Write<'a, T>;
}

/// `&mut T` is a bare reference.
#[derive(Clone, Copy, Debug)]
pub struct Untracked;

/// `&mut T` is a [`Mut<T>`](Mut), which notes when the value is changed.
#[derive(Clone, Copy, Debug)]
pub struct ByTicks;

// SAFETY: the value is handed out as it is given.
#[allow(unsafe_code, reason = "queries rely on it")]
unsafe impl Tracking for Untracked {
    const IS_TRACKED: bool = false;
    type Write<'a, T: Component> = &'a mut T;
    type Rows = ();
    type Slice<'a, T: Component> = &'a mut [T];

    fn rows(_: Option<&hecs::Archetype>) {}

    #[inline]
    fn begin((): &mut (), _: ComponentId, _: &World, _: TickWindow) {}

    #[inline(always)]
    unsafe fn write_row<T: Component>((): (), _: usize, value: &mut T) -> &mut T {
        value
    }

    #[inline(always)]
    unsafe fn write_entity<T: Component>((): (), _: impl FnOnce() -> u32, value: &mut T) -> &mut T {
        value
    }

    #[inline(always)]
    unsafe fn slice<'a, T: Component>((): (), first: NonNull<T>, len: usize) -> &'a mut [T] {
        // SAFETY: the caller says so.
        unsafe { slice::from_raw_parts_mut(first.as_ptr(), len) }
    }

    #[inline(always)]
    unsafe fn of_slice<'a, T: Component>(slice: &mut Self::Slice<'a, T>, row: usize) -> Self::Write<'a, T> {
        // SAFETY: the caller vouches that there is such a row, and asks for each once: no two of these overlap.
        unsafe { &mut *slice.as_mut_ptr().add(row) }
    }
}

// SAFETY: the value is handed out as it is given, with its ticks.
#[allow(unsafe_code, reason = "queries rely on it")]
unsafe impl Tracking for ByTicks {
    const IS_TRACKED: bool = true;
    type Write<'a, T: Component> = Mut<'a, T>;
    type Rows = RowTicks;
    type Slice<'a, T: Component> = (&'a mut [T], RowTicks);

    fn rows(archetype: Option<&hecs::Archetype>) -> RowTicks {
        RowTicks::of(archetype)
    }

    #[inline]
    fn begin(rows: &mut RowTicks, id: ComponentId, world: &World, window: TickWindow) {
        rows.begin(id, world, window);
    }

    #[inline]
    unsafe fn write_row<T: Component>(rows: RowTicks, row: usize, value: &mut T) -> Mut<'_, T> {
        // SAFETY: the caller keeps the rules of both.
        Mut::new(value, unsafe { rows.of_row(row) })
    }

    #[inline]
    unsafe fn write_entity<T: Component>(
        rows: RowTicks,
        index: impl FnOnce() -> u32,
        value: &mut T,
    ) -> Mut<'_, T> {
        // SAFETY: the caller keeps the rules of both.
        Mut::new(value, unsafe { rows.of_entity(index()) })
    }

    #[inline]
    unsafe fn slice<'a, T: Component>(
        rows: RowTicks,
        first: NonNull<T>,
        len: usize,
    ) -> (&'a mut [T], RowTicks) {
        // SAFETY: the caller says so.
        (unsafe { slice::from_raw_parts_mut(first.as_ptr(), len) }, rows)
    }

    #[inline]
    unsafe fn of_slice<'a, T: Component>(
        (slice, rows): &mut Self::Slice<'a, T>,
        row: usize,
    ) -> Self::Write<'a, T> {
        // SAFETY: the caller vouches that there is such a row, and asks for each once: no two of these overlap.
        unsafe { Self::write_row(*rows, row, &mut *slice.as_mut_ptr().add(row)) }
    }
}
