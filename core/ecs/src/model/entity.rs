//! Entity ids.

use std::fmt;
use std::str::FromStr;

use keel_state::{FromValue, Id, Misfit, Parts, Schema, SchemaBuilder, TypeRef, Value, ValueRef};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::EcsError;

/// Names one entity of one world: an index and the generation of what lives there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Entity(hecs::Entity);

impl Entity {
    /// An id that never lives in any world, for a field that must hold one.
    pub const DANGLING: Self = Self(hecs::Entity::DANGLING);

    /// The id's 64 bits: the generation in the high half, the index in the low one. Never 0.
    #[inline]
    pub fn bits(self) -> u64 {
        self.0.to_bits().get()
    }

    /// The id with these bits, if they are an id's.
    #[inline]
    pub fn from_bits(bits: u64) -> Option<Self> {
        hecs::Entity::from_bits(bits).map(Self)
    }

    /// The index, reused after a despawn.
    #[inline]
    pub fn index(self) -> u32 {
        self.0.id()
    }

    /// How many entities lived at this index before, and one.
    #[inline]
    pub fn generation(self) -> u32 {
        (self.bits() >> 32) as u32
    }

    /// The id with these parts; one that never lives for generation 0, which no entity has.
    #[inline]
    pub(crate) fn from_parts(index: u32, generation: u32) -> Self {
        Self::from_bits(u64::from(generation) << 32 | u64::from(index)).unwrap_or(Self::DANGLING)
    }

    #[inline]
    pub(crate) fn wrap(inner: hecs::Entity) -> Self {
        Self(inner)
    }

    #[inline]
    pub(crate) fn inner(self) -> hecs::Entity {
        self.0
    }
}

impl Default for Entity {
    fn default() -> Self {
        Self::DANGLING
    }
}

impl fmt::Debug for Entity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}v{}", self.index(), self.generation())
    }
}

/// Reads what [`Display`](fmt::Display) writes: `3v1`.
impl FromStr for Entity {
    type Err = EcsError;

    fn from_str(text: &str) -> Result<Self, EcsError> {
        let parts = text.trim().split_once('v');
        let parts = parts.and_then(|(index, generation)| {
            Some((index.parse::<u32>().ok()?, generation.parse::<u32>().ok()?))
        });
        let entity = parts
            .and_then(|(index, generation)| Self::from_bits(u64::from(generation) << 32 | u64::from(index)));
        entity.ok_or_else(|| EcsError::EntityText { text: text.to_owned() })
    }
}

impl Serialize for Entity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.bits().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Entity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bits = u64::deserialize(deserializer)?;
        Self::from_bits(bits).ok_or_else(|| serde::de::Error::custom("0 in the high half is no entity id"))
    }
}

impl Schema for Entity {
    fn schema(types: &mut SchemaBuilder) -> TypeRef {
        u64::schema(types)
    }

    fn parts() -> Parts<Self> {
        Parts::id()
    }
}

impl Id for Entity {
    const NAME: &'static str = "Entity";

    fn to_bits(self) -> u64 {
        self.bits()
    }

    fn from_bits(bits: u64) -> Option<Self> {
        Self::from_bits(bits)
    }
}

/// Its bits, as they are saved; read as an `Entity` again.
impl From<Entity> for ValueRef<'_> {
    fn from(entity: Entity) -> Self {
        Self::Unsigned(entity.bits().into())
    }
}

impl From<Entity> for Value {
    fn from(entity: Entity) -> Self {
        Self::Unsigned(entity.bits().into())
    }
}

impl FromValue for Entity {
    const EXPECTED: &'static str = "Entity";

    fn from_value(value: ValueRef<'_>) -> Result<Self, Misfit> {
        match value {
            ValueRef::Text(text) => text.parse().map_err(|_| Misfit::Kind),
            value => Self::from_bits(u64::from_value(value)?).ok_or(Misfit::Bounds),
        }
    }
}
