//! Pools make objects, hand them out by id, recycle and count them.

use std::sync::atomic::{AtomicU64, Ordering};

use atomic_refcell::{AtomicRef, AtomicRefMut};
use crossbeam_utils::CachePadded;
use keel_core_types::{ModelId, TypedModel};

use crate::shard::{self, SHARDS};
use crate::slots::{Slot, SlotStack, SlotState, Slots};
use crate::{ModelMut, ModelRef, PoolError};

/// Set in [`ModelPool::opened`] while the objects are taken out.
const DRAINED: u64 = 1 << 63;

/// The objects of one model type.
///
/// Each thread takes from and returns to a shard of its own, and steals from the others when that is empty.
/// No call takes a lock; only the first to open a block of new slots lets others wait while it is allocated, and
/// a `take` at the limit looks again while some slot is neither taken nor borrowed.
///
/// Asking a pool for objects of another type does not compile:
///
/// ```compile_fail,E0308
/// # use keel_binding::{ModelPool, ModelRef, PoolError};
/// # use keel_core_types::{ModelId, TypedModel};
/// fn wrong<Terminal: TypedModel, World: TypedModel>(terminals: &ModelPool<Terminal>, id: ModelId) {
///     let world: Result<ModelRef<'_, World>, PoolError> = terminals.get(id);
/// }
/// ```
///
/// while the right one does:
///
/// ```
/// # use keel_binding::{ModelPool, ModelRef, PoolError};
/// # use keel_core_types::{ModelId, TypedModel};
/// fn right<Terminal: TypedModel>(terminals: &ModelPool<Terminal>, id: ModelId) {
///     let terminal: Result<ModelRef<'_, Terminal>, PoolError> = terminals.get(id);
/// }
/// ```
pub struct ModelPool<T> {
    pub(crate) slots: Slots<T>,
    pub(crate) shards: [CachePadded<Shard>; SHARDS],
    /// How many slots were opened, and [`DRAINED`]. Written only when an object is made or a swap is on.
    opened: CachePadded<AtomicU64>,
    pub(crate) made: AtomicU64,
    limit: u32,
    make: Box<dyn Fn() -> T + Send + Sync>,
}

/// What a pool has and did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolCounts {
    /// Objects that are handed out.
    pub live: u64,
    /// Slots that wait to be handed out again.
    pub free: u64,
    /// Objects made since the pool exists.
    pub made: u64,
    /// How often an object was handed out again instead of one being made.
    pub recycled: u64,
}

pub(crate) struct Shard {
    pub(crate) free: SlotStack,
    /// Free slots whose last object was still borrowed when somebody wanted to recycle it.
    pub(crate) held: SlotStack,
}

/// Why a free slot was not handed out.
enum NotTaken {
    Held,
    Drained,
}

impl<T: TypedModel> ModelPool<T> {
    /// A pool of at most `limit` objects, each made by `make` when there is none to recycle.
    pub fn new(limit: u32, make: impl Fn() -> T + Send + Sync + 'static) -> Self {
        Self {
            slots: Slots::new(limit),
            shards: std::array::from_fn(|_| {
                CachePadded::new(Shard { free: SlotStack::new(), held: SlotStack::new() })
            }),
            opened: CachePadded::new(AtomicU64::new(0)),
            made: AtomicU64::new(0),
            limit,
            make: Box::new(make),
        }
    }

    /// Hands out an object: one that was released, made as good as new, or one made now.
    ///
    /// # Errors
    /// [`PoolError::Exhausted`] at the limit, [`PoolError::Drained`] during a swap.
    pub fn take(&self) -> Result<ModelId, PoolError> {
        let home = shard::home();
        loop {
            if let Some(id) = self.take_free(home)? {
                return Ok(id);
            }
            if let Some(id) = self.take_held(home)? {
                return Ok(id);
            }
            if let Some(id) = self.take_new(home)? {
                return Ok(id);
            }
            // One may have been released behind the search, so that only a look at each slot tells.
            if !self.any_can_be_taken() {
                return Err(PoolError::Exhausted { pool: name::<T>(), limit: self.limit });
            }
            std::thread::yield_now();
        }
    }

    /// Takes back the object `id`. Guards that are held on it stay valid; it is recycled when they are gone.
    ///
    /// # Errors
    /// [`PoolError::Stale`] when it was released before, [`PoolError::Unknown`] when the pool never gave it.
    pub fn release(&self, id: ModelId) -> Result<(), PoolError> {
        if self.is_drained() {
            return Err(drained::<T>());
        }
        let slot = self.slots.get(id.index()).ok_or_else(|| unknown::<T>(id))?;
        if !slot.end(id) {
            return Err(not_live(slot, id));
        }
        if !slot.state().is_spent() {
            self.shards[shard::home()].free.push(&self.slots, id.index());
        }
        Ok(())
    }

