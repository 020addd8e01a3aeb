//! How much a world may hold: what stops code that spawns, sends or puts off without an end.

use keel_core_types::ComponentId;

use crate::{Bundle, EcsError, Entity, World};

/// The most that a world may hold, and its systems may put off. What goes beyond ends with [`EcsError::Limit`]: as an
/// error where the call returns one, else as a panic with its text, which the engine contains as any other.
///
/// Each default is far more than a game needs, and less than a machine holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Entities that live at a time.
    pub entities: usize,
    /// Bytes of all components in their columns and sets, what they own on the heap not counted. Looked at wherever an
    /// entity is spawned or gets a component, and exact up to a 64th. What is restored is not refused: it was held before.
    pub bytes: usize,
    /// Events of one type that are kept at a time: those of this step and of the one before.
    pub events: usize,
    /// Changes that one system, handler or function puts off in one call by its `Commands`; and the deferred calls that wait
    /// for the next step.
    pub commands: usize,
    /// Background tasks of one module that have not ended.
    pub tasks: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { entities: 1 << 26, bytes: 8 << 30, events: 1 << 24, commands: 1 << 22, tasks: 1 << 16 }
    }
}

impl Limits {
    /// What goes beyond a limit is told with the way to raise it.
    fn reached(limit: &str, max: usize, what: String) -> EcsError {
        EcsError::Limit { limit: limit.to_owned(), max, what }
    }

    /// What is told when one call puts off more than `max` changes.
    pub(crate) fn too_many_commands(max: usize) -> EcsError {
        Self::reached("commands", max, "one call puts off one more change".to_owned())
    }

    /// What is told when more than `max` deferred calls are to wait.
    pub fn too_many_calls(max: usize, handler: &str) -> EcsError {
        let what = format!("one more call, of `{handler}`, was to wait for the next step");
        Self::reached("commands", max, what)
    }

    /// What is told when more than `max` events of the type called `event` are to be kept.
    pub fn too_many_events(max: usize, event: &str) -> EcsError {
        Self::reached("events", max, format!("one more `{event}` was to be sent"))
    }

    /// What is told when a module starts more than `max` background tasks.
    pub fn too_many_tasks(max: usize, task: &str) -> EcsError {
        Self::reached("tasks", max, format!("one more background task, `{task}`, was to be started"))
    }
}

/// A world's limits, and how far it is sure not to have reached them.
#[derive(Clone, Copy, Default)]
pub(crate) struct Room {
    limits: Limits,
    /// So many bytes may be added before all that is held is counted again.
    sure: usize,
}

impl World {
    /// The most that it may hold.
    #[inline]
    pub fn limits(&self) -> Limits {
        self.room.limits
    }

    /// Sets the most that it may hold. What it holds already stays.
    pub fn set_limits(&mut self, limits: Limits) {
        if self.room.limits != limits {
            self.room = Room { limits, sure: 0 };
        }
    }

    /// Whether `count` more entities may be spawned that have `bytes` of components together.
    ///
    /// # Errors
    /// [`EcsError::Limit`]
    #[inline]
    pub(crate) fn check_room(&mut self, count: usize, bytes: usize) -> Result<(), EcsError> {
        if self.len().saturating_add(count) > self.room.limits.entities {
            return Err(self.too_many_entities(count));
        }
        if self.takes(bytes) { Ok(()) } else { self.count_bytes(bytes) }
    }

    /// [`World::check_room`] for `count` entities with `B`'s components, for calls that return no error.
    ///
    /// # Panics
    /// With its text.
    #[inline]
    pub(crate) fn need_room<B: Bundle>(&mut self, count: usize) {
        if let Err(error) = self.check_room(count, count.saturating_mul(size_of::<B>())) {
            no_room(&error);
        }
    }

    /// Whether `entity` may get `B`'s components.
    ///
    /// # Errors
    /// [`EcsError::Limit`]
    #[inline]
    pub(crate) fn check_growth<B: Bundle>(&mut self, entity: Entity) -> Result<(), EcsError> {
        if self.takes(size_of::<B>()) { Ok(()) } else { self.count_growth(entity, B::IDS, &[]) }
    }

    /// Whether `entity` may get `B`'s components for `R`'s.
    ///
    /// # Errors
    /// [`EcsError::Limit`]
    #[inline]
    pub(crate) fn check_exchange<R: Bundle, B: Bundle>(&mut self, entity: Entity) -> Result<(), EcsError> {
        if self.takes(size_of::<B>()) { Ok(()) } else { self.count_growth(entity, B::IDS, R::IDS) }
    }

    /// Whether `entity` may get these components.
    ///
    /// # Errors
    /// [`EcsError::Limit`]
    pub(crate) fn check_growth_by(&mut self, entity: Entity, ids: &[ComponentId]) -> Result<(), EcsError> {
        let bytes = self.bytes_of(ids);
        if self.takes(bytes) { Ok(()) } else { self.count_growth(entity, ids, &[]) }
    }

    /// The bytes of these components of one entity.
    pub(crate) fn bytes_of(&self, ids: &[ComponentId]) -> usize {
        ids.iter().filter_map(|id| self.types.get(*id)).map(|info| info.fingerprint().size).sum()
    }

    /// Takes so many bytes of those that are sure to be free.
    #[inline]
    fn takes(&mut self, bytes: usize) -> bool {
        let left = self.room.sure.checked_sub(bytes);
        self.room.sure = left.unwrap_or(self.room.sure);
        left.is_some()
    }

    #[cold]
    #[inline(never)]
    fn too_many_entities(&self, count: usize) -> EcsError {
        let what = format!("the world has {} entities, and {count} more were to be spawned", self.len());
        Limits::reached("entities", self.room.limits.entities, what)
    }

    /// [`World::count_bytes`] of what `entity` has not yet. One that does not live is told by whoever changes it.
    #[cold]
    #[inline(never)]
    fn count_growth(
        &mut self,
        entity: Entity,
        ids: &[ComponentId],
        gone: &[ComponentId],
    ) -> Result<(), EcsError> {
        let is_new = |id: &ComponentId| {
            let info = self.types.get(*id);
            info.is_some_and(|info| matches!(self.has_component(entity, info), Ok(false)))
        };
        let new: Vec<_> = ids.iter().copied().filter(is_new).collect();
        self.count_bytes(self.bytes_of(&new).saturating_sub(self.bytes_of(gone)))
    }

    /// Counts what is held, and how much more may come until that is to be done again: all that is free, or a 64th of the
    /// limit where less is, so that one who adds and removes at the limit does not have all counted each time.
    #[cold]
    #[inline(never)]
    fn count_bytes(&mut self, bytes: usize) -> Result<(), EcsError> {
        let max = self.room.limits.bytes;
        let held = self.component_bytes();
        let free = max.checked_sub(held).and_then(|free| free.checked_sub(bytes));
        if free.is_none() && bytes > 0 {
            let what =
                format!("the world holds {held} bytes of components, and {bytes} more were to be added");
            return Err(Limits::reached("bytes", max, what));
        }
        self.room.sure = free.unwrap_or(0).max(max / 64);
        Ok(())
    }
}

#[cold]
#[inline(never)]
fn no_room(error: &EcsError) -> ! {
    panic!("{error}")
}
