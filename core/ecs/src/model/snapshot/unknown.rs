//! Values of types that nobody has registered: kept as they are, saved again, and given back when somebody does.

use std::collections::BTreeSet;
use std::sync::Arc;

use atomic_refcell::AtomicRefCell;
use keel_core_types::ComponentId;
use keel_state::{Migration, StateError, TypeSchema, Value, decode};
use serde::{Deserialize, Serialize};

use crate::model::event::{AnyEvents, EMPTY_EVENTS_MAX, QueueHeader};
use crate::model::operations::Operations;
use crate::model::resource::AnyResource;
use crate::model::snapshot::{SavedKind, SavedType, all_read, corrupt};
use crate::model::values::ValueBundle;
use crate::{EcsError, Entity, ModelTypeInfo, World};

/// Values of types that nobody has registered: kept as they are, and saved again.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Unknown {
    types: Vec<UnknownType>,
}

#[derive(Clone, Serialize, Deserialize)]
struct UnknownType {
    saved: SavedType,
    /// For a component: the values of these entities, one after the other, in `bytes`.
    entities: Vec<Entity>,
    bytes: Vec<u8>,
}

impl UnknownType {
    fn is_of(&self, info: &ModelTypeInfo) -> bool {
        self.saved.name == info.name() && self.saved.kind == SavedKind::of(info.kind())
    }
}

impl Unknown {
    pub(super) fn keep(&mut self, saved: &SavedType, entities: &[hecs::Entity], bytes: &[u8]) {
        let known = self.types.iter().position(|kept| kept.saved == *saved);
        let position = known.unwrap_or_else(|| {
            self.types.push(UnknownType { saved: saved.clone(), entities: Vec::new(), bytes: Vec::new() });
            self.types.len() - 1
        });
        let kept = &mut self.types[position];
        if saved.kind != SavedKind::Component {
            // There is one value of each resource, and one queue of each event.
            kept.bytes.clear();
        }
        kept.entities.extend(entities.iter().map(|entity| Entity::wrap(*entity)));
        kept.bytes.extend_from_slice(bytes);
    }
}

/// A value that is kept aside.
pub(crate) struct KeptValue<'k> {
    pub(crate) kind: ComponentId,
    pub(crate) schema: &'k TypeSchema,
    /// The bits of its entity, the number of an event; 0 for a resource.
    pub(crate) owner: u64,
    pub(crate) entity: Option<Entity>,
    pub(crate) bytes: &'k [u8],
}

impl Unknown {
    /// Refuses bytes that are not the values that they should be: nobody decodes them until somebody asks.
    pub(super) fn check(&self) -> Result<(), StateError> {
        let (mut seen, mut events, mut bytes) = (BTreeSet::new(), 0_u64, 0_u64);
        for kept in self.types.iter().filter(|kept| kept.saved.kind != SavedKind::Component) {
            if !seen.insert(kept.saved.id()) {
                return Err(corrupt("a type twice among those that are kept aside"));
            }
            if kept.saved.kind == SavedKind::Event {
                let header: QueueHeader = decode(&mut kept.bytes.as_slice())?;
                events = events.saturating_add(header.count);
                bytes += kept.bytes.len() as u64;
            }
        }
        if events > bytes + EMPTY_EVENTS_MAX {
            return Err(corrupt("more events than there are bytes for"));
        }
        self.visit(&mut |_| {}, &mut |_, _| {})
    }

    /// Shows each value, and the counters of each queue of events.
    pub(crate) fn visit(
        &self,
        value: &mut dyn FnMut(KeptValue<'_>),
        counters: &mut dyn FnMut(ComponentId, QueueHeader),
    ) -> Result<(), StateError> {
        for kept in &self.types {
            let (kind, schema) = (kept.saved.id(), &*kept.saved.schema);
            let mut rest = kept.bytes.as_slice();
            let owners: Vec<_> = match kept.saved.kind {
                SavedKind::Component => kept.entities.iter().map(|entity| entity.bits()).collect(),
                SavedKind::Resource => vec![0],
                SavedKind::Event => {
                    let header: QueueHeader = decode(&mut rest)?;
                    header.check(rest)?;
                    counters(kind, header);
                    (header.first..header.first + header.count).collect()
                }
            };
            for owner in owners {
                let before = rest;
                Value::decode(schema, &mut rest)?;
                let is_component = kept.saved.kind == SavedKind::Component;
                let entity = Entity::from_bits(owner).filter(|_| is_component);
                let bytes = &before[..before.len() - rest.len()];
                value(KeptValue { kind, schema, owner, entity, bytes });
            }
            all_read(rest)?;
        }
        Ok(())
    }
}

impl World {
    /// The names of the types whose values a snapshot held, and that nobody has registered.
    pub fn kept_types(&self) -> impl Iterator<Item = &str> {
        self.unknown.types.iter().map(|kept| kept.saved.name.as_str())
    }

