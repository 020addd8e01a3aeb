//! Games that were saved while all was well: what a fault in probation goes back to.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use keel_engine::{Engine, contain};

use crate::{Code, Registry, Rejection};

/// How much of the game is lost at most where saving it costs next to nothing, in simulated time. Whoever notes a game each
/// second is never kept waiting for another one.
const INTERVAL: Duration = Duration::from_secs(2);

/// Saving takes at most one part in so many of the game's time.
const SHARE: u32 = 100;

/// What a swap may add to its pause to save the game that it would be taken back to. A larger game goes back to the one
/// that was saved last.
const POINT_COST_MAX: Duration = Duration::from_micros(250);

/// So many swaps can be in probation at a time, each with the game before it.
const POINTS_MAX: usize = 4;

/// And so large may these games be together.
const POINTS_BYTES_MAX: usize = 256 << 20;

/// A whole game, as the bytes of a file.
pub(crate) struct GoodGame {
    pub(crate) frame: u64,
    pub(crate) bytes: Arc<Vec<u8>>,
}

/// The games to go back to.
#[derive(Default)]
pub(crate) struct GoodGames {
    newest: Option<Arc<GoodGame>>,
    /// The memory of one that is not needed any more, for the next.
    spare: Vec<u8>,
    /// The game before each swap that is in probation, by the number of the swap. The oldest first.
    points: VecDeque<(u64, Arc<GoodGame>)>,
    /// What saving cost the last time.
    cost: Option<Duration>,
    /// The simulated time and the moment at which the newest was saved.
    saved_at: Option<(Duration, Instant)>,
    /// A save that failed was told.
    failed: bool,
}

impl GoodGames {
    /// Forgets all: the game has become another one.
    pub(crate) fn clear(&mut self) {
        *self = Self { cost: self.cost, failed: self.failed, ..Self::default() };
    }

    /// What may be gone back to from what swap `swap` has brought, the newest first.
    pub(crate) fn before(&self, swap: u64) -> Vec<Arc<GoodGame>> {
        let point = self.points.iter().rev().find(|(of, _)| *of <= swap).map(|(_, game)| game);
        let newest = self.newest.iter();
        let mut games: Vec<_> = newest.chain(point).map(Arc::clone).collect();
        games.dedup_by(|a, b| Arc::ptr_eq(a, b));
        games
    }

    /// The game has gone back to `game`, whose time is `now`.
    pub(crate) fn go_on_from(&mut self, game: Arc<GoodGame>, now: Duration) {
        self.newest = Some(game);
        self.saved_at = Some((now, Instant::now()));
    }

    /// Whether a swap may save the game itself.
    fn is_cheap(&self) -> bool {
        self.cost.is_some_and(|cost| cost <= POINT_COST_MAX)
    }

    fn is_due(&self, now: Duration) -> bool {
        self.saved_at.is_none_or(|(then, at)| {
            // A game that went back is at an earlier time.
            let simulated = now.checked_sub(then).is_none_or(|since| since >= INTERVAL);
            simulated && at.elapsed() >= self.cost.unwrap_or_default() * SHARE
        })
    }

    /// The one before stays until this one is there: a save may fail.
    fn keep(&mut self, game: GoodGame, now: Duration) {
        let before = self.newest.replace(Arc::new(game)).and_then(Arc::into_inner);
        self.spare = before.and_then(|game| Arc::into_inner(game.bytes)).unwrap_or_default();
        self.saved_at = Some((now, Instant::now()));
    }

    fn keep_point(&mut self, swap: u64) {
        self.points.extend(self.newest.as_ref().map(|game| (swap, Arc::clone(game))));
        let bytes = |points: &VecDeque<(u64, Arc<GoodGame>)>| -> usize {
            points.iter().map(|(_, game)| game.bytes.len()).sum()
        };
        while self.points.len() > POINTS_MAX
            || (self.points.len() > 1 && bytes(&self.points) > POINTS_BYTES_MAX)
        {
            self.points.pop_front();
        }
    }
}

impl Registry {
    /// Keeps `bytes`, which [`Registry::save_game`] has just made of the running game, as one to go back to. Who saves the
    /// game for other reasons spares the registry doing it again.
    pub fn note_good(&mut self, engine: &Engine, bytes: Arc<Vec<u8>>) {
        let time = engine.time();
        self.good.keep(GoodGame { frame: time.frame, bytes }, time.now);
    }

    /// Saves the game to go back to, if it is time for that: while something is on probation, and where a swap would take too
    /// long if it had to do it.
    pub(crate) fn keep_good_if_due(&mut self, engine: &Engine) {
        let is_on_probation = self.slots.values().any(|slot| slot.probation.is_some());
        if !is_on_probation {
            self.good.points.clear();
        }
        if (is_on_probation || !self.good.is_cheap()) && self.good.is_due(engine.time().now) {
            self.keep_good(engine);
        }
    }

    /// Remembers the game before a swap, as far as a fault after it may go back.
    pub(crate) fn keep_point(&mut self, engine: &Engine) {
        if self.good.newest.is_none() || self.good.is_cheap() {
            self.keep_good(engine);
        }
        self.good.keep_point(self.swaps);
    }

    fn keep_good(&mut self, engine: &Engine) {
        let (begin, buffer) = (Instant::now(), std::mem::take(&mut self.good.spare));
        // What a type saves is code of its module.
        let saved = contain(|| self.save_game(engine, buffer));
        let saved = saved.map_err(|panic| Rejection::new("", Code::SaveFailed, panic)).flatten();
        match saved {
            Ok(bytes) => {
                self.note_good(engine, Arc::new(bytes));
                self.good.failed = false;
            }
            Err(rejection) => self.tell_not_saved(engine, &rejection),
        }
        self.good.cost = Some(begin.elapsed());
    }

    /// Told once, and not every second.
    fn tell_not_saved(&mut self, engine: &Engine, rejection: &Rejection) {
        if !std::mem::replace(&mut self.good.failed, true) {
            log::warn!(
                "the game can't be saved, so a fault may go back further than it needed to: {rejection}"
            );
        }
        self.good.saved_at = Some((engine.time().now, Instant::now()));
    }
}
