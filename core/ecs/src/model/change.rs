//! Change detection by value: what was added, changed and removed since the last look.

use std::collections::BTreeMap;

use keel_module_macros::data;

use crate::{Component, Entity, World};

/// Remembers the values of all `T` at its last look. Kept in a module's state, it survives a swap.
#[data(crate = keel_state)]
#[derive(Clone, Debug)]
pub struct ChangeTracker<T> {
    seen: BTreeMap<Entity, T>,
}

impl<T> Default for ChangeTracker<T> {
    fn default() -> Self {
        Self { seen: BTreeMap::new() }
    }
}

/// What happened to the `T` components between two looks, in the order of the entities' ids.
#[derive(Clone, Debug, PartialEq)]
pub struct Changes<T> {
    /// Entities that have a `T` now and had none.
    pub added: Vec<Entity>,
    /// Entities whose `T` differs, with the value from before.
    pub changed: Vec<(Entity, T)>,
    /// Entities that have no `T` any more, with the last value.
    pub removed: Vec<(Entity, T)>,
}

impl<T: Component + Clone + PartialEq> ChangeTracker<T> {
    /// Compares the world with the last look, and remembers it as it is now. Linear in the number of `T`.
    pub fn look(&mut self, world: &World) -> Changes<T> {
        let mut changes = Changes { added: Vec::new(), changed: Vec::new(), removed: Vec::new() };
        let mut before = std::mem::take(&mut self.seen);
        world.query::<(Entity, &T)>().for_each(|(entity, value)| {
            match before.remove(&entity) {
                None => changes.added.push(entity),
                Some(old) if old != *value => changes.changed.push((entity, old)),
                Some(_) => {}
            }
            self.seen.insert(entity, value.clone());
        });
        changes.added.sort_unstable();
        changes.changed.sort_unstable_by_key(|(entity, _)| *entity);
        changes.removed.extend(before);
        changes
    }
}
