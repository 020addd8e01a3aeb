//! What a thread can be running, by number.
//!
//! A mark is read in a signal handler, which may wait for no lock and must not meet memory that was given back. So names
//! are kept for as long as the process lives; those of one system are kept once, however often its module is swapped.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};

/// Names are kept in chunks, so that none ever moves.
const CHUNK: usize = 1024;
const CHUNKS: usize = 64;

/// One piece of a module's code that is run by itself: a system, a handler, a call of its life cycle.
///
/// At most 65,535 are told apart in one process. What comes after those is run without a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark(pub(crate) u32);

/// What a mark stands for.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Clone)]
pub struct Marked {
    /// The module's name; empty for the engine's own work.
    pub module: String,
    /// The system, as a fault of it is told: `turn`, `call splash`, `task listen`. Of the engine: what it does.
    pub system: String,
    /// Whether the game always waits for it, so that it hangs if this does not return.
    pub is_awaited: bool,
}

static NUMBERS: Mutex<BTreeMap<Marked, u32>> = Mutex::new(BTreeMap::new());

static NAMES: [OnceLock<Box<[OnceLock<Marked>]>>; CHUNKS] = [const { OnceLock::new() }; CHUNKS];

impl Mark {
    /// Nothing that anyone knows.
    pub(crate) const NONE: Self = Self(0);

    /// In the number of what the engine does by itself.
    const ENGINE: u32 = 1 << 23;

    /// The mark of what the game waits for.
    pub fn of(module: &str, system: &str) -> Self {
        Self::known(module, system, true)
    }

    /// The mark of what runs beside the game, and may take longer.
    pub fn beside(module: &str, system: &str) -> Self {
        Self::known(module, system, false)
    }

    /// The mark of what the engine does by itself, and the game waits for. Code of modules may run in it that has no mark of
    /// its own: how a component is saved, converted, dropped.
    pub fn engine(what: &str) -> Self {
        let Self(place) = Self::known("", what, true);
        Self(if place == 0 { 0 } else { place | Self::ENGINE })
    }

    /// Whether this is what the engine does by itself.
    pub(crate) fn is_engine(self) -> bool {
        self.0 & Self::ENGINE != 0
    }

    fn known(module: &str, system: &str, is_awaited: bool) -> Self {
        let marked = Marked { module: plain(module), system: plain(system), is_awaited };
        let mut numbers = NUMBERS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = numbers.get(&marked) {
            return Self(*number);
        }
        // 0 is nobody's.
        let place = numbers.len() + 1;
        let Some(chunk) = NAMES.get(place / CHUNK) else { return Self::NONE };
        let chunk = chunk.get_or_init(|| (0..CHUNK).map(|_| OnceLock::new()).collect());
        // Nobody else has this place: the lock is held.
        let _ = chunk[place % CHUNK].set(marked.clone());
        numbers.insert(marked, place as u32);
        Self(place as u32)
    }

    /// What it stands for. Neither waits nor takes memory.
    pub fn marked(self) -> Option<&'static Marked> {
        let place = (self.0 & !Self::ENGINE) as usize;
        NAMES.get(place / CHUNK)?.get()?.get(place % CHUNK)?.get()
    }
}

/// A report has a line for each name.
fn plain(name: &str) -> String {
    name.replace(char::is_control, " ")
}
