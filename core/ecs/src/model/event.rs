//! Typed events: a queue for each type, read by any number of independent readers.

use std::any::Any;
use std::collections::VecDeque;
use std::marker::PhantomData;
use std::slice;

use atomic_refcell::{AtomicRef, AtomicRefCell, AtomicRefMut};
use keel_core_types::ThreadSafe;
use keel_module_macros::data;
use keel_state::{Migration, Schema, SchemaBuilder, StateError, TypeRef, decode, encode_into};
use serde::{Deserialize, Serialize};

use crate::model::dropped::drop_each;
use crate::{EcsError, Event, Limits, World};

/// The events of one type that are still kept, oldest first. Each is kept until the end of the step after the
/// one in which it was sent; a system of the frame's end sees those of all steps of its frame.
pub struct Events<'w, E> {
    store: AtomicRef<'w, EventStore<E>>,
}

impl<'w, E: Event> Events<'w, E> {
    pub(crate) fn new(store: AtomicRef<'w, EventStore<E>>) -> Self {
        Self { store }
    }

    /// All events still kept, oldest first.
    #[inline]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &E> + DoubleEndedIterator {
        self.store.shown()
    }

    /// How many events are kept.
    #[inline]
    pub fn len(&self) -> usize {
        self.store.shown().len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many events of this type were ever sent.
    pub fn sent(&self) -> u64 {
        self.store.next()
    }
}

/// Where one reader stands in the events of type `E`. Kept in a module's state, it survives a swap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent, bound = "")]
pub struct EventCursor<E> {
    next: u64,
    #[serde(skip)]
    event: PhantomData<fn() -> E>,
}

impl<E> Default for EventCursor<E> {
    fn default() -> Self {
        Self { next: 0, event: PhantomData }
    }
}

impl<E: 'static> Schema for EventCursor<E> {
    fn schema(types: &mut SchemaBuilder) -> TypeRef {
        u64::schema(types)
    }
}

impl<E: Event> EventCursor<E> {
    /// The events that this reader has not seen and that are still kept, oldest first; they count as seen.
    #[inline]
    pub fn read<'e>(&mut self, events: &'e Events<'_, E>) -> impl ExactSizeIterator<Item = &'e E> {
        let store = &*events.store;
        let from = self.next.max(store.shown_from());
        self.next = store.next();
        store.from(from)
    }

    /// How many events wait for this reader.
    #[inline]
    pub fn waiting(&self, events: &Events<'_, E>) -> usize {
        (events.store.next() - self.next.clamp(events.store.shown_from(), events.store.next())) as usize
    }

    /// How many events were dropped before this reader saw them.
    pub fn missed(&self, events: &Events<'_, E>) -> u64 {
        events.store.shown_from().saturating_sub(self.next)
    }

    /// Counts all that was sent so far as seen.
    pub fn skip_all(&mut self, events: &Events<'_, E>) {
        self.next = events.store.next();
    }
}

/// Where in a frame a world is, for its events. An engine says it; a world that nothing drives stays between frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FramePart {
    /// No frame is running: what a step's end takes away is gone.
    #[default]
    Between,
    /// The steps are running. Events whose time is over linger for the frame's end; no step sees them, so that what a
    /// step does never depends on how many of them make up a frame.
    Steps,
    /// The frame's end: whoever reads now sees what lingers, too.
    End,
}

/// The queue of one event type.
#[derive(Clone)]
pub(crate) struct EventStore<E> {
    /// The number of the oldest event in the queue, counted from the first ever sent.
    first: u64,
    /// Events before this number linger: their time is over, and only the frame's end sees them.
    kept_from: u64,
    /// Events before this number were sent before the running step.
    step_start: u64,
    part: FramePart,
    queue: VecDeque<E>,
}

impl<E> Default for EventStore<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> EventStore<E> {
    pub(crate) const fn new() -> Self {
        Self { first: 0, kept_from: 0, step_start: 0, part: FramePart::Between, queue: VecDeque::new() }
    }

    /// The queue that was saved with this header.
    pub(crate) fn of_saved(
        header: QueueHeader,
        events: impl ExactSizeIterator<Item = E>,
    ) -> Result<Self, StateError> {
        header.check_counts(events.len() as u64)?;
        let QueueHeader { first, step_start, .. } = header;
        let queue = events.collect();
        Ok(Self { first, kept_from: first, step_start, part: FramePart::Between, queue })
    }

    /// What is saved of the counters: what lingers is of no use to another frame.
    pub(crate) fn header(&self) -> QueueHeader {
        let (first, count) = (self.kept_from, self.next() - self.kept_from);
        QueueHeader { first, step_start: self.step_start, count }
    }

