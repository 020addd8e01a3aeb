//! When values of tracked components and resources were added and changed, and which entities have lost one.
//!
//! Time is counted in ticks. The world has one for what is written through it; an engine gives each run of a system one
//! of its own, in the order of the schedule. What was written at a later tick than somebody has looked at is new to them.
//! A table for each tracked component has two ticks for the index of each entity: when the value was added, and when it
//! was changed last. The tables are no part of archetypes and sets, so neither knows of them.

mod clock;
mod kept;
mod removal;
mod resource;
mod row;
mod saved;
mod table;
mod value;
mod world;

pub(crate) use self::clock::TickWindow;
pub use self::clock::{ChangeMark, ChangeWindow};
pub(crate) use self::kept::KeptTicks;
pub use self::removal::{RemovalCursor, Removals};
pub(crate) use self::row::RowTicks;
pub use self::row::{ByTicks, Tracking, Untracked};
pub(crate) use self::saved::SavedChanges;
pub(crate) use self::value::ValueTicks;
pub use self::value::{Mut, Ref};
pub(crate) use self::world::Changes;

/// A component or a resource of which the world notes when it was added and changed. The attributes implement it.
#[diagnostic::on_unimplemented(
    message = "changes of `{Self}` are not tracked",
    label = "nobody notes when a `{Self}` is changed",
    note = "write `#[component(tracked)]` or `#[resource(tracked)]` above its declaration"
)]
pub trait Tracked {}
