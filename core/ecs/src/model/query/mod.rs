//! Queries: the columns of every matching archetype.
//!
//! A query knows where the columns of each matching archetype lie, and goes through their rows side by side.
//! [`Query::for_each`] keeps to one archetype at a time and takes several rows at once, which the compiler turns into
//! vector code. A `for` loop asks at each step whether the archetype has ended, and is two to four times slower where
//! little is done with a row.
//!
//! [`World::query`](crate::World::query) borrows the columns until it is dropped. A [`PreparedQuery`] that has the world
//! to itself borrows nothing, and remembers where the columns lie until entities come, go or change their components.

mod borrow;
mod column;
mod columns;
mod filter;
mod locate;
mod prepared;
mod rows;
mod tuple;

use hecs::Archetype;

use crate::{Access, World};

pub use self::borrow::QueryBorrow;
pub(crate) use self::column::{assert_free, entity_of_row};
pub(crate) use self::columns::ColumnTable;
use self::columns::Columns;
pub use self::filter::{Or, QueryFilter, With, Without};
pub use self::prepared::{PreparedQuery, Query};
pub use self::rows::QueryIter;

/// What can be asked of each entity: `&T`, `&mut T`, `Option<&T>`, `Option<&mut T>`, [`Entity`](crate::Entity), and tuples of
/// these of up to 12.
///
/// # Safety
/// It is implemented here alone. `fetch` touches nothing but the row of the columns that `add_access` names, and writes
/// only those that it says are written.
#[allow(unsafe_code, reason = "what reads columns relies on it")]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a query",
    note = "a query is `&T`, `&mut T` or `Option` of one with `T` a component, `Entity`, or a tuple of these"
)]
pub unsafe trait QueryData {
    /// What is handed out for one entity.
    type Item<'a>;
    /// The same query, which only reads.
    type ReadOnly: ReadOnlyQueryData;
    /// Where the columns of one archetype lie.
    #[doc(hidden)]
    type Raw: Copy;
    /// Their borrow.
    #[doc(hidden)]
    type Guard<'w>;

    #[doc(hidden)]
    fn matches(archetype: &Archetype) -> bool;

    /// Adds what it reads, writes and passes over.
    fn add_access(access: &mut Access);

    /// Borrows the columns; called only where `matches` holds.
    #[doc(hidden)]
    fn borrow<'w>(world: &'w World, archetype: &'w Archetype) -> Option<Self::Guard<'w>>;

    /// Where what is borrowed lies, for as long as the guard stays where it is: it holds a reference, and moving that ends
    /// the use of what was derived from it.
    #[doc(hidden)]
    fn raw(guard: &mut Self::Guard<'_>) -> Self::Raw;

    /// Finds the columns without borrowing them; called only where `matches` holds.
    #[doc(hidden)]
    fn find(columns: &mut Columns<'_>) -> Option<Self::Raw>;

    #[doc(hidden)]
    fn read_only(raw: Self::Raw) -> <Self::ReadOnly as QueryData>::Raw;

    /// # Safety
    /// `raw` is that of an archetype of more than `row` rows, whose columns have not moved since, and nobody else
    /// touches the row in a way that excludes this while the item lives.
    #[doc(hidden)]
    unsafe fn fetch<'a>(raw: Self::Raw, row: usize) -> Self::Item<'a>;

    /// The columns as references, of which the compiler knows that no two of them overlap.
    #[doc(hidden)]
    type Slice<'a>;

    /// # Safety
    /// The rules of [`QueryData::fetch`] hold for so many rows.
    #[doc(hidden)]
    unsafe fn slice<'a>(raw: Self::Raw, rows: usize) -> Self::Slice<'a>;

    /// # Safety
    /// The slice has more than `row` rows, and each is asked for once.
    #[doc(hidden)]
    unsafe fn of_slice<'a>(slice: &mut Self::Slice<'a>, row: usize) -> Self::Item<'a>;

    /// Calls `step` for each of the first rows, with what it gave for the one before.
    ///
    /// # Safety
    /// The rules of [`QueryData::fetch`] hold for so many rows.
    #[doc(hidden)]
    unsafe fn fold<'a, B>(
        raw: Self::Raw,
        rows: usize,
        first: B,
        step: &mut impl FnMut(B, Self::Item<'a>) -> B,
    ) -> B;
}

/// A query that writes nothing.
///
/// # Safety
/// It is implemented here alone, for queries whose `add_access` adds no write.
#[allow(unsafe_code, reason = "who shares a query relies on it")]
pub unsafe trait ReadOnlyQueryData: QueryData {}
