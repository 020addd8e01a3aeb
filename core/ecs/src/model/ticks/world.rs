//! The ticks of one world.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use keel_core_types::ComponentId;

use super::clock::Clock;
use super::resource::ResourceTicks;
use super::table::TickTable;
use super::{ChangeMark, ChangeWindow, TickWindow, ValueTicks};
use crate::model::event::EventStore;
use crate::{Bundle, Entity, FramePart, ModelTypeInfo, ModelTypeKind, World};

/// When what is tracked in a world was added and changed.
#[derive(Default)]
pub(crate) struct Changes {
    pub(super) clock: Clock,
    /// Whether anybody has asked what is new.
    pub(super) is_asked: AtomicBool,
    /// In the order of their ids.
    pub(super) tables: Vec<(ComponentId, TickTable)>,
    pub(super) resources: Vec<(ComponentId, ResourceTicks)>,
}

pub(super) fn find<T>(all: &[(ComponentId, T)], id: ComponentId) -> Option<&T> {
    let place = all.binary_search_by_key(&id, |(id, _)| *id).ok()?;
    Some(&all[place].1)
}

pub(super) fn find_mut<T>(all: &mut [(ComponentId, T)], id: ComponentId) -> Option<&mut T> {
    let place = all.binary_search_by_key(&id, |(id, _)| *id).ok()?;
    Some(&mut all[place].1)
}

/// Adds an entry for `id`, or takes it out; whether one was added.
fn set_kept<T: Default>(all: &mut Vec<(ComponentId, T)>, id: ComponentId, is_kept: bool) -> bool {
    match (all.binary_search_by_key(&id, |(id, _)| *id), is_kept) {
        (Err(place), true) => {
            all.insert(place, (id, T::default()));
            return true;
        }
        (Ok(place), false) => {
            all.remove(place);
        }
        _ => {}
    }
    false
}

impl Changes {
    fn now(&self) -> u32 {
        self.clock.since_base(self.clock.now)
    }

    #[inline]
    pub(crate) fn ticks(&self, window: ChangeWindow) -> TickWindow {
        self.is_asked.store(true, Ordering::Relaxed);
        self.clock.ticks(window)
    }

    /// The ticks at which values of a component were added and changed, by the index of the entity. None are there for one
    /// that is not tracked.
    #[inline]
    pub(super) fn columns(&self, id: ComponentId) -> (&[AtomicU32], &[AtomicU32]) {
        find(&self.tables, id).map_or((&[], &[]), |table| (&table.added, &table.changed))
    }

    pub(super) fn removed(&self, id: ComponentId) -> Option<&EventStore<Entity>> {
        find(&self.tables, id).map(|table| &table.removed)
    }

