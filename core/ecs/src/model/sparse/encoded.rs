//! The values of a component that no Rust type stands behind: as they are saved.

use std::any::Any;
use std::cell::UnsafeCell;
use std::sync::Arc;

use keel_state::{LiveSchema, Migration, StateError};

use super::set::{AnySparse, SparseSet};
use crate::model::values::AnyComponent;
use crate::{ComponentDefinition, Entity};

/// The bytes of a value.
#[derive(Debug)]
pub(crate) struct Encoded(pub(crate) Box<[u8]>);

impl Encoded {
    /// Reads a value of the type off the front of `bytes`, which may be damaged.
    pub(crate) fn read(live: &LiveSchema, bytes: &mut &[u8]) -> Result<Self, StateError> {
        live.canonical(bytes).map(|bytes| Self(bytes.into()))
    }
}

/// The encoded values of one component, side by side.
pub(crate) struct EncodedSet {
    values: SparseSet<Encoded>,
    definition: Arc<ComponentDefinition>,
}

impl EncodedSet {
    pub(super) fn new(definition: Arc<ComponentDefinition>) -> Self {
        Self { values: SparseSet::default(), definition }
    }

    /// The same values, of an equal definition.
    pub(super) fn handled_by(self, definition: Arc<ComponentDefinition>) -> Self {
        Self { definition, ..self }
    }
}

impl AnySparse for EncodedSet {
    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }

    fn entities(&self) -> &[Entity] {
        self.values.entities()
    }

    fn contains(&self, entity: Entity) -> bool {
        self.values.contains(entity)
    }

    fn remove(&mut self, entity: Entity) -> bool {
        self.values.remove(entity).is_some()
    }

    fn save(&self, out: &mut Vec<u8>) -> Result<(), StateError> {
        (0..self.entities().len()).for_each(|row| out.extend_from_slice(&self.values.value(row).0));
        Ok(())
    }

    fn save_one(&self, entity: Entity, out: &mut Vec<u8>) -> Result<bool, StateError> {
        let row = self.values.row_of(entity);
        Ok(row.map(|row| out.extend_from_slice(&self.values.value(row).0)).is_some())
    }

    fn restore(
        &mut self,
        entities: &[Entity],
        migration: &Migration,
        bytes: &mut &[u8],
    ) -> Result<(), StateError> {
        let mut migrated = Vec::new();
        for entity in entities {
            migrated.clear();
            migration.apply(bytes, &mut migrated)?;
            let value = Encoded::read(self.definition.live(), &mut migrated.as_slice())?;
            self.values.insert(*entity, value);
        }
        Ok(())
    }

    fn insert_any(&mut self, entity: Entity, value: AnyComponent) {
        if let Ok(value) = value.downcast::<Encoded>() {
            self.values.insert(entity, *value);
        }
    }

    fn visit(&self, visit: &mut dyn FnMut(Entity, &[u8])) -> Result<(), StateError> {
        for (row, entity) in self.entities().iter().enumerate() {
            visit(*entity, &self.values.value(row).0);
        }
        Ok(())
    }

    fn encoded(&self, entity: Entity) -> Option<&UnsafeCell<Encoded>> {
        self.values.cell(entity)
    }
}
