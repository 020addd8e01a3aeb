//! What has happened and was not handed to observers yet.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::ops::{Deref, Range};

use atomic_refcell::AtomicRef;
use keel_core_types::ComponentId;
use keel_state::{Migration, decode};

use crate::model::types::TypeTable;
use crate::{Component, EcsError, Entity, Event, ModelTypeInfo, World};

/// What can happen to a component or an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Occasion {
    /// A value has come, also in the place of another one.
    Insert,
    /// A value was replaced by another one.
    Replace,
    /// A value has gone, by itself or with its entity.
    Remove,
    /// The entity that had the value has gone.
    Despawn,
    /// An event was sent.
    Sent,
}

impl Occasion {
    const ALL: [Self; 5] = [Self::Insert, Self::Replace, Self::Remove, Self::Despawn, Self::Sent];

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Occasion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Insert => "Insert",
            Self::Replace => "Replace",
            Self::Remove => "Remove",
            Self::Despawn => "Despawn",
            Self::Sent => "Sent",
        })
    }
}

/// One thing that happened. It is data: nothing in it leads into a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occurrence {
    pub(super) occasion: Occasion,
    pub(super) id: ComponentId,
    pub(super) entity: Entity,
    /// Of an event: how many were sent before it.
    pub(super) number: u64,
    /// Where the value that has gone lies, encoded.
    pub(super) old: Option<Range<usize>>,
    pub(super) cause: u32,
}

impl Occurrence {
    /// What kind of thing happened.
    pub fn occasion(&self) -> Occasion {
        self.occasion
    }

    /// The component, or the event.
    pub fn id(&self) -> ComponentId {
        self.id
    }

    /// The entity that it happened to; [`Entity::DANGLING`] for an event.
    pub fn entity(&self) -> Entity {
        self.entity
    }

    /// What [`World::set_cause`] said when it happened.
    pub fn cause(&self) -> u32 {
        self.cause
    }
}

/// What is looked for of one component.
#[derive(Clone, Copy, Debug, Default)]
struct Watch {
    /// By [`Occasion::bit`].
    observed: u8,
    hooked: u8,
}

/// What is looked for in one world, and what of it has happened.
#[derive(Default)]
pub(crate) struct Reactions {
    /// In the order of their ids.
    watches: Vec<(ComponentId, Watch)>,
    /// A bit for each of them, by [`bit_of`]: most components are found here not to be minded.
    mask: u64,
    /// How many events of each observed type count as seen.
    events: BTreeMap<ComponentId, u64>,
    queue: VecDeque<Occurrence>,
    /// The encoded values that have gone, until the queue is empty.
    bytes: Vec<u8>,
    cause: u32,
}

/// What waited at some moment.
#[derive(Default)]
pub(crate) struct Told {
    waiting: usize,
    /// As [`Reactions::events`].
    seen: Vec<(ComponentId, u64)>,
}

/// Ids are hashes: any six bits do.
#[inline]
fn bit_of(id: ComponentId) -> u64 {
    1 << (id.bits() & 63)
}

impl Reactions {
    /// Whether anybody minds what happens to any component.
    #[inline]
    pub(crate) fn is_active(&self) -> bool {
        self.mask != 0
    }

    /// Whether anybody may mind what happens to one of these.
    #[inline]
    pub(crate) fn may_mind(&self, ids: &[ComponentId]) -> bool {
        self.mask != 0 && ids.iter().any(|id| self.mask & bit_of(*id) != 0)
    }

    /// Takes note of the hooks of a type that is registered now.
    pub(crate) fn register(&mut self, info: &ModelTypeInfo) {
        let hooks = info.component_operations().map(|operations| &operations.behaviour.hooks);
        let has_hook = |occasion: &Occasion| hooks.is_some_and(|hooks| hooks.of(*occasion).is_some());
        let hooked = Occasion::ALL.into_iter().filter(has_hook);
        let hooked = hooked.fold(0, |bits, occasion| bits | occasion.bit());
        match self.watches.binary_search_by_key(&info.id(), |(id, _)| *id) {
            Ok(place) => self.watches[place].1.hooked = hooked,
            Err(place) if hooked != 0 => {
                self.watches.insert(place, (info.id(), Watch { observed: 0, hooked }));
            }
            Err(_) => return,
        }
        self.forget_unwatched();
    }

