//! Queries by name.

use keel_core_types::View;
use keel_module_macros::view;
use keel_state::{SavedValue, Value};

use crate::{EcsError, Entity, PreparedTerms, QueryRow, QueryTerms, World};

/// One match for people to read.
#[derive(Clone, Debug, PartialEq)]
pub struct ShownRow {
    /// The entity.
    pub entity: Entity,
    /// What [`QueryTerms::columns`] names, in that order; `None` where the entity lacks an optional component.
    pub components: Vec<Option<Value>>,
}

/// Asks for entities by the names of their components.
///
/// Every call that takes terms fails with [`EcsError::NotRegistered`] or [`EcsError::WrongKind`] for a name that is
/// no component's. The calls below name what else may go wrong.
#[view(crate = keel_ecs, name = "keel.QueryView")]
pub trait QueryView: View {
    /// Reads a query from text: `Name`, `!Name` for without, `?Name` for optional, `(A|B)` for one or the other.
    ///
    /// # Errors
    /// [`EcsError::QueryText`]
    fn parse(&self, text: &str) -> Result<QueryTerms, EcsError>;

    /// Whether the world knows all that is asked for.
    ///
    /// # Errors
    /// See [`QueryView`].
    fn check(&self, world: &World, terms: &QueryTerms) -> Result<(), EcsError>;

    /// The matching entities, archetype by archetype.
    ///
    /// # Errors
    /// See [`QueryView`].
    fn entities(&self, world: &World, terms: &QueryTerms) -> Result<Vec<Entity>, EcsError>;

    /// How many entities match.
    ///
    /// # Errors
    /// See [`QueryView`].
    fn count(&self, world: &World, terms: &QueryTerms) -> Result<usize, EcsError>;

    /// Whether no entity matches.
    ///
    /// # Errors
    /// See [`QueryView`].
    fn is_empty(&self, world: &World, terms: &QueryTerms) -> Result<bool, EcsError>;

    /// The first match.
    ///
    /// # Errors
    /// See [`QueryView`].
    fn first(&self, world: &World, terms: &QueryTerms) -> Result<Option<QueryRow>, EcsError>;

    /// The only match; `None` when there is none or more than one.
    ///
    /// # Errors
    /// See [`QueryView`].
    fn single(&self, world: &World, terms: &QueryTerms) -> Result<Option<QueryRow>, EcsError>;

    /// Whether the entity matches.
    ///
    /// # Errors
    /// [`EcsError::NoSuchEntity`]
    fn matches(&self, world: &World, terms: &QueryTerms, entity: Entity) -> Result<bool, EcsError>;

    /// What the query names of one entity; `None` when it does not match.
    ///
    /// # Errors
    /// [`EcsError::NoSuchEntity`]
    fn row(&self, world: &World, terms: &QueryTerms, entity: Entity) -> Result<Option<QueryRow>, EcsError>;

    /// All matches with copies of the components that the query names.
    ///
    /// # Errors
    /// See [`QueryView`].
    fn rows(&self, world: &World, terms: &QueryTerms) -> Result<Vec<QueryRow>, EcsError>;

    /// At most `count` matches after the first `skip`.
    ///
    /// # Errors
    /// See [`QueryView`].
    fn page(
        &self,
        world: &World,
        terms: &QueryTerms,
        skip: usize,
        count: usize,
    ) -> Result<Vec<QueryRow>, EcsError>;

    /// All matches for people to read.
    ///
    /// # Errors
    /// See [`QueryView`].
    fn values(&self, world: &World, terms: &QueryTerms) -> Result<Vec<ShownRow>, EcsError>;

    /// One component of all matches, in their order.
    ///
    /// # Errors
    /// [`EcsError::MissingComponent`] when a match lacks it: add it to the terms.
    fn column(&self, world: &World, terms: &QueryTerms, name: &str) -> Result<Vec<SavedValue>, EcsError>;

    /// Calls `visit` with each match until it returns false; how many were visited.
    ///
    /// # Errors
    /// See [`QueryView`].
    fn visit(
        &self,
        world: &World,
        terms: &QueryTerms,
        visit: &mut dyn FnMut(&QueryRow) -> bool,
    ) -> Result<usize, EcsError>;

    /// A query that remembers which archetypes match. Plain data: it may be kept across a swap.
    ///
    /// # Errors
    /// See [`QueryView`].
    fn prepare(&self, world: &World, terms: &QueryTerms) -> Result<PreparedTerms, EcsError>;

    /// The matches of a prepared query; only archetypes that are new are looked at.
    ///
    /// # Errors
    /// See [`QueryView`].
    fn entities_prepared(&self, world: &World, query: &mut PreparedTerms) -> Result<Vec<Entity>, EcsError>;

    /// How many entities match a prepared query.
    ///
    /// # Errors
    /// See [`QueryView`].
    fn count_prepared(&self, world: &World, query: &mut PreparedTerms) -> Result<usize, EcsError>;
}
