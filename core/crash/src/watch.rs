//! Who does not return.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use crate::thread::{self, Slot, slots};
use crate::{Marked, os};

/// How often the watchdog looks, in a time limit.
const LOOKS: u32 = 20;

/// What runs beside the game has so many times the limit, as long as the game does not wait for it.
const BESIDE: u32 = 10;

/// How many wait for what runs beside the game.
static WAITING: AtomicU32 = AtomicU32::new(0);

/// The game waits for what runs beside it; see [`wait_beside`].
#[must_use = "it is over when this is dropped"]
pub struct WaitingBeside(());

/// The game waits for what [runs beside it](crate::Mark::beside), until the answer is dropped: that hangs as soon as all else does.
pub fn wait_beside() -> WaitingBeside {
    WAITING.fetch_add(1, Ordering::Relaxed);
    WaitingBeside(())
}

impl Drop for WaitingBeside {
    fn drop(&mut self) {
        WAITING.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Something that does not return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hang {
    /// The module whose code was entered last on the thread; empty if the engine does something by itself.
    pub module: String,
    /// The system, handler or call; what the engine does.
    pub system: String,
    /// Whether the game waits for it. Else it goes on meanwhile.
    pub is_awaited: bool,
    /// The frame.
    pub frame: u64,
    /// For how long it has been seen running by now. It may have begun earlier, by up to a twentieth of the limit.
    pub lasted: Duration,
    /// Where its calls are, the innermost first, as in a [`CrashReport`](crate::CrashReport); empty if the thread does not
    /// say.
    pub calls: Vec<u64>,
}

/// What a [`Watch`] has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// It hangs. Told once; and once more if the game has come to wait for it since.
    Hangs(Hang),
    /// It has returned after all, or panicked. Without calls.
    GoesOn(Hang),
}

/// What was seen of one thread.
#[derive(Clone, Default)]
struct Seen {
    turn: u64,
    lasted: Duration,
    /// For how long the game has waited for it by now.
    awaited: Duration,
    told: Option<Hang>,
}

/// Looks at what all threads of this process run.
pub struct Watch {
    limit: Duration,
    /// By slot.
    seen: Vec<Seen>,
}

impl Watch {
    /// What the game waits for longer than `limit` hangs, and what takes ten times as long beside it.
    pub fn new(limit: Duration) -> Self {
        Self { limit, seen: vec![Seen::default(); slots().len()] }
    }

    /// What has begun and ended to hang, when `passed` is the time since the last look.
    pub fn look(&mut self, passed: Duration) -> Vec<News> {
        let limit = self.limit;
        // While a module's code runs on another thread, it is what the engine waits for.
        let is_waited_for = |slot: &Slot| {
            let mark = slot.mark();
            !mark.is_engine() && mark.marked().is_some_and(is_awaited)
        };
        let of_engine = if slots().iter().any(is_waited_for) { Duration::ZERO } else { passed };
        let look = |(slot, seen): (&Slot, &mut Seen)| {
            let passed = if slot.mark().is_engine() { of_engine } else { passed };
            seen.look(slot, passed, limit)
        };
        slots().iter().zip(&mut self.seen).filter_map(look).collect()
    }
}

impl Seen {
    fn look(&mut self, slot: &Slot, passed: Duration, limit: Duration) -> Option<News> {
        let (turn, mark) = slot.now();
        let Some(marked) = mark.marked().filter(|_| turn == self.turn) else {
            let seen = std::mem::replace(self, Self { turn, ..Self::default() });
            return seen
                .told
                .map(|hang| News::GoesOn(Hang { lasted: seen.lasted, calls: Vec::new(), ..hang }));
        };
        self.lasted += passed;
        self.awaited = if is_awaited(marked) { self.awaited + passed } else { Duration::ZERO };
        let is_awaited = self.awaited >= limit;
        let is_told = self.told.as_ref().is_some_and(|told| told.is_awaited || !is_awaited);
        if is_told || !is_awaited && self.lasted < limit * BESIDE {
            return None;
        }
        let calls = os::calls_of(slot);
        // What was entered since is what the calls are of.
        let (now, mark) = slot.now();
        let marked = mark.marked().filter(|_| now == turn)?;
        let (module, system) = (marked.module.clone(), marked.system.clone());
        let (frame, lasted) = (thread::frame(), self.lasted);
        let hang = Hang { module, system, is_awaited, frame, lasted, calls };
        self.told = Some(Hang { calls: Vec::new(), ..hang.clone() });
        Some(News::Hangs(hang))
    }
}

fn is_awaited(marked: &Marked) -> bool {
    marked.is_awaited || WAITING.load(Ordering::Relaxed) > 0
}

/// A thread that looks again and again. It ends when this is dropped.
pub struct Watchdog {
    _stop: Sender<()>,
}

impl Watchdog {
    /// Calls `tell` on a thread of its own with all that a [`Watch`] of this limit sees.
    ///
    /// A process that was stopped, by a debugger or because the machine slept, was not hanging: no more time counts between
    /// two looks than twice what should have passed.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(limit: Duration, mut tell: impl FnMut(News) + Send + 'static) -> io::Result<Self> {
        let (stop, stopped) = channel::<()>();
        let period = limit / LOOKS;
        std::thread::Builder::new().name("keel-watchdog".to_owned()).spawn(move || {
            let (mut watch, mut last) = (Watch::new(limit), Instant::now());
            while stopped.recv_timeout(period) == Err(RecvTimeoutError::Timeout) {
                let now = Instant::now();
                let passed = (now - std::mem::replace(&mut last, now)).min(period * 2);
                watch.look(passed).into_iter().for_each(&mut tell);
            }
        })?;
        Ok(Self { _stop: stop })
    }
}
