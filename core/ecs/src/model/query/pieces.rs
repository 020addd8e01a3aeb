//! The rows of a query in pieces, which several threads may take at the same time.

use std::marker::PhantomData;
use std::ops::Range;

use super::found::Found;
use super::rows::{Part, fold_items};
use crate::{QueryData, QueryFilter};

/// The pieces of a query, by [`Query::pieces`](crate::Query::pieces).
pub struct QueryPieces<'q, Q: QueryData, F: QueryFilter = ()> {
    found: &'q Found<Q, F>,
    /// How many rows a piece has at most.
    rows: usize,
    /// The part, and the row of it, that the next piece begins at.
    part: usize,
    row: usize,
    items: PhantomData<Q::Item<'q>>,
}

/// So many rows of one archetype. It steps through those of them that match.
pub struct QueryPiece<'q, Q: QueryData, F: QueryFilter = ()> {
    part: Part<Q, F>,
    rows: Range<usize>,
    items: PhantomData<Q::Item<'q>>,
}

// SAFETY: what it hands out are references to components, which are `Send` and `Sync`; the rest is read alone.
#[allow(unsafe_code, reason = "a pointer is not `Send` by itself")]
unsafe impl<Q: QueryData, F: QueryFilter> Send for QueryPieces<'_, Q, F> {}
// SAFETY: as above; no two pieces have a row in common.
#[allow(unsafe_code, reason = "a pointer is not `Send` by itself")]
unsafe impl<Q: QueryData, F: QueryFilter> Send for QueryPiece<'_, Q, F> {}

impl<'q, Q: QueryData, F: QueryFilter> QueryPieces<'q, Q, F> {
    /// # Safety
    /// The rules of [`QueryData::fetch`] hold for all rows of the parts for `'q`, and no other item is alive.
    #[allow(unsafe_code, reason = "the caller vouches for what the pieces read")]
    pub(super) unsafe fn new(found: &'q Found<Q, F>, rows: usize) -> Self {
        Self { found, rows: rows.max(1), part: 0, row: 0, items: PhantomData }
    }
}

impl<'q, Q: QueryData, F: QueryFilter> Iterator for QueryPieces<'q, Q, F> {
    type Item = QueryPiece<'q, Q, F>;

    fn next(&mut self) -> Option<QueryPiece<'q, Q, F>> {
        let part = *self.found.parts.get(self.part)?;
        let end = self.row.saturating_add(self.rows).min(part.rows);
        let piece = QueryPiece { part, rows: self.row..end, items: PhantomData };
        (self.part, self.row) = if end == part.rows { (self.part + 1, 0) } else { (self.part, end) };
        Some(piece)
    }
}

impl<'q, Q: QueryData, F: QueryFilter> Iterator for QueryPiece<'q, Q, F> {
    type Item = Q::Item<'q>;

    #[inline]
    fn next(&mut self) -> Option<Q::Item<'q>> {
        loop {
            let row = self.rows.next()?;
            // SAFETY: whoever asked for the pieces vouches for the rows; each is handed out once, by one piece.
            #[allow(unsafe_code, reason = "rows are read by pointers")]
            let item = unsafe { self.part.try_fetch(row) };
            if item.is_some() {
                return item;
            }
        }
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let least = if Found::<Q, F>::ASKS_EACH { 0 } else { self.rows.len() };
        (least, Some(self.rows.len()))
    }

    #[inline]
    fn fold<B, S: FnMut(B, Q::Item<'q>) -> B>(self, first: B, mut step: S) -> B {
        let Self { part, rows, .. } = self;
        if Found::<Q, F>::ASKS_EACH {
            // SAFETY: as in `next`.
            #[allow(unsafe_code, reason = "rows are read by pointers")]
            return rows.filter_map(|row| unsafe { part.try_fetch(row) }).fold(first, step);
        }
        // SAFETY: as in `next`.
        #[allow(unsafe_code, reason = "rows are read by pointers")]
        let item = |row| unsafe { Q::fetch(part.raw, row) };
        fold_items(rows, first, item, &mut step)
    }
}
