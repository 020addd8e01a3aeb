//! Plain data: types whose bytes in memory are their saved bytes.
//!
//! A column of them is saved and restored by copying. Whether a type is plain is found from its fields, by what
//! `#[data]` expands to: all of them numbers, arrays of numbers or plain structs, in the order of their declaration,
//! with nothing between them. `bool`, `char` and enums are not: not every byte is one of theirs.

use std::marker::PhantomData;

use crate::bytes::{check_count, take};
use crate::{Schema, StateError};

/// Evidence that each byte of a `T` is part of one of its numbers, that any bytes make a `T`, and that they are the
/// bytes that [`encode_into`](crate::encode_into) writes.
#[derive(Debug)]
pub struct Plain<T> {
    // Only this file makes one: of numbers, of arrays, and of structs whose fields somebody has vouched for.
    ty: PhantomData<fn() -> T>,
}

impl<T> Clone for Plain<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Plain<T> {}

/// A field of a struct that may be plain: where it begins, and its width if it is plain itself.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct PlainField {
    offset: usize,
    width: Option<usize>,
}

impl PlainField {
    #[doc(hidden)]
    pub fn of<F: Schema>(offset: usize) -> Self {
        Self { offset, width: F::plain().map(|_| size_of::<F>()) }
    }

    pub(crate) fn unknown() -> Self {
        Self { offset: 0, width: None }
    }
}

/// The width of all of them together, if all are plain, and each begins where the one before ends.
fn width_without_gaps(fields: &[PlainField]) -> Option<usize> {
    fields.iter().try_fold(0, |end, field| Some(end + field.width.filter(|_| field.offset == end)?))
}

impl<T> Plain<T> {
    /// The bytes of a number are the same here and in a snapshot.
    const HERE: bool = cfg!(target_endian = "little");

    /// For numbers, which `#[data]` does not declare.
    pub(crate) fn number() -> Option<Self> {
        Self::HERE.then_some(Self { ty: PhantomData })
    }

    /// For a struct with these fields. `#[data]` expands to a call of it; a [`Schema`] that is written by hand says
    /// nothing of being plain, and its values are saved one by one.
    ///
    /// # Safety
    /// `fields` are all fields of `T`, none left out, in the order in which `T` is saved, each with its own type and the
    /// offset that it has in `T`; and `T` is saved as nothing but its fields.
    #[doc(hidden)]
    #[allow(unsafe_code, reason = "the list of fields is believed")]
    pub unsafe fn structure(fields: &[PlainField]) -> Option<Self> {
        let is_plain = width_without_gaps(fields) == Some(size_of::<T>()) && size_of::<T>() > 0;
        (is_plain && Self::HERE && !std::mem::needs_drop::<T>()).then_some(Self { ty: PhantomData })
    }

    /// The bytes of `values`.
    #[allow(unsafe_code, reason = "looking at plain data as bytes")]
    pub fn bytes(self, values: &[T]) -> &[u8] {
        // SAFETY: the memory is that of `values`, borrowed for as long, and `Plain<T>` says that each of its bytes is
        // part of a number, so that none is padding.
        unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
    }

    /// The values whose bytes these are; bytes at the end that make no whole value are left out.
    #[inline]
    pub fn values(self, bytes: &[u8]) -> impl ExactSizeIterator<Item = T> {
        bytes.chunks_exact(size_of::<T>()).map(Self::value)
    }

    /// Reads `count` values off the front of `bytes`, and moves `bytes` past them.
    ///
    /// # Errors
    /// [`StateError::Truncated`]
    pub fn take<'b>(
        self,
        count: usize,
        bytes: &mut &'b [u8],
    ) -> Result<impl ExactSizeIterator<Item = T> + use<'b, T>, StateError> {
        check_count(bytes, count, size_of::<T>())?;
        take(bytes, count * size_of::<T>()).map(|taken| self.values(taken))
    }

    #[allow(unsafe_code, reason = "making plain data from bytes")]
    #[inline(always)]
    fn value(bytes: &[u8]) -> T {
        debug_assert_eq!(bytes.len(), size_of::<T>());
        // SAFETY: `chunks_exact` made `bytes` as long as a `T`, and `Plain<T>` says that any bytes make one.
        unsafe { bytes.as_ptr().cast::<T>().read_unaligned() }
    }
}

impl<T: Schema, const N: usize> Plain<[T; N]> {
    pub(crate) fn array() -> Option<Self> {
        T::plain().filter(|_| N > 0).map(|_| Self { ty: PhantomData })
    }
}
