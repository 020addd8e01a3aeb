//! When the next frame begins, and how much time it simulates.

use std::time::{Duration, Instant};

/// The rhythm of frames.
pub(crate) struct Pace {
    /// Real time between two frames; zero for none.
    period: Duration,
    /// What a frame simulates, if that is fixed.
    fixed: Option<Duration>,
    due: Instant,
    last: Instant,
}

impl Pace {
    /// `fps` frames a second, or as many as go for 0, each of which simulates `step` if that is `fixed`.
    pub(crate) fn new(fps: u32, step: Duration, fixed: bool) -> Self {
        let period = if fps == 0 { Duration::ZERO } else { step };
        let now = Instant::now();
        // Without a period, real time has no meaning for the game either.
        let fixed = (fixed || fps == 0).then_some(step);
        Self { period, fixed, due: now, last: now }
    }

    /// Begins anew, after a standstill that is not to be made up for.
    pub(crate) fn restart(&mut self) {
        self.due = Instant::now();
        self.last = self.due;
    }

    /// How long to wait for the next frame.
    pub(crate) fn until_next(&self) -> Duration {
        self.due.saturating_duration_since(Instant::now())
    }

    /// How long the frame that begins now may take. What is left until the next one is for the screen, and for orders.
    pub(crate) fn for_frame(&self) -> Duration {
        self.until_next() / 4 * 3
    }

    /// Lets the next frame begin at once.
    pub(crate) fn hurry(&mut self) {
        self.due = Instant::now();
    }

    /// Begins a frame; the time that it simulates.
    pub(crate) fn begin(&mut self) -> Duration {
        let now = Instant::now();
        let passed = now - self.last;
        self.last = now;
        // Frames that were missed are not made up for in a burst.
        self.due = (self.due + self.period).max(now);
        self.fixed.unwrap_or(passed)
    }
}