    fn observe(&mut self, occasion: Occasion, id: ComponentId) {
        let place = match self.watches.binary_search_by_key(&id, |(id, _)| *id) {
            Ok(place) => place,
            Err(place) => {
                self.watches.insert(place, (id, Watch::default()));
                place
            }
        };
        self.watches[place].1.observed |= occasion.bit();
    }

    fn forget_unwatched(&mut self) {
        self.watches.retain(|(_, watch)| watch.observed | watch.hooked != 0);
        self.mask = self.watches.iter().fold(0, |mask, (id, _)| mask | bit_of(*id));
    }

    fn watch(&self, id: ComponentId) -> Watch {
        let place = self.watches.binary_search_by_key(&id, |(id, _)| *id);
        place.map_or(Watch::default(), |place| self.watches[place].1)
    }

    /// All components of which somebody minds something, in the order of their ids.
    pub(super) fn watched(&self) -> Vec<ComponentId> {
        self.watches.iter().map(|(id, _)| *id).collect()
    }

    pub(super) fn is_observed(&self, occasion: Occasion, id: ComponentId) -> bool {
        self.watch(id).observed & occasion.bit() != 0
    }

    pub(super) fn is_hooked(&self, occasion: Occasion, id: ComponentId) -> bool {
        self.watch(id).hooked & occasion.bit() != 0
    }

    /// Whether anybody minds this.
    pub(super) fn minds(&self, occasion: Occasion, id: ComponentId) -> bool {
        let watch = self.watch(id);
        (watch.observed | watch.hooked) & occasion.bit() != 0
    }

    /// What waits now.
    pub(crate) fn told(&self) -> Told {
        Told { waiting: self.queue.len(), seen: self.events.iter().map(|(id, seen)| (*id, *seen)).collect() }
    }

    /// Forgets what came to wait since: it has not happened.
    pub(crate) fn forget_since(&mut self, told: Told) {
        self.queue.truncate(told.waiting);
        for (id, seen) in told.seen {
            self.events.entry(id).and_modify(|now| *now = seen);
        }
    }

    pub(super) fn add(
        &mut self,
        occasion: Occasion,
        id: ComponentId,
        entity: Entity,
        old: Option<Range<usize>>,
    ) {
        if self.is_observed(occasion, id) {
            let cause = self.cause;
            self.queue.push_back(Occurrence { occasion, id, entity, number: 0, old, cause });
        }
    }

    /// Lends the buffer of encoded values, until it is put back.
    pub(super) fn take_bytes(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    pub(super) fn put_bytes(&mut self, bytes: Vec<u8>) {
        self.bytes = bytes;
    }

    /// Goes on with what waited in the world that this one takes the place of. A value that can't become one of today's
    /// type is lost with the occurrence it belongs to.
    pub(crate) fn take_over(&mut self, old: &mut Self, old_types: &TypeTable, types: &TypeTable) {
        let Self { watches, events, queue, bytes, .. } = std::mem::take(old);
        for (id, Watch { observed, .. }) in watches {
            let occasions = Occasion::ALL.into_iter().filter(|occasion| observed & occasion.bit() != 0);
            occasions.for_each(|occasion| self.observe(occasion, id));
        }
        self.forget_unwatched();
        self.events = events;
        for occurrence in queue {
            let Some(range) = occurrence.old.clone() else {
                self.queue.push_back(occurrence);
                continue;
            };
            let (before, now) = (old_types.get(occurrence.id), types.get(occurrence.id));
            let (Some(before), Some(now)) = (before, now) else { continue };
            let migration = Migration::plan(&before.schema, &now.live).accept_losses();
            let start = self.bytes.len();
            match migration.apply(&mut &bytes[range], &mut self.bytes) {
                Ok(()) => {
                    let old = Some(start..self.bytes.len());
                    self.queue.push_back(Occurrence { old, ..occurrence });
                }
                Err(_) => self.bytes.truncate(start),
            }
        }
    }
}

/// An event that an occurrence tells of, where it lies in its queue.
pub struct SentEvent<'w, E> {
    event: AtomicRef<'w, E>,
}

impl<E> Deref for SentEvent<'_, E> {
    type Target = E;

    #[inline]
    fn deref(&self) -> &E {
        &self.event
    }
}

