//! Reflection: values by the names of their parts.
//!
//! A [`FieldPath`] names a place within a value: `Inventory.items[3].name`. There are two ways to it. An [`AccessPlan`]
//! is a path that was looked up once: where a struct holds what is asked for, it is an offset, and what is read and
//! written is the field itself in memory. All that can't be reached so (what only serde knows, a map's entry that is to
//! be added, an enum that is to change its variant) goes through the value's bytes, by its schema: slower, and able to
//! do everything.
//!
//! Values of types that no Rust type stands behind lie encoded. Their plans lead through the bytes to what is asked for, by
//! the schema alone.

mod convert;
mod encode;
mod encoded;
mod error;
mod lend;
mod memory;
mod parts;
mod path;
mod plan;
mod tree;

pub use convert::{FromValue, Misfit, ValueRef};
pub use error::ReflectError;
pub use lend::{Lent, LentColumn, LentMut, TypeAccess};
pub(crate) use parts::PartsOf;
pub use parts::{AnyParts, Id, Parts};
pub use path::{FieldPath, Key, Segment};
pub use plan::AccessPlan;
