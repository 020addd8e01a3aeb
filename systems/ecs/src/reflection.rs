//! Types, and the parts of values, by name.

use keel::ecs::{
    ComponentDefinition, ComponentValue, EcsError, Entity, PathValues, PreparedPath, PreparedTerms,
    ReflectionView, TypeReflection, World,
};
use keel::state::{SavedValue, Value};
use keel::types::ComponentId;

use crate::Ecs;

impl ReflectionView for Ecs {
    fn types(&self, world: &World) -> Vec<TypeReflection> {
        world.reflect_all()
    }

    fn info(&self, world: &World, name: &str) -> Result<TypeReflection, EcsError> {
        world.reflect(name)
    }

    fn define(&self, world: &mut World, definition: &ComponentDefinition) -> Result<ComponentId, EcsError> {
        world.define_component(definition)
    }

    fn definitions(&self, world: &World) -> Vec<ComponentDefinition> {
        world.definitions().map(|definition| ComponentDefinition::clone(definition)).collect()
    }

    fn prepare(&self, world: &World, path: &str) -> Result<PreparedPath, EcsError> {
        world.prepare_path(path)
    }

    fn read(&self, world: &World, entity: Entity, path: &str) -> Result<Value, EcsError> {
        world.read_path(entity, path)
    }

    fn write(&self, world: &mut World, entity: Entity, path: &str, value: &Value) -> Result<(), EcsError> {
        world.write_path(entity, path, value)
    }

    fn read_resource(&self, world: &World, path: &str) -> Result<Value, EcsError> {
        world.read_resource_path(path)
    }

    fn write_resource(&self, world: &mut World, path: &str, value: &Value) -> Result<(), EcsError> {
        world.write_resource_path(path, value)
    }

    fn make(&self, world: &World, name: &str, value: &Value) -> Result<SavedValue, EcsError> {
        world.value_of(name, value)
    }

    fn insert(&self, world: &mut World, entity: Entity, name: &str, value: &Value) -> Result<(), EcsError> {
        let value = world.value_of(name, value)?;
        world.insert_values(entity, &[ComponentValue::new(name, value)])
    }

    fn spawn(&self, world: &mut World, components: &[(&str, Value)]) -> Result<Entity, EcsError> {
        let values = components.iter();
        let values = values.map(|(name, value)| Ok(ComponentValue::new(*name, world.value_of(name, value)?)));
        let values = values.collect::<Result<Vec<_>, EcsError>>()?;
        world.spawn_values(&values)
    }

    fn insert_resource(&self, world: &mut World, name: &str, value: &Value) -> Result<(), EcsError> {
        let value = world.value_of(name, value)?;
        world.insert_resource_value(name, &value)
    }

    fn send(&self, world: &World, name: &str, value: &Value) -> Result<(), EcsError> {
        world.send_value(name, &world.value_of(name, value)?)
    }

    fn rows(
        &self,
        world: &World,
        terms: &mut PreparedTerms,
        paths: &mut [PreparedPath],
    ) -> Result<Vec<PathValues>, EcsError> {
        let mut rows = Vec::new();
        let count = paths.len();
        terms.for_each_row(world, paths, |row| {
            let values = (0..count).map(|path| row.read(path).ok()).collect();
            rows.push(PathValues { entity: row.entity(), values });
        })?;
        Ok(rows)
    }
}
