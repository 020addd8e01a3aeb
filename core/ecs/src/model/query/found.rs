//! What a query has found: the archetypes that match, and the sparse sets.

use std::sync::OnceLock;

use super::columns::ColumnTable;
use super::iter::QueryIter;
use super::locate::{Place, Places};
use super::rows::{Driver, Part};
use crate::{ChangeWindow, Entity, QueryData, QueryFilter, World};

/// No part.
pub(super) const NOWHERE: u32 = u32::MAX;

/// Going through a sparse set and looking for the row of each entity is worth it where there are so many times fewer.
const WORTH_LOOKING: usize = 8;

/// All that a query needs to be gone through. What it points to is vouched for by who calls its unsafe functions.
pub(super) struct Found<Q: QueryData, F: QueryFilter> {
    /// The archetypes that match and are not empty.
    pub(super) parts: Vec<Part<Q, F>>,
    /// Which part is which archetype's, by number; empty where nobody has looked.
    pub(super) part_of: Vec<u32>,
    /// Where entities lie, once somebody asks for one by its id.
    pub(super) places: OnceLock<Places>,
    /// The sparse sets, of no archetype; its rows mean nothing.
    pub(super) sets: Option<Part<Q, F>>,
}

impl<Q: QueryData, F: QueryFilter> Found<Q, F> {
    /// Whether an archetype's rows may belong to the query in part.
    pub(super) const ASKS_EACH: bool = Q::SPARSE > 0 || F::ASKS_EACH;
    /// Whether it goes through sparse sets alone, and asks nothing else of their entities.
    pub(super) const IS_SETS: bool = !Self::USES_COLUMNS && !F::ASKS_EACH;
    const USES_COLUMNS: bool = Q::USES_COLUMNS || F::USES_COLUMNS;

    pub(super) const fn nothing() -> Self {
        Self { parts: Vec::new(), part_of: Vec::new(), places: OnceLock::new(), sets: None }
    }

    /// Finds the sparse sets.
    pub(super) fn find_sets(&mut self, world: &World) {
        if Self::ASKS_EACH {
            let mut table = ColumnTable::default();
            let raw = if Q::USES_COLUMNS { None } else { Q::find(&mut table.columns(world, None)) };
            self.sets = raw.map(|raw| Part { raw, filter: F::find(world, None), rows: 0 });
        }
    }

    /// Whether ticks are to be found each time.
    pub(super) const USES_TICKS: bool = Q::USES_TICKS || F::USES_TICKS;

    /// Finds the ticks, for one who goes through it once.
    #[inline]
    pub(super) fn begin(&mut self, world: &World, window: ChangeWindow) {
        if Self::USES_TICKS {
            let window = world.changes.ticks(window);
            for Part { raw, filter, .. } in self.parts.iter_mut().chain(&mut self.sets) {
                Q::begin(raw, world, window);
                F::begin(filter, world, window);
            }
        }
    }

    /// How many rows the matching archetypes have.
    #[inline]
    pub(super) fn rows(&self) -> usize {
        self.parts.iter().map(|part| part.rows).sum()
    }

    /// The sparse set to be gone through, if that is better than going through the archetypes' rows.
    ///
    /// # Safety
    /// As of [`QueryData::driver`].
    #[inline]
    #[allow(unsafe_code, reason = "sparse sets are behind pointers")]
    pub(super) unsafe fn driver(&self) -> Option<Driver> {
        if !Self::ASKS_EACH {
            return None;
        }
        match &self.sets {
            // SAFETY: the caller says so.
            Some(sets) if !Self::USES_COLUMNS => unsafe { sets.driver() },
            _ => {
                // SAFETY: as above.
                let driver = unsafe { self.parts.first()?.driver() }?;
                let is_worth_it = driver.entities.len() * WORTH_LOOKING < self.rows();
                (is_worth_it && !self.part_of.is_empty()).then_some(driver)
            }
        }
    }

    /// The item of an entity which is in `row` of the driving set.
    ///
    /// # Safety
    /// As of [`QueryData::driven`], and the driver is [`Found::driver`].
    #[inline]
    #[allow(unsafe_code, reason = "rows are read by pointers")]
    pub(super) unsafe fn driven<'a>(
        &self,
        world: &World,
        driver: *const (),
        row: usize,
        entity: Entity,
    ) -> Option<Q::Item<'a>> {
        if Self::USES_COLUMNS {
            // SAFETY: the caller says so, and the entity is in this row.
            return unsafe {
                let (part, row) = self.place(world, entity)?;
                part.try_fetch(row)
            };
        }
        let Part { raw, filter, .. } = self.sets?;
        // SAFETY: the caller says so; no columns are used.
        unsafe { if F::accepts_entity(filter, entity) { Q::driven(raw, driver, row, entity) } else { None } }
    }

    /// The part and row of an entity that lives.
    ///
    /// # Safety
    /// The structure of `world` is what it was when all this was found.
    #[inline]
    #[allow(unsafe_code, reason = "the caller vouches for where entities lie")]
    pub(super) unsafe fn place(&self, world: &World, entity: Entity) -> Option<(&Part<Q, F>, usize)> {
        let places = self.places.get_or_init(|| Places::of(world));
        // SAFETY: the caller says so.
        let Place { archetype, row } = unsafe { places.place(entity) };
        let part = *self.part_of.get(archetype as usize)?;
        Some((self.parts.get(part as usize)?, row as usize))
    }

    /// All items.
    ///
    /// # Safety
    /// The rules of [`QueryData::fetch`] hold for all rows of all parts for `'a`, and no other item is alive.
    #[inline]
    #[allow(unsafe_code, reason = "the caller vouches for what is read")]
    pub(super) unsafe fn iter<'a>(&'a self, world: &'a World) -> QueryIter<'a, Q, F> {
        // SAFETY: the caller says so.
        unsafe { QueryIter::new(self, world) }
    }

    /// Calls `visit` for all items.
    ///
    /// # Safety
    /// As of [`Found::iter`].
    #[inline]
    #[allow(unsafe_code, reason = "rows are read by pointers")]
    pub(super) unsafe fn for_each<'a>(&'a self, world: &'a World, mut visit: impl FnMut(Q::Item<'a>)) {
        if Self::ASKS_EACH {
            // SAFETY: the caller says so.
            unsafe { self.iter(world) }.for_each(visit);
            return;
        }
        for part in &self.parts {
            // SAFETY: the caller says so.
            unsafe { Q::fold(part.raw, part.rows, (), &mut |(), item| visit(item)) }
        }
    }
}
