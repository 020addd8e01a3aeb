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
use crate::encoder::{Encoder, Failure};

/// How many structs, enums, options and sequences may lie inside one another: 128, as in `serde_json`.
///
/// Reading uses the stack for each level, and a stack overflow cannot be caught. Writing does not count: a value
/// that nests deeper is written and cannot be read, so keep such data flat.
pub const DEPTH_MAX: usize = 128;

/// How many elements without any bytes (units, say) a sequence may have: 65,536.
///
/// Such elements cost nothing to claim, so that nothing else bounds the work a damaged length can ask for.
pub const EMPTY_MAX: usize = 1 << 16;

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

/// Appends `values` one after another, as [`encode_into`] would.
///
/// # Errors
/// [`StateError`] when a value's `Serialize` fails; `out` is then as long as it was.
pub fn encode_column<T: Serialize>(values: &[T], out: &mut Vec<u8>) -> Result<(), StateError> {
    let start = out.len();
    encode_blocks(values, out).inspect_err(|_| out.truncate(start))
}

/// How many values are made room for at a time: as many as stay in the nearest cache.
const BLOCK: usize = 256;

/// Encodes into room made beforehand, which spares asking for more with each number. The room is as wide as the widest
/// value so far, or as the type; a value that does not fit is encoded again, into more.
fn encode_blocks<T: Serialize>(mut values: &[T], out: &mut Vec<u8>) -> Result<(), StateError> {
    let mut widest = size_of::<T>();
    while !values.is_empty() {
        let block = &values[..values.len().min(BLOCK)];
        let start = out.len();
        out.resize(start + block.len() * widest, 0);
        let (encoded, room_left, full) = encode_block(block, &mut out[start..], &mut widest)?;
        out.truncate(out.len() - room_left);
        values = &values[encoded..];
        if full && encoded < block.len() {
            // Whatever is next needs more than the room of all values that were to come.
            encode_alone(&values[0], out, &mut widest)?;
            values = &values[1..];
        }
    }
    Ok(())
}

/// How many values fit into `room`, how much of it is left, and whether it was too little.
fn encode_block<T: Serialize>(
    block: &[T],
    mut room: &mut [u8],
    widest: &mut usize,
) -> Result<(usize, usize, bool), StateError> {
    for (index, value) in block.iter().enumerate() {
        let before = room.len();
        let mut place = &mut *room;
        match value.serialize(Encoder(&mut place)) {
            Ok(()) => {
                let left = place.len();
                *widest = (*widest).max(before - left);
                room = &mut std::mem::take(&mut room)[before - left..];
            }
            Err(Failure::Full) => return Ok((index, before, true)),
            Err(Failure::Refused(error)) => return Err(error),
        }
    }
    Ok((block.len(), room.len(), false))
}

fn encode_alone<T: Serialize>(value: &T, out: &mut Vec<u8>, widest: &mut usize) -> Result<(), StateError> {
    let start = out.len();
    value.serialize(Encoder(out))?;
    *widest = (*widest).max(out.len() - start);
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
