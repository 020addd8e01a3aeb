//! Entities: they come, go, and are found.

use std::mem::ManuallyDrop;
use std::sync::Arc;

use crate::model::bundle::{ColumnsOf, Stored, put_sparse};
use crate::model::reaction::Before;
use crate::{Bundle, Children, EcsError, Entity, ModelTypeInfo, Name, Parent, World};

/// So many bundles are taken from an iterator before their components are put into columns.
const AT_ONCE: usize = 16_384;

/// So many bytes of bundles stay in the processor's nearest cache until their components are put into columns.
const NEAREST_CACHE: usize = 16 * 1024;

/// From so many bundles on, a batch of columns of their own is faster than putting one component after the other.
const WORTH_COLUMNS: usize = 32;

impl World {
    /// Adds an entity with `bundle`'s components.
    ///
    /// # Panics
    /// When a component is not registered, or is `Parent` or `Children`, and when a [limit](crate::Limits) is reached; the
    /// message names it.
    pub fn spawn<B: Bundle>(&mut self, bundle: B) -> Entity {
        self.check_bundle::<B>();
        self.need_room::<B>(1);
        self.structure_changed();
        if B::SPARSE > 0 {
            return self.spawn_sparse(bundle);
        }
        let entity = self.entities.spawn(Stored::new(bundle, &self.types));
        let entity = self.born(entity);
        self.note_inserted::<B>(&[entity]);
        if self.reacts_to::<B>() {
            self.after_insert(entity, Before::default(), B::IDS);
        }
        entity
    }

    fn spawn_sparse<B: Bundle>(&mut self, bundle: B) -> Entity {
        let mut bundle = ManuallyDrop::new(bundle);
        let columns = Stored::new(ColumnsOf::new(&mut bundle), &self.types);
        let entity = self.entities.spawn(columns);
        let entity = self.born(entity);
        put_sparse(bundle, entity, &mut self.sparse);
        self.note_inserted::<B>(&[entity]);
        if self.reacts_to::<B>() {
            self.after_insert(entity, Before::default(), B::IDS);
        }
        entity
    }

    /// Adds an entity for each of `bundles`; faster than one after the other.
    ///
    /// # Panics
    /// As [`World::spawn`]; and when an iterator gives fewer bundles than its `size_hint` says at least. If `bundles`
    /// panics, what it gave last, up to 16,384 of them, is dropped: either all of these are spawned or none.
    pub fn spawn_batch<B: Bundle>(&mut self, bundles: impl IntoIterator<Item = B>) -> Vec<Entity> {
        self.check_bundle::<B>();
        if B::SPARSE > 0 {
            return bundles.into_iter().map(|bundle| self.spawn(bundle)).collect();
        }
        self.structure_changed();
        let mut bundles = bundles.into_iter();
        let certain = bundles.size_hint().0;
        self.need_room::<B>(certain);
        let mut spawned = Vec::with_capacity(certain);
        if certain > AT_ONCE {
            // Else columns would double in length now and then, and be half empty in the end.
            self.reserve::<B>(u32::try_from(certain).unwrap_or(u32::MAX));
        }
        let mut next = Vec::new();
        // First those that are sure to come, whose columns can be made as long as they will be.
        while let certain @ WORTH_COLUMNS.. = bundles.size_hint().0 {
            self.spawn_certain(&mut bundles, certain.min(AT_ONCE), &mut next, &mut spawned);
        }
        loop {
            next.extend(bundles.by_ref().take(AT_ONCE));
            if next.is_empty() {
                return spawned;
            }
            self.spawn_all(&mut next, &mut spawned);
        }
    }

    /// Spawns the next `count`, which go into their columns by way of `next`, few at a time: so few that they are still in
    /// the processor's nearest cache.
    fn spawn_certain<B: Bundle>(
        &mut self,
        bundles: &mut impl Iterator<Item = B>,
        count: usize,
        next: &mut Vec<B>,
        spawned: &mut Vec<Entity>,
    ) {
        self.need_room::<B>(count);
        self.order_unused_ids(count);
        let batch = self.column_types::<B>().into_batch(count as u32);
        let few = (NEAREST_CACHE / size_of::<B>().max(1)).max(1);
        let mut left = count;
        while left > 0 {
            next.extend(bundles.by_ref().take(few.min(left)));
            assert!(!next.is_empty(), "the iterator ended {left} bundles before its `size_hint` said");
            left -= next.len();
            B::fill_columns(next, &batch);
        }
        self.spawn_columns::<B>(batch, spawned);
    }

    /// Spawns what no more code of an author gives.
    fn spawn_all<B: Bundle>(&mut self, bundles: &mut Vec<B>, spawned: &mut Vec<Entity>) {
        self.need_room::<B>(bundles.len());
        self.order_unused_ids(bundles.len());
        if bundles.len() < WORTH_COLUMNS {
            self.store_archetype::<B>();
            let first = spawned.len();
            spawned.extend(self.entities.spawn_batch(bundles.drain(..)).map(Entity::wrap));
            self.were_spawned::<B>(&spawned[first..]);
        } else {
            let batch = self.column_types::<B>().into_batch(bundles.len() as u32);
            B::fill_columns(bundles, &batch);
            self.spawn_columns::<B>(batch, spawned);
        }
    }

    fn spawn_columns<B: Bundle>(&mut self, batch: hecs::ColumnBatchBuilder, spawned: &mut Vec<Entity>) {
        let first = spawned.len();
        if let Ok(batch) = batch.build() {
            spawned.extend(self.entities.spawn_column_batch(batch).map(Entity::wrap));
        }
        self.were_spawned::<B>(&spawned[first..]);
    }