    /// Shared access to the object `id`.
    ///
    /// # Errors
    /// [`PoolError::Stale`], [`PoolError::Unknown`], and [`PoolError::Borrowed`] while somebody changes it.
    #[inline]
    pub fn get(&self, id: ModelId) -> Result<ModelRef<'_, T>, PoolError> {
        let slot = self.live_slot(id)?;
        let object = slot.object.try_borrow().map_err(|_| refused(slot, id))?;
        // Looked at again: until the borrow, the slot could be recycled; from here on it can't.
        if slot.state() != SlotState::live(id) {
            return Err(not_live(slot, id));
        }
        let object = AtomicRef::filter_map(object, Option::as_ref).ok_or_else(drained::<T>)?;
        Ok(ModelRef { id, object })
    }

    /// Exclusive access to the object `id`.
    ///
    /// # Errors
    /// [`PoolError::Stale`], [`PoolError::Unknown`], and [`PoolError::Borrowed`] while somebody has a guard.
    #[inline]
    pub fn get_mut(&self, id: ModelId) -> Result<ModelMut<'_, T>, PoolError> {
        let slot = self.live_slot(id)?;
        let object = slot.object.try_borrow_mut().map_err(|_| refused(slot, id))?;
        if slot.state() != SlotState::live(id) {
            return Err(not_live(slot, id));
        }
        let object = AtomicRefMut::filter_map(object, Option::as_mut).ok_or_else(drained::<T>)?;
        Ok(ModelMut { id, object })
    }

    /// The ids of the objects that are handed out, in the order of their slots.
    pub fn ids(&self) -> impl Iterator<Item = ModelId> + '_ {
        self.states()
            .filter(|(_, state)| state.is_live())
            .map(|(index, state)| ModelId::new(index, state.generation()))
    }

    /// What the pool has and did. It looks at every slot, so that nobody else has to count.
    pub fn counts(&self) -> PoolCounts {
        let made = self.made.load(Ordering::Relaxed);
        let mut counts = PoolCounts { made, ..PoolCounts::default() };
        let mut takes = 0;
        for (_, state) in self.states() {
            takes += state.takes();
            counts.live += u64::from(state.is_live());
            counts.free += u64::from(!state.is_live() && !state.is_spent());
        }
        counts.recycled = takes.saturating_sub(made);
        counts
    }

    /// How many objects the pool may have.
    pub fn limit(&self) -> u32 {
        self.limit
    }

    #[inline]
    fn take_free(&self, home: usize) -> Result<Option<ModelId>, PoolError> {
        for shard in shard::from_home(home) {
            while let Some(index) = self.shards[shard].free.pop(&self.slots) {
                match self.hand_out(home, index) {
                    Ok(id) => return Ok(Some(id)),
                    Err(NotTaken::Held) => self.shards[home].held.push(&self.slots, index),
                    Err(NotTaken::Drained) => return Err(drained::<T>()),
                }
            }
        }
        Ok(None)
    }

    fn take_held(&self, home: usize) -> Result<Option<ModelId>, PoolError> {
        let mut still_held = Vec::new();
        let mut taken = Ok(None);
        'search: for shard in shard::from_home(home) {
            while let Some(index) = self.shards[shard].held.pop(&self.slots) {
                match self.hand_out(home, index) {
                    Ok(id) => taken = Ok(Some(id)),
                    Err(NotTaken::Held) => {
                        still_held.push(index);
                        continue;
                    }
                    Err(NotTaken::Drained) => taken = Err(drained::<T>()),
                }
                break 'search;
            }
        }
        for index in still_held.into_iter().rev() {
            self.shards[home].held.push(&self.slots, index);
        }
        taken
    }

    /// Makes the object in the free slot `index`, which the caller popped, the next one handed out.
    fn hand_out(&self, home: usize, index: u32) -> Result<ModelId, NotTaken> {
        let slot = self.slots.get_or_make(index);
        let Ok(object) = slot.object.try_borrow_mut() else { return Err(NotTaken::Held) };
        let mut recycled = Recycled { pool: self, home, index, object, ready: false };
        // Looked at behind the borrow: whoever drains the pool borrows each slot after it said so.
        if self.is_drained() {
            return Err(NotTaken::Drained);
        }
        match &mut *recycled.object {
            Some(object) => object.reset(),
            free => {
                *free = Some((self.make)());
                self.made.fetch_add(1, Ordering::Relaxed);
            }
        }
        recycled.ready = true;
        Ok(start(slot, index))
    }

    fn take_new(&self, home: usize) -> Result<Option<ModelId>, PoolError> {
        if self.opened() >= u64::from(self.limit) {
            return Ok(None);
        }
        // Made before the slot is opened, so that a panic in `make` costs no slot.
        let object = (self.make)();
        let opened = self.opened.fetch_update(Ordering::AcqRel, Ordering::Acquire, |opened| {
            (opened < u64::from(self.limit)).then_some(opened + 1)
        });
        let index = match opened {
            Ok(index) => index as u32,
            Err(opened) if opened & DRAINED != 0 => return Err(drained::<T>()),
            Err(_) => return Ok(None),
        };
        let slot = self.slots.get_or_make(index);
        let place = slot.object.try_borrow_mut().ok().filter(|_| !self.is_drained());
        let Some(mut place) = place else {
            self.shards[home].free.push(&self.slots, index);
            return Err(drained::<T>());
        };
        *place = Some(object);
        self.made.fetch_add(1, Ordering::Relaxed);
        Ok(Some(start(slot, index)))
    }

    fn any_can_be_taken(&self) -> bool {
        self.opened() < u64::from(self.limit)
            || self.slots_opened().any(|(_, slot)| {
                let state = slot.state();
                !state.is_live() && !state.is_spent() && slot.object.try_borrow_mut().is_ok()
            })
    }

    fn live_slot(&self, id: ModelId) -> Result<&Slot<T>, PoolError> {
        let slot = self.slots.get(id.index()).ok_or_else(|| unknown::<T>(id))?;
        if slot.state() == SlotState::live(id) { Ok(slot) } else { Err(not_live(slot, id)) }
    }

    fn states(&self) -> impl Iterator<Item = (u32, SlotState)> + '_ {
        self.slots_opened().map(|(index, slot)| (index, slot.state()))
    }

    pub(crate) fn slots_opened(&self) -> impl Iterator<Item = (u32, &Slot<T>)> + '_ {
        (0..self.opened() as u32).map(|index| (index, self.slots.get_or_make(index)))
    }

    /// How many slots were opened.
    pub(crate) fn opened(&self) -> u64 {
        self.opened.load(Ordering::Acquire) & !DRAINED
    }

    fn is_drained(&self) -> bool {
        self.opened.load(Ordering::Acquire) & DRAINED != 0
    }

    /// Lets nobody take or release; false when that was so before.
    pub(crate) fn close(&self) -> bool {
        self.opened.fetch_or(DRAINED, Ordering::AcqRel) & DRAINED == 0
    }

    pub(crate) fn reopen(&self) {
        self.opened.fetch_and(!DRAINED, Ordering::AcqRel);
    }

    /// Closes a pool that has no objects; false when it has some.
    pub(crate) fn close_empty(&self) -> bool {
        self.is_drained()
            || self.opened.compare_exchange(0, DRAINED, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Opens the pool with `slots` slots.
    pub(crate) fn open(&self, slots: u32) {
        self.opened.store(u64::from(slots), Ordering::Release);
    }
}

/// A free slot on its way out. Should `reset` or `make` panic, the object is dropped and the slot given back.
struct Recycled<'a, T: TypedModel> {
    pool: &'a ModelPool<T>,
    home: usize,
    index: u32,
    object: AtomicRefMut<'a, Option<T>>,
    ready: bool,
}

