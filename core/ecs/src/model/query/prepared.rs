//! Queries that are asked again and again.

use std::marker::PhantomData;
use std::sync::OnceLock;

use super::ReadOnlyQueryData;
use super::found::{Found, NOWHERE};
use super::rows::Part;
use crate::{Access, ChangeWindow, EcsError, Entity, QueryData, QueryFilter, QueryIter, QueryPieces, World};

/// A query that remembers which archetypes match and where their columns lie, so that asking again costs next to nothing
/// until entities come, go, or change their components. It leaves nothing in the world.
pub struct PreparedQuery<Q: QueryData, F: QueryFilter = ()> {
    /// Which world, and which rebuilding of it, all else belongs to.
    world: u64,
    /// How many archetypes were looked at.
    seen: usize,
    /// The archetypes that match, by number.
    matching: Vec<usize>,
    /// [`World::columns_version`] when all was found.
    version: [u64; 2],
    found: Found<Q, F>,
    filter: PhantomData<fn() -> F>,
}

// SAFETY: the pointers in it are used through `Query` alone, which borrows the world; what they point to are components,
// which are `Send` and `Sync`.
#[allow(unsafe_code, reason = "a pointer is not `Send` by itself")]
unsafe impl<Q: QueryData, F: QueryFilter> Send for PreparedQuery<Q, F> {}
// SAFETY: as above.
#[allow(unsafe_code, reason = "a pointer is not `Sync` by itself")]
unsafe impl<Q: QueryData, F: QueryFilter> Sync for PreparedQuery<Q, F> {}

impl<Q: QueryData, F: QueryFilter> PreparedQuery<Q, F> {
    /// Remembers nothing yet.
    pub const fn new() -> Self {
        Self {
            world: 0,
            seen: 0,
            matching: Vec::new(),
            version: [0; 2],
            found: Found::nothing(),
            filter: PhantomData,
        }
    }

    /// What it reads, writes and passes over.
    pub fn access() -> Access {
        Access::of(Self::add_access)
    }

    fn add_access(access: &mut Access) {
        Q::add_access(access);
        F::add_access(access);
    }

    /// Goes through `world`, which it has to itself.
    ///
    /// # Panics
    /// When the query uses a component twice in a way that can't be; the message names it.
    #[inline]
    #[allow(unsafe_code, reason = "columns are used without a borrow of each")]
    pub fn query<'w>(&'w mut self, world: &'w mut World) -> Query<'w, Q, F> {
        world.before_query(Self::add_access);
        // SAFETY: the world is borrowed exclusively for as long as the query lives.
        unsafe { self.query_unchecked(world) }
    }

    /// Goes through `world`, which others may use meanwhile.
    ///
    /// # Safety
    /// While the query lives, nobody changes the structure of the world, inserts or removes a sparse component, writes what
    /// [`PreparedQuery::access`] says is read, or touches what it says is written.
    ///
    /// # Panics
    /// As [`PreparedQuery::query`].
    #[inline]
    #[allow(unsafe_code, reason = "columns are used without a borrow of each")]
    pub unsafe fn query_unchecked<'w>(&'w mut self, world: &'w World) -> Query<'w, Q, F> {
        // SAFETY: the caller keeps the rules of both.
        unsafe { self.query_in(world, world.change_window()) }
    }

    /// [`PreparedQuery::query_unchecked`], for one who sees and makes changes in `window`.
    ///
    /// # Safety
    /// As of [`PreparedQuery::query_unchecked`].
    ///
    /// # Panics
    /// As [`PreparedQuery::query`].
    #[inline]
    #[allow(unsafe_code, reason = "columns are used without a borrow of each")]
    pub unsafe fn query_in<'w>(&'w mut self, world: &'w World, window: ChangeWindow) -> Query<'w, Q, F> {
        if self.world != world.incarnation() || self.version != world.columns_version() {
            self.find(world);
        }
        self.found.begin(world, window);
        Query { world, found: &self.found }
    }

