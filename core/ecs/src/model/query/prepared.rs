//! Queries that are asked again and again.

use std::marker::PhantomData;
use std::ptr;

use hecs::Archetype;

use super::ReadOnlyQueryData;
use super::locate::locate;
use super::rows::Part;
use crate::{Access, EcsError, Entity, QueryData, QueryFilter, QueryIter, World};

/// No part of the query.
const NOWHERE: u32 = u32::MAX;

/// A query that remembers which archetypes match and where their columns lie, so that asking again costs next to nothing
/// until entities come, go, or change their components. It leaves nothing in the world.
pub struct PreparedQuery<Q: QueryData, F: QueryFilter = ()> {
    /// Which world, and which rebuilding of it, all else belongs to.
    world: u64,
    /// How many archetypes were looked at.
    seen: usize,
    /// The archetypes that match, by number.
    matching: Vec<usize>,
    /// [`World::columns_version`] when the parts were found.
    version: [u64; 2],
    /// The archetypes that match and are not empty.
    parts: Vec<Part<Q>>,
    /// Which part is which archetype's, by number.
    part_of: Vec<u32>,
    filter: PhantomData<fn() -> F>,
}

// SAFETY: the pointers in `parts` are used through `Query` alone, which borrows the world; what they point to are
// components, which are `Send` and `Sync`.
#[allow(unsafe_code, reason = "a pointer is not `Send` by itself")]
unsafe impl<Q: QueryData, F: QueryFilter> Send for PreparedQuery<Q, F> {}
// SAFETY: as above.
#[allow(unsafe_code, reason = "a pointer is not `Sync` by itself")]
unsafe impl<Q: QueryData, F: QueryFilter> Sync for PreparedQuery<Q, F> {}

impl<Q: QueryData, F: QueryFilter> PreparedQuery<Q, F> {
    /// Remembers nothing yet.
    pub fn new() -> Self {
        Self {
            world: 0,
            seen: 0,
            matching: Vec::new(),
            version: [0; 2],
            parts: Vec::new(),
            part_of: Vec::new(),
            filter: PhantomData,
        }
    }

    /// What it reads, writes and passes over.
    pub fn access() -> Access {
        let mut access = Access::new();
        Q::add_access(&mut access);
        F::add_access(&mut access);
        access
    }

    /// Goes through `world`, which it has to itself.
    ///
    /// # Panics
    /// When the query uses a component twice in a way that can't be; the message names it.
    #[inline]
    #[allow(unsafe_code, reason = "columns are used without a borrow of each")]
    pub fn query<'w>(&'w mut self, world: &'w mut World) -> Query<'w, Q, F> {
        // SAFETY: the world is borrowed exclusively for as long as the query lives.
        unsafe { self.query_unchecked(world) }
    }

    /// Goes through `world`, which others may use meanwhile.
    ///
    /// # Safety
    /// While the query lives, nobody changes the structure of the world, writes what [`PreparedQuery::access`] says is
    /// read, or touches what it says is written.
    ///
    /// # Panics
    /// As [`PreparedQuery::query`].
    #[inline]
    #[allow(unsafe_code, reason = "columns are used without a borrow of each")]
    pub unsafe fn query_unchecked<'w>(&'w mut self, world: &'w World) -> Query<'w, Q, F> {
        if self.world != world.incarnation() || self.version != world.columns_version() {
            self.find(world);
        }
        Query { world, prepared: self }
    }

    #[cold]
    fn find(&mut self, world: &World) {
        if self.world != world.incarnation() {
            if let Some(name) = Self::access().own_conflict() {
                panic!("{}", EcsError::InUse { name: name.to_owned() });
            }
            *self = Self { world: world.incarnation(), ..Self::new() };
        }
        self.match_new(world);
        self.parts.clear();
        let mut table = world.column_table();
        let mut archetypes = world.inner().archetypes();
        let mut next = 0;
        for index in &self.matching {
            let Some(archetype) = archetypes.nth(index - next) else { break };
            next = index + 1;
            let raw = if archetype.is_empty() {
                None
            } else {
                Q::find(&mut table.columns(world, archetype, *index))
            };
            self.part_of[*index] = match raw {
                Some(_) => self.parts.len() as u32,
                None => NOWHERE,
            };
            self.parts.extend(raw.map(|raw| Part { raw, rows: archetype.len() as usize }));
        }
        self.version = world.columns_version();
    }

    fn match_new(&mut self, world: &World) {
        let archetypes = world.inner().archetypes();
        let known = archetypes.len();
        let new = archetypes.enumerate().skip(self.seen);
        self.matching.extend(
            new.filter(|(_, archetype)| Q::matches(archetype) && F::passes(archetype))
                .map(|(index, _)| index),
        );
        self.seen = known;
        self.part_of.resize(known, NOWHERE);
    }
}

impl<Q: QueryData, F: QueryFilter> Default for PreparedQuery<Q, F> {
    fn default() -> Self {
        Self::new()
    }
}

/// A query at work, which knows where everything lies.
pub struct Query<'w, Q: QueryData, F: QueryFilter = ()> {
    world: &'w World,
    prepared: &'w PreparedQuery<Q, F>,
}

// What follows relies on `query_unchecked`, whose caller vouches for the columns for as long as a `Query` lives; and on
// the borrow of `self`, so that no row is handed out twice in a way that excludes itself.
impl<'w, Q: QueryData, F: QueryFilter> Query<'w, Q, F> {
    /// All matching entities, to be read, archetype by archetype.
    #[inline]
    #[allow(unsafe_code, reason = "rows are read by pointers")]
    pub fn iter(&self) -> QueryIter<'_, Q>
    where
        Q: ReadOnlyQueryData,
    {
        // SAFETY: see above; items that only read may be handed out any number of times.
        unsafe { QueryIter::new(&self.prepared.parts) }
    }

