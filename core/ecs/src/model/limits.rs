//! How much a world may hold: what stops code that spawns, sends or puts off without an end.

use crate::{EcsError, World};

/// The most that a world may hold, and its systems may put off. What goes beyond ends with [`EcsError::Limit`]: as an
/// error where the call returns one, else as a panic with its text, which the engine contains as any other.
///
/// Each default is far more than a game needs, and less than a machine holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Entities that live at a time.
    pub entities: usize,
    /// Bytes of all components in their columns and sets, what they own on the heap not counted. Looked at while entities
    /// are spawned: about each thousandth time, or each 64th part of them.
    pub bytes: usize,
    /// Events of one type that are kept at a time: those of this step and of the one before.
    pub events: usize,
    /// Changes that one system, handler or function puts off in one call by its `Commands`.
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
    /// Up to so many entities, nothing needs to be looked at.
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

    /// Whether `count` more entities may be spawned.
    ///
    /// # Errors
    /// [`EcsError::Limit`]
    #[inline]
    pub(crate) fn check_room(&mut self, count: usize) -> Result<(), EcsError> {
        if self.len().saturating_add(count) <= self.room.sure { Ok(()) } else { self.look_for_room(count) }
    }

    /// [`World::check_room`] for calls that return no error.
    ///
    /// # Panics
    /// With its text.
    #[inline]
    pub(crate) fn need_room(&mut self, count: usize) {
        if let Err(error) = self.check_room(count) {
            no_room(&error);
        }
    }

    #[cold]
    fn look_for_room(&mut self, count: usize) -> Result<(), EcsError> {
        let Limits { entities, bytes, .. } = self.room.limits;
        let wanted = self.len().saturating_add(count);
        if wanted > entities {
            let what = format!("the world has {} entities, and {count} more were to be spawned", self.len());
            return Err(Limits::reached("entities", entities, what));
        }
        let held = self.component_bytes();
        if held > bytes {
            let what = format!(
                "the world holds {held} bytes of components, and {count} more entities were to be spawned"
            );
            return Err(Limits::reached("bytes", bytes, what));
        }
        self.room.sure = (wanted + (wanted / 64).max(1024)).min(entities);
        Ok(())
    }
}

#[cold]
#[inline(never)]
fn no_room(error: &EcsError) -> ! {
    panic!("{error}")
}
