//! Transactions: changes of a world that take effect whole or not at all.
//!
//! While one runs, the world keeps a journal: of each thing that is changed, what it was before the first change. Undoing
//! goes through it backwards. Without a transaction there is no journal, and each change asks only whether there is one.

mod keep;
mod undo;

use std::collections::{BTreeSet, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, PoisonError};

use keel_core_types::ComponentId;

use crate::model::reaction::Told;
use crate::model::ticks::KeptTicks;
use crate::{EcsError, Entity, World};

/// Where a world keeps its journal; empty mostly.
#[derive(Default)]
pub(crate) struct JournalCell(Option<Box<Mutex<Journal>>>);

impl JournalCell {
    #[inline]
    pub(crate) fn is_kept(&self) -> bool {
        self.0.is_some()
    }

    /// The journal, if one is kept, for a change that has the world to itself.
    #[inline]
    pub(crate) fn get_mut(&mut self) -> Option<&mut Journal> {
        let journal = self.0.as_mut()?;
        Some(journal.get_mut().unwrap_or_else(PoisonError::into_inner))
    }

    fn take(&mut self) -> Option<Journal> {
        let journal = self.0.take()?;
        Some(journal.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&mut self, journal: Option<Journal>) {
        self.0 = journal.map(|journal| Box::new(Mutex::new(journal)));
    }
}

/// What things were before they were changed, in the order in which they were.
#[derive(Default)]
pub(crate) struct Journal {
    entries: Vec<Entry>,
    /// Entities that are kept whole, and those that were born since.
    entities: HashSet<Entity>,
    components: HashSet<(Entity, ComponentId)>,
    columns: BTreeSet<ComponentId>,
    resources: BTreeSet<ComponentId>,
    queues: BTreeSet<ComponentId>,
    /// How many events of each type were sent when it began.
    sent: Vec<(ComponentId, u64)>,
    /// How many entities had lost each tracked component then.
    removed: Vec<(ComponentId, u64)>,
    /// What waited for observers then.
    told: Told,
    /// The free ids before the first entity came or went.
    free: Option<Vec<hecs::Entity>>,
    /// Something could not be kept.
    failed: Option<EcsError>,
    /// That of the transaction which this one runs in.
    outer: Option<Box<Journal>>,
}

enum Entry {
    Born(Entity),
    /// All components of an entity.
    Entity(Entity, Vec<(ComponentId, Vec<u8>)>),
    Component(Entity, ComponentId, Vec<u8>),
    /// A component of all entities that had it, their values one after the other.
    Column(ComponentId, Vec<Entity>, Vec<u8>),
    Resource(ComponentId, Option<Vec<u8>>),
    Queue(ComponentId, Vec<u8>),
    /// Undone after the values that it stands before.
    Ticks(Vec<KeptTicks>),
}

impl World {
    /// Calls `change`, whose changes of the world take effect if it returns `Ok`, and are undone after an error or a panic,
    /// which goes on: entities, components, resources and events are what they were, and the ids that are given out next
    /// are those that would have been given out.
    ///
    /// What is kept for that is encoded, so a component that was changed and undone has its skipped fields as after a
    /// restore. What is no change of the world stays: types that were registered, fields that guard themselves and were
    /// written through a shared reference, and whatever lies outside. A transaction within another one is undone with it.
    ///
    /// ```
    /// use keel_ecs::{EcsError, ModelTypeInfo, World, component};
    ///
    /// #[component(crate = keel_ecs)]
    /// struct Gold { coins: u32 }
    ///
    /// let mut world = World::new();
    /// world.register(ModelTypeInfo::component::<Gold>())?;
    /// let (ann, bob) = (world.spawn((Gold { coins: 10 },)), world.spawn(()));
    /// let paid = world.transaction(|world| {
    ///     world.get_mut::<Gold>(ann)?.coins -= 5;
    ///     world.get_mut::<Gold>(bob)?.coins += 5;
    ///     Ok::<(), EcsError>(())
    /// });
    /// assert!(paid.is_err(), "Bob has no purse");
    /// assert_eq!(world.get::<Gold>(ann)?.coins, 10);
    /// # Ok::<(), EcsError>(())
    /// ```
    ///
    /// # Errors
    /// What `change` returns.
    pub fn transaction<R, E>(&mut self, change: impl FnOnce(&mut Self) -> Result<R, E>) -> Result<R, E> {
        self.begin_transaction();
        match catch_unwind(AssertUnwindSafe(|| change(self))) {
            Ok(Ok(done)) => {
                self.commit();
                Ok(done)
            }
            Ok(Err(error)) => {
                self.roll_back();
                Err(error)
            }
            Err(panic) => {
                self.roll_back();
                resume_unwind(panic)
            }
        }
    }

    /// Begins a transaction, which [`World::commit`] or [`World::roll_back`] must end, whatever happens between. For the
    /// engine, which can't call [`World::transaction`].
    #[doc(hidden)]
    pub fn begin_transaction(&mut self) {
        let outer = self.journal.take().map(Box::new);
        let sent = self.events.iter_mut().map(|(id, store)| (*id, store.get_mut().sent())).collect();
        let (removed, told) = (self.changes.removed_counts(), self.reactions.told());
        self.journal.put(Some(Journal { sent, removed, told, outer, ..Journal::default() }));
    }

    /// Ends the running transaction, and keeps what it has changed. Without one, nothing happens.
    #[doc(hidden)]
    pub fn commit(&mut self) {
        let Some(mut journal) = self.journal.take() else { return };
        if let Some(mut outer) = journal.outer.take() {
            outer.take_over(journal);
            self.journal.put(Some(*outer));
        }
    }

    /// Ends the running transaction, and undoes what it has changed. Without one, nothing happens.
    #[doc(hidden)]
    pub fn roll_back(&mut self) {
        let Some(mut journal) = self.journal.take() else {
            log::error!(
                "a world was put in the place of the one whose changes were to be undone; it stays as it is"
            );
            return;
        };
        let outer = journal.outer.take();
        self.undo(journal);
        self.journal.put(outer.map(|outer| *outer));
        self.structure += 1;
    }

    /// Whether a transaction runs.
    pub fn is_in_transaction(&self) -> bool {
        self.journal.is_kept()
    }
}

impl Journal {
    /// Notes an entity that has come.
    pub(crate) fn born(&mut self, entity: Entity) {
        self.entities.insert(entity);
        self.entries.push(Entry::Born(entity));
    }

    /// Adds what a transaction within this one has kept. What both have is undone twice, in the right order.
    fn take_over(&mut self, inner: Self) {
        self.entries.extend(inner.entries);
        self.entities.extend(inner.entities);
        self.components.extend(inner.components);
        self.columns.extend(inner.columns);
        self.resources.extend(inner.resources);
        self.queues.extend(inner.queues);
        self.free = self.free.take().or(inner.free);
        self.failed = self.failed.take().or(inner.failed);
    }
}
