//! Entities that have lost a component.

use std::marker::PhantomData;

use keel_state::{Schema, SchemaBuilder, TypeRef};
use serde::{Deserialize, Serialize};

use super::Tracked;
use crate::model::event::EventStore;
use crate::{Component, Entity, World};

/// The entities that have lost their `T`, oldest first: it was taken from them, or they were despawned. Each is told as
/// long as an event would be kept, until the end of the step after the one in which it happened.
pub struct Removals<'w, T> {
    store: Option<&'w EventStore<Entity>>,
    component: PhantomData<fn() -> T>,
}

impl<'w, T: Component> Removals<'w, T> {
    /// All that are still told, oldest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Entity> + use<'w, T> {
        self.from(0)
    }

    /// How many are told.
    pub fn len(&self) -> usize {
        self.iter().len()
    }

    /// Whether none is told.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn from(&self, number: u64) -> impl ExactSizeIterator<Item = Entity> + use<'w, T> {
        static NOBODY: EventStore<Entity> = EventStore::new();
        let store = self.store.unwrap_or(&NOBODY);
        store.from(number.max(store.shown_from())).copied()
    }

    fn first(&self) -> u64 {
        self.store.map_or(0, EventStore::shown_from)
    }

    fn next(&self) -> u64 {
        self.store.map_or(0, EventStore::next)
    }
}

/// Where one reader stands in the [`Removals`] of `T`. Kept in a module's fields, it survives a swap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent, bound = "")]
pub struct RemovalCursor<T> {
    next: u64,
    #[serde(skip)]
    component: PhantomData<fn() -> T>,
}

impl<T> Default for RemovalCursor<T> {
    fn default() -> Self {
        Self { next: 0, component: PhantomData }
    }
}

impl<T: 'static> Schema for RemovalCursor<T> {
    fn schema(types: &mut SchemaBuilder) -> TypeRef {
        u64::schema(types)
    }
}

impl<T: Component> RemovalCursor<T> {
    /// The entities that this reader has not seen and that are still told, oldest first; they count as seen.
    pub fn read<'w>(
        &mut self,
        removals: &Removals<'w, T>,
    ) -> impl ExactSizeIterator<Item = Entity> + use<'w, T> {
        let from = std::mem::replace(&mut self.next, removals.next());
        removals.from(from)
    }

    /// How many wait for this reader.
    pub fn waiting(&self, removals: &Removals<'_, T>) -> usize {
        (removals.next() - self.next.clamp(removals.first(), removals.next())) as usize
    }

    /// How many were no longer told when this reader looked.
    pub fn missed(&self, removals: &Removals<'_, T>) -> u64 {
        removals.first().saturating_sub(self.next)
    }

    /// Counts all so far as seen.
    pub fn skip_all(&mut self, removals: &Removals<'_, T>) {
        self.next = removals.next();
    }
}

impl World {
    /// The entities that have lost their `T`.
    pub fn removals<T: Component + Tracked>(&self) -> Removals<'_, T> {
        Removals { store: self.changes.removed(T::ID), component: PhantomData }
    }
}
