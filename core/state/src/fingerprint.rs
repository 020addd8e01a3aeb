//! When two builds of a type are one.

use std::alloc::Layout;
use std::any::TypeId;

use crate::builder::Describe;
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
        Self::laid_out(live, Layout::new::<T>(), TypeId::of::<T>())
    }

    fn laid_out(live: &LiveSchema, layout: Layout, rust: TypeId) -> Self {
        Self {
            schema: live.schema().hash(),
            size: layout.size(),
            align: layout.align(),
            unseen: live.unseen_hash(),
            rust,
        }
    }

    /// The fingerprint of `F`. Runs no default.
    pub(crate) fn of_field<F: Schema>() -> Self {
        Self::described_by(F::schema, Layout::new::<F>(), TypeId::of::<F>())
    }

    fn described_by(describe: Describe, layout: Layout, rust: TypeId) -> Self {
        Self::laid_out(&LiveSchema::without_notes(describe), layout, rust)
    }
}
