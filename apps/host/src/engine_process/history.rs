//! The last seconds of the game, in memory: snapshots, and what has come in since each of them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::input::FrameInput;
use crate::recording::Record;

/// A snapshot is taken no sooner than so long after the one before.
const PERIOD: Duration = Duration::from_secs(1);

/// A snapshot that took so long is followed by that time without one, so that they take 1 % of the time at most.
const REST: u32 = 100;

/// More bytes are not kept, but for the newest snapshot: the oldest ones go first.
const BYTES_MAX: usize = 256 << 20;

/// More records are not kept after one snapshot; then there is no way back until the next one.
const RECORDS_MAX: usize = 100_000;

/// The last seconds of a game.
pub(crate) struct History {
    /// So much simulated time is kept; zero for no history.
    time: Duration,
    moments: VecDeque<Moment>,
    due: Instant,
    /// The last try to take a snapshot has failed.
    is_failing: bool,
    /// The memory of a snapshot that was forgotten.
    spare: Vec<u8>,
}

/// A game between two frames, and what has come into it until the next moment.
pub(crate) struct Moment {
    pub(crate) game: Arc<Vec<u8>>,
    /// Frames and changes.
    pub(crate) records: Vec<Record>,
}

/// A place in a history: a moment, and so many of its records later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    moment: usize,
    records: usize,
}

impl Moment {
    fn time(&self) -> Duration {
        self.records.iter().map(simulated).sum()
    }

    fn bytes(&self) -> usize {
        self.game.len() + self.records.len() * size_of::<Record>()
    }
}

impl History {
    /// Keeps so much simulated time, and what of it is needed to go back that far.
    pub(crate) fn new(time: Duration) -> Self {
        Self { time, moments: VecDeque::new(), due: Instant::now(), is_failing: false, spare: Vec::new() }
    }

