//! The hash of a world: equal worlds have equal hashes, whatever the order in which they were built.

use std::collections::BTreeMap;

use keel_core_types::ComponentId;
use keel_state::{TypeSchema, Value};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::model::operations::Operations;
use crate::model::query::entity_of_row;
use crate::{EcsError, ModelTypeInfo, World};

impl World {
    /// A hash of every entity's id and generation, every component, resource and queued event. Values whose types nobody
    /// has registered count as if somebody had.
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
        Ok(self.sums()?.into_values().fold(0, u64::wrapping_add))
    }

    /// [`World::hash`] in parts that add up to it, wrapping: one for each component, resource and event by its declared
    /// name, and `entities` for which ids live. What nobody has registered goes by the number of its id.
    ///
    /// # Errors
    /// As [`World::hash`].
    ///
    /// # Panics
    /// As [`World::hash`].
    pub fn hash_parts(&self) -> Result<BTreeMap<String, u64>, EcsError> {
        let name = |kind: u64| match self.types.iter().find(|info| info.id().bits() == kind) {
            Some(info) => info.name().to_owned(),
            None if kind == ENTITIES => "entities".to_owned(),
            None => format!("{kind:016x}"),
        };
        Ok(self.sums()?.into_iter().map(|(kind, sum)| (name(kind), sum)).collect())
    }

    /// The sum of the hashes of all values of each kind.
    fn sums(&self) -> Result<BTreeMap<u64, u64>, EcsError> {
        let mut sum = Sum::default();
        for archetype in self.entities.archetypes() {
            let entities: Vec<u64> =
                archetype.ids().iter().map(|id| entity_of_row(self.generations(), *id).bits()).collect();
            entities.iter().for_each(|entity| sum.add(*entity, ENTITIES, &[]));
            for info in archetype.component_types().filter_map(|id| self.types.of_rust(id)) {
                if let Some(operations) = info.typed_operations() {
                    (operations.visit_column)(archetype, &mut |row, bytes| {
                        sum.add_value(entities[row], info, bytes);
                    })?;
                }
            }
        }
        for (id, cell) in self.sparse.iter() {
            if let Some(info) = self.types.get(id) {
                cell.read().set().visit(&mut |entity, bytes| sum.add_value(entity.bits(), info, bytes))?;
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
        let mut counters = Vec::new();
        self.unknown.visit(
            &mut |kept| {
                if kept.entity.is_none_or(|entity| self.contains(entity)) {
                    sum.add_encoded(
                        kept.owner,
                        kept.kind,
                        kept.schema,
                        kept.schema.is_unordered(),
                        kept.bytes,
                    );
                }
            },
            &mut |kind, header| counters.push((kind, header)),
        )?;
        for (kind, header) in counters.into_iter().filter(|(_, header)| header.first + header.count > 0) {
            sum.add(header.first + header.count, kind.bits(), &header.step_start.to_le_bytes());
        }
        sum.begin(ENTITIES);
        Ok(sum.sums)
    }
}

/// The kind of what is of no type: that an entity lives.
const ENTITIES: u64 = 0;

/// Adds up by kind. Values of one kind mostly come one after the other.
#[derive(Default)]
struct Sum {
    sums: BTreeMap<u64, u64>,
    kind: u64,
    /// Of that kind, since it began.
    sum: u64,
}

impl Sum {
    fn add_value(&mut self, owner: u64, info: &ModelTypeInfo, bytes: &[u8]) {
        self.add_encoded(owner, info.id(), &info.schema, info.is_unordered, bytes);
    }

    fn add_encoded(
        &mut self,
        owner: u64,
        kind: ComponentId,
        schema: &TypeSchema,
        is_unordered: bool,
        bytes: &[u8],
    ) {
        let ordered = if is_unordered { Value::decode(schema, &mut &*bytes).ok() } else { None };
        match ordered {
            Some(value) => self.add(owner, kind.bits(), format!("{value:?}").as_bytes()),
            None => self.add(owner, kind.bits(), bytes),
        }
    }

    fn add(&mut self, owner: u64, kind: u64, bytes: &[u8]) {
        if kind != self.kind {
            self.begin(kind);
        }
        let seed = owner.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ kind;
        self.sum = self.sum.wrapping_add(xxh3_64_with_seed(bytes, seed));
    }

    fn begin(&mut self, kind: u64) {
        let sum = std::mem::take(&mut self.sum);
        if sum != 0 {
            let of_kind = self.sums.entry(self.kind).or_default();
            *of_kind = of_kind.wrapping_add(sum);
        }
        self.kind = kind;
    }
}
