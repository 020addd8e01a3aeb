//! Components that come and go: values side by side, found by a page of rows for each entity's index, so that inserting
//! and removing one moves nothing else.

mod cell;
mod encoded;
mod operations;
mod rows;
mod set;
mod value;

pub(crate) use self::cell::{SparseGuard, SparseSets};
pub(crate) use self::encoded::Encoded;
pub(crate) use self::operations::SparseOperations;
pub(crate) use self::rows::SparseRows;
pub(crate) use self::set::SparseSet;
pub(crate) use self::value::{Value, ValueMut, ValuePlace};