    /// The values that were kept aside for this type, as its own; nothing is changed yet.
    pub(crate) fn plan_adoption(
        &self,
        info: &ModelTypeInfo,
        accept_loss: bool,
    ) -> Result<Vec<Adopted>, EcsError> {
        let kept = self.unknown.types.iter().filter(|kept| kept.is_of(info));
        kept.map(|kept| Adopted::new(kept, info, accept_loss)).collect()
    }

    /// The values of a component as those of `info`, which takes its place; nothing is changed yet.
    pub(crate) fn plan_taking_over(
        &self,
        known: &ModelTypeInfo,
        info: &ModelTypeInfo,
        accept_loss: bool,
    ) -> Result<Adopted, EcsError> {
        let mut kept = UnknownType { saved: SavedType::of(known), entities: Vec::new(), bytes: Vec::new() };
        if let Some(cell) = self.sparse.cell(known.id()) {
            let guard = cell.read();
            kept.entities.extend_from_slice(guard.set().entities());
            guard.set().save(&mut kept.bytes)?;
        }
        Adopted::new(&kept, info, accept_loss)
    }

    /// Gives the values that were kept aside for this type back to their entities. What came in the meantime stays.
    pub(crate) fn adopt(&mut self, info: &ModelTypeInfo, adopted: Vec<Adopted>) -> Result<(), EcsError> {
        if adopted.is_empty() {
            return Ok(());
        }
        self.structure_changed();
        for adopted in adopted {
            match adopted {
                Adopted::Components(values) => {
                    for (entity, bundle) in values {
                        if self.contains(entity) {
                            self.insert_bundle(entity, bundle);
                        }
                    }
                }
                Adopted::Resource(value) if !self.resources.contains(info.id()) => {
                    self.resources.insert_any(info.id(), value);
                    self.changes.insert_resource(info.id());
                }
                Adopted::Events(queue) => {
                    let store = self.events.get_mut(&info.id()).map(AtomicRefCell::get_mut);
                    if let Some(store) = store.filter(|store| store.sent() == 0) {
                        *store = queue;
                    }
                }
                Adopted::Resource(_) => {}
            }
        }
        Arc::make_mut(&mut self.unknown).types.retain(|kept| !kept.is_of(info));
        Ok(())
    }
}

/// Values that were kept aside, decoded.
pub(crate) enum Adopted {
    Components(Vec<(Entity, ValueBundle)>),
    Resource(Box<dyn AnyResource>),
    Events(Box<dyn AnyEvents>),
}

impl Adopted {
    fn new(kept: &UnknownType, info: &ModelTypeInfo, accept_loss: bool) -> Result<Self, EcsError> {
        let migration = Migration::plan(&kept.saved.schema, &info.live);
        let migration = if accept_loss { migration.accept_losses() } else { migration };
        let mut bytes = kept.bytes.as_slice();
        let mut migrated = Vec::new();
        Ok(match &info.operations {
            Operations::Component(operations) => {
                let mut values = Vec::new();
                for entity in &kept.entities {
                    migrated.clear();
                    migration.apply(&mut bytes, &mut migrated)?;
                    let mut bundle = ValueBundle::default();
                    bundle.add(info, operations, &mut migrated.as_slice())?;
                    values.push((*entity, bundle));
                }
                Self::Components(values)
            }
            Operations::Resource(operations) => {
                migration.apply(&mut bytes, &mut migrated)?;
                Self::Resource((operations.restore)(&mut migrated.as_slice())?)
            }
            Operations::Event(operations) => {
                let mut queue = (operations.make)();
                queue.restore(&migration, &mut bytes)?;
                Self::Events(queue)
            }
        })
    }
}
