//! Undoing what a journal has kept.

use std::collections::HashSet;

use keel_core_types::ComponentId;

use super::{Entry, Journal};
use crate::model::bundle::Stored;
use crate::model::operations::Operations;
use crate::model::values::ValueBundle;
use crate::{EcsError, Entity, World};

impl World {
    /// Makes everything what it was when the journal was begun. The world has no journal meanwhile.
    pub(super) fn undo(&mut self, journal: Journal) {
        let Journal { entries, sent, removed, told, free, failed, .. } = journal;
        let mut failed = failed;
        for entry in entries.into_iter().rev() {
            if let Err(error) = self.undo_entry(entry) {
                failed.get_or_insert(error);
            }
        }
        for (id, sent) in sent {
            if let Some(store) = self.events.get_mut(&id) {
                store.get_mut().forget_from(sent);
            }
        }
        // What was undone has not happened, and neither has its undoing.
        self.changes.forget_removed(&removed);
        self.reactions.forget_since(told);
        if let Some(free) = free {
            self.put_ids_back(&free);
        }
        if let Some(error) = failed {
            log::error!("not all of a transaction could be undone: {error}");
        }
    }

    fn undo_entry(&mut self, entry: Entry) -> Result<(), EcsError> {
        match entry {
            Entry::Born(entity) => {
                if self.contains(entity) {
                    self.forget_entity(entity);
                }
                Ok(())
            }
            Entry::Entity(entity, components) => self.put_entity_back(entity, &components),
            Entry::Component(entity, id, bytes) => self.put_component_back(entity, id, &mut bytes.as_slice()),
            Entry::Column(id, entities, bytes) => {
                let mut rest = bytes.as_slice();
                entities.into_iter().try_for_each(|entity| self.put_component_back(entity, id, &mut rest))
            }
            Entry::Resource(id, bytes) => self.put_resource_back(id, bytes.as_deref()),
            Entry::Ticks(ticks) => {
                ticks.iter().for_each(|kept| self.changes.put_back(kept));
                Ok(())
            }
            Entry::Queue(id, bytes) => match self.events.get_mut(&id) {
                Some(store) => Ok(store.get_mut().put_back(&mut bytes.as_slice())?),
                None => Ok(()),
            },
        }
    }

    fn put_entity_back(
        &mut self,
        entity: Entity,
        components: &[(ComponentId, Vec<u8>)],
    ) -> Result<(), EcsError> {
        if !self.contains(entity) {
            self.structure_changed();
            self.entities.spawn_at(entity.inner(), Stored::new((), &self.types));
            self.restored(&[entity.inner()]);
        }
        for info in self.components_of(entity)? {
            if components.iter().all(|(id, _)| *id != info.id()) {
                self.take_component(entity, info.id());
            }
        }
        // Those that it lacks go in together, so that its columns move once.
        let mut bundle = ValueBundle::default();
        for (id, bytes) in components {
            self.add_if_changed(&mut bundle, entity, *id, &mut bytes.as_slice())?;
        }
        self.insert_bundle(entity, bundle);
        Ok(())
    }

    /// Gives `entity` the component that is read off the front of `bytes`, unless it has an equal one.
    fn put_component_back(
        &mut self,
        entity: Entity,
        id: ComponentId,
        bytes: &mut &[u8],
    ) -> Result<(), EcsError> {
        let mut bundle = ValueBundle::default();
        self.add_if_changed(&mut bundle, entity, id, bytes)?;
        if self.contains(entity) {
            self.insert_bundle(entity, bundle);
        }
        Ok(())
    }

    fn add_if_changed(
        &self,
        bundle: &mut ValueBundle,
        entity: Entity,
        id: ComponentId,
        bytes: &mut &[u8],
    ) -> Result<(), EcsError> {
        let Some(info) = self.types.get(id) else { return Ok(()) };
        let Some(operations) = info.component_operations() else { return Ok(()) };
        let mut now = Vec::new();
        if self.contains(entity) && self.encode_component(entity, info, &mut now)? && bytes.starts_with(&now)
        {
            // An encoded value is never the beginning of another one of its type.
            *bytes = &bytes[now.len()..];
            return Ok(());
        }
        bundle.add(info, operations, bytes)
    }

    fn take_component(&mut self, entity: Entity, id: ComponentId) {
        self.changes.remove(id, entity);
        if let Some(set) = self.sparse.get_mut(id) {
            set.remove(entity);
            return;
        }
        let remove = self.types.get(id).and_then(|info| Some(info.typed_operations()?.remove));
        if let Some(remove) = remove {
            self.structure_changed();
            remove(&mut self.entities, entity.inner());
        }
    }

    fn put_resource_back(&mut self, id: ComponentId, bytes: Option<&[u8]>) -> Result<(), EcsError> {
        let Some(mut bytes) = bytes else {
            self.resources.remove_any(id);
            self.changes.remove_resource(id);
            return Ok(());
        };
        let Some(info) = self.types.get(id) else { return Ok(()) };
        let Operations::Resource(operations) = &info.operations else { return Ok(()) };
        let mut now = Vec::new();
        if let Ok(resource) = self.resources.borrow(id, info.name()) {
            (operations.save)(&**resource, &mut now)?;
            if now == bytes {
                return Ok(());
            }
        }
        let resource = (operations.restore)(&mut bytes)?;
        let stored = self.types.stored_resource(resource.into_any());
        let stored = stored.ok_or_else(|| EcsError::Conflict { name: info.name().to_owned() })?;
        self.resources.insert_any(id, stored);
        Ok(())
    }

    /// Makes these ids the free ones, as they were. Ids that were never given out before are so again: they come after all
    /// that were free, the lowest first.
    fn put_ids_back(&mut self, free: &[hecs::Entity]) {
        let known: HashSet<u32> = free.iter().map(|entity| entity.id()).collect();
        let mut unused: Vec<_> =
            self.entities.freelist().map(|entity| entity.id()).filter(|id| !known.contains(id)).collect();
        // Ids come off the end of the list.
        unused.sort_unstable_by(|a, b| b.cmp(a));
        let unused = unused.into_iter().filter_map(unused_id);
        let all: Vec<_> = unused.chain(free.iter().copied()).collect();
        self.entities.set_freelist(&all);
    }

    /// Before a batch of so many takes its ids: it takes them as they lie at the end of the list, not from there, so that
    /// ids which were never given out must lie in their order.
    #[inline]
    pub(crate) fn order_unused_ids(&mut self, count: usize) {
        // An id that was given out has a higher generation when it is free.
        let has_unused = self.entities.freelist().next().is_some_and(|first| first == unused_of(first));
        if has_unused {
            self.put_unused_last(count);
        }
    }

    #[cold]
    fn put_unused_last(&mut self, count: usize) {
        let mut free: Vec<_> = self.entities.freelist().collect();
        let unused = free.iter().take_while(|entity| **entity == unused_of(**entity)).count();
        let used = free.len() - unused;
        if count > used {
            // The last of the unused ones are the lowest.
            let mut next: Vec<_> = free.drain(unused.saturating_sub(count - used)..unused).collect();
            next.reverse();
            free.extend(next);
            self.entities.set_freelist(&free);
        }
    }
}

fn unused_id(index: u32) -> Option<hecs::Entity> {
    hecs::Entity::from_bits((1 << 32) | u64::from(index))
}

fn unused_of(entity: hecs::Entity) -> hecs::Entity {
    unused_id(entity.id()).unwrap_or(entity)
}
