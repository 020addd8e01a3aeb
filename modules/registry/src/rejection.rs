//! Why a new generation was refused.

use std::time::Duration;

use keel_binding::BindError;
use keel_ecs::EcsError;
use keel_engine::{EngineError, Panic};
use keel_loader::LoadError;
use keel_state::StateError;
use serde::{Deserialize, Serialize};

/// The stable name of a reason; each has its page in `docs/errors`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Code {
    /// The compiler refused the source.
    CompileError,
    /// Cargo refused before or after the compiler: a manifest, a crate that is missing, a build script.
    CargoRefused,
    /// Cargo could not be started.
    CargoNotRun,
    /// Cargo succeeded, and built no library of that name.
    NoArtifact,
    /// There is no Keel workspace, or none any more.
    NoWorkspace,
    /// The workspace's modules don't fit together.
    Conflict,
    /// The file is no whole library for this machine.
    NotALibrary,
    /// The library is no Keel module, or lacks a symbol.
    NotAModule,
    /// Compiler, target, profile, flags or facade differ.
    BuiltDifferently,
    /// It needs a library that it must not need.
    ForeignLibrary,
    /// The system's loader refused it.
    NotOpened,
    /// It panicked, or returned an error, while it was loaded.
    LoadFailed,
    /// It did not come to an end in time.
    Deadline,
    /// Modules were compiled with different shapes of one type.
    TypesDisagree,
    /// Its views collide with those of another module.
    ViewsCollide,
    /// Its systems collide, or their order is a cycle.
    SystemsCollide,
    /// A state could not be saved.
    SaveFailed,
    /// A state could not be restored.
    RestoreFailed,
    /// The file of a saved game can't be read.
    NoSnapshot,
    /// Data would be lost.
    DataLoss,
    /// There is no such module, or no such generation.
    NoSuchModule,
    /// It panicked on a copy of the game.
    TrialPanic,
    /// It ended the process that had a copy of the game.
    TrialCrash,
    /// It did not come to an end on a copy of the game.
    TrialHang,
}

/// A new generation was refused; the old one goes on running.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Rejection {
    /// The module's name.
    pub module: String,
    /// The stable name of the reason.
    pub code: Code,
    /// What, why, and the next step.
    pub message: String,
    /// The call that panicked, if that is the reason.
    pub panicked: Option<Box<PanickedCall>>,
}

/// A life-cycle call that panicked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PanickedCall {
    /// The call: `load`, `save_state`.
    pub call: String,
    /// As in [`Fault`](keel_engine::Fault).
    pub backtrace: Option<String>,
}

impl Rejection {
    /// A rejection of `module`.
    pub fn new(module: &str, code: Code, message: impl Into<String>) -> Self {
        Self { module: module.to_owned(), code, message: message.into(), panicked: None }
    }

    /// For a call that panicked: `of` makes the rejection of what the panic said.
    pub(crate) fn panicked(call: &str, panic: Panic, of: impl FnOnce(&str) -> Self) -> Self {
        let panicked = PanickedCall { call: call.to_owned(), backtrace: panic.backtrace };
        Self { panicked: Some(Box::new(panicked)), ..of(&panic.message) }
    }

    /// A life-cycle call that failed while the module was loaded.
    pub(crate) fn call(module: &str, call: &str, message: &str) -> Self {
        let message =
            format!("{}; correct it in the module's code, and save", failed_in(module, call, message));
        Self::new(module, Code::LoadFailed, message)
    }

    /// The running code's `save_state` failed: no newer code can take over what it has.
    pub(crate) fn save_state(module: &str, message: &str) -> Self {
        let message = format!(
            "{}; correct it in the module's code and save, then `accept` that the module starts afresh",
            failed_in(module, "save_state", message)
        );
        Self::new(module, Code::SaveFailed, message)
    }

    /// The new code's `restore_state` panicked, or returned what is no error of a state.
    pub(crate) fn restore_state(module: &str, message: &str) -> Self {
        let message = format!(
            "{}; correct it in the module's code, and save",
            failed_in(module, "restore_state", message)
        );
        Self::new(module, Code::RestoreFailed, message)
    }

    /// A life-cycle call that did not come to an end.
    pub(crate) fn deadline(module: &str, call: &str, deadline: Duration) -> Self {
        let message = format!(
            "module `{module}` did not return from `{call}` within {} ms; let it wait in a task instead",
            deadline.as_millis()
        );
        Self::new(module, Code::Deadline, message)
    }

    pub(crate) fn load(module: &str, error: &LoadError) -> Self {
        let code = match error {
            LoadError::Read { .. } | LoadError::NotALibrary { .. } | LoadError::Architecture { .. } => {
                Code::NotALibrary
            }
            LoadError::Descriptor { .. } | LoadError::MissingSymbol { .. } => Code::NotAModule,
            LoadError::Mismatch { .. }
            | LoadError::RootLayout { .. }
            | LoadError::SecondFacade { .. }
            | LoadError::OwnAllocator { .. } => Code::BuiltDifferently,
            LoadError::ForeignLibrary { .. } => Code::ForeignLibrary,
            LoadError::Panicked { .. } => Code::LoadFailed,
            _ => Code::NotOpened,
        };
        Self::new(module, code, with_sources(error))
    }

    pub(crate) fn bind(module: &str, error: &BindError) -> Self {
        Self::new(module, Code::ViewsCollide, error.to_string())
    }

    pub(crate) fn engine(module: &str, error: &EngineError) -> Self {
        Self::new(module, Code::SystemsCollide, error.to_string())
    }

    pub(crate) fn save(module: &str, error: &dyn std::error::Error) -> Self {
        Self::new(module, Code::SaveFailed, with_sources(error))
    }

    pub(crate) fn restore(module: &str, error: &EcsError) -> Self {
        match error {
            EcsError::State(error) => Self::state(module, error),
            EcsError::Conflict { .. } => Self::new(module, Code::TypesDisagree, error.to_string()),
            _ => Self::new(module, Code::RestoreFailed, error.to_string()),
        }
    }

    /// Code that saves, restores or converts values panicked.
    pub(crate) fn convert(module: &str, panic: &str) -> Self {
        let message = format!(
            "the world's values could not be taken over: code of their types {panic}; correct their `Serialize`, \
             `Deserialize`, `Default` or `convert_from`, and save"
        );
        Self::new(module, Code::RestoreFailed, message)
    }

    pub(crate) fn state(module: &str, error: &StateError) -> Self {
        let loses = matches!(
            error,
            StateError::LossesNotAccepted { .. }
                | StateError::ValueLost { .. }
                | StateError::Impossible { .. }
        );
        Self::new(module, if loses { Code::DataLoss } else { Code::RestoreFailed }, with_sources(error))
    }
}

/// What a failed life-cycle call is told with.
pub(crate) fn failed_in(module: &str, call: &str, message: &str) -> String {
    format!("module `{module}` failed in `{call}`: {message}")
}

/// The error with all that caused it, in one line.
fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let cause = error.to_string();
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
        source = error.source();
    }
    text
}