    #[cold]
    fn find(&mut self, world: &World) {
        if self.world != world.incarnation() {
            Access::assert_no_conflict(Self::add_access);
            *self = Self { world: world.incarnation(), ..Self::new() };
        }
        self.match_new(world);
        let Self { matching, found, version, .. } = self;
        if version[0] != world.columns_version()[0] {
            // Dropped where they are: what they borrowed is not the same any more, and moving them would use it.
            found.places = OnceLock::new();
        }
        found.parts.clear();
        found.find_sets(world);
        let mut table = world.column_table();
        let mut archetypes = world.inner().archetypes();
        let mut next = 0;
        for index in matching {
            let Some(archetype) = archetypes.nth(*index - next) else { break };
            next = *index + 1;
            let rows = archetype.len() as usize;
            let raw = (rows > 0).then(|| Q::find(&mut table.columns(world, Some((*index, archetype)))));
            found.part_of[*index] = match raw.flatten() {
                Some(raw) => {
                    found.parts.push(Part { raw, filter: F::find(world, Some(archetype)), rows });
                    found.parts.len() as u32 - 1
                }
                None => NOWHERE,
            };
        }
        drop(table);
        self.version = world.columns_version();
    }

    fn match_new(&mut self, world: &World) {
        let archetypes = world.inner().archetypes();
        let known = archetypes.len();
        // A loop, as in `QueryBorrow::new`.
        for (index, archetype) in archetypes.enumerate().skip(self.seen) {
            if Q::matches(archetype) && F::passes(archetype) {
                self.matching.push(index);
            }
        }
        self.seen = known;
        self.found.part_of.resize(known, NOWHERE);
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
    found: &'w Found<Q, F>,
}

// SAFETY: what is handed out are references to components, which are `Send` and `Sync`.
#[allow(unsafe_code, reason = "a pointer is not `Send` by itself")]
unsafe impl<Q: QueryData, F: QueryFilter> Send for Query<'_, Q, F> {}
// SAFETY: as above; by a shared one components are read alone.
#[allow(unsafe_code, reason = "a pointer is not `Sync` by itself")]
unsafe impl<Q: QueryData, F: QueryFilter> Sync for Query<'_, Q, F> {}

// What follows relies on `query_unchecked`, whose caller vouches for columns and sets for as long as a `Query` lives; and on
// the borrow of `self`, so that no row is handed out twice in a way that excludes itself.
impl<Q: QueryData, F: QueryFilter> Query<'_, Q, F> {
    /// All matching entities, to be read: archetype by archetype, or in the order of a sparse set.
    #[inline]
    #[allow(unsafe_code, reason = "rows are read by pointers")]
    pub fn iter(&self) -> QueryIter<'_, Q, F>
    where
        Q: ReadOnlyQueryData,
    {
        // SAFETY: see above; items that only read may be handed out any number of times.
        unsafe { self.found.iter(self.world) }
    }

    /// All matching entities: archetype by archetype, or in the order of a sparse set.
    #[inline]
    #[allow(unsafe_code, reason = "rows are read by pointers")]
    pub fn iter_mut(&mut self) -> QueryIter<'_, Q, F> {
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

