//! Stepping through rows.

use std::ops::Range;

use crate::{Entity, QueryData, QueryFilter};

/// So many rows are taken at once. The compiler sees their code side by side, and makes vector code of what is done to
/// each of them alike: 2.3 us instead of 6.0 for adding 10,000 velocities of three `f32` to positions.
const AT_ONCE: usize = 4;

/// So many rows are passed over at once where a filter can say that none of them passes.
pub(super) const BLOCK: usize = 8;

/// What a query uses of one archetype, and how many rows that has.
pub(super) struct Part<Q: QueryData, F: QueryFilter> {
    pub(super) raw: Q::Raw,
    pub(super) filter: F::Raw,
    pub(super) rows: usize,
}

impl<Q: QueryData, F: QueryFilter> Clone for Part<Q, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Q: QueryData, F: QueryFilter> Copy for Part<Q, F> {}

impl<Q: QueryData, F: QueryFilter> Part<Q, F> {
    /// The smallest of the sparse sets that an entity must be in.
    ///
    /// # Safety
    /// As of [`QueryData::driver`].
    #[inline]
    #[allow(unsafe_code, reason = "sparse sets are behind pointers")]
    pub(super) unsafe fn driver(&self) -> Option<Driver> {
        // SAFETY: the caller keeps the rules of both.
        unsafe { Driver::smaller(Q::driver(&self.raw), F::driver(&self.filter)) }
    }

    /// The item of a row, if it is one of the query's.
    ///
    /// # Safety
    /// As of [`QueryData::fetch`].
    #[inline(always)]
    #[allow(unsafe_code, reason = "rows are read by pointers")]
    pub(super) unsafe fn try_fetch<'a>(&self, row: usize) -> Option<Q::Item<'a>> {
        // SAFETY: the caller keeps the rules of both.
        unsafe { if F::accepts(self.filter, row) { Q::try_fetch(self.raw, row) } else { None } }
    }

    /// Where the rows end that are asked one by one from this one on: none of them if the block that begins here is passed
    /// over, whose end is told too.
    ///
    /// # Safety
    /// As of [`QueryFilter::accepts`], for all rows of the part.
    #[inline]
    #[allow(unsafe_code, reason = "rows are read by pointers")]
    pub(super) unsafe fn next_rows(&self, row: usize) -> (Range<usize>, usize) {
        if !F::rejects_blocks(&self.filter) {
            return (row..self.rows, self.rows);
        }
        let end = row.wrapping_add(BLOCK).min(self.rows);
        // SAFETY: there are so many rows; the caller vouches for the rest.
        let is_passed_over = end.wrapping_sub(row) == BLOCK && unsafe { F::rejects_block(self.filter, row) };
        (if is_passed_over { end..end } else { row..end }, end)
    }
}

/// A sparse set whose entities are gone through.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct Driver {
    /// Which set it is.
    pub(super) set: *const (),
    pub(super) entities: *const [Entity],
}

impl Driver {
    #[inline]
    pub(super) fn smaller(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) => {
                Some(if other.entities.len() < one.entities.len() { other } else { one })
            }
            (one, other) => one.or(other),
        }
    }
}

/// Calls `step` for the items of these rows, with what it gave for the one before.
#[inline(always)]
pub(super) fn fold_items<T, B>(
    rows: Range<usize>,
    first: B,
    mut item: impl FnMut(usize) -> T,
    step: &mut impl FnMut(B, T) -> B,
) -> B {
    let Range { start: mut row, end } = rows;
    let mut folded = first;
    // Counted down, and added without a check for overflow: modules are compiled with those, and a loop that may end by
    // one is taken as it is.
    let mut blocks = end.saturating_sub(row) / AT_ONCE;
    while blocks > 0 {
        for next in 0..AT_ONCE {
            folded = step(folded, item(row.wrapping_add(next)));
        }
        row = row.wrapping_add(AT_ONCE);
        blocks -= 1;
    }
    while row < end {
        folded = step(folded, item(row));
        row += 1;
    }
    folded
}
