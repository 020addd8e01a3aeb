//! A component of one entity, borrowed wherever it lies.

use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

use super::SparseGuard;
use crate::Component;

/// A component that is read, wherever it lies.
pub(crate) enum Value<'w, T: Component> {
    Column(hecs::Ref<'w, T>),
    Sparse { value: NonNull<T>, _guard: SparseGuard<'w> },
}

impl<T: Component> Deref for Value<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        match self {
            Self::Column(value) => value,
            // SAFETY: the guard keeps writers away for as long as it lives.
            #[allow(unsafe_code, reason = "the set is behind a pointer")]
            Self::Sparse { value, .. } => unsafe { value.as_ref() },
        }
    }
}

/// A component that is written, wherever it lies.
pub(crate) enum ValueMut<'w, T: Component> {
    Column(hecs::RefMut<'w, T>),
    Sparse { value: NonNull<T>, _guard: SparseGuard<'w> },
}

impl<T: Component> Deref for ValueMut<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        match self {
            Self::Column(value) => value,
            // SAFETY: the guard keeps everybody else away for as long as it lives.
            #[allow(unsafe_code, reason = "the set is behind a pointer")]
            Self::Sparse { value, .. } => unsafe { value.as_ref() },
        }
    }
}

impl<T: Component> DerefMut for ValueMut<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        match self {
            Self::Column(value) => value,
            // SAFETY: as above, and `self` is borrowed exclusively.
            #[allow(unsafe_code, reason = "the set is behind a pointer")]
            Self::Sparse { value, .. } => unsafe { value.as_mut() },
        }
    }
}
