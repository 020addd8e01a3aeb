//! Why a build gave no libraries.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use super::message::{Diagnostic, Level};
use crate::BuilderError;

/// Why a build gave no libraries.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildFailure {
    /// The compiler found errors.
    #[error("{}", summary(diagnostics))]
    Compile {
        /// Errors and warnings, in the compiler's order.
        diagnostics: Vec<Diagnostic>,
    },
    /// Cargo gave up before or after the compiler: a manifest, a missing package, a build script.
    #[error("cargo refused to build ({status}):\n{message}\n{}", next_step(message))]
    Cargo {
        /// How it ended.
        status: ExitStatus,
        /// What it printed, without its progress.
        message: String,
    },
    /// The build was cancelled.
    #[error("the build was cancelled; build again")]
    Cancelled,
    /// The workspace is not there.
    #[error("{} has no Cargo.toml; put the workspace back, or start again where it is now", root.display())]
    NoWorkspace {
        /// Its folder.
        root: PathBuf,
    },
    /// Cargo could not be started.
    #[error("{} could not be started; install Rust, or put cargo into PATH", cargo.display())]
    Start {
        /// The cargo that was tried.
        cargo: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Cargo's end could not be learned.
    #[error("cargo could not be waited for; build again")]
    Wait(#[source] io::Error),
    /// Cargo succeeded and built no such library.
    #[error(
        "cargo built no dynamic library or binary `{target}` of package `{package}`; write \
         `crate-type = [\"dylib\", \"rlib\"]` into `[lib]` of a module's manifest"
    )]
    NoArtifact {
        /// The package asked for.
        package: String,
        /// The target asked for.
        target: String,
    },
    /// The call of rustc is not known.
    #[error(transparent)]
    Replay(BuilderError),
}

impl BuildFailure {
    /// What the compiler said, if it did.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        match self {
            Self::Compile { diagnostics } => diagnostics,
            _ => &[],
        }
    }

    /// Whether cargo lacked a crate and was not allowed to fetch it.
    pub(super) fn needs_network(&self) -> bool {
        matches!(self, Self::Cargo { message, .. } if message.contains("--offline") || message.contains("offline mode"))
    }
}

/// What to do about what cargo says. Cargo has no codes, only words.
fn next_step(message: &str) -> &'static str {
    let says = |words: &[&str]| words.iter().any(|words| message.contains(words));
    if says(&["failed to run custom build command"]) {
        "mend the build script that cargo names, and build again"
    } else if says(&["failed to download", "Could not resolve host", "offline mode", "--offline"]) {
        "a crate is not on this machine: run `cargo fetch` with the network, or take the dependency out"
    } else {
        "mend what cargo names, and build again"
    }
}

fn summary(diagnostics: &[Diagnostic]) -> String {
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.level == Level::Error).count();
    let plural = if errors == 1 { "" } else { "s" };
    let texts: Vec<&str> = diagnostics.iter().map(|diagnostic| diagnostic.plain.trim_end()).collect();
    format!("{errors} compile error{plural}\n{}", texts.join("\n\n"))
}
