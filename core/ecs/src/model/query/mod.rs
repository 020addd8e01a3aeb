//! Queries: the columns of every matching archetype, borrowed for as long as the query lives.
//!
//! An archetype's columns are slices, so iterating is stepping through slices side by side, which the compiler
//! vectorises. [`QueryBorrow::for_each`] keeps that within each archetype; a `for` loop over
//! [`QueryBorrow::iter`] asks at each step whether the archetype has ended.

mod borrow;
mod column;
mod filter;
mod prepared;
mod tuple;

use hecs::{Archetype, EntityRef};

use crate::{Access, World};

pub use self::borrow::{QueryBorrow, QueryIter};
pub(crate) use self::column::{assert_free, entity_of_row};
pub use self::filter::{Or, QueryFilter, With, Without};
pub use self::prepared::PreparedQuery;

/// What can be asked of each entity: `&T`, `&mut T`, `Option<&T>`, `Option<&mut T>`, [`Entity`](crate::Entity), and tuples of
/// these of up to 12.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a query",
    note = "a query is `&T`, `&mut T` or `Option` of one with `T` a component, `Entity`, or a tuple of these"
)]
pub trait QueryData {
    /// What is handed out for one entity.
    type Item<'a>;
    /// The borrowed columns of one archetype.
    #[doc(hidden)]
    type Columns<'w>;
    #[doc(hidden)]
    type Rows<'a>: Iterator<Item = Self::Item<'a>>;

    #[doc(hidden)]
    fn matches(archetype: &Archetype) -> bool;

    /// Adds what it reads, writes and passes over.
    fn add_access(access: &mut Access);

    /// Borrows the columns; called only where `matches` holds.
    #[doc(hidden)]
    fn columns<'w>(world: &'w World, archetype: &'w Archetype) -> Option<Self::Columns<'w>>;

    #[doc(hidden)]
    fn rows<'a>(columns: &'a mut Self::Columns<'_>) -> Self::Rows<'a>;

    /// The borrowed components of one entity.
    #[doc(hidden)]
    type One<'w>;

    #[doc(hidden)]
    fn of_entity(entity: EntityRef<'_>) -> Option<Self::One<'_>>;

    #[doc(hidden)]
    fn item<'a>(one: &'a mut Self::One<'_>) -> Self::Item<'a>;
}
