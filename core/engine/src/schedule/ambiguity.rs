//! Systems whose order matters, and of which nobody says which comes first.

use std::fmt;

use super::order::Waits;
use super::plan::Users;
use super::{Schedule, System};
use crate::param::ParamUses;

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
    let mut users = Users::default();
    for (index, system) in systems.iter().enumerate() {
        let mut before = vec![0_u64; systems.len().div_ceil(64)];
        for wait in &waits[index] {
            before[wait / 64] |= 1 << (wait % 64);
            before.iter_mut().zip(&earlier[*wait]).for_each(|(all, of)| *all |= of);
        }
        // Nothing is known of what has the whole frame, but for what its conditions read.
        let own = if system.is_exclusive { ParamUses::default() } else { system.uses.clone() };
        for other in users.candidates(&own) {
            let first = &systems[other];
            let is_ordered = before[other / 64] & (1 << (other % 64)) != 0;
            if is_ordered || first.descriptor.stage != system.descriptor.stage {
                continue;
            }
            if let Some(shared) = first.uses.data_conflict_with(&own) {
                let (first, second) = (first.path(), system.path());
                found.push(Ambiguity { first, second, shared: shared.to_owned() });
            }
        }
        users.add(index, &own);
        earlier.push(before);
    }
    found
}
