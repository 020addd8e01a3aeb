//! What is told of an engine that has ended by a fault, and of one that does not go on.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::below;

/// The end of an engine process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct CrashLine {
    /// Whose code it was, if that of a module.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) module: Option<String>,
    /// The library that this code is of: one of the module's generations.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) library: Option<PathBuf>,
    /// What was running; with its module before it where that is another.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) system: Option<String>,
    /// `segmentation-fault`, `abort` and so on.
    pub(crate) kind: String,
    /// The system's number; absent where no signal has ended it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) signal: Option<i32>,
    pub(crate) message: String,
    /// The calls, one a line, the innermost first.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) backtrace: Option<String>,
    pub(crate) thread: String,
    pub(crate) frame: u64,
}

/// The module of what the engine does by itself, where no module's code is in the calls.
pub(crate) const ENGINE: &str = "keel";

/// Code that does not return, or did not for long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct HangLine {
    pub(crate) module: String,
    pub(crate) system: String,
    /// Whether the game goes on meanwhile: it is a task, and nothing waits for it.
    #[serde(default)]
    pub(crate) beside: bool,
    pub(crate) frame: u64,
    /// For how long it has not returned.
    pub(crate) lasted_ms: f64,
    /// The library that this code is of; absent once it has returned.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) library: Option<PathBuf>,
    /// Where it is, as in [`CrashLine`]; absent once it has returned.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) backtrace: Option<String>,
}

impl CrashLine {
    pub(super) fn text(&self) -> String {
        let Self { module, system, message, backtrace, thread, frame, .. } = self;
        let who = match (module, system) {
            (Some(module), Some(system)) => format!("{module}/{system}"),
            (Some(who), None) | (None, Some(who)) => who.clone(),
            (None, None) => "something".to_owned(),
        };
        let place = format!("in frame {frame} on thread `{thread}`");
        format!("{who} has ended the engine {place}: {message}{}", below(backtrace.as_deref()))
    }
}

impl HangLine {
    /// In one line, for what has no room for more.
    pub(crate) fn short_text(&self) -> String {
        let Self { module, system, lasted_ms, .. } = self;
        format!("{module}/{system} has not returned for {:.1} s", lasted_ms / 1e3)
    }

    pub(super) fn text(&self) -> String {
        let beside = "the game goes on, but no other task does, and a swap would wait for it; ";
        format!(
            "{}, in frame {}; {}wait, or write `restart` to go on with the code before{}",
            self.short_text(),
            self.frame,
            if self.beside { beside } else { "" },
            below(self.backtrace.as_deref())
        )
    }

    /// Whether it is a background task. Those run code that is live, and none that is just being put in place.
    pub(crate) fn is_of_task(&self) -> bool {
        self.system.starts_with("task ")
    }

    pub(super) fn ended_text(&self) -> String {
        let Self { module, system, lasted_ms, .. } = self;
        format!("{module}/{system} has returned after {:.1} s", lasted_ms / 1e3)
    }
}
