//! What a borrow was of that panicked, because somebody else in the same call holds the value in a way that excludes it.
//!
//! Columns know neither the entity nor the declared name, and what a panic says is fixed before it is known who asked. So
//! it is noted while the panic passes by, and whoever contains it asks.

use std::cell::RefCell;
use std::mem;

use crate::{EcsError, Entity};

thread_local! {
    // Lives in the facade, which is never unmapped.
    static NOTED: RefCell<Option<Conflict>> = const { RefCell::new(None) };
}

struct Conflict {
    /// Owned: the declared name lies in the type's module.
    component: String,
    entity: Option<Entity>,
}

/// Dropped by a panic, it notes what is being borrowed. It costs nothing where none comes.
pub(crate) struct Borrowing<'n> {
    component: Option<&'n str>,
    entity: Option<Entity>,
}

impl<'n> Borrowing<'n> {
    /// Of a component, and perhaps of one entity.
    #[inline]
    pub(crate) fn of(component: &'n str, entity: Option<Entity>) -> Self {
        Self { component: Some(component), entity }
    }

    /// Of whatever is borrowed until it is done, of this entity.
    #[inline]
    pub(crate) fn of_entity(entity: Entity) -> Self {
        Self { component: None, entity: Some(entity) }
    }

    /// It went well.
    #[inline]
    pub(crate) fn done(self) {
        mem::forget(self);
    }
}

impl Drop for Borrowing<'_> {
    // Not compiled into modules, nor is the thread's place for it.
    #[cold]
    #[inline(never)]
    fn drop(&mut self) {
        let Self { component, entity } = *self;
        NOTED.with_borrow_mut(|noted| match component {
            Some(component) => *noted = Some(Conflict { component: component.to_owned(), entity }),
            None => noted.iter_mut().for_each(|noted| noted.entity = entity),
        });
    }
}

/// What the borrow was of that has panicked on this thread since this was asked last: for whoever contains panics, instead
/// of the panic's own words. `None` after another panic.
#[doc(hidden)]
pub fn take_borrow_conflict() -> Option<String> {
    let Conflict { component, entity } = NOTED.take()?;
    let error = match entity {
        Some(entity) => EcsError::ComponentInUse { entity, component },
        None => EcsError::InUse { name: component },
    };
    Some(error.to_string())
}
