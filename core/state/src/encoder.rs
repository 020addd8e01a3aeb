//! Writes bincode's format, for columns.
//!
//! bincode's own writer is a function call for each number once it is compiled in units as small as live builds have
//! them, and they are what a column consists of. Everything here is inlined; the tests hold it equal to bincode's.

use serde::Serialize;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use crate::StateError;

/// Why a value was not written.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Its place is too small.
    Full,
    /// It can't be.
    Refused(StateError),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Full => out.write_str("the value is longer than its place"),
            Self::Refused(error) => error.fmt(out),
        }
    }
}

impl std::error::Error for Failure {}

impl serde::ser::Error for Failure {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self::Refused(StateError::Encode(message.to_string()))
    }
}

impl From<Failure> for StateError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Full => Self::Encode(failure.to_string()),
            Failure::Refused(error) => error,
        }
    }
}

/// Where bytes go.
pub(crate) trait Sink {
    /// Takes all of `bytes`.
    fn put(&mut self, bytes: &[u8]) -> Result<(), Failure>;
}

impl Sink for Vec<u8> {
    #[inline(always)]
    fn put(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.extend_from_slice(bytes);
        Ok(())
    }
}

/// A place of fixed size, filled from the front.
impl Sink for &mut [u8] {
    #[inline(always)]
    fn put(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match std::mem::take(self).split_at_mut_checked(bytes.len()) {
            Some((place, rest)) => {
                place.copy_from_slice(bytes);
                *self = rest;
                Ok(())
            }
            None => Err(Failure::Full),
        }
    }
}

#[cold]
fn unknown_length() -> Failure {
    serde::ser::Error::custom("a sequence does not know its length; collect it into a `Vec` first")
}

/// Serializes into a [`Sink`].
pub(crate) struct Encoder<'a, S>(pub(crate) &'a mut S);

impl<S: Sink> Encoder<'_, S> {
    #[inline(always)]
    fn length(&mut self, length: usize) -> Result<(), Failure> {
        self.0.put(&(length as u64).to_le_bytes())
    }

    #[inline(always)]
    fn known_length(&mut self, length: Option<usize>) -> Result<(), Failure> {
        length.ok_or_else(unknown_length).and_then(|length| self.length(length))
    }
}

macro_rules! fixed_width {
    ($($serialize:ident $number:ty;)*) => {$(
        #[inline(always)]
        fn $serialize(self, value: $number) -> Result<(), Failure> {
            self.0.put(&value.to_le_bytes())
        }
    )*};
}

impl<S: Sink> Serializer for Encoder<'_, S> {
    type Ok = ();
    type Error = Failure;
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
    fn serialize_bool(self, value: bool) -> Result<(), Failure> {
        self.0.put(&[u8::from(value)])
    }

    #[inline(always)]
    fn serialize_char(self, value: char) -> Result<(), Failure> {
        self.0.put(value.encode_utf8(&mut [0; 4]).as_bytes())
    }

    #[inline(always)]
    fn serialize_str(self, value: &str) -> Result<(), Failure> {
        self.serialize_bytes(value.as_bytes())
    }

    #[inline(always)]
    fn serialize_bytes(mut self, value: &[u8]) -> Result<(), Failure> {
        self.length(value.len())?;
        self.0.put(value)
    }

    #[inline(always)]
    fn serialize_none(self) -> Result<(), Failure> {
        self.0.put(&[0])
    }

    #[inline(always)]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Failure> {
        self.0.put(&[1])?;
        value.serialize(self)
    }

    #[inline(always)]
    fn serialize_unit(self) -> Result<(), Failure> {
        Ok(())
    }

    #[inline(always)]
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Failure> {
        Ok(())
    }

    #[inline(always)]
    fn serialize_unit_variant(self, _: &'static str, variant: u32, _: &'static str) -> Result<(), Failure> {
        self.serialize_u32(variant)
    }

    #[inline(always)]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Failure> {
        value.serialize(self)
    }

    #[inline(always)]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        variant: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), Failure> {
        self.0.put(&variant.to_le_bytes())?;
        value.serialize(self)
    }

    #[inline(always)]
    fn serialize_seq(mut self, length: Option<usize>) -> Result<Self, Failure> {
        self.known_length(length)?;
        Ok(self)
    }

    #[inline(always)]
    fn serialize_tuple(self, _: usize) -> Result<Self, Failure> {
        Ok(self)
    }

    #[inline(always)]
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, Failure> {
        Ok(self)
    }

    #[inline(always)]
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        variant: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, Failure> {
        self.0.put(&variant.to_le_bytes())?;
        Ok(self)
    }

    #[inline(always)]
    fn serialize_map(mut self, length: Option<usize>) -> Result<Self, Failure> {
        self.known_length(length)?;
        Ok(self)
    }

    #[inline(always)]
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Failure> {
        Ok(self)
    }

    #[inline(always)]
    fn serialize_struct_variant(
        self,
        _: &'static str,
        variant: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, Failure> {
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
    ($($compound:ident $($element:ident $(($name:ty))?),+;)*) => {$(
        impl<S: Sink> $compound for Encoder<'_, S> {
            type Ok = ();
            type Error = Failure;

            $(#[inline(always)]
            fn $element<T: Serialize + ?Sized>(&mut self, $(_: $name,)? value: &T) -> Result<(), Failure> {
                value.serialize(Encoder(&mut *self.0))
            })+

            #[inline(always)]
            fn end(self) -> Result<(), Failure> {
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
    SerializeMap serialize_key, serialize_value;
    SerializeStruct serialize_field(&'static str);
    SerializeStructVariant serialize_field(&'static str);
}
