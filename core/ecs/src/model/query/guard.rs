//! The borrow of a column.

use std::mem::ManuallyDrop;
use std::ptr::NonNull;

use hecs::{Archetype, Fetch};

use crate::Component;
use crate::model::conflict::Borrowing;

/// The borrow of a column by a query, until it is dropped. It is of no type of its own, and neither are lists of them:
/// what a module compiles of its own for each of its queries is what it waits for at each change.
#[doc(hidden)]
pub struct ColumnGuard<'w> {
    archetype: &'w Archetype,
    release: fn(&Archetype),
}

impl<'w> ColumnGuard<'w> {
    /// Borrows a column to read it; where its first row lies.
    ///
    /// # Panics
    /// While it is written; the message names the component.
    pub(super) fn read<T: Component>(archetype: &'w Archetype, guards: &mut Vec<Self>) -> Option<NonNull<T>> {
        assert_available::<&T>(archetype, T::NAME);
        // What is derived of it would end where it is dropped or moved.
        let column = ManuallyDrop::new(archetype.get::<&T>()?);
        guards.push(Self { archetype, release: release::<&T> });
        Some(NonNull::from(&**column).cast())
    }

    /// Borrows a column to write it; where its first row lies.
    ///
    /// # Panics
    /// While it is read or written; the message names the component.
    pub(super) fn write<T: Component>(
        archetype: &'w Archetype,
        guards: &mut Vec<Self>,
    ) -> Option<NonNull<T>> {
        assert_available::<&mut T>(archetype, T::NAME);
        // As above.
        let mut column = ManuallyDrop::new(archetype.get::<&mut T>()?);
        guards.push(Self { archetype, release: release::<&mut T> });
        Some(NonNull::from(&mut **column).cast())
    }
}

impl Drop for ColumnGuard<'_> {
    fn drop(&mut self) {
        (self.release)(self.archetype);
    }
}

/// Panics, naming the component, where a column is borrowed in a way that excludes `Q`. hecs looks only after it has made
/// a reference to the column, which by itself would end the use of the one that excludes it.
fn assert_available<Q: hecs::Query>(archetype: &Archetype, component: &str) {
    if let Some(state) = Q::Fetch::prepare(archetype) {
        let borrowing = Borrowing::of(component, None);
        Q::Fetch::borrow(archetype, state);
        borrowing.done();
        Q::Fetch::release(archetype, state);
    }
}

fn release<Q: hecs::Query>(archetype: &Archetype) {
    if let Some(state) = Q::Fetch::prepare(archetype) {
        Q::Fetch::release(archetype, state);
    }
}
