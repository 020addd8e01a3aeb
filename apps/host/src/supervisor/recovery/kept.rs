//! The newest snapshots of the game, in memory.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::protocol::{Library, TakenGame};

/// How many of the newest are kept.
const RECENT: usize = 2;

/// How many older ones are kept, for the case that the newest bring the engine down again.
const OLDER: usize = 2;

/// How far those are from each other.
const OLDER_EVERY: Duration = Duration::from_secs(10);

/// All of them together take no more, unless the newest does alone.
const BYTES_MAX: usize = 1 << 30;

/// A game between two frames.
#[derive(Debug)]
pub(crate) struct KeptGame {
    /// How many frames of the game had begun.
    pub(crate) frame: u64,
    /// Which library of each module was live.
    pub(crate) libraries: Vec<Library>,
    /// The game as a file; shared with whom it is sent to.
    pub(crate) bytes: Arc<Vec<u8>>,
    /// When it had come here.
    at: Instant,
}

/// The newest snapshots, and some that are older.
#[derive(Default)]
pub(crate) struct KeptGames {
    /// Oldest first.
    recent: VecDeque<Arc<KeptGame>>,
    /// Oldest first, all older than those.
    older: VecDeque<Arc<KeptGame>>,
}

impl KeptGames {
    /// Keeps a snapshot that came at this time, and lets go of others.
    pub(crate) fn keep(&mut self, taken: TakenGame, at: Instant) -> Arc<KeptGame> {
        let TakenGame { frame, libraries, bytes } = taken;
        let game = Arc::new(KeptGame { frame, libraries, bytes: Arc::new(bytes), at });
        self.recent.push_back(Arc::clone(&game));
        if self.recent.len() > RECENT {
            self.age();
        }
        while self.bytes() > BYTES_MAX && self.len() > 1 {
            self.drop_oldest();
        }
        game
    }

    /// The newest one.
    pub(crate) fn newest(&self) -> Option<&Arc<KeptGame>> {
        self.recent.back().or(self.older.back())
    }

    /// Lets go of the newest one, unless there is no other.
    pub(crate) fn step_back(&mut self) {
        if self.len() > 1 {
            let _ = self.recent.pop_back().or_else(|| self.older.pop_back());
        }
    }

    /// The oldest of the recent ones is among the older ones from now on, if those are old enough.
    fn age(&mut self) {
        let Some(aged) = self.recent.pop_front() else { return };
        if self.older.back().is_none_or(|last| aged.at - last.at >= OLDER_EVERY) {
            self.older.push_back(aged);
            if self.older.len() > OLDER {
                self.older.pop_front();
            }
        }
    }

    fn len(&self) -> usize {
        self.recent.len() + self.older.len()
    }

    fn bytes(&self) -> usize {
        self.older.iter().chain(&self.recent).map(|game| game.bytes.len()).sum()
    }

    fn drop_oldest(&mut self) {
        let _ = self.older.pop_front().or_else(|| self.recent.pop_front());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(frame: u64, bytes: usize) -> TakenGame {
        TakenGame { frame, libraries: Vec::new(), bytes: vec![0; bytes] }
    }

    /// The frames of all that are kept, newest first.
    fn frames(mut games: KeptGames) -> Vec<u64> {
        let mut frames = Vec::new();
        while let Some(game) = games.newest() {
            frames.push(game.frame);
            let before = games.len();
            games.step_back();
            if games.len() == before {
                break;
            }
        }
        frames
    }

    /// Games that came once a second, in so many seconds.
    fn second_by_second(seconds: u64) -> KeptGames {
        let (mut games, begin) = (KeptGames::default(), Instant::now());
        for second in 0..seconds {
            games.keep(taken(second, 10), begin + Duration::from_secs(second));
        }
        games
    }

    #[test]
    fn the_newest_are_kept_and_some_that_are_older() {
        for (seconds, expected) in [
            (0, [].as_slice()),
            (1, &[0]),
            (3, &[2, 1, 0]),
            (10, &[9, 8, 0]),
            (13, &[12, 11, 10, 0]),
            (1000, &[999, 998, 990, 980]),
        ] {
            assert_eq!(frames(second_by_second(seconds)), expected, "after {seconds} s");
        }
    }

    #[test]
    fn the_last_one_is_never_let_go() {
        let mut games = second_by_second(100);
        (0..10).for_each(|_| games.step_back());
        assert_eq!(games.newest().map(|game| game.frame), Some(80));
    }

    #[test]
    fn large_ones_are_given_back() {
        let (mut games, begin) = (KeptGames::default(), Instant::now());
        for second in 0..5 {
            games.keep(taken(second, BYTES_MAX / 2), begin + Duration::from_secs(second));
        }
        assert_eq!(frames(games), [4, 3]);
        let mut games = second_by_second(5);
        games.keep(taken(5, BYTES_MAX + 1), begin + Duration::from_secs(5));
        assert_eq!(frames(games), [5], "the newest is kept whatever it takes");
    }
}
