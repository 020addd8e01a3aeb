//! Values to bytes and back: bincode 2 with fixed-width little-endian integers.
//!
//! The format (<https://github.com/bincode-org/bincode/blob/trunk/docs/spec.md>): integers in their own width
//! and `usize` in eight bytes, lengths as `u64`, the number of an enum's variant as `u32`, one byte before an
//! `Option`, `char` as UTF-8, and nothing at all around structs, tuples and arrays.

use bincode::config::{self, Configuration, Fixint, LittleEndian};
use bincode::enc::write::Writer;
use bincode::error::EncodeError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::StateError;
use crate::decoder::Decoder;

/// How many structs, enums, options and sequences may lie inside one another: 128, as in `serde_json`.
///
/// Reading uses the stack for each level, and a stack overflow cannot be caught. Writing does not count: a value
/// that nests deeper is written and cannot be read, so keep such data flat.
pub const DEPTH_MAX: usize = 128;

/// How many elements without any bytes (units, say) a sequence may have: 1,048,576.
///
/// Such elements cost nothing to claim, so that nothing else bounds the work a damaged length can ask for.
pub const EMPTY_MAX: usize = 1 << 20;

const FORMAT: Configuration<LittleEndian, Fixint> = config::standard().with_fixed_int_encoding();

struct Append<'a>(&'a mut Vec<u8>);

impl Writer for Append<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// Appends `value` to `out`.
///
/// # Errors
/// [`StateError::Encode`] when the value's `Serialize` fails; `out` is then as long as it was.
#[inline]
pub fn encode_into<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), StateError> {
    let start = out.len();
    if let Err(error) = bincode::serde::encode_into_writer(value, Append(out), FORMAT) {
        out.truncate(start);
        return Err(error.into());
    }
    Ok(())
}

/// Reads a value off the front of `bytes`, and moves `bytes` past it.
///
/// Damaged bytes are an error, never a panic, a stack overflow or an allocation they cannot fill.
///
/// # Errors
/// [`StateError`] when the bytes are too few or are no `T`; `bytes` is then where it was.
#[inline]
pub fn decode<T: DeserializeOwned>(bytes: &mut &[u8]) -> Result<T, StateError> {
    let mut decoder = Decoder::new(bytes);
    let value = T::deserialize(&mut decoder)?;
    *bytes = decoder.rest();
    Ok(value)
}

/// Reads a value that takes up all of `bytes`.
///
/// # Errors
/// As [`decode`], and [`StateError::TrailingBytes`] when bytes are left.
pub fn decode_all<T: DeserializeOwned>(mut bytes: &[u8]) -> Result<T, StateError> {
    let value = decode(&mut bytes)?;
    match bytes.len() {
        0 => Ok(value),
        left => Err(StateError::TrailingBytes { left }),
    }
}
