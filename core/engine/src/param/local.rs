//! What one system keeps for itself.

use std::fmt;
use std::ops::{Deref, DerefMut};

use keel_ecs::{Access, Data};

use super::{KeptParam, ParamUses, SystemContext, SystemParam, VisitKept, sealed, short_name};

/// A value of one system's own, which it finds again in its next run; at first it is `T`'s default. It is saved with the
/// module: it outlives a swap, migrated as all data is, and is part of a saved game.
pub struct Local<'a, T> {
    value: &'a mut T,
}

impl<T> Deref for Local<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.value
    }
}

impl<T> DerefMut for Local<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Local<'_, T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(out)
    }
}

impl<T: Data + Default> sealed::Sealed for Local<'_, T> {}

impl<T: Data + Default> SystemParam for Local<'_, T> {
    type State = T;
    type Item<'a> = Local<'a, T>;

    fn state() -> T {
        T::default()
    }

    fn declare(uses: &mut ParamUses) {
        uses.add(format!("Local<{}>", short_name::<T>()), Access::new());
    }

    fn fetch<'a>(value: &'a mut T, _: &SystemContext<'a>) -> Result<Local<'a, T>, String> {
        Ok(Local { value })
    }

    fn visit_kept(value: &mut T, visit: &mut VisitKept<'_>) {
        visit(KeptParam {
            name: format!("Local<{}>", short_name::<T>()),
            is_position: false,
            is_saved: true,
            value,
        });
    }
}
