//! Components of entities, by name.

use keel::ecs::{
    ComponentValue, ComponentView, EcsError, Entity, ModelTypeKind, QueryTerms, TypeSummary, World,
};
use keel::state::{Difference, SavedValue, Value};

use crate::Ecs;

impl ComponentView for Ecs {
    fn names(&self, world: &World) -> Vec<String> {
        let components = world.type_summaries().into_iter().filter(|it| it.kind == ModelTypeKind::Component);
        components.map(|it| it.name).collect()
    }

    fn info(&self, world: &World, name: &str) -> Result<TypeSummary, EcsError> {
        world.component_named(name).map(|info| info.summary())
    }

    fn default_value(&self, world: &World, name: &str) -> Result<SavedValue, EcsError> {
        world.component_named(name)?;
        world.default_of(name)
    }

    fn has(&self, world: &World, entity: Entity, name: &str) -> Result<bool, EcsError> {
        world.has_named(entity, name)
    }

    fn get(&self, world: &World, entity: Entity, name: &str) -> Result<SavedValue, EcsError> {
        world.value(entity, name)
    }

    fn get_value(&self, world: &World, entity: Entity, name: &str) -> Result<Value, EcsError> {
        Ok(world.value(entity, name)?.value()?)
    }

    fn get_all(&self, world: &World, entity: Entity) -> Result<Vec<ComponentValue>, EcsError> {
        world.values(entity)
    }

    fn insert(
        &self,
        world: &mut World,
        entity: Entity,
        name: &str,
        value: &SavedValue,
    ) -> Result<(), EcsError> {
        world.insert_values(entity, &[ComponentValue::new(name, value.clone())])
    }

    fn insert_many(
        &self,
        world: &mut World,
        entity: Entity,
        components: &[ComponentValue],
    ) -> Result<(), EcsError> {
        world.insert_values(entity, components)
    }

    fn replace(
        &self,
        world: &mut World,
        entity: Entity,
        name: &str,
        value: &SavedValue,
    ) -> Result<SavedValue, EcsError> {
        let before = world.value(entity, name)?;
        self.insert(world, entity, name, value)?;
        Ok(before)
    }

    fn remove(&self, world: &mut World, entity: Entity, name: &str) -> Result<SavedValue, EcsError> {
        world.remove_value(entity, name)
    }

    fn remove_many(
        &self,
        world: &mut World,
        entity: Entity,
        names: &[&str],
    ) -> Result<Vec<SavedValue>, EcsError> {
        for name in names {
            world.check_removable(name)?;
            world.value(entity, name)?;
        }
        names.iter().map(|name| world.remove_value(entity, name)).collect()
    }

    fn remove_everywhere(&self, world: &mut World, name: &str) -> Result<usize, EcsError> {
        world.check_removable(name)?;
        let entities = self.entities_with(world, name)?;
        for entity in &entities {
            world.remove_value(*entity, name)?;
        }
        Ok(entities.len())
    }

    fn copy(&self, world: &mut World, from: Entity, to: Entity, name: &str) -> Result<(), EcsError> {
        let value = world.value(from, name)?;
        self.insert(world, to, name, &value)
    }

    fn transfer(&self, world: &mut World, from: Entity, to: Entity, name: &str) -> Result<(), EcsError> {
        self.copy(world, from, to, name)?;
        if from != to {
            world.remove_value(from, name)?;
        }
        Ok(())
    }

    fn count(&self, world: &World, name: &str) -> Result<usize, EcsError> {
        world.count_matching(&QueryTerms::new().with(name))
    }

    fn entities_with(&self, world: &World, name: &str) -> Result<Vec<Entity>, EcsError> {
        world.entities_matching(&QueryTerms::new().with(name))
    }

    fn compare(
        &self,
        world: &World,
        before: Entity,
        after: Entity,
        name: &str,
    ) -> Result<Vec<Difference>, EcsError> {
        let before = self.get_value(world, before, name)?;
        Ok(before.differences(&self.get_value(world, after, name)?))
    }
}
