//! What code reads and writes: two that don't get in each other's way may run side by side.

use std::collections::{BTreeMap, BTreeSet};

use keel_core_types::ComponentId;

use crate::EcsError;

/// The components, resources and events that a query, a parameter or a system reads and writes, and which entities it
/// passes over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    used: BTreeMap<ComponentId, Used>,
    with: BTreeSet<ComponentId>,
    without: BTreeSet<ComponentId>,
    /// What it uses twice in a way that excludes itself.
    conflict: Option<String>,
    is_exclusive: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Used {
    /// Owned: the declared name of a type lies in its module.
    name: String,
    writes: bool,
}

impl Access {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What `add` adds. Modules compile no more of it than a call.
    pub fn of(add: fn(&mut Self)) -> Self {
        let mut access = Self::new();
        add(&mut access);
        access
    }

    /// Panics, naming it, where something of this excludes another part of it.
    pub(crate) fn assert_no_conflict(add: fn(&mut Self)) {
        if let Some(name) = Self::of(add).own_conflict() {
            panic!("{}", EcsError::InUse { name: name.to_owned() });
        }
    }

    /// All of the world, to read and to write.
    pub fn exclusive() -> Self {
        Self { is_exclusive: true, ..Self::default() }
    }

    /// Whether it is all of the world.
    pub fn is_exclusive(&self) -> bool {
        self.is_exclusive
    }

    /// Adds what is read.
    pub fn add_read(&mut self, id: ComponentId, name: &str) {
        self.add(id, name, false);
    }

    /// Adds what is written, and perhaps read.
    pub fn add_write(&mut self, id: ComponentId, name: &str) {
        self.add(id, name, true);
    }

    /// Adds what is asked whether it was changed: others may not write it meanwhile, and who asks may.
    pub fn add_tick_read(&mut self, id: ComponentId, name: &str) {
        self.used.entry(id).or_insert_with(|| Used { name: name.to_owned(), writes: false });
    }

    /// Passes over entities that lack this component.
    pub fn add_with(&mut self, id: ComponentId) {
        self.with.insert(id);
    }

    /// Passes over entities that have this component.
    pub fn add_without(&mut self, id: ComponentId) {
        self.without.insert(id);
    }

    /// Adds what `part` adds, but for the entities that it passes over: they are not passed over here.
    pub fn add_optional(&mut self, part: impl FnOnce(&mut Self)) {
        let (with, without) = (self.with.clone(), self.without.clone());
        part(self);
        (self.with, self.without) = (with, without);
    }

    /// The name of what it uses twice itself in a way that can't be, as `(&mut T, &T)` does.
    pub fn own_conflict(&self) -> Option<&str> {
        self.conflict.as_deref()
    }

    /// The names of what it reads only, and of what it writes, each in the order of the ids.
    pub fn names(&self) -> (Vec<&str>, Vec<&str>) {
        let of = |writes: bool| {
            let used = self.used.values().filter(move |used| used.writes == writes);
            used.map(|used| used.name.as_str()).collect()
        };
        (of(false), of(true))
    }

    /// What it writes.
    pub fn written(&self) -> Vec<ComponentId> {
        self.used.iter().filter(|(_, used)| used.writes).map(|(id, _)| *id).collect()
    }

    /// The name of something that both use and at least one of them writes; `None` when they may run side by side. Two
    /// queries that can have no entity in common, because one wants what the other passes over, never conflict.
    pub fn conflict_with(&self, other: &Self) -> Option<&str> {
        if self.is_exclusive || other.is_exclusive {
            return Some("the world");
        }
        if !self.with.is_disjoint(&other.without) || !other.with.is_disjoint(&self.without) {
            return None;
        }
        let mut shared =
            self.used.iter().filter_map(|(id, used)| other.used.get(id).map(|theirs| (used, theirs)));
        shared.find(|(ours, theirs)| ours.writes || theirs.writes).map(|(ours, _)| ours.name.as_str())
    }

    /// The name of the first thing that it uses of each entity and that an entity lacks, by what the entity `has`.
    pub(crate) fn first_missing(&self, has: impl Fn(ComponentId) -> bool) -> Option<&str> {
        let needed = self.used.iter().filter(|(id, _)| self.with.contains(id));
        needed.filter(|(id, _)| !has(**id)).map(|(_, used)| used.name.as_str()).next()
    }

    fn add(&mut self, id: ComponentId, name: &str, writes: bool) {
        match self.used.get_mut(&id) {
            None => {
                self.used.insert(id, Used { name: name.to_owned(), writes });
            }
            Some(used) => {
                if (used.writes || writes) && self.conflict.is_none() {
                    self.conflict = Some(name.to_owned());
                }
                used.writes |= writes;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(reads: &[&str], writes: &[&str]) -> Access {
        let mut access = Access::new();
        reads.iter().for_each(|name| access.add_read(ComponentId::of(name), name));
        writes.iter().for_each(|name| access.add_write(ComponentId::of(name), name));
        access
    }

    #[test]
    fn readers_share_and_a_writer_does_not() {
        let (reads, writes) = (access(&["A", "B"], &[]), access(&["C"], &["B"]));
        assert_eq!(reads.conflict_with(&reads), None);
        assert_eq!(reads.conflict_with(&writes), Some("B"));
        assert_eq!(writes.conflict_with(&reads), Some("B"));
        assert_eq!(access(&["A"], &[]).conflict_with(&access(&[], &["C"])), None);
        assert_eq!(Access::exclusive().conflict_with(&Access::new()), Some("the world"));
        assert_eq!(writes.names(), (vec!["C"], vec!["B"]));
    }

    #[test]
    fn what_has_no_entity_in_common_does_not_conflict() {
        let (mut with, mut without) = (access(&[], &["A"]), access(&[], &["A"]));
        with.add_with(ComponentId::of("Frozen"));
        assert_eq!(with.conflict_with(&without), Some("A"));
        without.add_without(ComponentId::of("Frozen"));
        assert_eq!(with.conflict_with(&without), None);
        assert_eq!(without.conflict_with(&with), None);
    }

    #[test]
    fn what_is_used_twice_by_itself_is_named() {
        assert_eq!(access(&["A", "A"], &["B"]).own_conflict(), None);
        assert_eq!(access(&["A"], &["A"]).own_conflict(), Some("A"));
        assert_eq!(access(&[], &["A", "A"]).own_conflict(), Some("A"));
    }
}
