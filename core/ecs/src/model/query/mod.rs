//! Queries: the columns of every matching archetype, and sparse sets beside them.
//!
//! A query knows where the columns of each matching archetype lie, and goes through their rows side by side.
//! [`Query::for_each`] keeps to one archetype at a time and takes several rows at once, which the compiler turns into
//! vector code. A `for` loop asks at each step whether the archetype has ended, and is two to four times slower where
//! little is done with a row.
//!
//! A query that asks for sparse components alone goes through the smallest of their sets. One that asks for both goes
//! through that set too, where it has fewer values than there are rows, and looks for the row of each of its entities.
//!
//! [`World::query`](crate::World::query) borrows what it uses until it is dropped. A [`PreparedQuery`] that has the world
//! to itself borrows nothing, and remembers where the columns lie until entities come, go or change their components.

mod borrow;
mod changed;
mod column;
mod columns;
mod entity;
mod filter;
mod found;
mod guard;
mod iter;
mod locate;
mod pieces;
mod prepared;
mod reference;
mod rows;
mod tuple;

use hecs::Archetype;

use crate::model::sparse::SparseGuard;
use crate::model::ticks::TickWindow;
use crate::{Access, Entity, World};

pub use self::borrow::QueryBorrow;
pub use self::changed::{Added, Changed};
pub(crate) use self::column::assert_free;
pub(crate) use self::columns::ColumnTable;
use self::columns::Columns;
pub(crate) use self::entity::entity_of_row;
pub use self::filter::{Or, QueryFilter, With, Without};
use self::guard::ColumnGuard;
pub use self::iter::QueryIter;
pub(crate) use self::locate::{Place, Places};
pub use self::pieces::{QueryPiece, QueryPieces};
pub use self::prepared::{PreparedQuery, Query};
use self::rows::{Driver, fold_items};

/// What can be asked of each entity: `&T`, `&mut T`, [`Ref<T>`](crate::Ref), `Option` of one of these, [`Entity`], and
/// tuples of these of up to 12. Of a tracked component, `&mut T` hands out a [`Mut<T>`](crate::Mut), which notes that it was
/// changed; of any other, a bare reference.
///
/// # Safety
/// It is implemented here alone. Items touch nothing but the values that `add_access` names, of one entity, and write
/// only those that it says are written.
#[allow(unsafe_code, reason = "what reads columns relies on it")]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a query",
    note = "a query is `&T`, `&mut T`, `Ref<T>` or `Option` of one with `T` a component, `Entity`, or a tuple of these"
)]
pub unsafe trait QueryData {
    /// What is handed out for one entity.
    type Item<'a>;
    /// The same query, which only reads.
    type ReadOnly: ReadOnlyQueryData;
    /// Where the columns of one archetype lie, and the sparse sets.
    #[doc(hidden)]
    type Raw: Copy;

    /// How many sparse components an entity must have: a row of an archetype may be none of the query's.
    #[doc(hidden)]
    const SPARSE: usize;
    /// Whether it uses columns.
    #[doc(hidden)]
    const USES_COLUMNS: bool;
    /// Whether it uses ticks, so that [`QueryData::begin`] is to be called before it is gone through.
    #[doc(hidden)]
    const USES_TICKS: bool;

    #[doc(hidden)]
    fn matches(archetype: &Archetype) -> bool;

    /// Adds what it reads, writes and passes over.
    fn add_access(access: &mut Access);

