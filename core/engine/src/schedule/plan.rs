//! Which systems may run side by side: worked out when the systems change, and the same on one thread and on many.
//!
//! The order of a stage is cut into *segments*. A system that has the whole frame is one by itself. Within another one,
//! a system waits for those before it that it conflicts with, or that it is ordered after; all else is free. What the
//! systems of a segment have put off, commands and events, is applied when all of them have run, in their order. So a
//! segment ends before a system that is to see what one in it has put off.

use std::collections::{BTreeSet, HashMap};

use super::order::Waits;
use super::pace::Pace;
use super::{Stage, System};
use crate::param::ParamUses;

/// The systems of one stage.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) segments: Vec<Segment>,
    /// The sets with conditions that its systems are in.
    pub(super) gates: BTreeSet<usize>,
}

/// Systems between two points at which what was put off is applied.
pub(super) struct Segment {
    /// One system, which has the whole frame.
    pub(super) is_exclusive: bool,
    /// One system, which takes effect whole or not at all.
    pub(super) is_atomic: bool,
    /// Whether anything can be put off.
    pub(super) defers: bool,
    /// Whether entities are looked up by their names.
    pub(super) finds_names: bool,
    pub(super) nodes: Vec<Node>,
    /// What was seen of its runs.
    pub(super) pace: Pace,
}

/// One system of a segment.
pub(super) struct Node {
    /// Its number in the schedule.
    pub(super) system: usize,
    /// For how many nodes of the segment it waits.
    pub(super) waits: u32,
    /// The nodes that wait for it; all are later ones.
    pub(super) then: Vec<u32>,
}

/// A segment that is being filled.
#[derive(Default)]
struct Draft {
    systems: Vec<usize>,
    nodes: Vec<Node>,
    /// For each node, all that run before it for certain, as a set of bits.
    ancestors: Vec<Vec<u64>>,
    /// Which nodes use what.
    users: Users,
    defers: bool,
    finds_names: bool,
}

/// Who reads and who writes each thing, by number.
#[derive(Default)]
pub(super) struct Users {
    by_name: HashMap<String, (Vec<usize>, Vec<usize>)>,
}

impl Users {
    pub(super) fn add(&mut self, user: usize, uses: &ParamUses) {
        let (reads, writes) = uses.names();
        for name in reads {
            self.by_name.entry(name.to_owned()).or_default().0.push(user);
        }
        for name in writes {
            self.by_name.entry(name.to_owned()).or_default().1.push(user);
        }
    }

    /// Those that may conflict with `uses`, in their order.
    pub(super) fn candidates(&self, uses: &ParamUses) -> BTreeSet<usize> {
        let (reads, writes) = uses.names();
        let mut found = BTreeSet::new();
        for (_, writers) in reads.iter().filter_map(|name| self.by_name.get(*name)) {
            found.extend(writers);
        }
        for (readers, writers) in writes.iter().filter_map(|name| self.by_name.get(*name)) {
            found.extend(readers.iter().chain(writers));
        }
        found
    }
}

impl Plan {
    /// Plans the systems of `stage`, which are in their order.
    pub(super) fn of(stage: Stage, systems: &[System], waits: &Waits) -> Self {
        let (mut segments, mut gates, mut draft) = (Vec::new(), BTreeSet::new(), Draft::default());
        for (index, system) in systems.iter().enumerate() {
            if system.descriptor.stage != stage {
                continue;
            }
            gates.extend(system.gates.iter().copied());
            // What can wait is run one by one, as long as there is time.
            let is_alone = system.is_exclusive || system.descriptor.is_atomic;
            if is_alone || stage == Stage::Idle || draft.must_end_before(index, systems, waits) {
                segments.extend(std::mem::take(&mut draft).finish());
            }
            draft.add(index, systems, waits);
            if is_alone {
                let mut segment = std::mem::take(&mut draft).finish();
                if let Some(segment) = &mut segment {
                    segment.is_exclusive = system.is_exclusive;
                    segment.is_atomic = system.descriptor.is_atomic;
                }
                segments.extend(segment);
            }
        }
        segments.extend(draft.finish());
        Self { segments, gates }
    }
}

impl Draft {
    /// Whether system `next` is to see what one in this segment has put off.
    fn must_end_before(&self, next: usize, systems: &[System], waits: &Waits) -> bool {
        self.defers
            && self.systems.iter().any(|earlier| {
                let (first, then) = (&systems[*earlier].uses, &systems[next].uses);
                let is_ordered = waits[next].contains(earlier);
                (first.defers() && is_ordered)
                    || (first.has_commands() && first.conflict_with(then).is_some())
                    || first.sends_to(then)
            })
    }

    fn add(&mut self, index: usize, systems: &[System], waits: &Waits) {
        let node = self.nodes.len();
        let uses = &systems[index].uses;
        let mut ancestors = vec![0_u64; node / 64 + 1];
        let mut count = 0;
        // From the latest on: most of those before it are ancestors of it then.
        for earlier in self.candidates(index, systems, waits).into_iter().rev() {
            let is_known = ancestors[earlier / 64] & (1 << (earlier % 64)) != 0;
            let system = self.systems[earlier];
            if is_known
                || !(waits[index].contains(&system) || systems[system].uses.conflict_with(uses).is_some())
            {
                continue;
            }
            ancestors[earlier / 64] |= 1 << (earlier % 64);
            ancestors.iter_mut().zip(&self.ancestors[earlier]).for_each(|(all, of)| *all |= of);
            self.nodes[earlier].then.push(node as u32);
            count += 1;
        }
        self.systems.push(index);
        self.ancestors.push(ancestors);
        self.nodes.push(Node { system: index, waits: count, then: Vec::new() });
        self.defers |= uses.defers();
        self.finds_names |= uses.finds_names();
        self.users.add(node, uses);
    }

    /// The nodes that system `index` may have to wait for, in their order.
    fn candidates(&self, index: usize, systems: &[System], waits: &Waits) -> BTreeSet<usize> {
        let mut found = self.users.candidates(&systems[index].uses);
        if !waits[index].is_empty() {
            let nodes = self.systems.iter().enumerate();
            found.extend(nodes.filter(|(_, system)| waits[index].contains(system)).map(|(node, _)| node));
        }
        found
    }

    fn finish(self) -> Option<Segment> {
        let Self { nodes, defers, finds_names, .. } = self;
        (!nodes.is_empty()).then(|| Segment {
            is_exclusive: false,
            is_atomic: false,
            defers,
            finds_names,
            nodes,
            pace: Pace::default(),
        })
    }
}
