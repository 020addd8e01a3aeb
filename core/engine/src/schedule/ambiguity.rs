//! Systems whose order matters, and of which nobody says which comes first.

use std::fmt;

use super::order::Waits;
use super::{Schedule, System};

/// Two systems that use the same thing, one of them to write it, and that are in no order: they run in that of their
/// modules' names, or as their module registered them, which may not be what was meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ambiguity {
    /// The one that runs first, as `module/system`.
    pub first: String,
    /// The one that runs later.
    pub second: String,
    /// The declared name of what both use.
    pub shared: String,
}

impl fmt::Display for Ambiguity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, second, shared } = self;
        write!(
            out,
            "`{first}` runs before `{second}`, and both use `{shared}`, but nobody says so; if the order matters, say it: \
             `after(\"{first}\")`"
        )
    }
}

impl Schedule {
    /// All pairs of systems of one stage that conflict and are in no order. Systems that have the whole frame are left out:
    /// they would conflict with all others.
    pub fn ambiguities(&self) -> Vec<Ambiguity> {
        ambiguities(&self.systems, &self.waits)
    }
}

pub(super) fn ambiguities(systems: &[System], waits: &Waits) -> Vec<Ambiguity> {
    let mut found = Vec::new();
    // For each system, all that run before it because somebody says so, as a set of bits.
    let mut earlier: Vec<Vec<u64>> = Vec::with_capacity(systems.len());
    for (index, system) in systems.iter().enumerate() {
        let mut before = vec![0_u64; systems.len().div_ceil(64)];
        for wait in &waits[index] {
            before[wait / 64] |= 1 << (wait % 64);
            before.iter_mut().zip(&earlier[*wait]).for_each(|(all, of)| *all |= of);
        }
        let others = systems[..index]
            .iter()
            .enumerate()
            .filter(|(other, _)| before[other / 64] & (1 << (other % 64)) == 0);
        for (_, other) in others.filter(|(_, other)| other.descriptor.stage == system.descriptor.stage) {
            if other.is_exclusive || system.is_exclusive {
                continue;
            }
            if let Some(shared) = other.uses.data_conflict_with(&system.uses) {
                found.push(Ambiguity {
                    first: other.path(),
                    second: system.path(),
                    shared: shared.to_owned(),
                });
            }
        }
        earlier.push(before);
    }
    found
}
