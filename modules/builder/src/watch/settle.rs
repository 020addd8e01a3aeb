//! When a burst of file events is over. Pure: the time comes from outside.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

/// How long to wait for a file to come to rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchTiming {
    /// After a file was closed or renamed into place. All that editors still do then is to remove a backup.
    pub quiet: Duration,
    /// After a write whose file was not closed yet, and after a file vanished: some editors move the file
    /// away before they write the new one, and vim syncs the new one to disk before it closes it.
    pub unsettled: Duration,
    /// After the first event of a burst, whatever happens: saves that never pause still arrive.
    pub longest: Duration,
}

impl Default for WatchTiming {
    /// 5 ms, 50 ms and 100 ms; see `docs/decisions/0002-live-builds.md`.
    fn default() -> Self {
        Self {
            quiet: Duration::from_millis(5),
            unsettled: Duration::from_millis(50),
            longest: Duration::from_millis(100),
        }
    }
}

/// What the last event says of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileState {
    Written,
    Closed,
    Gone,
}

/// The files of a burst of events.
#[derive(Debug)]
pub(super) struct Burst {
    timing: WatchTiming,
    files: BTreeMap<PathBuf, Touched>,
    started_at: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Touched {
    state: FileState,
    at: Instant,
    arrived_at: SystemTime,
}

impl Burst {
    pub(super) fn new(timing: WatchTiming) -> Self {
        Self { timing, files: BTreeMap::new(), started_at: None }
    }

    pub(super) fn touch(&mut self, path: PathBuf, state: FileState, at: Instant, arrived_at: SystemTime) {
        self.started_at.get_or_insert(at);
        self.files.insert(path, Touched { state, at, arrived_at });
    }

    /// When the files should be looked at; none while nothing happened.
    pub(super) fn due_at(&self) -> Option<Instant> {
        let wait = |touched: &Touched| match touched.state {
            FileState::Closed => self.timing.quiet,
            FileState::Written | FileState::Gone => self.timing.unsettled,
        };
        let settled_at = self.files.values().map(|touched| touched.at + wait(touched)).max()?;
        Some(settled_at.min(self.started_at? + self.timing.longest))
    }

    /// The files that were touched, and when the last event about each arrived; the burst is over.
    pub(super) fn take(&mut self) -> Vec<(PathBuf, SystemTime)> {
        self.started_at = None;
        std::mem::take(&mut self.files).into_iter().map(|(path, it)| (path, it.arrived_at)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET_MS: u64 = 5;

    /// The moment, in milliseconds, at which a burst of these events is looked at.
    fn check(events: &[(u64, &str, FileState)], expected_ms: u64) {
        let start = Instant::now();
        let mut burst = Burst::new(WatchTiming::default());
        for (at_ms, path, state) in events {
            burst.touch(path.into(), *state, start + Duration::from_millis(*at_ms), SystemTime::now());
        }
        assert_eq!(burst.due_at(), Some(start + Duration::from_millis(expected_ms)));
    }

    #[test]
    fn a_closed_file_waits_for_the_quiet_period() {
        check(&[(0, "a", FileState::Written), (1, "a", FileState::Closed)], 1 + QUIET_MS);
    }

    #[test]
    fn a_file_that_is_moved_away_is_given_time_to_come_back() {
        check(&[(0, "a", FileState::Gone)], 50);
        check(&[(0, "a", FileState::Gone), (3, "a", FileState::Closed)], 3 + QUIET_MS);
    }

    #[test]
    fn one_open_file_holds_back_the_others() {
        check(&[(0, "a", FileState::Written), (2, "b", FileState::Closed)], 50);
    }

    #[test]
    fn saves_without_a_pause_are_looked_at_all_the_same() {
        let saves: Vec<_> = (0..200).map(|at_ms| (at_ms, "a", FileState::Closed)).collect();
        check(&saves, 100);
    }

    #[test]
    fn a_burst_that_was_taken_is_over() {
        let mut burst = Burst::new(WatchTiming::default());
        assert_eq!(burst.due_at(), None);
        burst.touch("a".into(), FileState::Closed, Instant::now(), SystemTime::now());
        assert_eq!(burst.take().len(), 1);
        assert_eq!((burst.due_at(), burst.take().len()), (None, 0));
    }
}