impl<T: TypedModel> Drop for Recycled<'_, T> {
    fn drop(&mut self) {
        if !self.ready {
            *self.object = None;
            self.pool.shards[self.home].free.push(&self.pool.slots, self.index);
        }
    }
}

fn start<T>(slot: &Slot<T>, index: u32) -> ModelId {
    let id = ModelId::new(index, slot.state().takes() as u32);
    slot.set_state(SlotState::live(id));
    id
}

/// A borrow that was refused: by a guard on this object, or by whoever recycled the slot meanwhile.
#[cold]
fn refused<T: TypedModel>(slot: &Slot<T>, id: ModelId) -> PoolError {
    if slot.state() == SlotState::live(id) {
        return PoolError::Borrowed { pool: name::<T>(), id };
    }
    not_live(slot, id)
}

#[cold]
fn not_live<T: TypedModel>(slot: &Slot<T>, id: ModelId) -> PoolError {
    let state = slot.state();
    if u64::from(id.generation()) >= state.takes() {
        return unknown::<T>(id);
    }
    PoolError::Stale { pool: name::<T>(), id, generation: state.generation() }
}

#[cold]
fn unknown<T: TypedModel>(id: ModelId) -> PoolError {
    PoolError::Unknown { pool: name::<T>(), id }
}

#[cold]
pub(crate) fn drained<T: TypedModel>() -> PoolError {
    PoolError::Drained { pool: name::<T>() }
}

pub(crate) fn name<T: TypedModel>() -> String {
    T::NAME.to_owned()
}
