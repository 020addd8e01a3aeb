//! A query at work, and stepping through what it has borrowed.

use std::marker::PhantomData;
use std::slice;

use hecs::Archetype;

use super::column::entity_of_row;
use super::filter::is_match;
use crate::{EcsError, Entity, QueryData, QueryFilter, World};

/// A query at work: it borrows the columns it reads and writes until it is dropped.
///
/// While it lives, a second query for a column that it writes panics, naming the component; the engine contains
/// that panic and reports it as a fault of the module.
pub struct QueryBorrow<'w, Q: QueryData, F: QueryFilter = ()> {
    world: &'w World,
    columns: Vec<Q::Columns<'w>>,
    filter: PhantomData<F>,
}

impl<'w, Q: QueryData, F: QueryFilter> QueryBorrow<'w, Q, F> {
    pub(super) fn new(world: &'w World, archetypes: impl Iterator<Item = &'w Archetype>) -> Self {
        let columns = archetypes.filter_map(|archetype| Q::columns(world, archetype)).collect();
        Self { world, columns, filter: PhantomData }
    }

    /// All matching entities, archetype by archetype.
    #[inline]
    pub fn iter(&mut self) -> QueryIter<'_, 'w, Q> {
        QueryIter { columns: self.columns.iter_mut(), rows: None }
    }

    /// Calls `visit` for all matching entities; the fastest way to go through many.
    #[inline]
    pub fn for_each(&mut self, mut visit: impl FnMut(Q::Item<'_>)) {
        for columns in &mut self.columns {
            Q::rows(columns).for_each(&mut visit);
        }
    }

    /// How many entities match.
    pub fn count(&mut self) -> usize {
        self.columns.iter_mut().map(|columns| Q::rows(columns).size_hint().0).sum()
    }

    /// Whether no entity matches.
    pub fn is_empty(&mut self) -> bool {
        self.count() == 0
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
    pub fn entities(&self) -> Vec<Entity> {
        let matching = self.world.inner().archetypes().filter(|archetype| is_match::<Q, F>(archetype));
        let generations = self.world.generations();
        matching.flat_map(|archetype| archetype.ids()).map(|id| entity_of_row(generations, *id)).collect()
    }
}

/// Steps through all matching entities, archetype by archetype.
pub struct QueryIter<'a, 'w, Q: QueryData> {
    columns: slice::IterMut<'a, Q::Columns<'w>>,
    rows: Option<Q::Rows<'a>>,
}

impl<'a, Q: QueryData> Iterator for QueryIter<'a, '_, Q> {
    type Item = Q::Item<'a>;

    #[inline]
    fn next(&mut self) -> Option<Q::Item<'a>> {
        loop {
            if let Some(item) = self.rows.as_mut().and_then(Iterator::next) {
                return Some(item);
            }
            self.rows = Some(Q::rows(self.columns.next()?));
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.rows.as_ref().map_or(0, |rows| rows.size_hint().0), None)
    }

    /// Within an archetype there is no end to ask for, so that the compiler vectorises the loop.
    #[inline]
    fn fold<B, F: FnMut(B, Q::Item<'a>) -> B>(self, first: B, mut step: F) -> B {
        let begun = self.rows.into_iter().flatten().fold(first, &mut step);
        self.columns.fold(begun, |folded, columns| Q::rows(columns).fold(folded, &mut step))
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
        let archetypes = self.inner().archetypes();
        QueryBorrow::new(self, archetypes.filter(|archetype| is_match::<Q, F>(archetype)))
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
        let mut one = Q::of_entity(self.entity_ref(entity)?);
        Ok(one.as_mut().map(|one| visit(Q::item(one))))
    }
}
