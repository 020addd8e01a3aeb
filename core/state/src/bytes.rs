//! Taking fixed and length-prefixed pieces off the front of a slice, with every length checked.

use crate::StateError;

#[cold]
fn truncated(needed: usize, left: usize) -> StateError {
    StateError::Truncated { needed: needed as u64, left: left as u64 }
}

/// The next `count` bytes.
#[inline]
pub(crate) fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Result<&'a [u8], StateError> {
    match bytes.split_at_checked(count) {
        Some((head, tail)) => {
            *bytes = tail;
            Ok(head)
        }
        None => Err(truncated(count, bytes.len())),
    }
}

/// The next `N` bytes as an array.
#[inline]
pub(crate) fn take_array<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], StateError> {
    match bytes.split_first_chunk::<N>() {
        Some((head, tail)) => {
            *bytes = tail;
            Ok(*head)
        }
        None => Err(truncated(N, bytes.len())),
    }
}

/// A length prefix: 64 bits. Lengths that this machine cannot address become `usize::MAX`, which nothing fits.
#[inline]
pub(crate) fn take_length(bytes: &mut &[u8]) -> Result<usize, StateError> {
    Ok(usize::try_from(u64::from_le_bytes(take_array(bytes)?)).unwrap_or(usize::MAX))
}

/// A length prefix and as many bytes.
#[inline]
pub(crate) fn take_prefixed<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], StateError> {
    let length = take_length(bytes)?;
    take(bytes, length)
}

/// A byte that is 0 or 1.
#[inline]
pub(crate) fn take_flag(bytes: &mut &[u8], expected: &str) -> Result<bool, StateError> {
    match take_array::<1>(bytes)? {
        [0] => Ok(false),
        [1] => Ok(true),
        [other] => Err(corrupt(expected, other)),
    }
}

/// A character: one to four bytes of UTF-8, whose first tells how many.
pub(crate) fn take_char(bytes: &mut &[u8]) -> Result<char, StateError> {
    let width = match bytes.first() {
        None => return Err(truncated(1, 0)),
        Some(0x00..=0x7f) => 1,
        Some(0xc0..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf7) => 4,
        Some(other) => return Err(corrupt("a character", other)),
    };
    take_str(bytes, width)?.chars().next().ok_or_else(|| corrupt("a character", "nothing"))
}

/// The next `length` bytes as text.
#[inline]
pub(crate) fn take_str<'a>(bytes: &mut &'a [u8], length: usize) -> Result<&'a str, StateError> {
    std::str::from_utf8(take(bytes, length)?).map_err(|error| corrupt("UTF-8 text", error))
}

// Owned text: who calls this may be generic code that was compiled into a module, and the error may outlive that.
#[cold]
pub(crate) fn corrupt(expected: &str, found: impl std::fmt::Display) -> StateError {
    StateError::Corrupt { expected: expected.to_owned(), found: found.to_string() }
}

/// Refuses a sequence whose `count` elements, of at least `width` bytes each, cannot be in the bytes left.
#[inline]
pub(crate) fn check_count(bytes: &[u8], count: usize, width: usize) -> Result<(), StateError> {
    let fits = match width {
        0 => count <= crate::EMPTY_MAX,
        width => count <= bytes.len() / width,
    };
    if fits { Ok(()) } else { Err(truncated(count.saturating_mul(width.max(1)), bytes.len())) }
}
