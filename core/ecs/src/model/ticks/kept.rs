//! Ticks that a transaction keeps, and puts back when what it did is undone.

use std::sync::atomic::{AtomicU32, Ordering};

use keel_core_types::ComponentId;

use super::table::NONE;
use super::world::{Changes, find, find_mut};
use crate::Entity;

/// The ticks of one value before it was changed, as the clock counts them.
pub(crate) struct KeptTicks {
    id: ComponentId,
    /// The index of the entity; none for a resource.
    index: Option<u32>,
    added: u64,
    changed: u64,
}

impl Changes {
    /// Those of all components of an entity.
    pub(crate) fn keep_entity(&self, entity: Entity) -> Vec<KeptTicks> {
        let tables = self.tables.iter();
        tables.filter_map(|(id, _)| self.keep_component(*id, entity)).collect()
    }

    /// Those of a component that is there, and tracked.
    pub(crate) fn keep_component(&self, id: ComponentId, entity: Entity) -> Option<KeptTicks> {
        let index = entity.index();
        let table = find(&self.tables, id)?;
        let (added, changed) = (table.added.get(index as usize)?, table.changed.get(index as usize)?);
        self.keep(id, Some(index), added, changed)
    }

    /// Those of a component of all entities.
    pub(crate) fn keep_all(&self, id: ComponentId) -> Vec<KeptTicks> {
        let Some(table) = find(&self.tables, id) else { return Vec::new() };
        let all = (0..).zip(table.added.iter().zip(&table.changed));
        all.filter_map(|(index, (added, changed))| self.keep(id, Some(index), added, changed)).collect()
    }

    /// Those of a resource that is there, and tracked.
    pub(crate) fn keep_resource(&self, id: ComponentId) -> Option<KeptTicks> {
        let ticks = find(&self.resources, id)?;
        self.keep(id, None, &ticks.added, &ticks.changed)
    }

    fn keep(
        &self,
        id: ComponentId,
        index: Option<u32>,
        added: &AtomicU32,
        changed: &AtomicU32,
    ) -> Option<KeptTicks> {
        let of_clock = |tick: &AtomicU32| u64::from(tick.load(Ordering::Relaxed)) + self.clock.base;
        let is_there = added.load(Ordering::Relaxed) != NONE;
        is_there.then(|| KeptTicks { id, index, added: of_clock(added), changed: of_clock(changed) })
    }

    /// Gives a value, which is there again, the ticks that it had.
    pub(crate) fn put_back(&mut self, kept: &KeptTicks) {
        let of_table = |tick: u64| self.clock.since_base(tick).max(NONE + 1);
        let (added, changed) = (of_table(kept.added), of_table(kept.changed));
        let places = match kept.index {
            Some(index) => find_mut(&mut self.tables, kept.id).and_then(|table| {
                Some((table.added.get_mut(index as usize)?, table.changed.get_mut(index as usize)?))
            }),
            None => {
                find_mut(&mut self.resources, kept.id).map(|ticks| (&mut ticks.added, &mut ticks.changed))
            }
        };
        if let Some((added_at, changed_at)) = places {
            *added_at.get_mut() = added;
            *changed_at.get_mut() = changed;
        }
    }

    /// How many entities were ever told to have lost each component.
    pub(crate) fn removed_counts(&self) -> Vec<(ComponentId, u64)> {
        self.tables.iter().map(|(id, table)| (*id, table.removed.next())).collect()
    }

    /// Forgets those that were told to have lost one since these were counted.
    pub(crate) fn forget_removed(&mut self, counts: &[(ComponentId, u64)]) {
        for (id, table) in &mut self.tables {
            if let Some((_, count)) = counts.iter().find(|(known, _)| known == id) {
                table.removed.forget(*count);
            }
        }
    }
}
