//! How a world is stored.

use crate::World;

/// The size of a world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorldStatistics {
    /// How many entities live.
    pub entities: usize,
    /// The archetypes in the order in which they came to be; empty ones too.
    pub archetypes: Vec<ArchetypeStatistics>,
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

impl WorldStatistics {
    /// The bytes of all components in their columns.
    pub fn bytes(&self) -> usize {
        self.archetypes.iter().map(|archetype| archetype.entities * archetype.bytes_per_entity).sum()
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
            resources: self.resources.len(),
            events: self.events.values().map(|store| store.borrow().len()).sum(),
        }
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
