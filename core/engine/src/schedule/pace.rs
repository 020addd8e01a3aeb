//! Whether several threads are worth it, by what was seen of a segment's runs.

use std::time::Duration;

use super::System;
use super::plan::Node;

/// Handing a system to another thread and hearing of its end takes some ten microseconds: what is shorter stays.
const WORTH_HANDING_OVER: Duration = Duration::from_micros(20);

/// What several threads must save, by the times of the systems, before they are tried.
pub(super) const WORTH_SEVERAL: Duration = Duration::from_micros(30);

/// After so many runs the slower of the two ways is tried again, at first and at last: the machine may have got other
/// things to do, or fewer.
const RETRY: (u32, u32) = (16, 2048);

/// So many runs tell how long something takes; the first ones are slower.
const RUNS_TO_KNOW: u32 = 6;

/// How long runs of a segment take on one thread and on several.
#[derive(Default)]
pub(crate) struct Pace {
    alone: Estimate,
    several: Estimate,
    /// How much several threads would save, by the times of the systems.
    gain: Duration,
    /// When each system could begin at the earliest; kept for its memory.
    begins: Vec<Duration>,
    /// How many runs were seen on one thread.
    runs_alone: u32,
    /// How many runs were made since the slower way was tried.
    runs: u32,
    /// After how many it is tried again.
    retry: u32,
}

/// How long something mostly takes that is now and then interrupted: a long interruption counts no more than a short one.
#[derive(Clone, Copy, Default)]
struct Estimate(Duration);

impl Estimate {
    fn add(&mut self, took: Duration) {
        let Self(before) = *self;
        self.0 = if before.is_zero() {
            took
        } else if took < before {
            before - (before - took) / 4
        } else {
            before + ((took - before) / 4).min(before / 16)
        };
    }
}

impl Pace {
    /// Whether the next run is to be made on several threads.
    pub(crate) fn wants_several(&mut self) -> bool {
        if self.gain < WORTH_SEVERAL || self.runs_alone < RUNS_TO_KNOW {
            return false;
        }
        let prefers = self.prefers_several();
        self.runs += 1;
        let retry = self.retry.max(RETRY.0);
        if self.runs <= retry {
            return prefers;
        }
        if self.runs == retry + RUNS_TO_KNOW {
            (self.runs, self.retry) = (0, (retry * 2).min(RETRY.1));
        }
        !prefers
    }

    /// Several threads are tried once; then they must have been faster.
    fn prefers_several(&self) -> bool {
        self.several.0 + self.several.0 / 16 < self.alone.0
    }

    pub(crate) fn note_alone(&mut self, took: Duration) {
        self.runs_alone = self.runs_alone.saturating_add(1);
        self.note(|pace| pace.alone.add(took));
    }

    pub(crate) fn note_several(&mut self, took: Duration) {
        self.note(|pace| pace.several.add(took));
    }

    fn note(&mut self, add: impl FnOnce(&mut Self)) {
        let before = self.prefers_several();
        add(self);
        if self.prefers_several() != before {
            (self.runs, self.retry) = (0, RETRY.0);
        }
    }

    /// Sees how much sooner so many threads would be done with work that can be shared out evenly.
    pub(crate) fn see_even_gain(&mut self, total: Duration, threads: usize) {
        self.gain = total - total / threads.max(1) as u32;
    }

    /// Sees how much sooner so many threads would be done with the systems that are worth handing over, by how long each
    /// took when it ran last.
    pub(super) fn see_gain(&mut self, nodes: &[Node], systems: &mut [System], threads: usize) {
        let Self { begins, .. } = self;
        begins.clear();
        begins.resize(nodes.len(), Duration::ZERO);
        let (mut longest, mut total) = (Duration::ZERO, Duration::ZERO);
        for (index, node) in nodes.iter().enumerate() {
            let took = systems[node.system].work.get_mut().times.last;
            let took = if took < WORTH_HANDING_OVER { Duration::ZERO } else { took };
            let end = begins[index] + took;
            for later in &node.then {
                let begin = &mut begins[*later as usize];
                *begin = end.max(*begin);
            }
            longest = longest.max(end);
            total += took;
        }
        self.gain = total - longest.max(total / threads.max(1) as u32);
    }
}
