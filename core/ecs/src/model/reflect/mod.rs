//! Reflection: the types of a world, and the parts of its values, by name.

mod lend;
mod named;
mod prepared;
mod query;
mod resolved;
mod rows;
mod types;

pub(crate) use lend::{Lending, ResourceLending};
pub use prepared::PreparedPath;
pub use query::PathQuery;
pub use rows::PathRow;
pub use types::{FieldReflection, NamedReflection, TypeReflection, VariantReflection};
