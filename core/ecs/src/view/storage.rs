//! How a world is stored.

use keel_core_types::View;
use keel_module_macros::view;
use keel_state::SavedValue;

use crate::{
    ArchetypeStatistics, EcsError, Entity, QueryTerms, TypeSummary, World, WorldDifference, WorldStatistics,
};

/// Looks into the storage of a world, and puts it in order.
///
/// Every call that takes the place of an archetype fails with [`EcsError::NoSuchArchetype`] where there is none,
/// every call that takes a component's name with [`EcsError::NotRegistered`] or [`EcsError::WrongKind`]. The calls
/// below name what else may go wrong.
#[view(crate = keel_ecs, name = "keel.StorageView")]
pub trait StorageView: View {
    /// Counts what is in the world.
    fn statistics(&self, world: &World) -> WorldStatistics;

    /// The bytes of all components in their columns, what they own on the heap not counted.
    fn bytes(&self, world: &World) -> usize;

    /// The bytes of one component in all its columns.
    ///
    /// # Errors
    /// See [`StorageView`].
    fn bytes_of(&self, world: &World, name: &str) -> Result<usize, EcsError>;

    /// The size of the world's snapshot in bytes.
    ///
    /// # Errors
    /// [`EcsError::State`], [`EcsError::InUse`].
    fn saved_bytes(&self, world: &World) -> Result<usize, EcsError>;

    /// All types that the world knows, sorted by name, with their layouts.
    fn type_table(&self, world: &World) -> Vec<TypeSummary>;

    /// How many archetypes there are, empty ones too.
    fn archetype_count(&self, world: &World) -> usize;

    /// The archetypes in the order in which queries meet them.
    fn archetypes(&self, world: &World) -> Vec<ArchetypeStatistics>;

    /// One archetype.
    ///
    /// # Errors
    /// See [`StorageView`].
    fn archetype(&self, world: &World, index: usize) -> Result<ArchetypeStatistics, EcsError>;

    /// The place of the archetype that an entity is in.
    ///
    /// # Errors
    /// [`EcsError::NoSuchEntity`]
    fn archetype_of(&self, world: &World, entity: Entity) -> Result<usize, EcsError>;

    /// The places of the archetypes that match a query.
    ///
    /// # Errors
    /// See [`StorageView`].
    fn archetypes_matching(&self, world: &World, terms: &QueryTerms) -> Result<Vec<usize>, EcsError>;

    /// The places of the archetypes that have no entities.
    fn empty_archetypes(&self, world: &World) -> Vec<usize>;

    /// The entities of one archetype, in the order of their rows.
    ///
    /// # Errors
    /// See [`StorageView`].
    fn entities_in(&self, world: &World, index: usize) -> Result<Vec<Entity>, EcsError>;

    /// The names of one archetype's columns, sorted.
    ///
    /// # Errors
    /// See [`StorageView`].
    fn columns(&self, world: &World, index: usize) -> Result<Vec<String>, EcsError>;

    /// One column of one archetype, in the order of its rows.
    ///
    /// # Errors
    /// [`EcsError::MissingComponent`] when the archetype lacks it.
    fn column(&self, world: &World, index: usize, name: &str) -> Result<Vec<SavedValue>, EcsError>;

    /// Ids that are free, in the order in which they are given out again.
    fn free_ids(&self, world: &World) -> Vec<Entity>;

    /// How many ids were given out at some time: those that live and those that are free.
    fn ids(&self, world: &World) -> usize;

    /// Where two worlds differ, value by value.
    ///
    /// # Errors
    /// [`EcsError::State`], [`EcsError::InUse`].
    fn compare(&self, before: &World, after: &World) -> Result<Vec<WorldDifference>, EcsError>;

    /// Makes the world anew in its place, so that no pointer into an older generation of a module is left in it and
    /// its columns take no more memory than they need.
    ///
    /// # Errors
    /// [`EcsError::State`], [`EcsError::InUse`]; the world is then unchanged.
    fn rebuild(&self, world: &mut World) -> Result<(), EcsError>;

    /// [`StorageView::rebuild`], without the archetypes that have no entities; how many went.
    ///
    /// # Errors
    /// As [`StorageView::rebuild`].
    fn compact(&self, world: &mut World) -> Result<usize, EcsError>;
}
