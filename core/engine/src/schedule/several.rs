//! Running a segment on several threads.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use keel_crash::Thread;
use rayon_core::{Scope, ThreadPool};

use super::plan::Node;
use super::{Outcome, System};
use crate::param::SystemContext;

/// What of a segment is still to be run; kept for its memory.
#[derive(Default)]
pub(super) struct Left {
    /// For how many nodes each still waits.
    waits: Vec<AtomicU32>,
    /// Which nodes are run; the others are passed over in their turn.
    runs: Vec<bool>,
}

impl Left {
    pub(super) fn fill(&mut self, nodes: &[Node], runs: impl Fn(&Node) -> bool) {
        self.waits.clear();
        self.waits.extend(nodes.iter().map(|node| AtomicU32::new(node.waits)));
        self.runs.clear();
        self.runs.extend(nodes.iter().map(runs));
    }
}

/// A segment that several threads run.
pub(super) struct SharedWork<'r> {
    pub(super) systems: &'r [System],
    pub(super) nodes: &'r [Node],
    pub(super) context: SystemContext<'r>,
    pub(super) left: &'r Left,
}

impl SharedWork<'_> {
    /// Runs all of it. A thread never waits for another one here: a system that has to wait is run by whoever ends the
    /// last one that it waits for.
    pub(super) fn run_all(&self, pool: &ThreadPool) {
        pool.scope(|scope| {
            let nodes = self.nodes.iter().enumerate();
            nodes.filter(|(_, node)| node.waits == 0).for_each(|(index, _)| self.spawn(scope, index));
        });
    }

    fn spawn<'s>(&'s self, scope: &Scope<'s>, index: usize) {
        scope.spawn(move |scope| self.run_from(scope, index));
    }

    /// Runs a node, and then those that have waited for it alone: one on this thread, the others on any.
    fn run_from<'s>(&'s self, scope: &Scope<'s>, index: usize) {
        let mut next = Some(index);
        while let Some(index) = next.take() {
            if self.left.runs[index] {
                self.run(index);
            }
            for later in self.nodes[index].then.iter().map(|later| *later as usize) {
                // What the node has written is seen by whoever runs the later one.
                if self.left.waits[later].fetch_sub(1, Ordering::AcqRel) > 1 {
                    continue;
                }
                match next {
                    None => next = Some(later),
                    Some(_) => self.spawn(scope, later),
                }
            }
        }
    }

    fn run(&self, index: usize) {
        let begun = Instant::now();
        let system = &self.systems[self.nodes[index].system];
        let _running = Thread::current().enter(system.mark);
        let mut work = system.work.lock();
        // Its place in the schedule says when it runs, not the order in which threads come to it.
        let changes = self.context.changes.later(index as u64);
        work.run(&SystemContext { changes, ..self.context });
        if !matches!(work.outcome, Outcome::NotRun) {
            work.times.add(begun.elapsed());
        }
    }
}
