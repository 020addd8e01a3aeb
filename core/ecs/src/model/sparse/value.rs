//! A component of one entity, borrowed wherever it lies.

use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

use super::SparseGuard;
use crate::Component;
use crate::model::ticks::{Tracking, ValueTicks};

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

/// A component that is written. If it is tracked, it counts as changed once it is.
pub(crate) struct ValueMut<'w, T: Component> {
    pub(crate) place: ValuePlace<'w, T>,
    pub(crate) ticks: Option<ValueTicks<'w>>,
}

/// Where it lies.
pub(crate) enum ValuePlace<'w, T: Component> {
    Column(hecs::RefMut<'w, T>),
    Sparse { value: NonNull<T>, _guard: SparseGuard<'w> },
}

impl<T: Component> Deref for ValueMut<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        match &self.place {
            ValuePlace::Column(value) => value,
            // SAFETY: the guard keeps everybody else away for as long as it lives.
            #[allow(unsafe_code, reason = "the set is behind a pointer")]
            ValuePlace::Sparse { value, .. } => unsafe { value.as_ref() },
        }
    }
}

impl<T: Component> DerefMut for ValueMut<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.set_changed();
        self.bypass()
    }
}

impl<T: Component> ValueMut<'_, T> {
    /// Lets it count as changed.
    #[inline]
    pub(crate) fn set_changed(&self) {
        if T::Tracking::IS_TRACKED
            && let Some(ticks) = self.ticks
        {
            ticks.set_changed();
        }
    }

    /// The value to be written without it counting as changed.
    #[inline]
    pub(crate) fn bypass(&mut self) -> &mut T {
        match &mut self.place {
            ValuePlace::Column(value) => value,
            // SAFETY: as above, and `self` is borrowed exclusively.
            #[allow(unsafe_code, reason = "the set is behind a pointer")]
            ValuePlace::Sparse { value, .. } => unsafe { value.as_mut() },
        }
    }
}