    /// Borrows the columns for as long as the guards live; where they and the sparse sets lie. Called only where `matches`
    /// holds.
    #[doc(hidden)]
    fn borrow<'w>(
        world: &World,
        archetype: &'w Archetype,
        guards: &mut Vec<ColumnGuard<'w>>,
    ) -> Option<Self::Raw>;

    /// Borrows the sparse sets.
    #[doc(hidden)]
    fn borrow_sparse<'w>(world: &'w World, guards: &mut Vec<SparseGuard<'w>>);

    /// Finds the columns without borrowing them; called only where `matches` holds. Without an archetype, finds the sparse
    /// sets alone.
    #[doc(hidden)]
    fn find(columns: &mut Columns<'_>) -> Option<Self::Raw>;

    /// Finds the ticks, for one who goes through the query once.
    #[doc(hidden)]
    fn begin(raw: &mut Self::Raw, world: &World, window: TickWindow);

    /// The smallest of the sparse sets that an entity must be in.
    ///
    /// # Safety
    /// `raw` is of a world that exists, and the sets are not changed while the driver is used.
    #[doc(hidden)]
    unsafe fn driver(raw: &Self::Raw) -> Option<Driver>;

    #[doc(hidden)]
    fn read_only(raw: Self::Raw) -> <Self::ReadOnly as QueryData>::Raw;

    /// The item of a row; called only where `SPARSE` is 0.
    ///
    /// # Safety
    /// `raw` is that of an archetype of more than `row` rows, whose columns have not moved since. While the item lives, no
    /// sparse set is changed, and nobody else touches the entity's values in a way that excludes this.
    #[doc(hidden)]
    unsafe fn fetch<'a>(raw: Self::Raw, row: usize) -> Self::Item<'a>;

    /// The item of a row, if it is one of the query's.
    ///
    /// # Safety
    /// As of [`QueryData::fetch`].
    #[doc(hidden)]
    #[inline]
    unsafe fn try_fetch<'a>(raw: Self::Raw, row: usize) -> Option<Self::Item<'a>> {
        // SAFETY: the caller keeps the rules of both.
        Some(unsafe { Self::fetch(raw, row) })
    }

    /// The item of an entity which is in `row` of the set called `driver`; called only where `USES_COLUMNS` is false.
    ///
    /// # Safety
    /// As of [`QueryData::fetch`], and the entity is there.
    #[doc(hidden)]
    unsafe fn driven<'a>(
        raw: Self::Raw,
        driver: *const (),
        row: usize,
        entity: Entity,
    ) -> Option<Self::Item<'a>>;

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

    /// Calls `step` for each of the first rows, with what it gave for the one before; called only where `SPARSE` is 0.
    ///
    /// # Safety
    /// The rules of [`QueryData::fetch`] hold for so many rows.
    #[doc(hidden)]
    #[inline]
    unsafe fn fold<'a, B>(
        raw: Self::Raw,
        rows: usize,
        first: B,
        step: &mut impl FnMut(B, Self::Item<'a>) -> B,
    ) -> B {
        // SAFETY: the caller keeps the rules of both; each row is asked for once.
        fold_items(0..rows, first, |row| unsafe { Self::fetch(raw, row) }, step)
    }

    /// Calls `step` for each item of a driving set; called only where `USES_COLUMNS` is false.
    ///
    /// # Safety
    /// The rules of [`QueryData::driven`] hold for all its entities.
    #[doc(hidden)]
    #[inline]
    unsafe fn fold_set<'a, B>(
        raw: Self::Raw,
        Driver { set, entities }: Driver,
        first: B,
        step: &mut impl FnMut(B, Self::Item<'a>) -> B,
    ) -> B {
        // SAFETY: the caller vouches that the set is not changed.
        let entities = unsafe { &*entities };
        let mut folded = first;
        for (row, entity) in entities.iter().enumerate() {
            // SAFETY: the caller says so; the entity was read from this row, and each is asked for once.
            if let Some(item) = unsafe { Self::driven(raw, set, row, *entity) } {
                folded = step(folded, item);
            }
        }
        folded
    }
}

/// A query that writes nothing.
///
/// # Safety
/// It is implemented here alone, for queries whose `add_access` adds no write.
#[allow(unsafe_code, reason = "who shares a query relies on it")]
pub unsafe trait ReadOnlyQueryData: QueryData {}
