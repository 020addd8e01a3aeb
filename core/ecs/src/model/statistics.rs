//! How a world is stored.

use crate::model::query::entity_of_row;
use crate::{EcsError, Entity, World};

/// The size of a world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorldStatistics {
    /// How many entities live.
    pub entities: usize,
    /// The archetypes in the order in which they came to be; empty ones too.
    pub archetypes: Vec<ArchetypeStatistics>,
    /// The components that lie in sets of their own, in the order of their ids.
    pub sparse: Vec<SparseStatistics>,
    /// How many resources there are.
    pub resources: usize,
    /// How many events wait, of all types.
    pub events: usize,
}

/// The size of one archetype: the entities with exactly these components.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchetypeStatistics {
    /// The components' names, sorted.
    pub components: Vec<String>,
    /// How many entities have them.
    pub entities: usize,
    /// The bytes of one entity's components in their columns, what they own on the heap not counted.
    pub bytes_per_entity: usize,
}

/// The size of one sparse component's set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SparseStatistics {
    /// The component's name.
    pub component: String,
    /// How many entities have it.
    pub entities: usize,
    /// The bytes of one value, what it owns on the heap not counted.
    pub bytes_per_entity: usize,
}

impl WorldStatistics {
    /// The bytes of all components in their columns and sets.
    pub fn bytes(&self) -> usize {
        let columns = self.archetypes.iter().map(|archetype| archetype.entities * archetype.bytes_per_entity);
        let sparse = self.sparse.iter().map(|set| set.entities * set.bytes_per_entity);
        columns.chain(sparse).sum()
    }
}

impl World {
    /// Counts what is in the world.
    pub fn statistics(&self) -> WorldStatistics {
        WorldStatistics {
            entities: self.len(),
            archetypes: self
                .entities
                .archetypes()
                .map(|archetype| self.archetype_statistics(archetype))
                .collect(),
            sparse: self.sparse_statistics(),
            resources: self.resources.len(),
            events: self.events.values().map(|store| store.try_borrow().map_or(0, |store| store.len())).sum(),
        }
    }

    /// The bytes of all components in their columns and sets, what they own on the heap not counted.
    pub(crate) fn component_bytes(&self) -> usize {
        let bytes_of = |archetype: &hecs::Archetype| {
            let types = archetype.component_types().filter_map(|id| self.types.of_rust(id));
            archetype.len() as usize * types.map(|info| info.fingerprint().size).sum::<usize>()
        };
        let columns: usize = self.entities.archetypes().map(bytes_of).sum();
        columns
            + self.sparse_statistics().iter().map(|set| set.entities * set.bytes_per_entity).sum::<usize>()
    }

    /// The entities of the archetype at place `index`, in the order of their rows.
    ///
    /// # Errors
    /// [`EcsError::NoSuchArchetype`]
    pub fn archetype_entities(&self, index: usize) -> Result<Vec<Entity>, EcsError> {
        let mut archetypes = self.entities.archetypes();
        let count = archetypes.len();
        let archetype = archetypes.nth(index).ok_or(EcsError::NoSuchArchetype { index, count })?;
        Ok(archetype.ids().iter().map(|id| entity_of_row(self.generations(), *id)).collect())
    }

    /// The place of the archetype that `entity` is in.
    ///
    /// # Errors
    /// [`EcsError::NoSuchEntity`]
    pub fn archetype_of(&self, entity: Entity) -> Result<usize, EcsError> {
        let found = self.entity_ref(entity)?;
        let position = self.entities.archetypes().position(|archetype| {
            archetype.component_types().len() == found.len()
                && archetype.component_types().eq(found.component_types())
        });
        position.ok_or(EcsError::NoSuchEntity { entity })
    }

    /// How many values there are: components, resources, and queues of events.
    pub fn value_count(&self) -> usize {
        let components = self.entities.archetypes();
        let components =
            components.map(|archetype| archetype.len() as usize * archetype.component_types().len());
        let sparse = self.sparse.iter().map(|(_, cell)| cell.entities().len());
        components.chain(sparse).sum::<usize>() + self.resources.len() + self.events.len()
    }

    /// How many archetypes there are, empty ones too.
    pub fn archetype_count(&self) -> usize {
        self.entities.archetypes().len()
    }

    /// Ids that are free, in the order in which they are given out again.
    pub fn free_ids(&self) -> Vec<Entity> {
        let mut free: Vec<_> = self.entities.freelist().map(Entity::wrap).collect();
        free.reverse();
        free
    }

    fn sparse_statistics(&self) -> Vec<SparseStatistics> {
        let sets = self.sparse.iter().filter_map(|(id, cell)| Some((self.types.get(id)?, cell)));
        let statistics = sets.map(|(info, cell)| SparseStatistics {
            component: info.name().to_owned(),
            entities: cell.entities().len(),
            bytes_per_entity: info.fingerprint().size,
        });
        statistics.collect()
    }

    fn archetype_statistics(&self, archetype: &hecs::Archetype) -> ArchetypeStatistics {
        let types: Vec<_> = archetype.component_types().filter_map(|id| self.types.of_rust(id)).collect();
        let mut components: Vec<_> = types.iter().map(|info| info.name().to_owned()).collect();
        components.sort();
        ArchetypeStatistics {
            components,
            entities: archetype.len() as usize,
            bytes_per_entity: types.iter().map(|info| info.fingerprint().size).sum(),
        }
    }
}
