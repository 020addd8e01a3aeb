//! What is told of new code that failed on a copy of the game.

use serde::{Deserialize, Serialize};

/// What it did there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TrialLine {
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