    /// Memory for the next snapshot: fresh pages would cost more than what is written into them.
    pub(crate) fn buffer(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.spare)
    }

    /// Whether a snapshot is to be taken.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        !self.time.is_zero() && now >= self.due
    }

    /// Takes up a snapshot, which took so long.
    pub(crate) fn begin(&mut self, game: Arc<Vec<u8>>, took: Duration, now: Instant) {
        if self.time.is_zero() {
            return;
        }
        self.due = now + PERIOD.max(took * REST);
        self.is_failing = false;
        // Of two without anything between them one is enough.
        if self.moments.back().is_some_and(|newest| newest.records.is_empty()) {
            self.moments.pop_back();
        }
        self.moments.push_back(Moment { game, records: Vec::new() });
        self.forget();
    }

    /// No snapshot could be taken: it is tried again later.
    pub(crate) fn postpone(&mut self, now: Instant) {
        self.due = now + PERIOD * 30;
        self.is_failing = true;
    }

    /// Adds what comes into the game now. Frames of a game that stands still are left out: nobody goes back to one.
    pub(crate) fn add(&mut self, record: &Record) {
        let stands_still = matches!(record, Record::Frame(input) if input.paused && input.keys.is_empty());
        let Some(newest) = self.moments.back_mut() else { return };
        if newest.records.len() >= RECORDS_MAX {
            // No snapshot could be taken for a long time.
            self.moments.clear();
        } else if !stands_still {
            newest.records.push(record.clone());
        }
    }

    /// The place so much simulated time ago, or the oldest one, and how long ago that is; `None` if nothing is kept.
    pub(crate) fn back(&self, time: Duration) -> Option<(Place, Duration)> {
        let mut passed = Duration::ZERO;
        for (moment, kept) in self.moments.iter().enumerate().rev() {
            for (index, record) in kept.records.iter().enumerate().rev() {
                if passed >= time {
                    return Some((Place { moment, records: index + 1 }, passed));
                }
                passed += simulated(record);
            }
        }
        (!self.moments.is_empty()).then_some((Place { moment: 0, records: 0 }, passed))
    }

    /// The snapshot before a place, and what leads from it there.
    pub(crate) fn way_to(&self, place: Place) -> Option<(Arc<Vec<u8>>, Vec<Record>)> {
        let Moment { game, records } = self.moments.get(place.moment)?;
        Some((Arc::clone(game), records.get(..place.records)?.to_vec()))
    }

    /// The newest snapshot, if there is any and it is not old because no newer one could be taken.
    pub(crate) fn newest(&self) -> Option<Arc<Vec<u8>>> {
        let newest = self.moments.back().filter(|_| !self.is_failing);
        newest.map(|newest| Arc::clone(&newest.game))
    }

    /// The input of the last frames in which keys came, of so many at most.
    pub(crate) fn newest_keys(&self, frames: usize) -> Vec<FrameInput> {
        let records = self.moments.iter().rev().flat_map(|moment| moment.records.iter().rev());
        let inputs = records.filter_map(|record| match record {
            Record::Frame(input) if !input.keys.is_empty() => Some(input.clone()),
            _ => None,
        });
        let mut newest: Vec<_> = inputs.take(frames).collect();
        newest.reverse();
        newest
    }

    /// All from the snapshot before a place until now.
    pub(crate) fn since(&self, place: Place) -> impl Iterator<Item = &Record> {
        self.moments.iter().skip(place.moment).flat_map(|moment| &moment.records)
    }

    /// Forgets what comes after a place: the game has gone back there.
    pub(crate) fn cut(&mut self, place: Place) {
        self.moments.truncate(place.moment + 1);
        if let Some(newest) = self.moments.back_mut() {
            newest.records.truncate(place.records);
        }
    }

    /// Forgets the oldest moments that are not needed.
    fn forget(&mut self) {
        let mut later: Duration = self.moments.iter().skip(1).map(Moment::time).sum();
        let mut bytes: usize = self.moments.iter().map(Moment::bytes).sum();
        while self.moments.len() > 1 && (later >= self.time || bytes > BYTES_MAX) {
            let Some(oldest) = self.moments.pop_front() else { return };
            bytes -= oldest.bytes();
            self.spare = Arc::try_unwrap(oldest.game).unwrap_or_default();
            later -= self.moments.front().map_or(Duration::ZERO, Moment::time);
        }
    }
}

/// How much time a record simulates.
fn simulated(record: &Record) -> Duration {
    if let Record::Frame(input) = record { input.dt } else { Duration::ZERO }
}

#[cfg(test)]
mod tests {
    use keel::console::Key;

    use super::*;
    use crate::engine_process::input::FrameInput;
    use crate::recording::Change;

    const MS: Duration = Duration::from_millis(1);

    fn frame(ms: u32) -> Record {
        Record::Frame(FrameInput { dt: ms * MS, ..FrameInput::default() })
    }

    /// Moments of 10 frames of 100 ms each, the games of which are the number of frames before.
    fn history(time: Duration, moments: u8) -> History {
        let mut history = History::new(time);
        for number in 0..moments {
            history.begin(Arc::new(vec![number * 10]), Duration::ZERO, Instant::now());
            (0..10).for_each(|_| history.add(&frame(100)));
        }
        history
    }

    /// Where one comes to by going back so many milliseconds: the snapshot, and so many records later.
    fn back(history: &History, ms: u32) -> Option<(u8, usize, Duration)> {
        let (place, passed) = history.back(ms * MS)?;
        let (game, records) = history.way_to(place)?;
        Some((game[0], records.len(), passed))
    }

    #[test]
    fn it_goes_back_to_the_exact_frame() {
        let history = history(30 * PERIOD, 3);
        for (ms, game, records, passed) in [
            (0, 20, 10, 0),
            (100, 20, 9, 100),
            (101, 20, 8, 200),
            (900, 20, 1, 900),
            (1000, 10, 10, 1000),
            (1001, 10, 9, 1100),
            (2999, 0, 0, 3000),
            // As far as it goes.
            (60_000, 0, 0, 3000),
        ] {
            assert_eq!(back(&history, ms), Some((game, records, passed * MS)), "{ms} ms");
        }
        assert_eq!(back(&History::new(PERIOD), 100), None);
    }

