//! A value with its ticks.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU32, Ordering};

use super::TickWindow;

/// The ticks of one value, and the window of one who looks at it.
#[derive(Clone, Copy)]
pub(crate) struct ValueTicks<'a> {
    pub(crate) added: &'a AtomicU32,
    pub(crate) changed: &'a AtomicU32,
    pub(crate) window: TickWindow,
}

impl ValueTicks<'_> {
    #[inline]
    pub(crate) fn is_added(self) -> bool {
        self.added.load(Ordering::Relaxed) > self.window.since
    }

    #[inline]
    pub(crate) fn is_changed(self) -> bool {
        self.changed.load(Ordering::Relaxed) > self.window.since
    }

    #[inline]
    pub(crate) fn set_changed(self) {
        self.changed.store(self.window.now, Ordering::Relaxed);
    }
}

/// A tracked component that is read, with when it was added and changed: what `Ref<T>` in a query hands out.
#[derive(Clone, Copy)]
pub struct Ref<'a, T> {
    value: &'a T,
    ticks: ValueTicks<'a>,
}

/// A tracked component that is written: what `&mut T` in a query hands out. It counts as changed from the first time that
/// it is lent to be written, whether anything is written or not; reading it changes nothing.
pub struct Mut<'a, T> {
    value: &'a mut T,
    ticks: ValueTicks<'a>,
}

impl<'a, T> Ref<'a, T> {
    #[inline]
    pub(crate) fn new(value: &'a T, ticks: ValueTicks<'a>) -> Self {
        Self { value, ticks }
    }

    /// Whether it was added since the system that asks ran last.
    #[inline]
    pub fn is_added(&self) -> bool {
        self.ticks.is_added()
    }

    /// Whether it was added or changed since the system that asks ran last.
    #[inline]
    pub fn is_changed(&self) -> bool {
        self.ticks.is_changed()
    }

    /// The value, for as long as the query lends it.
    #[inline]
    pub fn into_inner(self) -> &'a T {
        self.value
    }
}

impl<'a, T> Mut<'a, T> {
    #[inline]
    pub(crate) fn new(value: &'a mut T, ticks: ValueTicks<'a>) -> Self {
        Self { value, ticks }
    }

    /// Whether it was added since the system that asks ran last.
    #[inline]
    pub fn is_added(&self) -> bool {
        self.ticks.is_added()
    }

    /// Whether it was added or changed since the system that asks ran last, or just now by this one.
    #[inline]
    pub fn is_changed(&self) -> bool {
        self.ticks.is_changed()
    }

    /// Lets it count as changed.
    #[inline]
    pub fn set_changed(&mut self) {
        self.ticks.set_changed();
    }

    /// The value to be written without it counting as changed.
    #[inline]
    pub fn bypass_change_detection(&mut self) -> &mut T {
        self.value
    }

    /// Writes `value` if it is another one than is there; whether it was.
    #[inline]
    pub fn set_if_neq(&mut self, value: T) -> bool
    where
        T: PartialEq,
    {
        let differs = *self.value != value;
        if differs {
            **self = value;
        }
        differs
    }

    /// The value, for as long as the query lends it; it counts as changed.
    #[inline]
    pub fn into_inner(self) -> &'a mut T {
        self.ticks.set_changed();
        self.value
    }
}

impl<T> Deref for Ref<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.value
    }
}

impl<T> Deref for Mut<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.value
    }
}

impl<T> DerefMut for Mut<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.ticks.set_changed();
        self.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Ref<'_, T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(out)
    }
}

impl<T: fmt::Debug> fmt::Debug for Mut<'_, T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(out)
    }
}
