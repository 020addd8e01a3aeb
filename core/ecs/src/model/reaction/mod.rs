//! What happens to components and events, for those who react to it: hooks at once, observers from a queue.

mod change;
mod hooks;
mod queue;

pub(crate) use self::change::Before;
pub use self::hooks::{Hook, Hooks};
pub use self::queue::{Occasion, Occurrence, SentEvent};
pub(crate) use self::queue::{Reactions, Told};
