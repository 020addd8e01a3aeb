//! The hash of a world: equal worlds have equal hashes, whatever the order in which they were built.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::model::component::Operations;
use crate::model::query::entity_of_row;
use crate::{EcsError, World};

impl World {
    /// A hash of every entity's id and generation, every component, resource and queued event.
    ///
    /// Each value is hashed with XXH3, seeded with what it belongs to, and the hashes are added up: the sum does not
    /// depend on the order of archetypes and rows, and changing any one value changes it.
    ///
    /// # Errors
    /// [`EcsError::State`] when a component's `Serialize` fails.
    pub fn hash(&self) -> Result<u64, EcsError> {
        let mut sum = Sum::default();
        for archetype in self.entities.archetypes() {
            let entities: Vec<u64> =
                archetype.ids().iter().map(|id| entity_of_row(&self.entities, *id).bits()).collect();
            entities.iter().for_each(|entity| sum.add(*entity, 0, &[]));
            for info in archetype.component_types().filter_map(|id| self.types.of_rust(id)) {
                if let Some(operations) = info.component_operations() {
                    let id = info.id().bits();
                    (operations.visit_column)(archetype, &mut |row, bytes| {
                        sum.add(entities[row], id, bytes)
                    })?;
                }
            }
        }
        let mut bytes = Vec::new();
        for (id, value) in self.resources.iter() {
            if let Some(Operations::Resource(operations)) = self.types.get(id).map(|info| &info.operations) {
                bytes.clear();
                (operations.save)(&**value, &mut bytes)?;
                sum.add(0, id.bits(), &bytes);
            }
        }
        for (id, store) in &self.events {
            store.borrow().visit(&mut |number, bytes| sum.add(number, id.bits(), bytes))?;
        }
        Ok(sum.0)
    }
}

#[derive(Default)]
struct Sum(u64);

impl Sum {
    fn add(&mut self, owner: u64, kind: u64, bytes: &[u8]) {
        let seed = owner.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ kind;
        self.0 = self.0.wrapping_add(xxh3_64_with_seed(bytes, seed));
    }
}
