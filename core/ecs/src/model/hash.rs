//! The hash of a world: equal worlds have equal hashes, whatever the order in which they were built.

use keel_state::Value;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::model::component::Operations;
use crate::model::query::entity_of_row;
use crate::{EcsError, ModelTypeInfo, World};

impl World {
    /// A hash of every entity's id and generation, every component, resource and queued event.
    ///
    /// Each value is hashed with XXH3, seeded with what it belongs to, and the hashes are added up: the sum does not
    /// depend on the order of archetypes and rows, and changing any one value changes it. Hashed maps and sets are
    /// put in order first; inside an `opaque` field they can't be.
    ///
    /// # Errors
    /// [`EcsError::State`] when a type's `Serialize` fails, [`EcsError::InUse`] while a resource is written.
    ///
    /// # Panics
    /// When a living query writes a component; the message names it.
    pub fn hash(&self) -> Result<u64, EcsError> {
        let mut sum = Sum::default();
        for archetype in self.entities.archetypes() {
            let entities: Vec<u64> =
                archetype.ids().iter().map(|id| entity_of_row(self.generations(), *id).bits()).collect();
            entities.iter().for_each(|entity| sum.add(*entity, 0, &[]));
            for info in archetype.component_types().filter_map(|id| self.types.of_rust(id)) {
                if let Some(operations) = info.component_operations() {
                    (operations.visit_column)(archetype, &mut |row, bytes| {
                        sum.add_value(entities[row], info, bytes);
                    })?;
                }
            }
        }
        let mut bytes = Vec::new();
        for info in self.resources.ids().filter_map(|id| self.types.get(id)) {
            if let Operations::Resource(operations) = &info.operations {
                bytes.clear();
                (operations.save)(&**self.resources.borrow(info.id(), info.name())?, &mut bytes)?;
                sum.add_value(0, info, &bytes);
            }
        }
        for info in self.events.keys().filter_map(|id| self.types.get(*id)) {
            let queue = self.event_queue(info)?;
            let [sent, step_start] = queue.counters();
            if sent > 0 {
                sum.add(sent, info.id().bits(), &step_start.to_le_bytes());
            }
            queue.visit(queue.kept_from(), usize::MAX, &mut |number, bytes| {
                sum.add_value(number, info, bytes)
            })?;
        }
        Ok(sum.0)
    }
}

#[derive(Default)]
struct Sum(u64);

impl Sum {
    fn add_value(&mut self, owner: u64, info: &ModelTypeInfo, bytes: &[u8]) {
        let ordered = match info.is_unordered {
            true => Value::decode(&info.schema, &mut &*bytes).ok(),
            false => None,
        };
        match ordered {
            Some(value) => self.add(owner, info.id().bits(), format!("{value:?}").as_bytes()),
            None => self.add(owner, info.id().bits(), bytes),
        }
    }

    fn add(&mut self, owner: u64, kind: u64, bytes: &[u8]) {
        let seed = owner.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ kind;
        self.0 = self.0.wrapping_add(xxh3_64_with_seed(bytes, seed));
    }
}
