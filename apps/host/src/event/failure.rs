//! What is told of new code that failed: on a copy of the game, or in the game's own process as it was put in place.

use keel_registry::PanickedCall;
use serde::{Deserialize, Serialize};

/// What it did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FailureLine {
    /// `panic`, `hang`, `memory`, `end`, or the kind of a [`CrashLine`](super::CrashLine).
    pub(crate) kind: String,
    /// The system's number of the signal that ended it; absent where none did.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) signal: Option<i32>,
    /// What was running; absent where that is not known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) system: Option<String>,
    /// The game's frame, as the copy counts; 0 before its first.
    pub(crate) frame: u64,
    /// The calls, one a line, the innermost first; absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) backtrace: Option<String>,
}

impl FailureLine {
    /// A call that panicked in this frame.
    pub(crate) fn panic(PanickedCall { call, backtrace }: PanickedCall, frame: u64) -> Self {
        Self { kind: "panic".to_owned(), signal: None, system: Some(call), frame, backtrace }
    }
}