    /// All matching entities in pieces of up to so many rows of one archetype, which several threads may take at the same
    /// time: no two have an entity in common.
    #[allow(unsafe_code, reason = "rows are read by pointers")]
    pub fn pieces(&mut self, rows: usize) -> QueryPieces<'_, Q, F> {
        // SAFETY: see above.
        unsafe { QueryPieces::new(self.found, rows) }
    }

    /// What is asked of `entity`, to be read.
    ///
    /// # Errors
    /// As [`Query::get_mut`].
    #[inline]
    #[allow(unsafe_code, reason = "rows are read by pointers")]
    pub fn get(&self, entity: Entity) -> Result<<Q::ReadOnly as QueryData>::Item<'_>, EcsError> {
        // SAFETY: see above; `self` is borrowed for as long as the item lives, so none that writes is handed out.
        let found = unsafe {
            self.found.place(self.world, entity).and_then(|(part, row)| {
                let accepted = F::accepts(part.filter, row);
                if accepted { Q::ReadOnly::try_fetch(Q::read_only(part.raw), row) } else { None }
            })
        };
        found.ok_or_else(|| self.passed_over(entity))
    }

    /// What is asked of `entity`.
    ///
    /// # Errors
    /// [`EcsError::NoSuchEntity`] when it does not live, [`EcsError::MissingComponent`] or [`EcsError::NotInQuery`] when
    /// the query passes it over.
    #[inline]
    #[allow(unsafe_code, reason = "rows are read by pointers")]
    pub fn get_mut(&mut self, entity: Entity) -> Result<Q::Item<'_>, EcsError> {
        // SAFETY: see above.
        let found =
            unsafe { self.found.place(self.world, entity).and_then(|(part, row)| part.try_fetch(row)) };
        found.ok_or_else(|| self.passed_over(entity))
    }

    /// Whether `entity` lives and matches.
    #[inline]
    pub fn contains(&self, entity: Entity) -> bool {
        self.get(entity).is_ok()
    }

    /// How many entities match.
    #[inline]
    pub fn count(&self) -> usize {
        if Found::<Q, F>::ASKS_EACH { self.read_only().count() } else { self.found.rows() }
    }

    /// How many rows are gone through: as many as [`Query::count`] says, or more where sparse components or filters decide
    /// on each. It takes no look at them.
    #[inline]
    pub fn rows(&self) -> usize {
        self.found.rows()
    }

    /// Whether no entity matches.
    #[inline]
    pub fn is_empty(&self) -> bool {
        if Found::<Q, F>::ASKS_EACH { self.read_only().next().is_none() } else { self.found.parts.is_empty() }
    }

    /// The only match; `None` when there is none or more than one.
    pub fn single_mut(&mut self) -> Option<Q::Item<'_>> {
        if self.count() == 1 { self.iter_mut().next() } else { None }
    }

    /// The only match, to be read; `None` when there is none or more than one.
    #[inline]
    pub fn single(&self) -> Option<<Q::ReadOnly as QueryData>::Item<'_>> {
        let mut items = self.read_only();
        let first = items.next();
        if items.next().is_none() { first } else { None }
    }

    /// The matching entities' ids, archetype by archetype.
    #[allow(unsafe_code, reason = "rows are read by pointers")]
    pub fn entities(&self) -> Vec<Entity> {
        let archetypes = self.world.inner().archetypes().zip(&self.found.part_of);
        let generations = self.world.generations();
        let mut entities = Vec::new();
        for (archetype, part) in archetypes {
            let Some(part) = self.found.parts.get(*part as usize) else { continue };
            let rows = archetype.ids().iter().enumerate();
            let matching = rows.filter(|(row, _)| {
                // SAFETY: see `get`.
                unsafe {
                    F::accepts(part.filter, *row)
                        && Q::ReadOnly::try_fetch(Q::read_only(part.raw), *row).is_some()
                }
            });
            entities.extend(matching.map(|(_, id)| super::entity_of_row(generations, *id)));
        }
        entities
    }

    /// All items, to be read.
    #[inline]
    #[allow(unsafe_code, reason = "rows are read by pointers")]
    fn read_only(&self) -> impl Iterator<Item = <Q::ReadOnly as QueryData>::Item<'_>> {
        self.found.parts.iter().flat_map(|part| {
            (0..part.rows).filter_map(|row| {
                // SAFETY: see `get`.
                unsafe {
                    let accepted = F::accepts(part.filter, row);
                    if accepted { Q::ReadOnly::try_fetch(Q::read_only(part.raw), row) } else { None }
                }
            })
        })
    }

    #[cold]
    fn passed_over(&self, entity: Entity) -> EcsError {
        if let Err(error) = self.world.check_alive(entity) {
            return error;
        }
        self.world.not_in_query(entity, PreparedQuery::<Q, F>::add_access)
    }
}

impl World {
    /// Why an entity that lives is none of a query's.
    #[cold]
    fn not_in_query(&self, entity: Entity, add_access: fn(&mut Access)) -> EcsError {
        let has = self.components_of(entity).unwrap_or_default();
        match Access::of(add_access).first_missing(|id| has.iter().any(|info| info.id() == id)) {
            Some(component) => EcsError::MissingComponent { entity, component: component.to_owned() },
            None => EcsError::NotInQuery { entity },
        }
    }
}

impl<'q, Q: QueryData, F: QueryFilter> IntoIterator for &'q mut Query<'_, Q, F> {
    type Item = Q::Item<'q>;
    type IntoIter = QueryIter<'q, Q, F>;

    #[inline]
    fn into_iter(self) -> QueryIter<'q, Q, F> {
        self.iter_mut()
    }
}

impl<'q, Q: ReadOnlyQueryData, F: QueryFilter> IntoIterator for &'q Query<'_, Q, F> {
    type Item = Q::Item<'q>;
    type IntoIter = QueryIter<'q, Q, F>;

    #[inline]
    fn into_iter(self) -> QueryIter<'q, Q, F> {
        self.iter()
    }
}
