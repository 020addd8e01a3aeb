//! The ticks of one tracked component, and the entities that have lost it.

use std::sync::atomic::{AtomicU32, Ordering};

use super::{TickWindow, ValueTicks};
use crate::Entity;
use crate::model::event::EventStore;

/// No tick: there is no value.
pub(super) const NONE: u32 = 0;

/// Stands for the ticks of a value that has none.
pub(super) static NOWHERE: AtomicU32 = AtomicU32::new(NONE);

/// The ticks of one component, by the index of the entity; [`NONE`] where there is no value.
///
/// They are atomic, because systems that run side by side write values of different entities. Nothing else is said by
/// them, so no order is asked for.
#[derive(Default)]
pub(super) struct TickTable {
    pub(super) added: Vec<AtomicU32>,
    pub(super) changed: Vec<AtomicU32>,
    /// The entities that have lost their value, in that order.
    pub(super) removed: EventStore<Entity>,
}

impl TickTable {
    /// Notes that the entity with this index was given a value.
    #[inline]
    pub(super) fn insert(&mut self, index: u32, now: u32) {
        let index = index as usize;
        if index >= self.added.len() {
            self.grow(index + 1);
        }
        let added = self.added[index].get_mut();
        if *added == NONE {
            *added = now;
        }
        *self.changed[index].get_mut() = now;
    }

    /// Notes that `entity` has no value any more.
    #[inline]
    pub(super) fn remove(&mut self, entity: Entity) {
        let index = entity.index() as usize;
        if let Some(added) = self.added.get_mut(index).map(AtomicU32::get_mut)
            && *added != NONE
        {
            *added = NONE;
            *self.changed[index].get_mut() = NONE;
            self.removed.send(entity);
        }
    }

    /// Notes that all values were changed.
    pub(super) fn change_all(&mut self, now: u32) {
        let all = self.added.iter_mut().zip(&mut self.changed);
        let there = all.filter_map(|(added, changed)| (*added.get_mut() != NONE).then_some(changed));
        there.for_each(|changed| *changed.get_mut() = now);
    }

    #[cold]
    fn grow(&mut self, len: usize) {
        self.added.resize_with(len, AtomicU32::default);
        self.changed.resize_with(len, AtomicU32::default);
    }

    /// How many values there are.
    pub(super) fn count(&self) -> usize {
        self.added.iter().filter(|added| added.load(Ordering::Relaxed) != NONE).count()
    }

    pub(super) fn has(&self, index: u32) -> bool {
        self.added.get(index as usize).is_some_and(|added| added.load(Ordering::Relaxed) != NONE)
    }

    /// Counts from so many ticks later on. What was before that stays a tick that everybody has seen who has looked since.
    pub(super) fn shift(&mut self, ticks: u32) {
        shift_all(&mut self.added, ticks);
        shift_all(&mut self.changed, ticks);
    }

    #[inline]
    pub(super) fn value(&self, index: u32, window: TickWindow) -> ValueTicks<'_> {
        let index = index as usize;
        ValueTicks {
            added: self.added.get(index).unwrap_or(&NOWHERE),
            changed: self.changed.get(index).unwrap_or(&NOWHERE),
            window,
        }
    }
}

impl Clone for TickTable {
    fn clone(&self) -> Self {
        let copy = |ticks: &[AtomicU32]| {
            ticks.iter().map(|tick| AtomicU32::new(tick.load(Ordering::Relaxed))).collect()
        };
        Self { added: copy(&self.added), changed: copy(&self.changed), removed: self.removed.clone() }
    }
}

pub(super) fn shift_all(ticks: &mut [AtomicU32], by: u32) {
    let there = ticks.iter_mut().map(AtomicU32::get_mut).filter(|tick| **tick != NONE);
    there.for_each(|tick| *tick = tick.saturating_sub(by).max(NONE + 1));
}
