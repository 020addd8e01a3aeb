//! How a world is stored.

use keel::ecs::{
    ArchetypeStatistics, EcsError, Entity, QueryTerms, StorageView, TypeSummary, World, WorldDifference,
    WorldSnapshot, WorldStatistics,
};
use keel::state::SavedValue;

use crate::Ecs;

impl StorageView for Ecs {
    fn statistics(&self, world: &World) -> WorldStatistics {
        world.statistics()
    }

    fn bytes(&self, world: &World) -> usize {
        world.statistics().bytes()
    }

    fn bytes_of(&self, world: &World, name: &str) -> Result<usize, EcsError> {
        let size = world.component_named(name)?.fingerprint().size;
        Ok(size * world.count_matching(&QueryTerms::new().with(name))?)
    }

    fn saved_bytes(&self, world: &World) -> Result<usize, EcsError> {
        let mut snapshot = WorldSnapshot::new();
        world.save(&mut snapshot)?;
        Ok(snapshot.bytes())
    }

    fn type_table(&self, world: &World) -> Vec<TypeSummary> {
        world.type_summaries()
    }

    fn archetype_count(&self, world: &World) -> usize {
        world.archetype_count()
    }

    fn archetypes(&self, world: &World) -> Vec<ArchetypeStatistics> {
        world.statistics().archetypes
    }

    fn archetype(&self, world: &World, index: usize) -> Result<ArchetypeStatistics, EcsError> {
        let mut archetypes = self.archetypes(world);
        let count = archetypes.len();
        match index < count {
            true => Ok(archetypes.swap_remove(index)),
            false => Err(EcsError::NoSuchArchetype { index, count }),
        }
    }

    fn archetype_of(&self, world: &World, entity: Entity) -> Result<usize, EcsError> {
        world.archetype_of(entity)
    }

    fn archetypes_matching(&self, world: &World, terms: &QueryTerms) -> Result<Vec<usize>, EcsError> {
        world.matching(terms)
    }

    fn empty_archetypes(&self, world: &World) -> Vec<usize> {
        let archetypes = self.archetypes(world).into_iter().enumerate();
        archetypes.filter(|(_, archetype)| archetype.entities == 0).map(|(index, _)| index).collect()
    }

    fn entities_in(&self, world: &World, index: usize) -> Result<Vec<Entity>, EcsError> {
        world.archetype_entities(index)
    }

    fn columns(&self, world: &World, index: usize) -> Result<Vec<String>, EcsError> {
        Ok(self.archetype(world, index)?.components)
    }

    fn column(&self, world: &World, index: usize, name: &str) -> Result<Vec<SavedValue>, EcsError> {
        world.component_named(name)?;
        world.archetype_entities(index)?.into_iter().map(|entity| world.value(entity, name)).collect()
    }

    fn free_ids(&self, world: &World) -> Vec<Entity> {
        world.free_ids()
    }

    fn ids(&self, world: &World) -> usize {
        world.len() + world.free_ids().len()
    }

    fn compare(&self, before: &World, after: &World) -> Result<Vec<WorldDifference>, EcsError> {
        before.compare(after)
    }

    fn rebuild(&self, world: &mut World) -> Result<(), EcsError> {
        world.rebuild()
    }

    fn compact(&self, world: &mut World) -> Result<usize, EcsError> {
        world.compact()
    }
}
