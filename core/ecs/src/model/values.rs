//! Components of one entity whose types are known to the world alone: encoded, decoded, put into columns and sets.

use std::any::Any;

use keel_core_types::ComponentId;

use crate::model::bundle::Stored;
use crate::model::operations::ComponentOperations;
use crate::model::reaction::Before;
use crate::{EcsError, Entity, ModelTypeInfo, World};

/// A component of a type that is not known here.
pub(crate) type AnyComponent = Box<dyn Any + Send>;

/// Decoded components on their way to one entity.
#[derive(Default)]
pub(crate) struct ValueBundle {
    columns: hecs::EntityBuilder,
    sparse: Vec<(ComponentId, AnyComponent)>,
    /// Those of all components, in their order.
    ids: Vec<ComponentId>,
    tracked: Vec<ComponentId>,
}

impl ValueBundle {
    /// Adds the component that is read off the front of the bytes.
    pub(crate) fn add(
        &mut self,
        info: &ModelTypeInfo,
        operations: &ComponentOperations,
        bytes: &mut &[u8],
    ) -> Result<(), EcsError> {
        self.ids.push(info.id());
        match (&operations.sparse, &operations.typed) {
            (Some(sparse), _) => self.sparse.push((info.id(), sparse.decode(bytes)?)),
            (None, Some(typed)) => (typed.build)(&mut self.columns, bytes)?,
            (None, None) => {}
        }
        self.tracked.extend(operations.is_tracked.then(|| info.id()));
        Ok(())
    }

    /// The bytes of its components in their columns and sets.
    pub(crate) fn bytes(&self, world: &World) -> usize {
        world.bytes_of(&self.ids)
    }
}

impl World {
    /// Adds an entity with these components; there is room for it.
    pub(crate) fn spawn_bundle(&mut self, mut bundle: ValueBundle) -> Entity {
        let ids = std::mem::take(&mut bundle.ids);
        self.structure_changed();
        let entity = self.entities.spawn(Stored::new(bundle.columns.build(), &self.types));
        let entity = self.born(entity);
        self.insert_any(entity, bundle.sparse);
        self.note_values_inserted(entity, &bundle.tracked);
        self.after_insert(entity, Before::default(), &ids);
        entity
    }

    /// Whether entities with these components may be spawned, each of which gets `more` bytes besides.
    pub(crate) fn check_room_for<'b>(
        &mut self,
        bundles: impl Iterator<Item = &'b ValueBundle>,
        more: usize,
    ) -> Result<(), EcsError> {
        let of_one = bundles.map(|bundle| bundle.bytes(self) + more);
        let (count, bytes) = of_one.fold((0, 0), |(count, sum), bytes| (count + 1, sum + bytes));
        self.check_room(count, bytes)
    }

    /// Gives `entity`, which lives, these components, as somebody who changes the world.
    pub(crate) fn insert_values_now(
        &mut self,
        entity: Entity,
        mut bundle: ValueBundle,
    ) -> Result<(), EcsError> {
        let ids = std::mem::take(&mut bundle.ids);
        self.check_growth_by(entity, &ids)?;
        let before = self.before_insert(entity, &ids)?;
        self.insert_bundle(entity, bundle);
        self.after_insert(entity, before, &ids);
        Ok(())
    }

    /// Gives `entity`, which lives, these components back: nobody is told.
    pub(crate) fn insert_bundle(&mut self, entity: Entity, mut bundle: ValueBundle) {
        self.before_change(entity);
        let columns = bundle.columns.build();
        if hecs::DynamicBundle::type_info(&columns).is_empty() {
            drop(columns);
        } else {
            self.structure_changed();
            let _ = self.entities.insert(entity.inner(), Stored::new(columns, &self.types));
        }
        self.insert_any(entity, bundle.sparse);
        self.note_values_inserted(entity, &bundle.tracked);
    }

    fn note_values_inserted(&mut self, entity: Entity, tracked: &[ComponentId]) {
        tracked.iter().for_each(|id| self.changes.insert(*id, &[entity]));
    }

    fn insert_any(&mut self, entity: Entity, values: Vec<(ComponentId, AnyComponent)>) {
        for (id, value) in values {
            if let Some(set) = self.sparse.get_mut(id) {
                set.insert_any(entity, value);
            }
        }
    }

    /// Appends the encoded component of an entity; false if it has none of that type.
    ///
    /// # Panics
    /// When a living query writes the component; the message names it.
    pub(crate) fn encode_component(
        &self,
        entity: Entity,
        info: &ModelTypeInfo,
        out: &mut Vec<u8>,
    ) -> Result<bool, EcsError> {
        let found = self.entity_ref(entity)?;
        if let Some(cell) = self.sparse.cell(info.id()) {
            return Ok(cell.read().set().save_one(entity, out)?);
        }
        match info.typed_operations() {
            Some(operations) => Ok((operations.get)(found, out)?),
            None => Ok(false),
        }
    }

    /// Whether an entity has a component of this type.
    pub(crate) fn has_component(&self, entity: Entity, info: &ModelTypeInfo) -> Result<bool, EcsError> {
        let found = self.entity_ref(entity)?;
        Ok(match self.sparse.cell(info.id()) {
            Some(cell) => cell.contains(entity),
            None => found.component_types().any(|id| id == info.fingerprint().rust),
        })
    }
}