    /// All matching entities, archetype by archetype.
    #[inline]
    #[allow(unsafe_code, reason = "rows are read by pointers")]
    pub fn iter_mut(&mut self) -> QueryIter<'_, Q> {
        // SAFETY: see above.
        unsafe { QueryIter::new(&self.prepared.parts) }
    }

    /// Calls `visit` for all matching entities; the fastest way to go through many.
    #[inline]
    #[allow(unsafe_code, reason = "rows are read by pointers")]
    pub fn for_each<'q>(&'q mut self, mut visit: impl FnMut(Q::Item<'q>)) {
        for part in &self.prepared.parts {
            // SAFETY: see above.
            unsafe { Q::fold(part.raw, part.rows, (), &mut |(), item| visit(item)) }
        }
    }

    /// What is asked of `entity`, to be read.
    ///
    /// # Errors
    /// As [`Query::get_mut`].
    #[inline]
    #[allow(unsafe_code, reason = "rows are read by pointers")]
    pub fn get(&self, entity: Entity) -> Result<<Q::ReadOnly as QueryData>::Item<'_>, EcsError> {
        let (raw, row) = self.place(entity)?;
        // SAFETY: see above; `self` is borrowed for as long as the item lives, so none that writes is handed out.
        Ok(unsafe { Q::ReadOnly::fetch(Q::read_only(raw), row) })
    }

    /// What is asked of `entity`.
    ///
    /// # Errors
    /// [`EcsError::NoSuchEntity`] when it does not live, [`EcsError::MissingComponent`] or [`EcsError::NotInQuery`] when
    /// the query passes it over.
    #[inline]
    #[allow(unsafe_code, reason = "rows are read by pointers")]
    pub fn get_mut(&mut self, entity: Entity) -> Result<Q::Item<'_>, EcsError> {
        let (raw, row) = self.place(entity)?;
        // SAFETY: see above.
        Ok(unsafe { Q::fetch(raw, row) })
    }

    /// Whether `entity` lives and matches.
    #[inline]
    pub fn contains(&self, entity: Entity) -> bool {
        self.place(entity).is_ok()
    }

    /// How many entities match.
    pub fn count(&self) -> usize {
        self.prepared.parts.iter().map(|part| part.rows).sum()
    }

    /// Whether no entity matches.
    pub fn is_empty(&self) -> bool {
        self.prepared.parts.is_empty()
    }

    /// The only match; `None` when there is none or more than one.
    pub fn single_mut(&mut self) -> Option<Q::Item<'_>> {
        if self.count() == 1 { self.iter_mut().next() } else { None }
    }

    /// The only match, to be read; `None` when there is none or more than one.
    #[allow(unsafe_code, reason = "rows are read by pointers")]
    pub fn single(&self) -> Option<<Q::ReadOnly as QueryData>::Item<'_>> {
        match self.prepared.parts.as_slice() {
            // SAFETY: see above, and `get`.
            [Part { raw, rows: 1 }] => Some(unsafe { Q::ReadOnly::fetch(Q::read_only(*raw), 0) }),
            _ => None,
        }
    }

    /// The matching entities' ids.
    pub fn entities(&self) -> Vec<Entity> {
        let archetypes = self.world.inner().archetypes().zip(&self.prepared.part_of);
        let matching = archetypes.filter(|(_, part)| **part != NOWHERE);
        let generations = self.world.generations();
        matching
            .flat_map(|(archetype, _)| archetype.ids())
            .map(|id| super::entity_of_row(generations, *id))
            .collect()
    }

    /// Where the row of `entity` is.
    #[inline]
    fn place(&self, entity: Entity) -> Result<(Q::Raw, usize), EcsError> {
        let (archetype, row) = locate(self.world.entity_ref(entity)?);
        let part = self.part_of(archetype).and_then(|part| self.prepared.parts.get(part as usize));
        match part {
            Some(part) => Ok((part.raw, row)),
            None => Err(self.passed_over(entity)),
        }
    }

    /// hecs has all archetypes side by side, so that the number of one follows from where it lies.
    #[inline]
    fn part_of(&self, archetype: &Archetype) -> Option<u32> {
        let first = ptr::from_ref(self.world.inner().archetypes().next()?);
        let index = ptr::from_ref(archetype).addr().wrapping_sub(first.addr()) / size_of::<Archetype>();
        let is_found =
            self.world.inner().archetypes().nth(index).is_some_and(|found| ptr::eq(found, archetype));
        debug_assert!(is_found, "archetypes lie side by side");
        if is_found { self.prepared.part_of.get(index).copied() } else { None }
    }

    #[cold]
    fn passed_over(&self, entity: Entity) -> EcsError {
        let access = PreparedQuery::<Q, F>::access();
        let has = self.world.components_of(entity).unwrap_or_default();
        match access.first_missing(|id| has.iter().any(|info| info.id() == id)) {
            Some(component) => EcsError::MissingComponent { entity, component: component.to_owned() },
            None => EcsError::NotInQuery { entity },
        }
    }
}

impl<'q, Q: QueryData, F: QueryFilter> IntoIterator for &'q mut Query<'_, Q, F> {
    type Item = Q::Item<'q>;
    type IntoIter = QueryIter<'q, Q>;

    #[inline]
    fn into_iter(self) -> QueryIter<'q, Q> {
        self.iter_mut()
    }
}

impl<'q, Q: ReadOnlyQueryData, F: QueryFilter> IntoIterator for &'q Query<'_, Q, F> {
    type Item = Q::Item<'q>;
    type IntoIter = QueryIter<'q, Q>;

    #[inline]
    fn into_iter(self) -> QueryIter<'q, Q> {
        self.iter()
    }
}
