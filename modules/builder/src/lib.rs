//! Watches a workspace's inputs and builds its changed modules with cargo: all that happens between a saved
//! file and a library that lies where it can be opened.
//!
//! - [`Watcher`] says which files have new *content*.
//! - [`Builder`] runs cargo once, or the one call of the compiler that it comes down to, and tells what came of it;
//!   [`BuildQueue`] lets the newest save win.
//! - [`RunDirectory`] and [`Generations`] give each built library a path of its own.
//! - [`RustcCommand`] is a call of rustc as cargo made it.
//!
//! ```no_run
//! use keel_builder::{BuildRequest, Builder, BuilderConfig, CancelToken, WatchScope, Watcher};
//! use keel_resolver::Workspace;
//!
//! let root = std::path::Path::new("/game");
//! let workspace = Workspace::from_metadata(&Workspace::read(root)?)?;
//! let watcher = Watcher::start(WatchScope::of(&workspace))?;
//! let builder = Builder::new(BuilderConfig::new(root));
//!
//! let changes = watcher.changes().recv()??;
//! let affected = workspace.affected(&changes.files);
//! let modules = affected.modules.iter().filter_map(|id| workspace.module(*id));
//! let requests: Vec<_> = modules.map(|it| BuildRequest::library(&it.name, &it.library)).collect();
//! let report = builder.build(&requests, &CancelToken::new())?;
//! for library in report.artifacts.iter().filter(|it| !it.is_fresh) {
//!     println!("{} is at {}", library.package, library.path.display());
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod build;
mod error;
mod generation;
mod os;
mod rustc;
mod watch;

pub use build::{
    BuildEvent, BuildFailure, BuildOutcome, BuildQueue, BuildReport, BuildRequest, BuildTarget, Builder,
    BuilderConfig, BuiltArtifact, BuiltBy, CancelToken, Diagnostic, EnvironmentPolicy, Level, Network,
    PackageInputs,
};
pub use error::BuilderError;
pub use generation::{Generations, RunDirectory};
pub use rustc::RustcCommand;
pub use watch::{ChangeSet, WatchScope, WatchTiming, Watcher};
