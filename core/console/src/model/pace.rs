//! How long frames take, and how many there are.

use std::collections::VecDeque;
use std::time::Duration;

/// The last frames.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FrameTimes {
    frames: VecDeque<(Duration, f32)>,
    recorded: u64,
}

impl FrameTimes {
    /// So many frames are kept.
    pub const FRAMES_MAX: usize = 240;

    /// Adds a frame that began at `at`, in real time since the host's start, and took `work_ms`.
    pub fn record(&mut self, at: Duration, work_ms: f32) {
        if self.frames.len() == Self::FRAMES_MAX {
            self.frames.pop_front();
        }
        self.frames.push_back((at, work_ms));
        self.recorded += 1;
    }

    /// What each frame took, in milliseconds, oldest first.
    pub fn work_ms(&self) -> impl DoubleEndedIterator<Item = f32> + ExactSizeIterator {
        self.frames.iter().map(|(_, work_ms)| *work_ms)
    }

    /// How many frames were ever recorded.
    pub fn recorded(&self) -> u64 {
        self.recorded
    }

    /// Frames per second, over the frames that are kept and no older than a second; 0 for fewer than two.
    pub fn per_second(&self) -> f32 {
        let Some((last, _)) = self.frames.back() else { return 0.0 };
        let recent = self.frames.iter().rev().map(|(at, _)| last.saturating_sub(*at));
        let recent: Vec<_> = recent.take_while(|age| *age <= Duration::from_secs(1)).collect();
        let span = recent.last().map_or(0.0, Duration::as_secs_f32);
        if span > 0.0 { (recent.len() - 1) as f32 / span } else { 0.0 }
    }

    /// What the frames of the last second took on average, in milliseconds.
    pub fn mean_ms(&self) -> f32 {
        let count = (self.per_second().round() as usize).clamp(1, self.frames.len().max(1));
        self.work_ms().rev().take(count).sum::<f32>() / count as f32
    }

    /// What the longest of the frames that are kept took, in milliseconds.
    pub fn worst_ms(&self) -> f32 {
        self.work_ms().fold(0.0, f32::max)
    }
}