    /// Forgets those with this number and later ones.
    pub(crate) fn forget(&mut self, number: u64) {
        let kept = number.saturating_sub(self.first).min(self.queue.len() as u64) as usize;
        drop_each(self.queue.drain(kept..));
    }

    #[inline]
    pub(crate) fn next(&self) -> u64 {
        self.first + self.queue.len() as u64
    }

    /// The number of the oldest event that may be read now.
    #[inline]
    pub(crate) fn shown_from(&self) -> u64 {
        if self.part == FramePart::End { self.first } else { self.kept_from }
    }

    #[inline]
    pub(crate) fn shown(&self) -> EventIter<'_, E> {
        self.from(self.shown_from())
    }

    /// The events with this number and later ones.
    #[inline]
    pub(crate) fn from(&self, number: u64) -> EventIter<'_, E> {
        let skipped = number.saturating_sub(self.first).min(self.queue.len() as u64) as usize;
        let (front, back) = self.queue.as_slices();
        let in_front = skipped.min(front.len());
        EventIter { front: front[in_front..].iter(), back: back[skipped - in_front..].iter() }
    }

    /// The event with this number.
    fn at(&self, number: u64) -> Option<&E> {
        self.queue.get(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    /// Lets those go that came before number `first`.
    fn forget_before(&mut self, first: u64) {
        let gone = first.saturating_sub(self.first).min(self.queue.len() as u64) as usize;
        self.first += gone as u64;
        drop_each(self.queue.drain(..gone));
    }

    #[inline]
    pub(crate) fn send(&mut self, event: E) {
        self.queue.push_back(event);
    }

    /// Panics when `max` events are kept.
    #[inline]
    fn need_room<T: Event>(&self, max: usize) {
        assert!(self.queue.len() < max, "{}", Limits::too_many_events(max, T::NAME));
    }

    #[inline]
    pub(crate) fn send_batch(&mut self, events: impl Iterator<Item = E>) {
        self.queue.extend(events);
    }

    /// Ends the time of what was sent before the step that ends now.
    pub(crate) fn end_step(&mut self) {
        self.kept_from = self.kept_from.max(self.step_start);
        self.step_start = self.next();
        if self.part == FramePart::Between {
            self.forget_before(self.kept_from);
        }
    }

    /// Says where in a frame the world is.
    pub(crate) fn enter(&mut self, part: FramePart) {
        self.part = part;
        if part == FramePart::Between {
            self.forget_before(self.kept_from);
        }
    }

    pub(crate) fn drain(&mut self) -> Vec<E> {
        self.forget_before(self.shown_from());
        self.first = self.next();
        self.kept_from = self.first;
        self.queue.drain(..).collect()
    }
}

impl<E> Drop for EventStore<E> {
    fn drop(&mut self) {
        drop_each(self.queue.drain(..));
    }
}

/// Events, oldest first. The queue's own iterator hands each to a function that a module's compiler leaves a call.
pub(crate) struct EventIter<'e, E> {
    front: slice::Iter<'e, E>,
    back: slice::Iter<'e, E>,
}

impl<'e, E> Iterator for EventIter<'e, E> {
    type Item = &'e E;

    #[inline]
    fn next(&mut self) -> Option<&'e E> {
        match self.front.next() {
            Some(event) => Some(event),
            None => self.back.next(),
        }
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let count = self.front.len() + self.back.len();
        (count, Some(count))
    }

    #[inline]
    #[allow(clippy::redundant_closure, reason = "through `&mut step`, each event would be a call")]
    fn fold<B, S: FnMut(B, &'e E) -> B>(self, first: B, mut step: S) -> B {
        let folded = self.front.fold(first, |folded, event| step(folded, event));
        self.back.fold(folded, |folded, event| step(folded, event))
    }
}

impl<E> DoubleEndedIterator for EventIter<'_, E> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        match self.back.next_back() {
            Some(event) => Some(event),
            None => self.front.next_back(),
        }
    }
}

impl<E> ExactSizeIterator for EventIter<'_, E> {}

/// How many events without any bytes a saved queue may have: 1,048,576.
pub(crate) const EMPTY_EVENTS_MAX: u64 = 1 << 20;

/// What stands before the events of one type in a snapshot.
#[data(crate = keel_state)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueueHeader {
    pub(crate) first: u64,
    pub(crate) step_start: u64,
    pub(crate) count: u64,
}

