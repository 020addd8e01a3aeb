//! Structural changes that wait until the world is free.

use crate::{Bundle, ComponentDefinition, EcsError, Entity, Event, Limits, Relation, Resource, World};

type Command = Box<dyn FnOnce(&mut World) -> Result<(), EcsError> + Send>;

/// A queue of changes, applied in the order in which they were given.
///
/// The engine applies a system's commands right after the system, so that no command, which is code of its
/// module, is left when the module is swapped.
pub struct Commands {
    queue: Vec<Command>,
    max: usize,
}

impl Default for Commands {
    fn default() -> Self {
        Self::with_max(Limits::default().commands)
    }
}

impl Commands {
    /// An empty queue.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty queue that takes `max` changes.
    pub fn with_max(max: usize) -> Self {
        Self { queue: Vec::new(), max }
    }

    /// Sets how many changes it takes; [`Limits`] has it for those of systems.
    pub fn set_max(&mut self, max: usize) {
        self.max = max;
    }

    /// Spawns an entity. Its id is given when the queue is applied.
    pub fn spawn<B: Bundle>(&mut self, bundle: B) {
        self.add(move |world| {
            world.spawn(bundle);
            Ok(())
        });
    }

    /// Spawns an entity for each of `bundles`.
    pub fn spawn_batch<B: Bundle, I>(&mut self, bundles: I)
    where
        I: IntoIterator<Item = B> + Send + 'static,
    {
        self.add(move |world| {
            world.spawn_batch(bundles);
            Ok(())
        });
    }

    /// Spawns an entity and goes on with its id.
    pub fn spawn_and<B: Bundle>(
        &mut self,
        bundle: B,
        then: impl FnOnce(&mut World, Entity) -> Result<(), EcsError> + Send + 'static,
    ) {
        self.add(move |world| {
            let entity = world.spawn(bundle);
            then(world, entity)
        });
    }

    /// Spawns an entity that belongs to `parent`.
    pub fn spawn_child<B: Bundle>(&mut self, parent: Entity, bundle: B) {
        self.add(move |world| world.spawn_child(parent, bundle).map(drop));
    }

    /// Despawns `entity` and all below it.
    pub fn despawn(&mut self, entity: Entity) {
        self.add(move |world| world.despawn(entity));
    }

    /// Inserts components, or replaces them.
    pub fn insert<B: Bundle>(&mut self, entity: Entity, bundle: B) {
        self.add(move |world| world.insert(entity, bundle));
    }

    /// Removes components: all of `B`, or none when the entity lacks one of them.
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

    /// Relates `source` to `target` by `R`; see [`World::relate`].
    pub fn relate<R: Relation>(&mut self, source: Entity, target: Entity) {
        self.add(move |world| world.relate::<R>(source, target));
    }

    /// Takes back [`Commands::relate`]; nothing happens when they are not related.
    pub fn unrelate<R: Relation>(&mut self, source: Entity, target: Entity) {
        self.add(move |world| world.unrelate::<R>(source, target).map(drop));
    }

    /// Inserts or replaces a resource.
    pub fn insert_resource<T: Resource>(&mut self, value: T) {
        self.add(move |world| world.insert_resource(value).map(drop));
    }

    /// Takes a resource out of the world; nothing happens when it has none.
    pub fn remove_resource<T: Resource>(&mut self) {
        self.add(|world| {
            world.remove_resource::<T>();
            Ok(())
        });
    }

    /// Makes a component known that no Rust type stands behind; see [`World::define_component`].
    pub fn define_component(&mut self, definition: ComponentDefinition) {
        self.add(move |world| world.define_component(&definition).map(drop));
    }

    /// Sends an event.
    pub fn send<E: Event>(&mut self, event: E) {
        self.add(move |world| {
            world.send(event);
            Ok(())
        });
    }

    /// Any other change.
    ///
    /// # Panics
    /// As all that puts a change off: when it would be one more than the queue takes. The message names the limit.
    pub fn add(&mut self, change: impl FnOnce(&mut World) -> Result<(), EcsError> + Send + 'static) {
        self.put(Box::new(change));
    }

    fn put(&mut self, change: Command) {
        assert!(self.queue.len() < self.max, "{}", Limits::too_many_commands(self.max));
        self.queue.push(change);
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
