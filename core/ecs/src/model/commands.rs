//! Structural changes that wait until the world is free.

use crate::{Bundle, EcsError, Entity, Resource, World};

type Command = Box<dyn FnOnce(&mut World) -> Result<(), EcsError> + Send>;

/// A queue of changes, applied in the order in which they were given.
///
/// The engine applies a system's commands right after the system, so that no command, which is code of its
/// module, is left when the module is swapped.
#[derive(Default)]
pub struct Commands {
    queue: Vec<Command>,
}

impl Commands {
    /// An empty queue.
    pub fn new() -> Self {
        Self::default()
    }

    /// Spawns an entity. Its id is given when the queue is applied.
    pub fn spawn<B: Bundle>(&mut self, bundle: B) {
        self.add(move |world| {
            world.spawn(bundle);
            Ok(())
        });
    }

    /// Despawns `entity` and all below it.
    pub fn despawn(&mut self, entity: Entity) {
        self.add(move |world| world.despawn(entity));
    }

    /// Inserts components, or replaces them.
    pub fn insert<B: Bundle>(&mut self, entity: Entity, bundle: B) {
        self.add(move |world| world.insert(entity, bundle));
    }

    /// Removes components; those that are missing are passed over.
    pub fn remove<B: Bundle>(&mut self, entity: Entity) {
        self.add(move |world| match world.remove::<B>(entity) {
            Err(EcsError::MissingComponent { .. }) => Ok(()),
            other => other.map(drop),
        });
    }

    /// Makes `child` belong to `parent`.
    pub fn set_parent(&mut self, child: Entity, parent: Option<Entity>) {
        self.add(move |world| world.set_parent(child, parent));
    }

    /// Inserts or replaces a resource.
    pub fn insert_resource<T: Resource>(&mut self, value: T) {
        self.add(move |world| world.insert_resource(value).map(drop));
    }

    /// Any other change.
    pub fn add(&mut self, change: impl FnOnce(&mut World) -> Result<(), EcsError> + Send + 'static) {
        self.queue.push(Box::new(change));
    }

    /// How many changes wait.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Applies all changes to `world`. One that fails does not hold up the others; the failures are returned.
    pub fn apply(&mut self, world: &mut World) -> Vec<EcsError> {
        self.queue.drain(..).filter_map(|command| command(world).err()).collect()
    }
}
