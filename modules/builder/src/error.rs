//! What can go wrong around a build. What goes wrong in one is a [`BuildFailure`](crate::BuildFailure).

use std::io;
use std::path::PathBuf;

/// Why files could not be watched, copied or timed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuilderError {
    /// The system's file watcher refused.
    #[error(
        "{} could not be watched; on Linux, raise fs.inotify.max_user_watches and max_user_instances, or start with \
         `--no-watch`",
        shown(path)
    )]
    Watch {
        /// The folder, if the error is about one.
        path: Option<PathBuf>,
        /// What the system said.
        source: notify::Error,
    },
    /// The watcher's thread has ended.
    #[error("the watcher has stopped; start a new one")]
    WatcherStopped,
    /// A library could not be copied to its generation's path.
    #[error(
        "{} could not be copied to {}; check that the one can be read and that there is room for the other",
        from.display(),
        to.display()
    )]
    Copy {
        /// The built library.
        from: PathBuf,
        /// The generation's path.
        to: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A name that would leave the run directory, or two copies with one name.
    #[error("`{name}` can't name a file of the run directory: {problem}; use another name")]
    FileName {
        /// The name.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A file or folder of the run directory.
    #[error("{action} {} failed; check that its folder is there, is writable and has room", path.display())]
    File {
        /// What was tried: `creating`, `removing`.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Cargo's output names no call of rustc for the crate.
    #[error(
        "cargo did not compile `{crate_name}`, so there is no call of rustc to repeat; change its source first"
    )]
    NoRustcCommand {
        /// The crate, as rustc names it.
        crate_name: String,
    },
    /// The repeated call of rustc failed.
    #[error(
        "rustc ended with {status} when its call was repeated:\n{stderr}\nbuild the crate with cargo first"
    )]
    Rustc {
        /// How it ended.
        status: std::process::ExitStatus,
        /// What it printed.
        stderr: String,
    },
}

fn shown(path: &Option<PathBuf>) -> String {
    path.as_ref().map_or_else(|| "the workspace".to_owned(), |path| path.display().to_string())
}
