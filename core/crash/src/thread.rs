//! What each thread is running.

use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicI32, AtomicU64, AtomicUsize, Ordering};

use crate::os;
use crate::{Mark, Marked};

/// As many threads are told apart at a time; those beyond run without marks.
const SLOTS: usize = 256;

/// The lower bits of [`Slot::current`] are a mark; those above count the turns.
const MARK_BITS: u32 = 24;
const MARK_MASK: u64 = (1 << MARK_BITS) - 1;

static FRAME: AtomicU64 = AtomicU64::new(0);

/// What is known of one thread. It is written by that thread, and read by signal handlers and the watchdog, so all of it
/// is atomic; nothing is ever freed. Each has a cache line of its own, or threads would slow each other down.
#[repr(align(128))]
pub(crate) struct Slot {
    /// The system's number of the thread; 0 while the slot is nobody's.
    pub(crate) thread: AtomicI32,
    /// The mark, and how many turns the thread has begun. A turn is what is run for the engine: from no mark, or the engine's
    /// own, to such a one again.
    current: AtomicU64,
    /// Where the thread's stack ends, and the bytes below it that may not be touched; 0 where that is not known.
    pub(crate) stack_end: AtomicUsize,
    pub(crate) stack_guard: AtomicUsize,
    /// Where a signal handler's own stack begins, once there is one; kept for the next thread with this slot.
    pub(crate) handler_stack: AtomicUsize,
}

impl Slot {
    const fn new() -> Self {
        Self {
            thread: AtomicI32::new(0),
            current: AtomicU64::new(0),
            stack_end: AtomicUsize::new(0),
            stack_guard: AtomicUsize::new(0),
            handler_stack: AtomicUsize::new(0),
        }
    }

    pub(crate) fn mark(&self) -> Mark {
        self.now().1
    }

    /// The number of the turn, and the mark.
    pub(crate) fn now(&self) -> (u64, Mark) {
        let now = self.current.load(Ordering::Relaxed);
        (now >> MARK_BITS, Mark((now & MARK_MASK) as u32))
    }
}

static ALL: [Slot; SLOTS] = [const { Slot::new() }; SLOTS];

/// What threads share for which there is no slot. Nobody looks at it.
static NOBODY: Slot = Slot::new();

/// All slots, those of nobody included.
pub(crate) fn slots() -> &'static [Slot] {
    &ALL
}

/// The slot of the thread with this number. Neither waits nor takes memory.
pub(crate) fn slot_of(thread: i32) -> Option<&'static Slot> {
    ALL.iter().find(|slot| slot.thread.load(Ordering::Relaxed) == thread)
}

/// The frame in which the engine is.
pub(crate) fn frame() -> u64 {
    FRAME.load(Ordering::Relaxed)
}

/// Notes the frame that begins, for reports.
pub fn set_frame(frame: u64) {
    FRAME.store(frame, Ordering::Relaxed);
}

/// Gives the thread's slot back when the thread ends.
struct Claim(Cell<Option<&'static Slot>>);

impl Drop for Claim {
    fn drop(&mut self) {
        // Whoever calls `exit` has this dropped while it runs; that it runs is still to be told.
        if let Some(slot) = self.0.take().filter(|slot| slot.mark() == Mark::NONE) {
            os::leave_thread(slot);
            slot.thread.store(0, Ordering::Release);
        }
    }
}

thread_local! {
    // Lives in the library that all modules link, which is never unmapped.
    static CLAIM: Claim = const { Claim(Cell::new(None)) };
}

fn claim() -> &'static Slot {
    let thread = os::thread_id();
    let is_claimed =
        |slot: &&Slot| slot.thread.compare_exchange(0, thread, Ordering::AcqRel, Ordering::Relaxed).is_ok();
    let Some(slot) = ALL.iter().find(is_claimed) else { return &NOBODY };
    slot.current.store(slot.current.load(Ordering::Relaxed) & !MARK_MASK, Ordering::Relaxed);
    os::enter_thread(slot);
    slot
}

/// The thread that asks. Worth keeping where many marks are entered one after the other.
#[derive(Clone, Copy)]
pub struct Thread {
    slot: &'static Slot,
    // What is run elsewhere is another thread's to say.
    _not_send: PhantomData<*const ()>,
}

impl Thread {
    /// The one that calls this.
    pub fn current() -> Self {
        let slot = CLAIM.try_with(|claim| match claim.0.get() {
            Some(slot) => slot,
            None => {
                let slot = self::claim();
                claim.0.set(Some(slot).filter(|slot| !std::ptr::eq(*slot, &raw const NOBODY)));
                slot
            }
        });
        // A thread that is about to end has no slot any more.
        Self { slot: slot.unwrap_or(&NOBODY), _not_send: PhantomData }
    }

    /// Marks what runs from here on, until the answer is dropped; then what ran before runs again.
    #[inline]
    pub fn enter(self, mark: Mark) -> Running {
        let before = self.slot.current.load(Ordering::Relaxed);
        let engine = Mark((before & MARK_MASK) as u32).is_engine();
        let is_new_turn = engine || before & MARK_MASK == 0;
        let turn = (before & !MARK_MASK).wrapping_add(u64::from(is_new_turn) << MARK_BITS);
        self.slot.current.store(turn | u64::from(mark.0), Ordering::Relaxed);
        // What the engine does next is a turn of its own.
        let after = turn.wrapping_add(u64::from(engine) << MARK_BITS);
        Running { thread: self, after: after | (before & MARK_MASK) }
    }

    /// The module's code that it is running.
    pub fn running(self) -> Option<&'static Marked> {
        Some(self.slot.mark()).filter(|mark| !mark.is_engine())?.marked()
    }
}

/// Something is running; see [`Thread::enter`].
#[must_use = "the mark is left when this is dropped"]
pub struct Running {
    thread: Thread,
    after: u64,
}

impl Drop for Running {
    #[inline]
    fn drop(&mut self) {
        self.thread.slot.current.store(self.after, Ordering::Relaxed);
    }
}