    /// The ticks of a component of `entity`, for the world's own window.
    #[inline]
    pub(crate) fn of_entity(&self, id: ComponentId, entity: Entity) -> Option<ValueTicks<'_>> {
        let window = self.clock.ticks(self.clock.window());
        find(&self.tables, id).map(|table| table.value(entity.index(), window))
    }

    /// The ticks of a resource.
    #[inline]
    pub(crate) fn of_resource(&self, id: ComponentId, window: ChangeWindow) -> Option<ValueTicks<'_>> {
        find(&self.resources, id).map(|ticks| ticks.value(self.ticks(window)))
    }

    #[inline]
    pub(crate) fn insert(&mut self, id: ComponentId, entities: &[Entity]) {
        let now = self.now();
        if let Some(table) = find_mut(&mut self.tables, id) {
            entities.iter().for_each(|entity| table.insert(entity.index(), now));
        }
    }

    #[inline]
    pub(crate) fn remove(&mut self, id: ComponentId, entity: Entity) {
        if let Some(table) = find_mut(&mut self.tables, id) {
            table.remove(entity);
        }
    }

    #[inline]
    pub(crate) fn despawned(&mut self, entity: Entity) {
        self.tables.iter_mut().for_each(|(_, table)| table.remove(entity));
    }

    pub(crate) fn insert_resource(&mut self, id: ComponentId) {
        let now = self.now();
        if let Some(ticks) = find_mut(&mut self.resources, id) {
            ticks.insert(now);
        }
    }

    pub(crate) fn remove_resource(&mut self, id: ComponentId) {
        if let Some(ticks) = find_mut(&mut self.resources, id) {
            ticks.remove();
        }
    }

    pub(crate) fn clear_resources(&mut self) {
        self.resources.iter_mut().for_each(|(_, ticks)| ticks.remove());
    }

    pub(crate) fn end_step(&mut self) {
        self.tables.iter_mut().for_each(|(_, table)| table.removed.end_step());
    }

    pub(crate) fn enter(&mut self, part: FramePart) {
        self.tables.iter_mut().for_each(|(_, table)| table.removed.enter(part));
    }

    #[inline]
    fn advance(&mut self, ticks: u64) {
        if let Some(shift) = self.clock.advance(ticks) {
            self.tables.iter_mut().for_each(|(_, table)| table.shift(shift));
            self.resources.iter_mut().for_each(|(_, of)| of.shift(shift));
        }
    }

    /// Takes over the time of another world, and the ticks of what is tracked in both.
    pub(crate) fn take_over(&mut self, other: &Self) {
        self.clock = other.clock;
        for (id, table) in &mut self.tables {
            *table = find(&other.tables, *id).cloned().unwrap_or_default();
        }
        for (id, ticks) in &mut self.resources {
            *ticks = find(&other.resources, *id).cloned().unwrap_or_default();
        }
    }
}

impl World {
    /// What the world's own queries see as changed: all since [`World::clear_changes`] was called last. In a system that
    /// has the whole frame, all since the last of its runs in which it asked.
    #[inline]
    pub fn change_window(&self) -> ChangeWindow {
        self.changes.clock.window()
    }

    /// The point between all that was changed until now, and all that is changed from now on.
    pub fn mark_changes(&mut self) -> ChangeMark {
        let mark = ChangeMark { tick: self.changes.clock.now };
        self.changes.advance(1);
        mark
    }

    /// Lets all that was changed until now count as seen by the world's own queries.
    pub fn clear_changes(&mut self) {
        self.changes.clock.since = self.mark_changes().tick;
    }

    /// Lets the world's own queries see what has changed since `mark`, until [`World::end_asking`]. Since when they saw it
    /// before is returned. For the engine, whose systems may have the whole frame.
    #[doc(hidden)]
    pub fn begin_asking(&mut self, mark: ChangeMark) -> ChangeMark {
        self.reserve_changes(0);
        *self.changes.is_asked.get_mut() = false;
        ChangeMark { tick: std::mem::replace(&mut self.changes.clock.since, mark.tick) }
    }

    /// Lets them see what has changed since `before` again. If anybody has asked meanwhile, this is the mark to be
    /// remembered.
    #[doc(hidden)]
    pub fn end_asking(&mut self, before: ChangeMark) -> Option<ChangeMark> {
        self.changes.clock.since = before.tick;
        let mark = self.mark_changes();
        (*self.changes.is_asked.get_mut()).then_some(mark)
    }

    /// Keeps as many ticks for runs that write side by side, each at one of its own: the window of the first. What is
    /// written through the world afterwards is later than all of them. For the engine.
    #[doc(hidden)]
    #[inline]
    pub fn reserve_changes(&mut self, runs: u64) -> ChangeWindow {
        let first = self.change_window().later(1);
        self.changes.advance(runs + 1);
        first
    }

    /// Notes that `entities` were given the components of `B`.
    #[inline]
    pub(crate) fn note_inserted<B: Bundle>(&mut self, entities: &[Entity]) {
        if B::TRACKED > 0 {
            B::visit_tracked(&mut |id| self.changes.insert(id, entities));
        }
    }

    /// Notes that the components of `B` were taken from `entity`.
    #[inline]
    pub(crate) fn note_removed<B: Bundle>(&mut self, entity: Entity) {
        if B::TRACKED > 0 {
            B::visit_tracked(&mut |id| self.changes.remove(id, entity));
        }
    }

