//! The world as a whole: its state, and its resources.

use std::collections::BTreeMap;
use std::sync::Arc;

use keel::ecs::{EcsError, Entity, RestoreReport, TypeSummary, World, WorldSnapshot, WorldView};
use keel::state::{Change, SavedValue, Value};
use keel::types::Model;

use crate::Ecs;

impl WorldView for Ecs {
    fn create(&self, world: &World) -> Result<World, EcsError> {
        let mut created = World::new();
        world.types().try_for_each(|info| created.register(Arc::clone(info)))?;
        Ok(created)
    }

    fn len(&self, world: &World) -> usize {
        world.len()
    }

    fn is_empty(&self, world: &World) -> bool {
        world.is_empty()
    }

    fn types(&self, world: &World) -> Vec<TypeSummary> {
        world.type_summaries()
    }

    fn kept_types(&self, world: &World) -> Vec<String> {
        world.kept_types().map(str::to_owned).collect()
    }

    fn save(&self, world: &World, snapshot: &mut WorldSnapshot) -> Result<(), EcsError> {
        world.save(snapshot)
    }

    fn restore(
        &self,
        world: &mut World,
        snapshot: &WorldSnapshot,
        accept_loss: bool,
    ) -> Result<RestoreReport, EcsError> {
        let types: Vec<_> = world.types().map(Arc::clone).collect();
        let (restored, report) = World::from_snapshot(types, snapshot, accept_loss)?;
        *world = restored;
        Ok(report)
    }

    fn plan_restore(&self, world: &World, snapshot: &WorldSnapshot) -> Vec<Change> {
        let types: Vec<_> = world.types().map(Arc::clone).collect();
        World::plan_restore(&types, snapshot)
    }

    fn duplicate(&self, world: &World) -> Result<World, EcsError> {
        world.duplicate()
    }

    fn merge(&self, world: &mut World, other: &World) -> Result<Vec<(Entity, Entity)>, EcsError> {
        world.merge(other)
    }

    fn hash(&self, world: &World) -> Result<u64, EcsError> {
        world.hash()
    }

    fn describe(&self, world: &World) -> Result<BTreeMap<String, String>, EcsError> {
        let mut snapshot = WorldSnapshot::new();
        world.save(&mut snapshot)?;
        snapshot.describe()
    }

    fn reset(&self, world: &mut World) {
        Model::reset(world);
    }

    fn clear_entities(&self, world: &mut World) {
        world.clear_entities();
    }

    fn clear_resources(&self, world: &mut World) -> usize {
        world.clear_resources()
    }

    fn resources(&self, world: &World) -> Vec<String> {
        world.resource_names()
    }

    fn has_resource(&self, world: &World, name: &str) -> Result<bool, EcsError> {
        world.has_resource_named(name)
    }

    fn resource(&self, world: &World, name: &str) -> Result<SavedValue, EcsError> {
        world.resource_value(name)
    }

    fn resource_value(&self, world: &World, name: &str) -> Result<Value, EcsError> {
        Ok(world.resource_value(name)?.value()?)
    }

    fn insert_resource(&self, world: &mut World, name: &str, value: &SavedValue) -> Result<(), EcsError> {
        world.insert_resource_value(name, value)
    }

    fn init_resource(&self, world: &mut World, name: &str) -> Result<bool, EcsError> {
        if world.has_resource_named(name)? {
            return Ok(false);
        }
        let default = world.default_of(name)?;
        world.insert_resource_value(name, &default)?;
        Ok(true)
    }

    fn remove_resource(&self, world: &mut World, name: &str) -> Result<SavedValue, EcsError> {
        world.remove_resource_value(name)
    }
}
