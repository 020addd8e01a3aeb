//! Typed events: a queue for each type, read by any number of independent readers.

use std::any::Any;
use std::collections::VecDeque;
use std::marker::PhantomData;

use atomic_refcell::AtomicRef;
use keel_core_types::ThreadSafe;
use keel_module_macros::data;
use keel_state::{EMPTY_MAX, Migration, Schema, SchemaBuilder, StateError, TypeRef, decode, encode_into};
use serde::{Deserialize, Serialize};

use crate::Event;

/// The events of one type that are still kept, oldest first. Each is kept until the end of the frame after the
/// one in which it was sent.
pub struct Events<'w, E> {
    store: AtomicRef<'w, EventStore<E>>,
}

impl<'w, E: Event> Events<'w, E> {
    pub(crate) fn new(store: AtomicRef<'w, EventStore<E>>) -> Self {
        Self { store }
    }

    /// All events still kept, oldest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &E> + DoubleEndedIterator {
        self.store.queue.iter()
    }

    /// How many events are kept.
    pub fn len(&self) -> usize {
        self.store.queue.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.store.queue.is_empty()
    }

    /// How many events of this type were ever sent.
    pub fn sent(&self) -> u64 {
        self.store.next()
    }
}

/// Where one reader stands in the events of type `E`. Kept in a module's state, it survives a swap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent, bound = "")]
pub struct EventReader<E> {
    next: u64,
    #[serde(skip)]
    event: PhantomData<fn() -> E>,
}

impl<E> Default for EventReader<E> {
    fn default() -> Self {
        Self { next: 0, event: PhantomData }
    }
}

impl<E: 'static> Schema for EventReader<E> {
    fn schema(types: &mut SchemaBuilder) -> TypeRef {
        u64::schema(types)
    }
}

impl<E: Event> EventReader<E> {
    /// The events that this reader has not seen and that are still kept, oldest first; they count as seen.
    pub fn read<'e>(&mut self, events: &'e Events<'_, E>) -> impl ExactSizeIterator<Item = &'e E> {
        let store = &*events.store;
        let skip = self.next.saturating_sub(store.first).min(store.queue.len() as u64) as usize;
        self.next = store.next();
        store.queue.iter().skip(skip)
    }

    /// How many events wait for this reader.
    pub fn waiting(&self, events: &Events<'_, E>) -> usize {
        (events.store.next() - self.next.clamp(events.store.first, events.store.next())) as usize
    }

    /// How many events were dropped before this reader saw them.
    pub fn missed(&self, events: &Events<'_, E>) -> u64 {
        events.store.first.saturating_sub(self.next)
    }

    /// Counts all that was sent so far as seen.
    pub fn skip_all(&mut self, events: &Events<'_, E>) {
        self.next = events.store.next();
    }
}

/// The queue of one event type.
pub(crate) struct EventStore<E> {
    /// The number of the oldest event in the queue, counted from the first ever sent.
    first: u64,
    /// Events before this number were sent before the running frame.
    frame_start: u64,
    queue: VecDeque<E>,
}

impl<E> Default for EventStore<E> {
    fn default() -> Self {
        Self { first: 0, frame_start: 0, queue: VecDeque::new() }
    }
}

impl<E> EventStore<E> {
    fn next(&self) -> u64 {
        self.first + self.queue.len() as u64
    }

    pub(crate) fn send(&mut self, event: E) {
        self.queue.push_back(event);
    }

    pub(crate) fn drain(&mut self) -> Vec<E> {
        self.first = self.next();
        self.queue.drain(..).collect()
    }
}

/// What stands before the events of one type in a snapshot.
#[data(crate = keel_state)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueueHeader {
    pub(crate) first: u64,
    frame_start: u64,
    pub(crate) count: u64,
}

impl QueueHeader {
    /// Refuses counts that no queue can have.
    pub(crate) fn check(self, bytes: &[u8]) -> Result<(), StateError> {
        let count_max = (bytes.len() as u64).max(EMPTY_MAX as u64);
        let next = self.first.checked_add(self.count).filter(|_| self.count <= count_max);
        match next {
            Some(next) if (self.frame_start <= next) => Ok(()),
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
    /// Drops what was sent before the frame that ends now.
    fn end_frame(&mut self);
    fn clear(&mut self);
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

    fn end_frame(&mut self) {
        let seen = self.frame_start.saturating_sub(self.first) as usize;
        self.queue.drain(..seen.min(self.queue.len()));
        self.first = self.first.max(self.frame_start);
        self.frame_start = self.next();
    }

    fn clear(&mut self) {
        self.first = self.next();
        self.queue.clear();
    }

    fn len(&self) -> usize {
        self.queue.len()
    }

    fn sent(&self) -> u64 {
        self.next()
    }

    fn save(&self, out: &mut Vec<u8>) -> Result<(), StateError> {
        let count = self.queue.len() as u64;
        encode_into(&QueueHeader { first: self.first, frame_start: self.frame_start, count }, out)?;
        self.queue.iter().try_for_each(|event| encode_into(event, out))
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
        *self = Self { first: header.first, frame_start: header.frame_start, queue };
        Ok(())
    }

    fn counters(&self) -> [u64; 2] {
        [self.next(), self.frame_start]
    }

    fn visit(&self, from: u64, count: usize, visit: &mut dyn FnMut(u64, &[u8])) -> Result<(), StateError> {
        let mut bytes = Vec::new();
        let skip = usize::try_from(from.saturating_sub(self.first)).unwrap_or(usize::MAX);
        for (number, event) in (self.first..).zip(&self.queue).skip(skip).take(count) {
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