    /// Notes that a resource was written.
    pub(crate) fn note_resource_written(&self, id: ComponentId) {
        if let Some(ticks) = self.changes.of_resource(id, self.change_window()) {
            ticks.set_changed();
        }
    }

    /// Lets the component of an entity count as changed, if it is tracked.
    #[inline]
    pub(crate) fn note_written(&self, entity: Entity, id: ComponentId) {
        if let Some(ticks) = self.changes.of_entity(id, entity) {
            ticks.set_changed();
        }
    }

    /// Tracks a type from now on, or no longer. Values that are there already count as added now.
    pub(crate) fn track(&mut self, info: &ModelTypeInfo) {
        let (id, is_tracked) = (info.id(), info.is_tracked());
        match info.kind() {
            ModelTypeKind::Component => {
                if set_kept(&mut self.changes.tables, id, is_tracked) && !self.is_empty() {
                    self.settle_ticks(info, false);
                }
            }
            ModelTypeKind::Resource => {
                let is_new = set_kept(&mut self.changes.resources, id, is_tracked);
                if is_new && self.resources.contains(id) {
                    self.changes.insert_resource(id);
                }
            }
            ModelTypeKind::Event => {}
        }
    }

    /// Gives all values of a tracked type ticks that have none, and lets all count as changed if they were converted.
    /// Whether there are no ticks without a value.
    pub(crate) fn settle_ticks(&mut self, info: &ModelTypeInfo, is_converted: bool) -> bool {
        let id = info.id();
        let now = self.changes.now();
        if info.kind() == ModelTypeKind::Resource {
            let is_there = self.resources.contains(id);
            let Some(ticks) = find_mut(&mut self.changes.resources, id) else { return true };
            let has_ticks = *ticks.added.get_mut() > 0;
            if is_there && (!has_ticks || is_converted) {
                ticks.insert(now);
            }
            return is_there || !has_ticks;
        }
        if find(&self.changes.tables, id).is_none() {
            return true;
        }
        let holders = self.holders(info);
        let Some(table) = find_mut(&mut self.changes.tables, id) else { return true };
        for index in &holders {
            if !table.has(*index) {
                table.insert(*index, now);
            }
        }
        if is_converted {
            table.change_all(now);
        }
        table.count() == holders.len()
    }

    /// The entities that have a component, by index.
    fn holders(&self, info: &ModelTypeInfo) -> Vec<u32> {
        if let Some(cell) = self.sparse.cell(info.id()) {
            return cell.entities().iter().map(|entity| entity.index()).collect();
        }
        let rust = info.fingerprint().rust;
        let archetypes = self.inner().archetypes();
        let holding = archetypes.filter(|archetype| archetype.component_types().any(|id| id == rust));
        holding.flat_map(|archetype| archetype.ids().iter().copied()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Changed, component};

    #[component(crate = crate, tracked)]
    struct Hull {
        planks: u32,
    }

    #[test]
    fn time_goes_on_when_the_ticks_of_the_tables_run_out() {
        let mut world = World::new();
        world.register(ModelTypeInfo::component::<Hull>()).unwrap();
        let [old, late] = [1, 2].map(|planks| world.spawn((Hull { planks },)));
        let mut early = world.mark_changes();
        for _ in 0..5 {
            world.changes.advance(1 << 30);
            let before = world.mark_changes();
            world.get_mut::<Hull>(late).unwrap().planks += 1;
            let after = world.mark_changes();
            let since = |mark| world.query_since::<Entity, Changed<Hull>>(mark).entities();
            assert_eq!(since(before), [late]);
            assert_eq!(since(after), []);
            assert_eq!(since(ChangeMark::default()), [old, late], "who never looked sees all there is");
            assert!(since(early).contains(&late), "nothing that is new is missed by one who was long away");
            early = after;
        }
        assert!(world.changes.clock.base > 0);
    }
}
