//! Writes bincode's format, for columns.
//!
//! bincode's own writer is a function call for each number once it is compiled in units as small as live builds have
//! them, and they are what a column consists of. Everything here is inlined; the tests hold it equal to bincode's.

use bincode::error::EncodeError;
use serde::Serialize;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use crate::StateError;

/// Where bytes go.
pub(crate) trait Sink {
    /// Takes all of `bytes`.
    fn put(&mut self, bytes: &[u8]) -> Result<(), StateError>;
}

impl Sink for Vec<u8> {
    #[inline(always)]
    fn put(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        self.extend_from_slice(bytes);
        Ok(())
    }
}

/// A place of fixed size, filled from the front.
impl Sink for &mut [u8] {
    #[inline(always)]
    fn put(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        match std::mem::take(self).split_at_mut_checked(bytes.len()) {
            Some((place, rest)) => {
                place.copy_from_slice(bytes);
                *self = rest;
                Ok(())
            }
            None => Err(too_long()),
        }
    }
}

#[cold]
fn too_long() -> StateError {
    EncodeError::UnexpectedEnd.into()
}

#[cold]
fn unknown_length() -> StateError {
    EncodeError::Serde(bincode::serde::EncodeError::SequenceMustHaveLength).into()
}

/// Serializes into a [`Sink`].
pub(crate) struct Encoder<'a, S>(pub(crate) &'a mut S);

impl<S: Sink> Encoder<'_, S> {
    #[inline(always)]
    fn length(&mut self, length: usize) -> Result<(), StateError> {
        self.0.put(&(length as u64).to_le_bytes())
    }

    #[inline(always)]
    fn known_length(&mut self, length: Option<usize>) -> Result<(), StateError> {
        length.ok_or_else(unknown_length).and_then(|length| self.length(length))
    }
}

macro_rules! fixed_width {
    ($($serialize:ident $number:ty;)*) => {$(
        #[inline(always)]
        fn $serialize(self, value: $number) -> Result<(), StateError> {
            self.0.put(&value.to_le_bytes())
        }
    )*};
}

impl<S: Sink> Serializer for Encoder<'_, S> {
    type Ok = ();
    type Error = StateError;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    fixed_width! {
        serialize_u8 u8;
        serialize_u16 u16;
        serialize_u32 u32;
        serialize_u64 u64;
        serialize_u128 u128;
        serialize_i8 i8;
        serialize_i16 i16;
        serialize_i32 i32;
        serialize_i64 i64;
        serialize_i128 i128;
        serialize_f32 f32;
        serialize_f64 f64;
    }

    #[inline(always)]
    fn serialize_bool(self, value: bool) -> Result<(), StateError> {
        self.0.put(&[u8::from(value)])
    }

    #[inline(always)]
    fn serialize_char(self, value: char) -> Result<(), StateError> {
        self.0.put(value.encode_utf8(&mut [0; 4]).as_bytes())
    }

    #[inline(always)]
    fn serialize_str(self, value: &str) -> Result<(), StateError> {
        self.serialize_bytes(value.as_bytes())
    }

    #[inline(always)]
    fn serialize_bytes(mut self, value: &[u8]) -> Result<(), StateError> {
        self.length(value.len())?;
        self.0.put(value)
    }

    #[inline(always)]
    fn serialize_none(self) -> Result<(), StateError> {
        self.0.put(&[0])
    }

    #[inline(always)]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), StateError> {
        self.0.put(&[1])?;
        value.serialize(self)
    }

    #[inline(always)]
    fn serialize_unit(self) -> Result<(), StateError> {
        Ok(())
    }

    #[inline(always)]
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), StateError> {
        Ok(())
    }

    #[inline(always)]
    fn serialize_unit_variant(
        self,
        _: &'static str,
        variant: u32,
        _: &'static str,
    ) -> Result<(), StateError> {
        self.serialize_u32(variant)
    }

    #[inline(always)]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), StateError> {
        value.serialize(self)
    }

    #[inline(always)]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        variant: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), StateError> {
        self.0.put(&variant.to_le_bytes())?;
        value.serialize(self)
    }

    #[inline(always)]
    fn serialize_seq(mut self, length: Option<usize>) -> Result<Self, StateError> {
        self.known_length(length)?;
        Ok(self)
    }

    #[inline(always)]
    fn serialize_tuple(self, _: usize) -> Result<Self, StateError> {
        Ok(self)
    }

    #[inline(always)]
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, StateError> {
        Ok(self)
    }

    #[inline(always)]
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        variant: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, StateError> {
        self.0.put(&variant.to_le_bytes())?;
        Ok(self)
    }

    #[inline(always)]
    fn serialize_map(mut self, length: Option<usize>) -> Result<Self, StateError> {
        self.known_length(length)?;
        Ok(self)
    }

    #[inline(always)]
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, StateError> {
        Ok(self)
    }

    #[inline(always)]
    fn serialize_struct_variant(
        self,
        _: &'static str,
        variant: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, StateError> {
        self.0.put(&variant.to_le_bytes())?;
        Ok(self)
    }

    #[inline(always)]
    fn is_human_readable(&self) -> bool {
        false
    }
}

/// The parts of a compound stand one after another, without anything between them.
macro_rules! compounds {
    ($($compound:ident $element:ident $($name:ty)?;)*) => {$(
        impl<S: Sink> $compound for Encoder<'_, S> {
            type Ok = ();
            type Error = StateError;

            #[inline(always)]
            fn $element<T: Serialize + ?Sized>(&mut self, $(_: $name,)? value: &T) -> Result<(), StateError> {
                value.serialize(Encoder(&mut *self.0))
            }

            #[inline(always)]
            fn end(self) -> Result<(), StateError> {
                Ok(())
            }
        }
    )*};
}

compounds! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
    SerializeStruct serialize_field &'static str;
    SerializeStructVariant serialize_field &'static str;
}

impl<S: Sink> SerializeMap for Encoder<'_, S> {
    type Ok = ();
    type Error = StateError;

    #[inline(always)]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), StateError> {
        key.serialize(Encoder(&mut *self.0))
    }

    #[inline(always)]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), StateError> {
        value.serialize(Encoder(&mut *self.0))
    }

    #[inline(always)]
    fn end(self) -> Result<(), StateError> {
        Ok(())
    }
}
