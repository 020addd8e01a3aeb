//! Entity ids.

use std::fmt;

use keel_state::{Schema, SchemaBuilder, TypeRef};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Names one entity of one world: an index and the generation of what lives there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Entity(hecs::Entity);

impl Entity {
    /// An id that never lives in any world, for a field that must hold one.
    pub const DANGLING: Self = Self(hecs::Entity::DANGLING);

    /// The id's 64 bits: the generation in the high half, the index in the low one. Never 0.
    pub fn bits(self) -> u64 {
        self.0.to_bits().get()
    }

    /// The id with these bits, if they are an id's.
    pub fn from_bits(bits: u64) -> Option<Self> {
        hecs::Entity::from_bits(bits).map(Self)
    }

    /// The index, reused after a despawn.
    pub fn index(self) -> u32 {
        self.0.id()
    }

    pub(crate) fn wrap(inner: hecs::Entity) -> Self {
        Self(inner)
    }

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
        write!(out, "{}v{}", self.index(), self.bits() >> 32)
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
}