/// Observation. An engine uses it for the observers of its modules.
impl World {
    /// From now on queues what happens on these occasions, each of a component or an event, and nothing else. Events that
    /// were sent before count as seen, unless their type was observed already.
    pub fn observe(&mut self, observed: impl IntoIterator<Item = (Occasion, ComponentId)>) {
        self.reactions.watches.iter_mut().for_each(|(_, watch)| watch.observed = 0);
        let mut events = BTreeMap::new();
        for (occasion, id) in observed {
            match (occasion, self.events.get_mut(&id)) {
                (Occasion::Sent, store) => {
                    let sent = store.map_or(0, |store| store.get_mut().sent());
                    let seen = self.reactions.events.get(&id).copied();
                    events.insert(id, seen.unwrap_or(sent));
                }
                _ => self.reactions.observe(occasion, id),
            }
        }
        self.reactions.events = events;
        self.reactions.forget_unwatched();
    }

    /// Takes what has happened first of all that waits: what happened to components comes before events, of which each
    /// type has its turn by its id.
    pub fn next_occurrence(&mut self) -> Option<Occurrence> {
        if self.reactions.queue.is_empty() {
            self.reactions.bytes.clear();
            self.queue_events();
        }
        self.reactions.queue.pop_front()
    }

    /// How much waits, but for events that were sent since [`World::next_occurrence`] or [`World::set_cause`] was called.
    pub fn waiting_occurrences(&self) -> usize {
        self.reactions.queue.len()
    }

    /// Whether anything waits to be taken by [`World::next_occurrence`].
    #[inline]
    pub fn has_occurrences(&self) -> bool {
        !self.reactions.queue.is_empty() || self.has_unseen_events()
    }

    /// What happens from now on has this cause: a number that only the caller understands, 0 at first. Events that were
    /// sent until now have the one before.
    pub fn set_cause(&mut self, cause: u32) {
        self.queue_events();
        self.reactions.cause = cause;
    }

    /// Forgets what waits and has another cause than 0; how much it was.
    pub fn forget_caused(&mut self) -> usize {
        self.queue_events();
        let before = self.reactions.queue.len();
        self.reactions.queue.retain(|occurrence| occurrence.cause == 0);
        before - self.reactions.queue.len()
    }

    /// A copy of the value that has gone: all of it that is saved. [`World::next_occurrence`] has told of it and was not
    /// called since.
    ///
    /// # Errors
    /// [`EcsError::MissingComponent`] when the occurrence has no such value, [`EcsError::State`] when its type's
    /// `Deserialize` fails.
    pub fn old_value<T: Component>(&self, occurrence: &Occurrence) -> Result<T, EcsError> {
        let old = occurrence.old.clone().filter(|_| occurrence.id == T::ID);
        let bytes = old.and_then(|old| self.reactions.bytes.get(old));
        let missing =
            || EcsError::MissingComponent { entity: occurrence.entity, component: T::NAME.to_owned() };
        Ok(decode::<T>(&mut bytes.ok_or_else(missing)?)?)
    }

    /// The event that was sent, unless it was taken out of its queue since.
    ///
    /// # Panics
    /// As [`World::events`].
    pub fn sent_event<E: Event>(&self, occurrence: &Occurrence) -> Option<SentEvent<'_, E>> {
        if occurrence.id != E::ID || occurrence.occasion != Occasion::Sent {
            return None;
        }
        let event = self.event_at::<E>(occurrence.number)?;
        Some(SentEvent { event })
    }

    #[inline]
    fn has_unseen_events(&self) -> bool {
        self.reactions.events.iter().any(|(id, seen)| {
            // A queue that is written now is asked later.
            let store = self.events.get(id).and_then(|store| store.try_borrow().ok());
            store.is_some_and(|store| store.sent() > *seen)
        })
    }

    fn queue_events(&mut self) {
        let Reactions { events, queue, cause, .. } = &mut self.reactions;
        for (id, seen) in events {
            let Some(store) = self.events.get_mut(id).map(|store| store.get_mut()) else { continue };
            let (first, sent) = (store.kept_from(), store.sent());
            let of_event = |number| Occurrence {
                occasion: Occasion::Sent,
                id: *id,
                entity: Entity::DANGLING,
                number,
                old: None,
                cause: *cause,
            };
            queue.extend((first.max(*seen)..sent).map(of_event));
            *seen = sent;
        }
    }
}
