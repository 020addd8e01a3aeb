//! Queries as parameters.

use keel_ecs::{Access, Entity, QueryBorrow, QueryData, QueryFilter};

use super::{ParamUses, SystemContext, SystemParam, sealed, short_name};

/// All entities that have what `D` names and pass `F`.
pub struct Query<'a, D: QueryData, F: QueryFilter = ()> {
    borrow: QueryBorrow<'a, D, F>,
}

impl<D: QueryData, F: QueryFilter> Query<'_, D, F> {
    /// All matching entities, archetype by archetype.
    #[inline]
    pub fn iter_mut(&mut self) -> impl Iterator<Item = D::Item<'_>> {
        self.borrow.iter()
    }

    /// Calls `visit` for all matching entities; the fastest way to go through many.
    #[inline]
    pub fn for_each(&mut self, visit: impl FnMut(D::Item<'_>)) {
        self.borrow.for_each(visit);
    }

    /// How many entities match.
    pub fn count(&mut self) -> usize {
        self.borrow.count()
    }

    /// Whether no entity matches.
    pub fn is_empty(&mut self) -> bool {
        self.borrow.is_empty()
    }

    /// The only match; `None` when there is none or more than one.
    pub fn single_mut(&mut self) -> Option<D::Item<'_>> {
        self.borrow.single()
    }

    /// The matching entities' ids.
    pub fn entities(&self) -> Vec<Entity> {
        self.borrow.entities()
    }
}

impl<'q, D: QueryData, F: QueryFilter> IntoIterator for &'q mut Query<'_, D, F> {
    type Item = D::Item<'q>;
    type IntoIter = Box<dyn Iterator<Item = D::Item<'q>> + 'q>;

    fn into_iter(self) -> Self::IntoIter {
        Box::new(self.borrow.iter())
    }
}

impl<D: QueryData, F: QueryFilter> sealed::Sealed for Query<'_, D, F> {}

impl<D: QueryData + 'static, F: QueryFilter + 'static> SystemParam for Query<'_, D, F> {
    type State = ();
    type Item<'a> = Query<'a, D, F>;

    fn state() {}

    fn declare(uses: &mut ParamUses) {
        let mut access = Access::new();
        D::add_access(&mut access);
        F::add_access(&mut access);
        let (data, filter) = (short_name::<D>(), short_name::<F>());
        let filter = if filter == "()" { String::new() } else { format!(", {filter}") };
        uses.add(format!("Query<{data}{filter}>"), access);
    }

    fn fetch<'a>((): &'a mut (), context: &SystemContext<'a>) -> Result<Query<'a, D, F>, String> {
        Ok(Query { borrow: context.world.query_filtered() })
    }
}