    fn were_spawned<B: Bundle>(&mut self, spawned: &[Entity]) {
        self.born_together(spawned.iter().copied());
        self.note_inserted::<B>(spawned);
        if self.reacts_to::<B>() {
            self.after_spawn(spawned, B::IDS);
        }
    }

    /// Removes `entity`, all entities below it, and those that a relation has go with one of them.
    ///
    /// # Errors
    /// [`EcsError::NoSuchEntity`] when it does not live.
    pub fn despawn(&mut self, entity: Entity) -> Result<(), EcsError> {
        let found = self.entity_ref(entity)?;
        let is_alone = !found.has::<Parent>() && !found.has::<Children>() && !self.takes_sources(entity);
        self.structure_changed();
        if is_alone {
            self.call_despawn_hooks(&[entity]);
            self.despawn_alone(entity);
            return Ok(());
        }
        let below = if self.has_cascades() { self.going_with(entity) } else { self.descendants(entity) };
        let going: Vec<_> = below.into_iter().rev().chain([entity]).collect();
        self.call_despawn_hooks(&going);
        self.leave_parents(&going)?;
        // Each of them lives: neither the hierarchy nor a relation holds stale ids.
        going.into_iter().for_each(|entity| self.despawn_alone(entity));
        Ok(())
    }

    /// Despawns an entity that lives, and whose hooks were called.
    fn despawn_alone(&mut self, entity: Entity) {
        if self.reacts() {
            return self.despawn_reacting(entity);
        }
        self.despawn_now(entity);
    }

    /// Despawns an entity that lives, and of which whoever minds knows.
    pub(crate) fn despawn_now(&mut self, entity: Entity) {
        self.before_change(entity);
        self.unlink_all(entity);
        self.forget_entity(entity);
    }

    /// Despawns an entity that lives, and that nobody asks for again.
    pub(crate) fn forget_entity(&mut self, entity: Entity) {
        self.sparse.despawned(entity);
        self.changes.despawned(entity);
        let _ = self.entities.despawn(entity.inner());
        self.generations[entity.index() as usize] = 0;
    }

    /// Removes all entities. Resources, events and types stay, and so do the generations: ids from before are stale.
    pub fn clear_entities(&mut self) {
        self.structure_changed();
        let going = self.entities();
        self.call_despawn_hooks(&going);
        // They were just listed. `hecs::World::clear` would give out the same ids again.
        going.into_iter().for_each(|entity| self.despawn_alone(entity));
    }

    /// Makes room for `additional` entities with `B`'s components, so that spawning them moves no columns.
    ///
    /// # Panics
    /// As [`World::spawn`].
    pub fn reserve<B: Bundle>(&mut self, additional: u32) {
        self.check_bundle::<B>();
        self.need_room::<B>(additional as usize);
        if B::SPARSE == 0 {
            // Its columns may move now, where they are too short.
            self.structure_changed();
            self.store_archetype::<B>();
            self.entities.reserve::<B>(additional);
            self.generations.reserve_exact(additional as usize);
        }
    }

    /// Whether `entity` lives.
    #[inline]
    pub fn contains(&self, entity: Entity) -> bool {
        self.generations.get(entity.index() as usize) == Some(&entity.generation())
    }

    /// How many entities live.
    #[inline]
    pub fn len(&self) -> usize {
        self.entities.len() as usize
    }

    /// Whether no entity lives.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.entities.is_empty()
    }

    /// All living entities, archetype by archetype.
    pub fn entities(&self) -> Vec<Entity> {
        self.query::<Entity>().iter().collect()
    }

    /// The names of the components that `entity` has.
    ///
    /// # Errors
    /// [`EcsError::NoSuchEntity`] when it does not live.
    pub fn components_of(&self, entity: Entity) -> Result<Vec<Arc<ModelTypeInfo>>, EcsError> {
        let entity_ref = self.entity_ref(entity)?;
        let columns = entity_ref.component_types().filter_map(|id| self.types.of_rust(id));
        let sparse = self.sparse.of_entity(entity).filter_map(|id| self.types.get(id));
        Ok(columns.chain(sparse).map(Arc::clone).collect())
    }

    /// The entity called `name`; with several, the first that a query would meet. The index behind it is made anew by
    /// the first search after entities have come, gone or changed their components.
    pub fn find(&self, name: &str) -> Option<Entity> {
        {
            let index = self.names.read();
            if index.structure == self.structure {
                return index.by_name.get(name).copied();
            }
        }
        let mut index = self.names.write();
        index.by_name.clear();
        self.query::<(Entity, &Name)>().for_each(|(entity, name)| {
            index.by_name.entry(name.as_str().to_owned()).or_insert(entity);
        });
        index.structure = self.structure;
        index.by_name.get(name).copied()
    }

    /// What `entity` is called.
    pub fn name(&self, entity: Entity) -> Option<String> {
        self.entity_ref(entity).ok()?.get::<&Name>().map(|name| name.as_str().to_owned())
    }

    /// Calls `entity` by `name`, or takes its name.
    ///
    /// # Errors
    /// [`EcsError::NoSuchEntity`] when it does not live.
    pub fn set_name(&mut self, entity: Entity, name: Option<&str>) -> Result<(), EcsError> {
        self.check_alive(entity)?;
        match name {
            Some(name) => self.insert(entity, (Name::new(name),)),
            None if self.has::<Name>(entity) => self.remove::<(Name,)>(entity).map(drop),
            None => Ok(()),
        }
    }
}
