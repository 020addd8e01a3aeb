//! What is kept before something is changed.

use std::sync::PoisonError;

use keel_core_types::ComponentId;

use super::{Entry, Journal};
use crate::model::operations::Operations;
use crate::model::query::entity_of_row;
use crate::model::ticks::KeptTicks;
use crate::{Access, EcsError, Entity, World};

// Each of these is called before a change, and asks first whether there is a journal at all.
impl World {
    /// Before `entity` goes, or gets or loses components.
    #[inline]
    pub(crate) fn before_change(&self, entity: Entity) {
        if self.journal.is_kept() {
            self.keep_entity(entity);
        }
    }

    /// Before a component of `entity` is written in its place.
    #[inline]
    pub(crate) fn before_write(&self, entity: Entity, id: ComponentId) {
        if self.journal.is_kept() {
            self.keep_component(entity, id);
        }
    }

    /// Before the components and resources are written of which `add_access` says so.
    #[inline]
    pub(crate) fn before_query(&self, add_access: fn(&mut Access)) {
        if self.journal.is_kept() {
            self.keep_all_of(add_access);
        }
    }

    #[cold]
    fn keep_all_of(&self, add_access: fn(&mut Access)) {
        self.keep_written(Access::of(add_access).written());
    }

    /// Before components of one entity are written of which `add_access` says so.
    #[inline]
    pub(crate) fn before_query_one(&self, entity: Entity, add_access: fn(&mut Access)) {
        if self.journal.is_kept() {
            self.keep_each_of(entity, add_access);
        }
    }

    #[cold]
    fn keep_each_of(&self, entity: Entity, add_access: fn(&mut Access)) {
        let written = Access::of(add_access).written();
        written.into_iter().for_each(|id| self.keep_component(entity, id));
    }

    /// Before a resource is written, comes or goes.
    #[inline]
    pub(crate) fn before_resource(&self, id: ComponentId) {
        if self.journal.is_kept() {
            self.keep_resource(id);
        }
    }

    /// Before events are taken out of their queue.
    #[inline]
    pub(crate) fn before_queue(&mut self, id: ComponentId) {
        if self.journal.is_kept() {
            self.keep_queue(id);
        }
    }

    /// Keeps all that these are: components of all entities, and resources. For code that is known to write no others.
    #[doc(hidden)]
    pub fn keep_written(&self, ids: impl IntoIterator<Item = ComponentId>) {
        for id in ids {
            let Some(info) = self.types.get(id) else { continue };
            match &info.operations {
                Operations::Component(_) => self.keep_column(id),
                Operations::Resource(_) => self.keep_resource(id),
                Operations::Event(_) => {}
            }
        }
    }

    #[cold]
    fn keep_entity(&self, entity: Entity) {
        let is_new = self.with_journal(|journal| journal.entities.insert(entity));
        let Ok(types) = self.components_of(entity) else { return };
        if is_new {
            self.keep_ticks(self.changes.keep_entity(entity));
            self.keep(|world| {
                let mut components = Vec::new();
                for info in types {
                    let mut bytes = Vec::new();
                    world.encode_component(entity, &info, &mut bytes)?;
                    components.push((info.id(), bytes));
                }
                Ok(Some(Entry::Entity(entity, components)))
            });
        }
    }

    #[cold]
    fn keep_component(&self, entity: Entity, id: ComponentId) {
        let is_new = self.with_journal(|journal| {
            !journal.entities.contains(&entity)
                && !journal.columns.contains(&id)
                && journal.components.insert((entity, id))
        });
        let Some(info) = self.types.get(id).filter(|_| is_new) else { return };
        self.keep_ticks(self.changes.keep_component(id, entity));
        self.keep(|world| {
            let mut bytes = Vec::new();
            let is_there = world.encode_component(entity, info, &mut bytes)?;
            Ok(is_there.then_some(Entry::Component(entity, id, bytes)))
        });
    }

    #[cold]
    fn keep_column(&self, id: ComponentId) {
        if !self.with_journal(|journal| journal.columns.insert(id)) {
            return;
        }
        let Some(info) = self.types.get(id) else { return };
        self.keep_ticks(self.changes.keep_all(id));
        self.keep(|world| {
            let (mut entities, mut bytes) = (Vec::new(), Vec::new());
            if let Some(cell) = world.sparse.cell(id) {
                let guard = cell.read();
                entities.extend_from_slice(guard.set().entities());
                guard.set().save(&mut bytes)?;
                return Ok(Some(Entry::Column(id, entities, bytes)));
            }
            let Some(operations) = info.typed_operations() else { return Ok(None) };
            let rust = info.fingerprint().rust;
            for archetype in world.entities.archetypes() {
                if archetype.is_empty() || !archetype.component_types().any(|known| known == rust) {
                    continue;
                }
                let rows = archetype.ids().iter();
                entities.extend(rows.map(|row| entity_of_row(world.generations(), *row)));
                (operations.save_rows)(archetype, 0..archetype.ids().len(), &mut bytes)?;
            }
            Ok(Some(Entry::Column(id, entities, bytes)))
        });
    }

    #[cold]
    fn keep_resource(&self, id: ComponentId) {
        if !self.with_journal(|journal| journal.resources.insert(id)) {
            return;
        }
        self.keep_ticks(self.changes.keep_resource(id));
        self.keep(|world| {
            let Some(info) = world.types.get(id) else { return Ok(None) };
            let Operations::Resource(operations) = &info.operations else { return Ok(None) };
            if !world.resources.contains(id) {
                return Ok(Some(Entry::Resource(id, None)));
            }
            let mut bytes = Vec::new();
            (operations.save)(&**world.resources.borrow(id, info.name())?, &mut bytes)?;
            Ok(Some(Entry::Resource(id, Some(bytes))))
        });
    }

    #[cold]
    fn keep_queue(&mut self, id: ComponentId) {
        if !self.with_journal(|journal| journal.queues.insert(id)) {
            return;
        }
        self.keep(|world| {
            let Some(store) = world.events.get(&id) else { return Ok(None) };
            let mut bytes = Vec::new();
            store.borrow().image(&mut bytes)?;
            Ok(Some(Entry::Queue(id, bytes)))
        });
    }

    /// Before entities come, go or change their components: keeps which ids are free.
    #[cold]
    pub(crate) fn keep_ids(&mut self) {
        let Self { journal, entities, .. } = self;
        if let Some(journal) = journal.get_mut()
            && journal.free.is_none()
        {
            journal.free = Some(entities.freelist().collect());
        }
    }

    fn keep_ticks(&self, ticks: impl IntoIterator<Item = KeptTicks>) {
        let ticks: Vec<_> = ticks.into_iter().collect();
        if !ticks.is_empty() {
            self.with_journal(|journal| journal.entries.push(Entry::Ticks(ticks)));
        }
    }

    /// Adds what `make` gives to the journal, which is free meanwhile: code of an author's types runs.
    fn keep(&self, make: impl FnOnce(&Self) -> Result<Option<Entry>, EcsError>) {
        let made = make(self);
        self.with_journal(|journal| match made {
            Ok(entry) => journal.entries.extend(entry),
            Err(error) => {
                journal.failed.get_or_insert(error);
            }
        });
    }

    fn with_journal<R: Default>(&self, call: impl FnOnce(&mut Journal) -> R) -> R {
        let Some(journal) = &self.journal.0 else { return R::default() };
        call(&mut journal.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
