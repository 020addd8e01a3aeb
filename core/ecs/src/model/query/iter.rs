//! Going through all that a query has found.

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::slice;

use super::found::Found;
use super::rows::{BLOCK, Driver, Part};
use crate::{QueryData, QueryFilter, World};

/// Steps through all matching entities: archetype by archetype, or in the order of a sparse set.
pub struct QueryIter<'a, Q: QueryData, F: QueryFilter = ()> {
    found: &'a Found<Q, F>,
    world: &'a World,
    driver: Option<Driver>,
    /// What comes after `part`.
    parts: slice::Iter<'a, Part<Q, F>>,
    /// There is one once it has rows: asked for each row, whether there is one would cost more than the rest of a step.
    part: MaybeUninit<Part<Q, F>>,
    /// How many rows the part has.
    rows: usize,
    /// The next row of the part, or of the driver.
    row: usize,
    items: PhantomData<Q::Item<'a>>,
}

impl<'a, Q: QueryData, F: QueryFilter> QueryIter<'a, Q, F> {
    /// # Safety
    /// The rules of [`QueryData::fetch`] hold for all rows of the parts for `'a`.
    #[inline]
    #[allow(unsafe_code, reason = "the caller vouches for what `next` reads")]
    pub(super) unsafe fn new(found: &'a Found<Q, F>, world: &'a World) -> Self {
        // SAFETY: the caller says so.
        let driver = unsafe { found.driver() };
        let (parts, part) = (found.parts.iter(), MaybeUninit::uninit());
        Self { found, world, driver, parts, part, rows: 0, row: 0, items: PhantomData }
    }

    /// The part that has `rows`.
    #[inline]
    #[allow(unsafe_code, reason = "there may be no part yet")]
    fn part(&self) -> Option<Part<Q, F>> {
        // SAFETY: `rows` are those of a part that was put there.
        (self.rows > 0).then(|| unsafe { self.part.assume_init() })
    }

    /// Goes on to the next part; `None` where there is none.
    #[inline]
    fn next_part(&mut self) -> Option<()> {
        let part = *self.parts.next()?;
        (self.part, self.rows, self.row) = (MaybeUninit::new(part), part.rows, 0);
        Some(())
    }

    /// The next item, where each row is asked whether it is one.
    #[inline]
    #[allow(unsafe_code, reason = "rows are read by pointers")]
    fn next_asked(&mut self) -> Option<Q::Item<'a>> {
        if let Some(Driver { set, entities }) = self.driver {
            // SAFETY: whoever made this vouches for the sets.
            let entities = unsafe { &*entities };
            while let Some(entity) = entities.get(self.row) {
                self.row += 1;
                // SAFETY: as above; the entity was read from this row, and each is handed out once.
                let item = unsafe { self.found.driven(self.world, set, self.row - 1, *entity) };
                if item.is_some() {
                    return item;
                }
            }
            return None;
        }
        loop {
            if let Some(part) = self.part() {
                while self.row < part.rows {
                    // SAFETY: whoever made this vouches for the rows of its parts.
                    if self.row.is_multiple_of(BLOCK) && unsafe { part.next_rows(self.row) }.0.is_empty() {
                        self.row += BLOCK;
                        continue;
                    }
                    self.row += 1;
                    // SAFETY: whoever made this vouches for the rows of its parts; each is handed out once.
                    let item = unsafe { part.try_fetch(self.row - 1) };
                    if item.is_some() {
                        return item;
                    }
                }
            }
            self.next_part()?;
        }
    }

    /// [`Iterator::fold`], where each row is asked whether it is one.
    #[inline]
    #[allow(unsafe_code, reason = "rows are read by pointers")]
    fn fold_asked<B>(self, first: B, mut step: impl FnMut(B, Q::Item<'a>) -> B) -> B {
        let mut folded = first;
        if let Some(driver) = self.driver
            && Found::<Q, F>::IS_SETS
            && let Some(sets) = &self.found.sets
            && self.row == 0
        {
            // SAFETY: as in `next_asked`.
            return unsafe { Q::fold_set(sets.raw, driver, folded, &mut step) };
        }
        if let Some(Driver { set, entities }) = self.driver {
            // SAFETY: as in `next_asked`.
            let entities = unsafe { &*entities };
            for (row, entity) in entities.iter().enumerate().skip(self.row) {
                // SAFETY: as in `next_asked`.
                if let Some(item) = unsafe { self.found.driven(self.world, set, row, *entity) } {
                    folded = step(folded, item);
                }
            }
            return folded;
        }
        let begun = self.part().map(|part| (part, self.row));
        for (part, first_row) in begun.into_iter().chain(self.parts.map(|part| (*part, 0))) {
            let mut next_row = first_row;
            while next_row < part.rows {
                // SAFETY: whoever made this vouches for the rows of its parts.
                let (rows, end) = unsafe { part.next_rows(next_row) };
                for row in rows {
                    // SAFETY: as above; each is handed out once.
                    if let Some(item) = unsafe { part.try_fetch(row) } {
                        folded = step(folded, item);
                    }
                }
                next_row = end;
            }
        }
        folded
    }
}

impl<'a, Q: QueryData, F: QueryFilter> Iterator for QueryIter<'a, Q, F> {
    type Item = Q::Item<'a>;

    #[inline]
    fn next(&mut self) -> Option<Q::Item<'a>> {
        if Found::<Q, F>::ASKS_EACH {
            return self.next_asked();
        }
        loop {
            let row = self.row;
            if row < self.rows {
                // There is no row `usize::MAX`, and modules are compiled with checks for overflow.
                self.row = row.wrapping_add(1);
                // SAFETY: `rows` are those of a part that was put there; whoever made this vouches for the rows of its parts;
                // each is handed out once.
                #[allow(unsafe_code, reason = "rows are read by pointers")]
                return Some(unsafe { Q::fetch(self.part.assume_init_ref().raw, row) });
            }
            self.next_part()?;
        }
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let begun = self.rows.saturating_sub(self.row);
        let rows = begun + self.parts.as_slice().iter().map(|part| part.rows).sum::<usize>();
        match self.driver {
            Some(driver) => (0, Some(driver.entities.len() - self.row)),
            None if Found::<Q, F>::ASKS_EACH => (0, Some(rows)),
            None => (rows, Some(rows)),
        }
    }

    #[inline]
    fn fold<B, S: FnMut(B, Q::Item<'a>) -> B>(self, first: B, mut step: S) -> B {
        if Found::<Q, F>::ASKS_EACH {
            return self.fold_asked(first, step);
        }
        let mut begun = first;
        if let Some(Part { raw, rows, .. }) = self.part() {
            for row in self.row..rows {
                // SAFETY: whoever made this vouches for the rows of its parts; these were not handed out yet.
                #[allow(unsafe_code, reason = "rows are read by pointers")]
                let item = unsafe { Q::fetch(raw, row) };
                begun = step(begun, item);
            }
        }
        // SAFETY: as above.
        #[allow(unsafe_code, reason = "rows are read by pointers")]
        self.parts.fold(begun, |folded, part| unsafe { Q::fold(part.raw, part.rows, folded, &mut step) })
    }
}
