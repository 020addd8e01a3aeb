//! When two builds of a type are one.

use std::any::TypeId;

use crate::{LiveSchema, Schema};

/// What two builds of a type must agree on before one may touch the other's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TypeFingerprint {
    /// [`TypeSchema::hash`](crate::TypeSchema::hash)
    pub schema: u64,
    /// Size in bytes.
    pub size: usize,
    /// Alignment in bytes.
    pub align: usize,
    /// [`LiveSchema::unseen_hash`]: the fields that are not in the schema.
    pub unseen: u64,
    /// The compiler's own id, which ignores the layout but knows the crate.
    pub rust: TypeId,
}

impl TypeFingerprint {
    /// The fingerprint of `T`, whose schema is `live`.
    pub fn of<T: 'static>(live: &LiveSchema) -> Self {
        Self {
            schema: live.schema().hash(),
            size: size_of::<T>(),
            align: align_of::<T>(),
            unseen: live.unseen_hash(),
            rust: TypeId::of::<T>(),
        }
    }

    /// The fingerprint of `F`. Runs no default.
    pub(crate) fn of_field<F: Schema>() -> Self {
        Self::of::<F>(&LiveSchema::without_notes::<F>())
    }
}
