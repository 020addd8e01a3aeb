//! How many frames a second there are, and how long one takes.

use std::time::{Duration, Instant};

/// How often the figures are told.
const PERIOD: Duration = Duration::from_secs(1);

/// The frames since the figures were told last.
pub(super) struct FrameFigures {
    since: Instant,
    frames: u64,
    work: Duration,
}

impl FrameFigures {
    /// Counts from `now` on.
    pub(super) fn new(now: Instant) -> Self {
        Self { since: now, frames: 0, work: Duration::ZERO }
    }

    /// Counts a frame that took so long, without the wait for the next one.
    pub(super) fn add(&mut self, work: Duration) {
        self.frames += 1;
        self.work += work;
    }

    /// Whether they are to be told.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        now.duration_since(self.since) >= PERIOD
    }

    /// Frames a second, over all the time since the last call, and the milliseconds of one frame; 0 without a frame.
    /// Counts from `now` on.
    pub(super) fn take(&mut self, now: Instant) -> (f64, f64) {
        let Self { since, frames, work } = std::mem::replace(self, Self::new(now));
        if frames == 0 {
            return (0.0, 0.0);
        }
        let passed = now.duration_since(since).max(Duration::from_nanos(1));
        (frames as f64 / passed.as_secs_f64(), work.as_secs_f64() * 1e3 / frames as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn counted(begin: Instant, frames: u32) -> FrameFigures {
        let mut figures = FrameFigures::new(begin);
        (0..frames).for_each(|_| figures.add(MS));
        figures
    }

    #[test]
    fn frames_a_second_are_over_the_time_that_has_passed() {
        let begin = Instant::now();
        for (frames, passed, fps, frame_ms) in [
            (300, 500, 600.0, 1.0),
            (60, 1000, 60.0, 1.0),
            // A frame that was long made them late.
            (150, 2500, 60.0, 1.0),
            (0, 100, 0.0, 0.0),
        ] {
            let told = counted(begin, frames).take(begin + passed * MS);
            assert_eq!(told, (fps, frame_ms), "{frames} frames in {passed} ms");
        }
        assert!(counted(begin, 1).take(begin).0.is_finite());
    }

    #[test]
    fn each_time_they_begin_anew() {
        let begin = Instant::now();
        let mut figures = counted(begin, 300);
        figures.take(begin + 500 * MS);
        assert!(!figures.is_due(begin + 1499 * MS) && figures.is_due(begin + 1500 * MS));
        figures.add(2 * MS);
        assert_eq!(figures.take(begin + 1500 * MS), (1.0, 2.0));
    }
}
