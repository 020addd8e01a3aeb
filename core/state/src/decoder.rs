//! Reads bincode's format from bytes that may be damaged.
//!
//! bincode's own reader believes what it reads: it allocates as much as a length prefix says before it looks
//! whether the bytes are there, loops `u64::MAX` times over a sequence of units, and recurses until the stack
//! ends. Snapshots come from disks and from other builds, so this one checks first. The tests hold it equal to
//! bincode's.

use serde::Deserializer;
use serde::de::{
    DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use crate::bytes::{corrupt, take_array, take_char, take_flag, take_length, take_prefixed, take_str};
use crate::{DEPTH_MAX, EMPTY_MAX, StateError};

pub(crate) struct Decoder<'de> {
    bytes: &'de [u8],
    depth: usize,
}

impl<'de> Decoder<'de> {
    #[inline]
    pub(crate) fn new(bytes: &'de [u8]) -> Self {
        Self { bytes, depth: 0 }
    }

    #[inline]
    pub(crate) fn rest(self) -> &'de [u8] {
        self.bytes
    }

    #[inline]
    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, StateError>) -> Result<T, StateError> {
        if self.depth == DEPTH_MAX {
            return Err(StateError::TooDeep { limit: DEPTH_MAX });
        }
        self.depth += 1;
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    #[inline]
    fn elements<V: Visitor<'de>>(&mut self, count: usize, visitor: V) -> Result<V::Value, StateError> {
        self.nested(|decoder| visitor.visit_seq(Elements { decoder, left: count, empty: 0 }))
    }
}

macro_rules! fixed_width {
    ($($deserialize:ident $visit:ident $number:ty;)*) => {$(
        #[inline]
        fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, StateError> {
            visitor.$visit(<$number>::from_le_bytes(take_array(&mut self.bytes)?))
        }
    )*};
}

macro_rules! refused {
    ($($deserialize:ident)*) => {$(
        fn $deserialize<V: Visitor<'de>>(self, _: V) -> Result<V::Value, StateError> {
            Err(StateError::Refused(
                "its type asks the bytes what they are (untagged enum, `flatten`, `Value`), and they don't say; \
                 use an enum"
                    .to_owned(),
            ))
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut Decoder<'de> {
    type Error = StateError;

    fixed_width! {
        deserialize_u8 visit_u8 u8;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
        deserialize_u128 visit_u128 u128;
        deserialize_i8 visit_i8 i8;
        deserialize_i16 visit_i16 i16;
        deserialize_i32 visit_i32 i32;
        deserialize_i64 visit_i64 i64;
        deserialize_i128 visit_i128 i128;
        deserialize_f32 visit_f32 f32;
        deserialize_f64 visit_f64 f64;
    }

    refused!(deserialize_any deserialize_identifier deserialize_ignored_any);

    #[inline]
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, StateError> {
        visitor.visit_bool(take_flag(&mut self.bytes, "a bool")?)
    }

    #[inline]
    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, StateError> {
        visitor.visit_char(take_char(&mut self.bytes)?)
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, StateError> {
        let length = take_length(&mut self.bytes)?;
        visitor.visit_borrowed_str(take_str(&mut self.bytes, length)?)
    }

    #[inline]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, StateError> {
        self.deserialize_str(visitor)
    }

    #[inline]
    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, StateError> {
        visitor.visit_borrowed_bytes(take_prefixed(&mut self.bytes)?)
    }

    #[inline]
    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, StateError> {
        self.deserialize_bytes(visitor)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, StateError> {
        match take_flag(&mut self.bytes, "an option")? {
            true => self.nested(|decoder| visitor.visit_some(decoder)),
            false => visitor.visit_none(),
        }
    }

    #[inline]
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, StateError> {
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, StateError> {
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, StateError> {
        self.nested(|decoder| visitor.visit_newtype_struct(decoder))
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, StateError> {
        let count = take_length(&mut self.bytes)?;
        self.elements(count, visitor)
    }

    #[inline]
    fn deserialize_tuple<V: Visitor<'de>>(self, count: usize, visitor: V) -> Result<V::Value, StateError> {
        self.elements(count, visitor)
    }

    #[inline]
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        count: usize,
        visitor: V,
    ) -> Result<V::Value, StateError> {
        self.elements(count, visitor)
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, StateError> {
        self.elements(fields.len(), visitor)
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, StateError> {
        let count = take_length(&mut self.bytes)?;
        self.nested(|decoder| visitor.visit_map(Elements { decoder, left: count, empty: 0 }))
    }

    #[inline]
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, StateError> {
        visitor.visit_enum(self)
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        false
    }
}

struct Elements<'a, 'de> {
    decoder: &'a mut Decoder<'de>,
    left: usize,
    empty: usize,
}

impl<'de> Elements<'_, 'de> {
    #[inline(always)]
    fn element<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, StateError> {
        let before = self.decoder.bytes.len();
        let value = seed.deserialize(&mut *self.decoder)?;
        if self.decoder.bytes.len() == before {
            self.empty += 1;
            if self.empty > EMPTY_MAX {
                return Err(corrupt(&format!("at most {EMPTY_MAX} elements without bytes"), self.left));
            }
        }
        Ok(value)
    }

    // No reader may reserve room for more elements than there are bytes.
    #[inline]
    fn hint(&self) -> Option<usize> {
        Some(self.left.min(self.decoder.bytes.len()))
    }
}

impl<'de> SeqAccess<'de> for Elements<'_, 'de> {
    type Error = StateError;

    #[inline(always)]
    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, StateError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        self.element(seed).map(Some)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        self.hint()
    }
}

impl<'de> MapAccess<'de> for Elements<'_, 'de> {
    type Error = StateError;

    #[inline]
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, StateError> {
        self.next_element_seed(seed)
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, StateError> {
        seed.deserialize(&mut *self.decoder)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        self.hint()
    }
}

impl<'de> EnumAccess<'de> for &mut Decoder<'de> {
    type Error = StateError;
    type Variant = Self;

    #[inline]
    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), StateError> {
        let variant = u32::from_le_bytes(take_array(&mut self.bytes)?);
        let value = seed.deserialize(IntoDeserializer::<StateError>::into_deserializer(variant))?;
        Ok((value, self))
    }
}

impl<'de> VariantAccess<'de> for &mut Decoder<'de> {
    type Error = StateError;

    #[inline]
    fn unit_variant(self) -> Result<(), StateError> {
        Ok(())
    }

    #[inline]
    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, StateError> {
        self.nested(|decoder| seed.deserialize(decoder))
    }

    #[inline]
    fn tuple_variant<V: Visitor<'de>>(self, count: usize, visitor: V) -> Result<V::Value, StateError> {
        self.elements(count, visitor)
    }

    #[inline]
    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, StateError> {
        self.elements(fields.len(), visitor)
    }
}
