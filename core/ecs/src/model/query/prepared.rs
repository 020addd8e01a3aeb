//! Queries that are asked again and again.

use std::marker::PhantomData;

use crate::{QueryBorrow, QueryData, QueryFilter, World};

/// A query that remembers which archetypes match, so that asking again only looks at archetypes that are new.
pub struct PreparedQuery<Q, F = ()> {
    /// Which world, and which rebuilding of it, the indices belong to.
    world: u64,
    seen: usize,
    matching: Vec<usize>,
    query: PhantomData<fn() -> (Q, F)>,
}

impl<Q: QueryData, F: QueryFilter> PreparedQuery<Q, F> {
    /// Remembers nothing yet.
    pub fn new() -> Self {
        Self { world: 0, seen: 0, matching: Vec::new(), query: PhantomData }
    }

    /// Borrows the columns of `world`.
    pub fn query<'w>(&mut self, world: &'w World) -> QueryBorrow<'w, Q, F> {
        if self.world != world.incarnation() {
            *self = Self { world: world.incarnation(), ..Self::new() };
        }
        let archetypes = world.inner().archetypes();
        let known = archetypes.len();
        let new = archetypes.enumerate().skip(self.seen);
        self.matching.extend(
            new.filter(|(_, archetype)| Q::matches(archetype) && F::passes(archetype))
                .map(|(index, _)| index),
        );
        self.seen = known;
        let mut archetypes = world.inner().archetypes();
        let mut next = 0;
        let matching = self.matching.iter().filter_map(|index| {
            let archetype = archetypes.nth(index - next);
            next = index + 1;
            archetype
        });
        QueryBorrow::new(world, matching.filter(|archetype| !archetype.is_empty()))
    }
}

impl<Q: QueryData, F: QueryFilter> Default for PreparedQuery<Q, F> {
    fn default() -> Self {
        Self::new()
    }
}
