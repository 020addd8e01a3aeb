//! Snapshots of the running game, taken between two frames. Each serves all who go back: the supervisor, when this process
//! has ended by itself; the registry, when new code fails; and the history, when somebody asks.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, bounded};
use keel::engine::contain;
use keel_registry::{Code, Rejection};

use super::Host;
use super::crash::{self, Work};
use super::link::Link;
use crate::protocol::{FromEngine, Library, SNAPSHOT_BYTES_MAX};

/// A snapshot may take 1 % of the game's time: the next one begins no sooner than after so many times what it took.
const COST: u32 = 100;

/// The game between two frames.
#[derive(Clone)]
pub(super) struct Snapshot {
    /// How many frames of the game had begun.
    pub(super) frame: u64,
    /// Which library of each module was live.
    pub(super) libraries: Vec<Library>,
    /// What `Registry::save_game` has written.
    pub(super) bytes: Arc<Vec<u8>>,
}

/// Takes snapshots when they are due.
pub(super) struct Snapshots {
    /// `None` for never.
    cadence: Option<Cadence>,
    /// To the thread that hands them over.
    outgoing: Option<Sender<Snapshot>>,
    newest: Option<Snapshot>,
    /// The one before, whose memory is used again.
    spare: Option<Arc<Vec<u8>>>,
    /// It was told that the game can't be saved.
    is_failing: bool,
}

impl Snapshots {
    /// One about every `interval`; none without it.
    pub(super) fn start(interval: Option<Duration>, link: &Link) -> Self {
        let outgoing = interval.and_then(|_| match hand_over(link.clone()) {
            Ok(outgoing) => Some(outgoing),
            Err(error) => {
                keel::log::error!(
                    "the game is not kept against a crash, no thread could be started: {error}"
                );
                None
            }
        });
        let cadence = interval.map(|interval| Cadence::new(interval, Instant::now()));
        Self { cadence, outgoing, newest: None, spare: None, is_failing: false }
    }

    /// The game has changed without a step: it is saved also if it stands still.
    pub(super) fn note_change(&mut self) {
        if let Some(cadence) = &mut self.cadence {
            cadence.has_changed = true;
        }
    }

    /// The game has become another one, and nothing of the one before is to be gone on with: the next one is due at once.
    pub(super) fn hurry(&mut self) {
        self.note_change();
        if let Some(cadence) = &mut self.cadence {
            cadence.due = Instant::now().min(cadence.due);
        }
    }

    /// Memory to write the next one into.
    fn buffer(&mut self) -> Vec<u8> {
        self.spare.take().and_then(|spare| Arc::try_unwrap(spare).ok()).unwrap_or_default()
    }

    /// Hands one over that is not to be kept here. One thread does that: parts of two must not come between each other.
    fn give(&mut self, snapshot: Snapshot, link: &Link) -> std::io::Result<()> {
        let outgoing = match self.outgoing.take() {
            Some(outgoing) => outgoing,
            None => hand_over(link.clone())?,
        };
        // Two that are on their way serve whoever waits.
        let _ = outgoing.try_send(snapshot);
        self.outgoing = Some(outgoing);
        Ok(())
    }

    fn take_up(&mut self, snapshot: Snapshot) {
        if let Some(outgoing) = &self.outgoing {
            // One that waits for its turn is as good.
            let _ = outgoing.try_send(snapshot.clone());
        }
        self.spare = self.newest.replace(snapshot).map(|before| before.bytes);
    }
}

impl Host {
    /// Takes a snapshot, if one is due. What fails there is told once, and the game runs on.
    pub(super) fn keep_snapshot(&mut self) {
        let begin = Instant::now();
        let is_due = |cadence: &Cadence| cadence.is_due(begin, !self.paused);
        if !self.snapshots.cadence.as_ref().is_some_and(is_due) {
            return;
        }
        match self.take_snapshot() {
            Ok(snapshot) => {
                let game = &snapshot.bytes;
                self.driver.registry.note_good(&self.driver.engine, Arc::clone(game));
                let now = Instant::now();
                self.history.begin(Arc::clone(game), now - begin, now);
                self.snapshots.take_up(snapshot);
                if std::mem::take(&mut self.snapshots.is_failing) {
                    self.tell_log("info", "the game is kept against a crash again".to_owned());
                }
            }
            Err(rejection) => self.tell_unsaved(&rejection),
        }
        if let Some(cadence) = &mut self.snapshots.cadence {
            cadence.taken(begin, Instant::now());
        }
    }

    /// The game as it is now. The caller is between two frames.
    pub(super) fn take_snapshot(&mut self) -> Result<Snapshot, Rejection> {
        let _working = crash::work(Work::Snapshot);
        // The history keeps the newest ones for long.
        let buffer = Some(self.history.buffer()).filter(|buffer| buffer.capacity() > 0);
        let buffer = buffer.unwrap_or_else(|| self.snapshots.buffer());
        // What a type saves is code of its module.
        let saved = contain(|| self.driver.save(buffer));
        let bytes = saved.map_err(|panic| Rejection::new("", Code::SaveFailed, panic)).flatten()?;
        check_length(&bytes)?;
        let (frame, libraries) = (self.driver.engine.time().frame, self.live_libraries());
        Ok(Snapshot { frame, libraries, bytes: Arc::new(bytes) })
    }

