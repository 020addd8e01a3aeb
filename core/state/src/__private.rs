//! What the expansions of the macros in `keel-module-macros` name. Not for anyone else.

use std::marker::PhantomData;

pub use serde;
use serde::Serialize;

use crate::encode_into;
pub use crate::plain::PlainField;
pub use crate::{
    AnyParts, FieldList, FieldStyle, MovableFields, Parts, Plain, Schema, SchemaBuilder, TypeRef,
};

/// Finds out whether `T` has a default, in code that does not know `T`: the inherent method exists only if it
/// has, and wins over the trait's. A type parameter's default is not seen.
pub struct Probe<T>(PhantomData<T>);

impl<T> Probe<T> {
    #[expect(clippy::new_without_default, reason = "a default would be the very thing probed for")]
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T: Default + Serialize> Probe<T> {
    pub fn encoded_default(&self) -> Option<Vec<u8>> {
        encoded(&T::default())
    }

    pub fn opaque_default(&self) -> Option<Vec<u8>> {
        encoded_opaque(&T::default())
    }
}

pub trait NoDefault {
    fn encoded_default(&self) -> Option<Vec<u8>> {
        None
    }

    fn opaque_default(&self) -> Option<Vec<u8>> {
        None
    }
}

impl<T> NoDefault for Probe<T> {}

impl<T: Schema> Probe<T> {
    pub fn plain_field(&self, offset: usize) -> PlainField {
        PlainField::of::<T>(offset)
    }

    pub fn add_movable(&self, fields: &mut FieldList, index: usize, offset: usize) {
        fields.add::<T>(index, offset);
    }

    pub fn parts(&self) -> fn() -> AnyParts {
        AnyParts::of::<T>
    }
}

/// What [`NoDefault`] is to `Default`, to `Schema`: that a field has none is told once, where its schema is needed.
pub trait NoSchema {
    fn plain_field(&self, _offset: usize) -> PlainField {
        PlainField::unknown()
    }

    fn add_movable(&self, _fields: &mut FieldList, _index: usize, _offset: usize) {}

    fn parts(&self) -> fn() -> AnyParts;
}

impl<T> NoSchema for Probe<T> {
    fn parts(&self) -> fn() -> AnyParts {
        AnyParts::hidden::<T>
    }
}

impl<T: Default> Probe<T> {
    pub fn blank(&self) -> Option<T> {
        Some(T::default())
    }
}

/// What [`NoDefault`] is to `Default`, for a type that may be made of its fields' defaults. [`NoBlank`] is for fields
/// without a schema, and comes last: it needs one reference more.
pub trait BlankFields<T> {
    fn blank(&self) -> Option<T>;
}

impl<T: Schema> BlankFields<T> for Probe<T> {
    fn blank(&self) -> Option<T> {
        T::blank()
    }
}

pub trait NoBlank<T> {
    fn blank(&self) -> Option<T> {
        None
    }
}

impl<T> NoBlank<T> for &Probe<T> {}

#[allow(drop_bounds, reason = "asks for an implementation, not for drop glue")]
impl<T: Drop> Probe<T> {
    pub fn implements_drop(&self) -> bool {
        true
    }
}

/// What [`NoDefault`] is to `Default`, to `Drop`.
pub trait NoDrop {
    fn implements_drop(&self) -> bool {
        false
    }
}

impl<T> NoDrop for Probe<T> {}

/// The bytes of a default; none if it cannot be encoded, which then shows as a field without a default.
pub fn encoded<T: Serialize>(value: &T) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    encode_into(value, &mut bytes).ok().map(|()| bytes)
}

pub fn encoded_opaque<T: Serialize>(value: &T) -> Option<Vec<u8>> {
    encoded(&opaque::Written(value))
}

/// `#[serde(with = "...")]` for opaque fields: length-prefixed bytes around whatever serde makes of the value.
pub mod opaque {
    use std::fmt;
    use std::marker::PhantomData;

    use serde::de::{DeserializeOwned, Deserializer, Visitor};
    use serde::ser::{Error as _, Serialize, Serializer};

    use crate::{decode_all, encode_into};

    pub(super) struct Written<'a, T>(pub(super) &'a T);

    impl<T: Serialize> Serialize for Written<'_, T> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serialize(self.0, serializer)
        }
    }

    pub fn serialize<T: Serialize, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::new();
        encode_into(value, &mut bytes).map_err(S::Error::custom)?;
        serializer.serialize_bytes(&bytes)
    }

    pub fn deserialize<'de, T: DeserializeOwned, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        deserializer.deserialize_bytes(Inside(PhantomData))
    }

    struct Inside<T>(PhantomData<T>);

    impl<T: DeserializeOwned> Visitor<'_> for Inside<T> {
        type Value = T;

        fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            out.write_str("the bytes of an opaque value")
        }

        fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<T, E> {
            decode_all(bytes).map_err(E::custom)
        }
    }
}
