//! A query that borrows the columns it reads and writes.

use super::filter::QueryFilter;
use super::found::Found;
use super::guard::ColumnGuard;
use super::locate::locate;
use super::rows::Part;
use super::{QueryData, QueryIter};
use crate::model::conflict::Borrowing;
use crate::model::query::entity::RawEntities;
use crate::model::sparse::SparseGuard;
use crate::{ChangeMark, ChangeWindow, EcsError, Entity, World};

/// A query at work: it borrows the columns and sparse sets it reads and writes until it is dropped.
///
/// While it lives, a second query for a component that it writes panics, naming the component; the engine contains
/// that panic and reports it as a fault of the module.
pub struct QueryBorrow<'w, Q: QueryData, F: QueryFilter = ()> {
    world: &'w World,
    found: Found<Q, F>,
    /// Those that match, in the order of the parts.
    archetypes: Vec<&'w hecs::Archetype>,
    // What was found is borrowed until these are dropped.
    _guards: Vec<ColumnGuard<'w>>,
    _sparse: Vec<SparseGuard<'w>>,
}

// What follows relies on the guards, which hold columns and sets for as long as `self` lives; and on the borrow of `self`,
// so that no row is handed out twice in a way that excludes itself.
impl<'w, Q: QueryData, F: QueryFilter> QueryBorrow<'w, Q, F> {
    fn new(world: &'w World, window: ChangeWindow) -> Self {
        world.before_query(Q::add_access);
        world.columns_borrowed();
        let (mut found, mut sparse) = (Found::<Q, F>::nothing(), Vec::new());
        Q::borrow_sparse(world, &mut sparse);
        found.find_sets(world);
        let (mut archetypes, mut guards) = (Vec::new(), Vec::new());
        // A loop, where iterators would be shorter: each of their closures is compiled for each query of a module.
        for archetype in world.inner().archetypes() {
            if archetype.is_empty() || !Q::matches(archetype) || !F::passes(archetype) {
                continue;
            }
            let Some(raw) = Q::borrow(world, archetype, &mut guards) else { continue };
            let (filter, rows) = (F::find(world, Some(archetype)), archetype.len() as usize);
            found.parts.push(Part { raw, filter, rows });
            archetypes.push(archetype);
        }
        found.begin(world, window);
        Self { world, found, archetypes, _guards: guards, _sparse: sparse }
    }

    /// All matching entities, archetype by archetype.
    #[inline]
    #[allow(unsafe_code, reason = "rows are read by pointers")]
    pub fn iter(&mut self) -> QueryIter<'_, Q, F> {
        // SAFETY: see above.
        unsafe { self.found.iter(self.world) }
    }

    /// Calls `visit` for all matching entities; the fastest way to go through many.
    #[inline]
    #[allow(unsafe_code, reason = "rows are read by pointers")]
    pub fn for_each<'q>(&'q mut self, visit: impl FnMut(Q::Item<'q>)) {
        // SAFETY: see above.
        unsafe { self.found.for_each(self.world, visit) }
    }

    /// How many entities match.
    pub fn count(&self) -> usize {
        if Found::<Q, F>::ASKS_EACH { self.entities().len() } else { self.found.rows() }
    }

    /// Whether no entity matches.
    pub fn is_empty(&self) -> bool {
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

    /// The matching entities' ids, archetype by archetype.
    #[allow(unsafe_code, reason = "rows are read by pointers")]
    pub fn entities(&self) -> Vec<Entity> {
        let mut entities = Vec::new();
        for (part, archetype) in self.found.parts.iter().zip(&self.archetypes) {
            let raw = RawEntities::of(self.world, Some(*archetype));
            for row in 0..part.rows {
                // SAFETY: see above; what is looked at here is of the query's form that only reads.
                unsafe {
                    let is_match = F::accepts(part.filter, row)
                        && Q::ReadOnly::try_fetch(Q::read_only(part.raw), row).is_some();
                    entities.extend(is_match.then(|| Entity::fetch(raw, row)));
                }
            }
        }
        entities
    }
}

impl<'q, Q: QueryData, F: QueryFilter> IntoIterator for &'q mut QueryBorrow<'_, Q, F> {
    type Item = Q::Item<'q>;
    type IntoIter = QueryIter<'q, Q, F>;

    #[inline]
    fn into_iter(self) -> QueryIter<'q, Q, F> {
        self.iter()
    }
}

impl World {
    /// Borrows the columns and sparse sets that `Q` names.
    ///
    /// # Panics
    /// When another query, still alive, excludes this one; the message names the component.
    pub fn query<Q: QueryData>(&self) -> QueryBorrow<'_, Q> {
        self.query_filtered::<Q, ()>()
    }

    /// [`World::query`], of those entities that pass `F`.
    ///
    /// # Panics
    /// As [`World::query`].
    pub fn query_filtered<Q: QueryData, F: QueryFilter>(&self) -> QueryBorrow<'_, Q, F> {
        QueryBorrow::new(self, self.change_window())
    }

    /// [`World::query_filtered`], for one who has looked at `mark` last: what was added and changed since is new.
    ///
    /// # Panics
    /// As [`World::query`].
    pub fn query_since<Q: QueryData, F: QueryFilter>(&self, mark: ChangeMark) -> QueryBorrow<'_, Q, F> {
        QueryBorrow::new(self, self.change_window().since(mark))
    }

    /// Hands what `Q` names of one entity to `visit`; `None` when the entity lacks a part of it.
    ///
    /// # Errors
    /// [`EcsError::NoSuchEntity`] when it does not live.
    ///
    /// # Panics
    /// As [`World::query`].
    #[inline]
    #[allow(unsafe_code, reason = "rows are read by pointers")]
    pub fn query_one<Q: QueryData, R>(
        &self,
        entity: Entity,
        visit: impl FnOnce(Q::Item<'_>) -> R,
    ) -> Result<Option<R>, EcsError> {
        let (archetype, row) = locate(self.entity_ref(entity)?);
        if !Q::matches(archetype) {
            return Ok(None);
        }
        self.before_query_one(entity, Q::add_access);
        self.columns_borrowed();
        let (mut sparse, mut guards) = (Vec::new(), Vec::new());
        let borrowing = Borrowing::of_entity(entity);
        Q::borrow_sparse(self, &mut sparse);
        let raw = Q::borrow(self, archetype, &mut guards);
        borrowing.done();
        let Some(mut raw) = raw else { return Ok(None) };
        if Q::USES_TICKS {
            Q::begin(&mut raw, self, self.changes.ticks(self.change_window()));
        }
        // SAFETY: the guards hold columns and sets until the visit is over, and the entity is in this row.
        let item = unsafe { Q::try_fetch(raw, row) };
        Ok(item.map(visit))
    }
}