    /// Gives a game for a trial, where no snapshots are taken that would do: the newest that the history has, so that it
    /// costs nothing, or the game as it is now.
    pub(super) fn give_game(&mut self) {
        let given = self.game_for_trial().and_then(|snapshot| {
            let given = self.snapshots.give(snapshot, &self.link);
            given.map_err(|error| Rejection::new("", Code::SaveFailed, format!("no thread is left: {error}")))
        });
        if let Err(rejection) = given {
            self.tell_no_game(&rejection);
        }
    }

    fn game_for_trial(&mut self) -> Result<Snapshot, Rejection> {
        let Some(bytes) = self.history.newest() else { return self.take_snapshot() };
        check_length(&bytes)?;
        // Nobody goes on with it, or asks for its frame.
        Ok(Snapshot { frame: self.driver.engine.time().frame, libraries: Vec::new(), bytes })
    }

    fn tell_no_game(&self, rejection: &Rejection) {
        self.link.send(&FromEngine::NoGame { why: rejection.to_string() });
    }

    fn tell_unsaved(&mut self, rejection: &Rejection) {
        if !std::mem::replace(&mut self.snapshots.is_failing, true) {
            let message = format!(
                "the game is not kept against a crash, it can't be saved: {rejection}; mend that, and it is kept again"
            );
            self.tell_log("warn", message);
            self.tell_no_game(rejection);
        }
    }
}

/// More is not kept, nor tried on.
fn check_length(game: &[u8]) -> Result<(), Rejection> {
    if game.len() as u64 <= SNAPSHOT_BYTES_MAX {
        return Ok(());
    }
    let (length, most) = (game.len().div_ceil(1 << 20), SNAPSHOT_BYTES_MAX >> 20);
    let message = format!("it takes {length} MiB, and {most} MiB is the most");
    Err(Rejection::new("", Code::SaveFailed, message))
}

fn hand_over(link: Link) -> std::io::Result<Sender<Snapshot>> {
    let (sender, snapshots) = bounded::<Snapshot>(1);
    thread::Builder::new().name("keel-snapshots".to_owned()).spawn(move || {
        for Snapshot { frame, libraries, bytes } in snapshots {
            link.send_snapshot(frame, libraries, &bytes);
        }
    })?;
    Ok(sender)
}

/// When the next snapshot is due.
struct Cadence {
    interval: Duration,
    due: Instant,
    /// The game has changed without a step since the last one.
    has_changed: bool,
}

impl Cadence {
    fn new(interval: Duration, now: Instant) -> Self {
        Self { interval, due: now, has_changed: true }
    }

    /// Nothing is saved of a game that stands still.
    fn is_due(&self, now: Instant, is_moving: bool) -> bool {
        now >= self.due && (is_moving || self.has_changed)
    }

    /// One was taken from `begin` to `end`.
    fn taken(&mut self, begin: Instant, end: Instant) {
        self.due = end + self.interval.max((end - begin) * COST);
        self.has_changed = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn snapshots_take_no_more_than_a_hundredth_of_the_time() {
        let begin = Instant::now();
        for (cost, next) in [(MS, 1000), (10 * MS, 1000), (11 * MS, 1100), (250 * MS, 25_000)] {
            let mut cadence = Cadence::new(SECOND, begin);
            assert!(cadence.is_due(begin, true), "the first one at once");
            cadence.taken(begin, begin + cost);
            let due = begin + cost + next * MS;
            assert!(!cadence.is_due(due - MS, true) && cadence.is_due(due, true), "{cost:?}");
        }
    }

    #[test]
    fn a_game_that_stands_still_is_saved_once_after_each_change() {
        let begin = Instant::now() - 10 * SECOND;
        let mut cadence = Cadence::new(SECOND, begin);
        assert!(cadence.is_due(begin, false), "it was just loaded");
        cadence.taken(begin, begin);
        let later = begin + 5 * SECOND;
        assert!(!cadence.is_due(later, false) && cadence.is_due(later, true));
        cadence.has_changed = true;
        assert!(!cadence.is_due(begin, false) && cadence.is_due(later, false));
        cadence.taken(later, later);
        assert!(!cadence.is_due(later + 5 * SECOND, false));
    }

    #[test]
    fn a_game_that_is_too_large_is_told_with_its_length() {
        assert_eq!(check_length(&[0; 64]), Ok(()));
        // Nothing of it is ever touched.
        let large = vec![0; SNAPSHOT_BYTES_MAX as usize + 1];
        let message = check_length(&large).expect_err("it is too large").message;
        assert_eq!(message, "it takes 1025 MiB, and 1024 MiB is the most");
    }
}
