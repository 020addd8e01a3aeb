//! Events, by name, with readers that are plain data.

use keel_core_types::View;
use keel_module_macros::{data, view};
use keel_state::{SavedValue, Value};

use crate::{EcsError, TypeSummary, World};

/// Where one reader stands in the events of one type: the number of the next one it will read. Plain data; each
/// reader keeps its own.
#[data(crate = keel_state)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventPosition {
    /// The number of the next event, counted from the first one ever sent.
    pub next: u64,
}

/// Works on events, by their declared names.
///
/// Every call that takes a name fails with [`EcsError::NotRegistered`] for one that the world does not know, with
/// [`EcsError::WrongKind`] for a component's or a resource's, and with [`EcsError::InUse`] while the queue is borrowed
/// in a way that excludes the call. The calls below name what else may go wrong.
#[view(crate = keel_ecs, name = "keel.EventView")]
pub trait EventView: View {
    /// The names of all events that the world knows, sorted.
    fn names(&self, world: &World) -> Vec<String>;

    /// Name, schema and layout of an event.
    ///
    /// # Errors
    /// See [`EventView`].
    fn info(&self, world: &World, name: &str) -> Result<TypeSummary, EcsError>;

    /// How many events are kept.
    ///
    /// # Errors
    /// See [`EventView`].
    fn count(&self, world: &World, name: &str) -> Result<usize, EcsError>;

    /// How many events of all types are kept.
    ///
    /// # Errors
    /// See [`EventView`].
    fn count_all(&self, world: &World) -> Result<usize, EcsError>;

    /// How many events were ever sent.
    ///
    /// # Errors
    /// See [`EventView`].
    fn sent(&self, world: &World, name: &str) -> Result<u64, EcsError>;

    /// Sends an event.
    ///
    /// # Errors
    /// [`EcsError::WrongSchema`], [`EcsError::State`].
    fn send(&self, world: &World, name: &str, event: &SavedValue) -> Result<(), EcsError>;

    /// Sends events: all of them or none.
    ///
    /// # Errors
    /// As [`EventView::send`].
    fn send_many(&self, world: &World, name: &str, events: &[SavedValue]) -> Result<(), EcsError>;

    /// Sends an event with its type's default.
    ///
    /// # Errors
    /// [`EcsError::NoDefault`]
    fn send_default(&self, world: &World, name: &str) -> Result<(), EcsError>;

    /// A cursor that has yet to read all that is kept.
    ///
    /// # Errors
    /// See [`EventView`].
    fn oldest(&self, world: &World, name: &str) -> Result<EventPosition, EcsError>;

    /// A cursor that reads only what is sent from now on.
    ///
    /// # Errors
    /// See [`EventView`].
    fn newest(&self, world: &World, name: &str) -> Result<EventPosition, EcsError>;

    /// The events that this reader has not read, oldest first; they count as read.
    ///
    /// # Errors
    /// See [`EventView`].
    fn read(
        &self,
        world: &World,
        name: &str,
        cursor: &mut EventPosition,
    ) -> Result<Vec<SavedValue>, EcsError>;

    /// [`EventView::read`], for people.
    ///
    /// # Errors
    /// See [`EventView`].
    fn read_values(
        &self,
        world: &World,
        name: &str,
        cursor: &mut EventPosition,
    ) -> Result<Vec<Value>, EcsError>;

    /// The next event that this reader would read; it stays unread.
    ///
    /// # Errors
    /// See [`EventView`].
    fn peek(&self, world: &World, name: &str, cursor: EventPosition) -> Result<Option<SavedValue>, EcsError>;

    /// The event with the number `number`, if it is still kept.
    ///
    /// # Errors
    /// See [`EventView`].
    fn get(&self, world: &World, name: &str, number: u64) -> Result<Option<SavedValue>, EcsError>;

    /// The last event that was sent, if it is still kept.
    ///
    /// # Errors
    /// See [`EventView`].
    fn last(&self, world: &World, name: &str) -> Result<Option<SavedValue>, EcsError>;

    /// How many events this reader has yet to read.
    ///
    /// # Errors
    /// See [`EventView`].
    fn waiting(&self, world: &World, name: &str, cursor: EventPosition) -> Result<usize, EcsError>;

    /// How many events were dropped before this reader read them.
    ///
    /// # Errors
    /// See [`EventView`].
    fn missed(&self, world: &World, name: &str, cursor: EventPosition) -> Result<u64, EcsError>;

    /// Takes all events of one type out of the world; no reader sees them any more.
    ///
    /// # Errors
    /// See [`EventView`].
    fn drain(&self, world: &mut World, name: &str) -> Result<Vec<SavedValue>, EcsError>;

    /// Drops all events of one type.
    ///
    /// # Errors
    /// See [`EventView`].
    fn clear(&self, world: &mut World, name: &str) -> Result<(), EcsError>;

    /// Drops all events of all types.
    fn clear_all(&self, world: &mut World);

    /// Ends the step for events: those sent before the running one are dropped. The engine does it after each step;
    /// this is for worlds that no engine drives.
    fn end_step(&self, world: &mut World);
}
