//! The slots of a pool: storage that grows without moving, and lock-free stacks of free slots.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use atomic_refcell::AtomicRefCell;
use crossbeam_utils::CachePadded;
use keel_core_types::ModelId;

const FIRST_SEGMENT: u32 = 16;
// Segment k has 16 << k slots; 29 of them cover all 32-bit indices. No slot is at `NO_SLOT`: a limit is a
// `u32`, and indices stay below it.
const SEGMENTS: usize = 29;
const LIVE: u64 = 1;
const NO_SLOT: u32 = u32::MAX;

/// How often a slot was taken, and whether it is now.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct SlotState(u64);

impl SlotState {
    #[inline]
    pub(crate) fn live(id: ModelId) -> Self {
        Self((u64::from(id.generation()) + 1) << 1 | LIVE)
    }

    /// Free, and taken `takes` times before.
    #[inline]
    pub(crate) fn free(takes: u64) -> Self {
        Self(takes << 1)
    }

    /// Free for ever.
    #[inline]
    pub(crate) fn spent() -> Self {
        Self::free(1 << u32::BITS)
    }

    #[inline]
    pub(crate) fn is_live(self) -> bool {
        self.0 & LIVE != 0
    }

    #[inline]
    pub(crate) fn takes(self) -> u64 {
        self.0 >> 1
    }

    /// No generation is left: the slot is never handed out again, so that no stale id comes back to life.
    #[inline]
    pub(crate) fn is_spent(self) -> bool {
        !self.is_live() && self.takes() > u64::from(u32::MAX)
    }

    /// The generation of the object that is or was here last.
    #[inline]
    pub(crate) fn generation(self) -> u32 {
        self.takes().saturating_sub(1) as u32
    }
}

/// One slot. Those of different threads lie in different cache lines.
pub(crate) struct Slot<T> {
    state: AtomicU64,
    next: AtomicU32,
    /// The object. It stays in its free slot, to be recycled.
    pub(crate) object: AtomicRefCell<Option<T>>,
}

impl<T> Slot<T> {
    fn new() -> Self {
        Self { state: AtomicU64::new(0), next: AtomicU32::new(NO_SLOT), object: AtomicRefCell::new(None) }
    }

    pub(crate) fn state(&self) -> SlotState {
        SlotState(self.state.load(Ordering::Acquire))
    }

    pub(crate) fn set_state(&self, state: SlotState) {
        self.state.store(state.0, Ordering::Release);
    }

    /// Makes the slot of the live object `id` free; false when `id` isn't live.
    pub(crate) fn end(&self, id: ModelId) -> bool {
        let live = SlotState::live(id).0;
        self.state.compare_exchange(live, live & !LIVE, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

type Segment<T> = Box<[CachePadded<Slot<T>>]>;

pub(crate) struct Slots<T> {
    segments: [OnceLock<Segment<T>>; SEGMENTS],
    limit: u32,
}

impl<T> Slots<T> {
    pub(crate) fn new(limit: u32) -> Self {
        Self { segments: std::array::from_fn(|_| OnceLock::new()), limit }
    }

    #[inline]
    pub(crate) fn get(&self, index: u32) -> Option<&Slot<T>> {
        let (segment, offset) = place_of(index);
        self.segments[segment].get()?.get(offset).map(|slot| &**slot)
    }

    /// The slot at `index`, which is below the limit.
    pub(crate) fn get_or_make(&self, index: u32) -> &Slot<T> {
        debug_assert!(index < self.limit);
        let (segment, offset) = place_of(index);
        let slots = self.segments[segment].get_or_init(|| {
            let first = (u64::from(FIRST_SEGMENT) << segment) - u64::from(FIRST_SEGMENT);
            let size = (u64::from(FIRST_SEGMENT) << segment).min(u64::from(self.limit) - first);
            (0..size).map(|_| CachePadded::new(Slot::new())).collect()
        });
        &slots[offset]
    }
}

#[inline]
fn place_of(index: u32) -> (usize, usize) {
    let position = u64::from(index) + u64::from(FIRST_SEGMENT);
    let segment = position.ilog2() - FIRST_SEGMENT.ilog2();
    (segment as usize, (position - (u64::from(FIRST_SEGMENT) << segment)) as usize)
}

/// A stack of slots, linked by index (R. K. Treiber, "Systems programming: coping with parallelism", 1986).
///
/// The head's high half counts its changes, so that a head that was popped and pushed again in between is
/// told from one that stayed.
pub(crate) struct SlotStack {
    head: AtomicU64,
}

impl SlotStack {
    pub(crate) fn new() -> Self {
        Self { head: AtomicU64::new(u64::from(NO_SLOT)) }
    }

    pub(crate) fn push<T>(&self, slots: &Slots<T>, index: u32) {
        let slot = slots.get_or_make(index);
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            slot.next.store(head as u32, Ordering::Relaxed);
            match self.replace(head, index, Ordering::Release) {
                Ok(()) => return,
                Err(found) => head = found,
            }
        }
    }

    pub(crate) fn pop<T>(&self, slots: &Slots<T>) -> Option<u32> {
        let mut head = self.head.load(Ordering::Acquire);
        loop {
            let slot = slots.get(head as u32)?;
            match self.replace(head, slot.next.load(Ordering::Relaxed), Ordering::Acquire) {
                Ok(()) => return Some(head as u32),
                Err(found) => head = found,
            }
        }
    }

    #[inline]
    fn replace(&self, head: u64, top: u32, success: Ordering) -> Result<(), u64> {
        let changed = ((head >> 32).wrapping_add(1)) << 32 | u64::from(top);
        self.head.compare_exchange_weak(head, changed, success, Ordering::Acquire).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_follow_each_other_without_a_gap() {
        let mut expected = (0, 0);
        for index in 0..1000 {
            assert_eq!(place_of(index), expected);
            expected.1 += 1;
            if expected.1 == (FIRST_SEGMENT as usize) << expected.0 {
                expected = (expected.0 + 1, 0);
            }
        }
        assert_eq!(place_of(NO_SLOT), (SEGMENTS - 1, 15));
        assert!(Slots::<u8>::new(u32::MAX).get(NO_SLOT).is_none());
    }
}