    #[test]
    fn what_came_after_is_forgotten() {
        let mut history = history(30 * PERIOD, 3);
        let (place, _) = history.back(1300 * MS).unwrap();
        history.cut(place);
        assert_eq!((back(&history, 0), history.since(place).count()), (Some((10, 7, Duration::ZERO)), 7));
        history.add(&frame(50));
        assert_eq!(back(&history, 50), Some((10, 7, 50 * MS)));
    }

    #[test]
    fn only_the_time_that_was_asked_for_is_kept() {
        let history = history(3 * PERIOD, 20);
        // The moment that one has to go back to for the oldest frame, and the newest ones.
        assert_eq!(history.moments.len(), 4);
        assert_eq!(back(&history, 4000), Some((160, 0, 4 * PERIOD)));
    }

    #[test]
    fn large_games_push_the_older_ones_out_but_the_newest_stays() {
        let mut history = History::new(30 * PERIOD);
        for _ in 0..5 {
            history.begin(Arc::new(vec![0; BYTES_MAX / 2 - 100_000]), Duration::ZERO, Instant::now());
            history.add(&frame(100));
        }
        assert_eq!(history.moments.len(), 2);
        history.begin(Arc::new(vec![0; BYTES_MAX + 1]), Duration::ZERO, Instant::now());
        assert_eq!(history.moments.len(), 1);
    }

    #[test]
    fn the_memory_of_a_forgotten_snapshot_is_used_again() {
        let mut history = history(2 * PERIOD, 2);
        assert_eq!(history.buffer().capacity(), 0, "nothing is forgotten yet");
        for _ in 0..2 {
            history.begin(Arc::new(vec![0; 1000]), Duration::ZERO, Instant::now());
            (0..10).for_each(|_| history.add(&frame(100)));
        }
        assert!(history.buffer().capacity() > 0);
    }

    #[test]
    fn snapshots_take_a_hundredth_of_the_time_at_most() {
        let (now, mut history) = (Instant::now(), History::new(30 * PERIOD));
        for (took, pause) in [(1, 1000), (10, 1000), (40, 4000)] {
            history.begin(Arc::default(), took * MS, now);
            assert!(!history.is_due(now + (pause - 1) * MS) && history.is_due(now + pause * MS), "{took} ms");
        }
        assert!(!History::new(Duration::ZERO).is_due(now + 60 * PERIOD), "nothing is to be kept");
    }

    #[test]
    fn without_snapshots_the_records_have_an_end() {
        let mut history = history(30 * PERIOD, 1);
        (0..=RECORDS_MAX).for_each(|_| history.add(&frame(1)));
        assert_eq!(history.back(PERIOD), None);
        let mut none = History::new(Duration::ZERO);
        none.begin(Arc::default(), Duration::ZERO, Instant::now());
        assert_eq!(none.back(PERIOD), None);
    }

    #[test]
    fn the_newest_keys_are_found_whenever_they_were_pressed() {
        let mut history = history(30 * PERIOD, 1);
        let pressed = |key| FrameInput { keys: vec![Key::Letter(key)], ..FrameInput::default() };
        for key in ['a', 'b', 'c'] {
            history.add(&Record::Frame(pressed(key)));
            history.add(&frame(100));
            history.begin(Arc::new(vec![0]), Duration::ZERO, Instant::now());
        }
        assert_eq!(history.newest_keys(2), [pressed('b'), pressed('c')]);
        assert_eq!(history.newest_keys(9).len(), 3);
    }

    #[test]
    fn frames_that_stand_still_are_left_out() {
        let mut history = history(30 * PERIOD, 1);
        history.add(&Record::Frame(FrameInput { paused: true, ..FrameInput::default() }));
        history.add(&Record::Change(Change::Reset));
        let (place, _) = history.back(Duration::ZERO).unwrap();
        assert_eq!(history.since(place).count(), 11);
    }
}