impl QueueHeader {
    /// Refuses counts that no queue can have.
    pub(crate) fn check(self, bytes: &[u8]) -> Result<(), StateError> {
        self.check_counts((bytes.len() as u64).max(EMPTY_EVENTS_MAX))
    }

    fn check_counts(self, count_max: u64) -> Result<(), StateError> {
        let next = self.first.checked_add(self.count).filter(|_| self.count <= count_max);
        match next {
            Some(next) if (self.step_start <= next) => Ok(()),
            _ => Err(StateError::Corrupt {
                expected: "the counters of an event queue".to_owned(),
                found: format!("{self:?}"),
            }),
        }
    }
}

/// A queue of unknown event type.
pub(crate) trait AnyEvents: Any + ThreadSafe {
    fn as_any(&self) -> &dyn Any;
    fn as_any_mut(&mut self) -> &mut dyn Any;
    /// Ends the time of what was sent before the step that ends now.
    fn end_step(&mut self);
    /// Says where in a frame the world is.
    fn enter(&mut self, part: FramePart);
    /// The number of the oldest event whose time is not over.
    fn kept_from(&self) -> u64;
    fn clear(&mut self);
    /// Forgets the events with this number and later ones: they were never sent.
    fn forget_from(&mut self, number: u64);
    /// All of the queue, for [`AnyEvents::put_back`].
    fn image(&self, out: &mut Vec<u8>) -> Result<(), StateError>;
    fn put_back(&mut self, image: &mut &[u8]) -> Result<(), StateError>;
    fn len(&self) -> usize;
    fn sent(&self) -> u64;
    fn save(&self, out: &mut Vec<u8>) -> Result<(), StateError>;
    fn restore(&mut self, migration: &Migration, bytes: &mut &[u8]) -> Result<(), StateError>;
    /// Shows the encoded events from number `from` on, at most `count`, each with its number.
    fn visit(&self, from: u64, count: usize, visit: &mut dyn FnMut(u64, &[u8])) -> Result<(), StateError>;
    /// The counters, for a hash.
    fn counters(&self) -> [u64; 2];
    fn send_encoded(&mut self, bytes: &mut &[u8]) -> Result<(), StateError>;
}

impl<E: Event> AnyEvents for EventStore<E> {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn end_step(&mut self) {
        self.end_step();
    }

    fn enter(&mut self, part: FramePart) {
        self.enter(part);
    }

    fn kept_from(&self) -> u64 {
        self.kept_from
    }

    fn clear(&mut self) {
        self.first = self.next();
        self.kept_from = self.first;
        drop_each(self.queue.drain(..));
    }

    fn forget_from(&mut self, number: u64) {
        self.forget(number);
    }

    fn image(&self, out: &mut Vec<u8>) -> Result<(), StateError> {
        encode_into(&[self.first, self.kept_from, self.step_start, self.queue.len() as u64], out)?;
        self.queue.iter().try_for_each(|event| encode_into(event, out))
    }

    fn put_back(&mut self, image: &mut &[u8]) -> Result<(), StateError> {
        let [first, kept_from, step_start, count]: [u64; 4] = decode(image)?;
        let queue: VecDeque<E> = (0..count).map(|_| decode::<E>(image)).collect::<Result<_, _>>()?;
        *self = Self { first, kept_from, step_start, part: self.part, queue };
        Ok(())
    }

    #[inline]
    fn len(&self) -> usize {
        self.shown().len()
    }

    fn sent(&self) -> u64 {
        self.next()
    }

    fn save(&self, out: &mut Vec<u8>) -> Result<(), StateError> {
        encode_into(&self.header(), out)?;
        self.from(self.kept_from).try_for_each(|event| encode_into(event, out))
    }

    fn restore(&mut self, migration: &Migration, bytes: &mut &[u8]) -> Result<(), StateError> {
        let header: QueueHeader = decode(bytes)?;
        header.check(bytes)?;
        let mut queue = VecDeque::new();
        let mut migrated = Vec::new();
        for _ in 0..header.count {
            migrated.clear();
            migration.apply(bytes, &mut migrated)?;
            queue.push_back(decode::<E>(&mut migrated.as_slice())?);
        }
        let QueueHeader { first, step_start, .. } = header;
        *self = Self { first, kept_from: first, step_start, part: FramePart::Between, queue };
        Ok(())
    }

    fn counters(&self) -> [u64; 2] {
        [self.next(), self.step_start]
    }

    fn visit(&self, from: u64, count: usize, visit: &mut dyn FnMut(u64, &[u8])) -> Result<(), StateError> {
        let mut bytes = Vec::new();
        let from = from.clamp(self.shown_from(), self.next());
        for (number, event) in (from..).zip(self.from(from)).take(count) {
            bytes.clear();
            encode_into(event, &mut bytes)?;
            visit(number, &bytes);
        }
        Ok(())
    }

