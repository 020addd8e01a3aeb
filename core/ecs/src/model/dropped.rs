//! Values that are dropped where their panic ends nothing.
//!
//! A world drops values of modules while it does something else, or together with what keeps their library mapped. A
//! panic is caught at each value: the others are dropped as well, and nothing of it is left when the library goes.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use keel_core_types::panic_message;

/// Drops a value of type `of`.
#[inline]
pub(crate) fn drop_contained<T>(of: &str, value: T) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
        note_panic(of, panic);
    }
}

/// Drops values of type `T`, each on its own.
#[inline]
pub(crate) fn drop_each<T>(values: impl Iterator<Item = T>) {
    if std::mem::needs_drop::<T>() {
        values.for_each(|value| drop_contained(std::any::type_name::<T>(), value));
    }
}

/// Tells of a panic in the `drop` of a value of type `of`.
#[cold]
#[inline(never)]
pub(crate) fn note_panic(of: &str, panic: Box<dyn Any + Send>) {
    let message = panic_message(panic);
    log::error!(
        "the `drop` of a `{of}` panicked: {message}; the value is gone, and what it owned may be leaked"
    );
}
