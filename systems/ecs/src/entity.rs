//! Entities: their lives, names, families and relations.

use keel::ecs::{ComponentValue, EcsError, Entity, EntityView, World};

use crate::Ecs;

impl EntityView for Ecs {
    fn spawn_empty(&self, world: &mut World) -> Entity {
        world.spawn(())
    }

    fn spawn(&self, world: &mut World, components: &[ComponentValue]) -> Result<Entity, EcsError> {
        world.spawn_values(components)
    }

    fn spawn_batch(
        &self,
        world: &mut World,
        entities: &[Vec<ComponentValue>],
    ) -> Result<Vec<Entity>, EcsError> {
        world.spawn_values_batch(entities)
    }

    fn clone_entity(&self, world: &mut World, entity: Entity) -> Result<Entity, EcsError> {
        world.clone_entity(entity)
    }

    fn despawn(&self, world: &mut World, entity: Entity) -> Result<(), EcsError> {
        world.despawn(entity)
    }

    fn despawn_many(&self, world: &mut World, entities: &[Entity]) -> usize {
        let before = world.len();
        for entity in entities {
            // One that went with its parent, or did not live, is passed over.
            let _ = world.despawn(*entity);
        }
        before - world.len()
    }

    fn contains(&self, world: &World, entity: Entity) -> bool {
        world.contains(entity)
    }

    fn all(&self, world: &World) -> Vec<Entity> {
        world.entities()
    }

    fn count(&self, world: &World) -> usize {
        world.len()
    }

    fn at_index(&self, world: &World, index: u32) -> Option<Entity> {
        world.entities().into_iter().find(|entity| entity.index() == index)
    }

    fn components(&self, world: &World, entity: Entity) -> Result<Vec<String>, EcsError> {
        let mut names: Vec<_> =
            world.components_of(entity)?.iter().map(|info| info.name().to_owned()).collect();
        names.sort();
        Ok(names)
    }

    fn find(&self, world: &World, name: &str) -> Option<Entity> {
        world.find(name)
    }

    fn name(&self, world: &World, entity: Entity) -> Result<Option<String>, EcsError> {
        check_alive(world, entity).map(|()| world.name(entity))
    }

    fn set_name(&self, world: &mut World, entity: Entity, name: Option<&str>) -> Result<(), EcsError> {
        world.set_name(entity, name)
    }

    fn parent(&self, world: &World, entity: Entity) -> Result<Option<Entity>, EcsError> {
        check_alive(world, entity).map(|()| world.parent(entity))
    }

    fn set_parent(&self, world: &mut World, child: Entity, parent: Option<Entity>) -> Result<(), EcsError> {
        world.set_parent(child, parent)
    }

    fn children(&self, world: &World, entity: Entity) -> Result<Vec<Entity>, EcsError> {
        check_alive(world, entity).map(|()| world.children(entity))
    }

    fn ancestors(&self, world: &World, entity: Entity) -> Result<Vec<Entity>, EcsError> {
        check_alive(world, entity).map(|()| world.ancestors(entity).collect())
    }

    fn descendants(&self, world: &World, entity: Entity) -> Result<Vec<Entity>, EcsError> {
        check_alive(world, entity).map(|()| world.descendants(entity))
    }

    fn roots(&self, world: &World) -> Vec<Entity> {
        world.roots()
    }

    fn relate(
        &self,
        world: &mut World,
        relation: &str,
        source: Entity,
        target: Entity,
    ) -> Result<(), EcsError> {
        world.relate_named(relation, source, target)
    }

    fn unrelate(
        &self,
        world: &mut World,
        relation: &str,
        source: Entity,
        target: Entity,
    ) -> Result<bool, EcsError> {
        world.unrelate_named(relation, source, target)
    }

    fn targets(&self, world: &World, relation: &str, source: Entity) -> Result<Vec<Entity>, EcsError> {
        check_alive(world, source)?;
        world.targets_named(relation, source).map(<[Entity]>::to_vec)
    }

    fn sources(&self, world: &World, relation: &str, target: Entity) -> Result<Vec<Entity>, EcsError> {
        check_alive(world, target)?;
        world.sources_named(relation, target).map(<[Entity]>::to_vec)
    }
}

fn check_alive(world: &World, entity: Entity) -> Result<(), EcsError> {
    if world.contains(entity) { Ok(()) } else { Err(EcsError::NoSuchEntity { entity }) }
}