    fn send_encoded(&mut self, bytes: &mut &[u8]) -> Result<(), StateError> {
        self.send(decode::<E>(bytes)?);
        Ok(())
    }
}

impl World {
    /// Sends `event` to all readers of its type.
    ///
    /// # Panics
    /// When the event's type is not registered or is being read in the same call, and when as many are kept as
    /// [`Limits`] allows; the message names it.
    #[inline]
    pub fn send<E: Event>(&self, event: E) {
        let mut store = self.event_store_mut::<E>();
        store.need_room::<E>(self.limits().events);
        store.send(event);
    }

    /// Sends each of `events`; faster than one after the other. Where the iterator panics, those before are sent.
    ///
    /// # Panics
    /// As [`World::send`]; the queue is in use for as long as the iterator runs.
    pub fn send_batch<E: Event>(&self, events: impl IntoIterator<Item = E>) {
        let mut store = self.event_store_mut::<E>();
        let max = self.limits().events;
        let mut events = events.into_iter();
        let room = max.saturating_sub(store.queue.len());
        // An iterator that is known to have an end is handed over whole: so it is written in one go.
        if events.size_hint().1.is_some_and(|most| most <= room) {
            return store.send_batch(events);
        }
        store.send_batch(events.by_ref().take(room));
        if events.next().is_some() {
            store.need_room::<E>(max);
        }
    }

    /// The events of type `E` that are still kept.
    ///
    /// # Panics
    /// When the event's type is not registered, or events of it are being sent; the message names it.
    pub fn events<E: Event>(&self) -> Events<'_, E> {
        let store = self.event_cell::<E>().try_borrow();
        let store = store.unwrap_or_else(|_| panic!("{}", EcsError::InUse { name: E::NAME.to_owned() }));
        Events::new(AtomicRef::map(store, |store| typed::<E>(store.as_any())))
    }

    /// Takes all events of type `E` out of the world; no reader sees them any more.
    ///
    /// # Panics
    /// As [`World::send`].
    pub fn drain_events<E: Event>(&mut self) -> Vec<E> {
        self.before_queue(E::ID);
        self.event_store_mut::<E>().drain()
    }

    /// Drops all events of all types.
    pub fn clear_events(&mut self) {
        let all: Vec<_> = self.events.keys().copied().collect();
        all.into_iter().for_each(|id| self.before_queue(id));
        for store in self.events.values_mut() {
            store.get_mut().clear();
        }
    }

    /// Ends the step for events, and for what [`World::removals`] tells: those from the step before the running one are
    /// dropped. The engine calls it.
    pub fn end_step(&mut self) {
        for store in self.events.values_mut() {
            store.get_mut().end_step();
        }
        self.changes.end_step();
    }

    /// Says where in a frame the world is, for its events. The engine calls it.
    pub fn enter(&mut self, part: FramePart) {
        for store in self.events.values_mut() {
            store.get_mut().enter(part);
        }
        self.changes.enter(part);
    }

    /// The event with this number, if it is still in its queue.
    pub(crate) fn event_at<E: Event>(&self, number: u64) -> Option<AtomicRef<'_, E>> {
        let store = self.event_cell::<E>().try_borrow();
        let store = store.unwrap_or_else(|_| panic!("{}", EcsError::InUse { name: E::NAME.to_owned() }));
        AtomicRef::filter_map(store, |store| typed::<E>(store.as_any()).at(number))
    }

    fn event_cell<E: Event>(&self) -> &AtomicRefCell<Box<dyn AnyEvents>> {
        self.events
            .get(&E::ID)
            .unwrap_or_else(|| panic!("{}", EcsError::NotRegistered { name: E::NAME.to_owned() }))
    }

    fn event_store_mut<E: Event>(&self) -> AtomicRefMut<'_, EventStore<E>> {
        let store = self.event_cell::<E>().try_borrow_mut();
        let store = store.unwrap_or_else(|_| panic!("{}", EcsError::InUse { name: E::NAME.to_owned() }));
        AtomicRefMut::map(store, |store| match store.as_any_mut().downcast_mut() {
            Some(store) => store,
            None => panic!("{}", EcsError::Conflict { name: E::NAME.to_owned() }),
        })
    }
}

fn typed<E: Event>(store: &dyn Any) -> &EventStore<E> {
    match store.downcast_ref() {
        Some(store) => store,
        None => panic!("{}", EcsError::Conflict { name: E::NAME.to_owned() }),
    }
}
