//! A query that borrows the columns it reads and writes.

use std::marker::PhantomData;

use hecs::Archetype;

use super::column::RawEntities;
use super::filter::is_match;
use super::locate::locate;
use super::rows::Part;
use crate::{EcsError, Entity, QueryData, QueryFilter, QueryIter, World};

/// A query at work: it borrows the columns it reads and writes until it is dropped.
///
/// While it lives, a second query for a column that it writes panics, naming the component; the engine contains
/// that panic and reports it as a fault of the module.
pub struct QueryBorrow<'w, Q: QueryData, F: QueryFilter = ()> {
    parts: Vec<Part<Q>>,
    entities: Vec<Part<Entity>>,
    // What the parts point to is borrowed until these are dropped.
    _guards: Vec<Q::Guard<'w>>,
    filter: PhantomData<F>,
}

impl<'w, Q: QueryData, F: QueryFilter> QueryBorrow<'w, Q, F> {
    fn new(world: &'w World) -> Self {
        world.columns_borrowed();
        let (mut entities, mut guards) = (Vec::new(), Vec::new());
        for archetype in world.inner().archetypes().filter(|archetype| is_match::<Q, F>(archetype)) {
            if let Some(guard) = Q::borrow(world, archetype) {
                guards.push(guard);
                entities
                    .push(Part { raw: RawEntities::of(world, archetype), rows: archetype.len() as usize });
            }
        }
        let rows = entities.iter().map(|part| part.rows);
        let parts = guards.iter_mut().zip(rows).map(|(guard, rows)| Part { raw: Q::raw(guard), rows });
        Self { parts: parts.collect(), entities, _guards: guards, filter: PhantomData }
    }

    /// All matching entities, archetype by archetype.
    #[inline]
    #[allow(unsafe_code, reason = "rows are read by pointers")]
    pub fn iter(&mut self) -> QueryIter<'_, Q> {
        // SAFETY: the guards hold the columns for as long as `self` lives, and `self` is borrowed until the items are
        // gone, so nothing moves them and nobody else touches them.
        unsafe { QueryIter::new(&self.parts) }
    }

    /// Calls `visit` for all matching entities; the fastest way to go through many.
    #[inline]
    #[allow(unsafe_code, reason = "rows are read by pointers")]
    pub fn for_each<'q>(&'q mut self, mut visit: impl FnMut(Q::Item<'q>)) {
        for part in &self.parts {
            // SAFETY: as in `iter`.
            unsafe { Q::fold(part.raw, part.rows, (), &mut |(), item| visit(item)) }
        }
    }

    /// How many entities match.
    pub fn count(&self) -> usize {
        self.parts.iter().map(|part| part.rows).sum()
    }

    /// Whether no entity matches.
    pub fn is_empty(&self) -> bool {
        self.parts.iter().all(|part| part.rows == 0)
    }

    /// The first match, if there is one.
    pub fn first(&mut self) -> Option<Q::Item<'_>> {
        self.iter().next()
    }

    /// The only match; `None` when there is none or more than one.
    pub fn single(&mut self) -> Option<Q::Item<'_>> {
        if self.count() == 1 { self.iter().next() } else { None }
    }

    /// The matching entities' ids.
    #[allow(unsafe_code, reason = "rows are read by pointers")]
    pub fn entities(&self) -> Vec<Entity> {
        // SAFETY: the world is borrowed for `'w`, so no entity comes or goes.
        unsafe { QueryIter::new(&self.entities) }.collect()
    }
}

impl<'q, Q: QueryData, F: QueryFilter> IntoIterator for &'q mut QueryBorrow<'_, Q, F> {
    type Item = Q::Item<'q>;
    type IntoIter = QueryIter<'q, Q>;

    #[inline]
    fn into_iter(self) -> QueryIter<'q, Q> {
        self.iter()
    }
}

impl World {
    /// Borrows the columns that `Q` names, of every archetype that has them.
    ///
    /// # Panics
    /// When another query, still alive, excludes this one; the message names the component.
    pub fn query<Q: QueryData>(&self) -> QueryBorrow<'_, Q> {
        self.query_filtered::<Q, ()>()
    }

    /// [`World::query`], of those archetypes that pass `F`.
    ///
    /// # Panics
    /// As [`World::query`].
    pub fn query_filtered<Q: QueryData, F: QueryFilter>(&self) -> QueryBorrow<'_, Q, F> {
        QueryBorrow::new(self)
    }

    /// Hands what `Q` names of one entity to `visit`; `None` when the entity lacks a part of it.
    ///
    /// # Errors
    /// [`EcsError::NoSuchEntity`] when it does not live.
    ///
    /// # Panics
    /// As [`World::query`].
    #[inline]
    pub fn query_one<Q: QueryData, R>(
        &self,
        entity: Entity,
        visit: impl FnOnce(Q::Item<'_>) -> R,
    ) -> Result<Option<R>, EcsError> {
        let (archetype, row) = locate(self.entity_ref(entity)?);
        Ok(self.visit_row::<Q, R>(archetype, row, visit))
    }

    #[inline]
    #[allow(unsafe_code, reason = "rows are read by pointers")]
    fn visit_row<Q: QueryData, R>(
        &self,
        archetype: &Archetype,
        row: usize,
        visit: impl FnOnce(Q::Item<'_>) -> R,
    ) -> Option<R> {
        if !Q::matches(archetype) {
            return None;
        }
        self.columns_borrowed();
        let mut guard = Q::borrow(self, archetype)?;
        let raw = Q::raw(&mut guard);
        // SAFETY: the guard holds the columns until the visit is over, and the entity's row is one of them.
        Some(visit(unsafe { Q::fetch(raw, row) }))
    }
}
