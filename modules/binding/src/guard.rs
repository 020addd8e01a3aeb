//! Guards: shared and exclusive access to one object of a pool.

use std::fmt;
use std::ops::{Deref, DerefMut};

use atomic_refcell::{AtomicRef, AtomicRefMut};
use keel_core_types::ModelId;

/// Shared access to an object. Its slot is not recycled while this lives, even if the object is released.
pub struct ModelRef<'a, T: ?Sized> {
    pub(crate) id: ModelId,
    pub(crate) object: AtomicRef<'a, T>,
}

/// Exclusive access to an object, to be held for one frame at most.
pub struct ModelMut<'a, T: ?Sized> {
    pub(crate) id: ModelId,
    pub(crate) object: AtomicRefMut<'a, T>,
}

impl<T: ?Sized> ModelRef<'_, T> {
    /// The object's id.
    pub fn id(&self) -> ModelId {
        self.id
    }
}

impl<T: ?Sized> ModelMut<'_, T> {
    /// The object's id.
    pub fn id(&self) -> ModelId {
        self.id
    }
}

impl<T: ?Sized> Deref for ModelRef<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.object
    }
}

impl<T: ?Sized> Deref for ModelMut<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.object
    }
}

impl<T: ?Sized> DerefMut for ModelMut<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.object
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for ModelRef<'_, T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(out)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for ModelMut<'_, T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(out)
    }
}
