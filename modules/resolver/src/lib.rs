//! Which modules a workspace has, in which order they load, and what an edit touches.
//!
//! [`Workspace::from_metadata`] is pure: cargo's metadata in, modules out, or every conflict at once. Only
//! [`Workspace::read`], [`Workspace::candidate_folders`] and [`WorkspaceCache`] touch the disk.
//!
//! A package says what it is in its own `Cargo.toml`:
//!
//! ```toml
//! [package.metadata.keel]
//! kind = "view-model"                 # or "model", "view", "bench"; "types" and "area" are no modules
//! provides = ["shoal.TideView"]       # or { view = "shoal.TideView", version = "0.2.0" }
//! requires = [{ view = "keel.ConsoleView", version = "0.1", features = ["color"], optional = true }]
//! features = ["color"]                # what those who require its views may ask for
//! model = "Terminal"                  # the type of model its views work on
//! ```
//!
//! ```
//! use keel_resolver::{Workspace, cargo_metadata::MetadataCommand};
//!
//! let metadata = MetadataCommand::parse(r#"{
//!     "packages": [], "workspace_members": [], "resolve": null, "version": 1,
//!     "workspace_root": "/game", "target_directory": "/game/target"
//! }"#)?;
//! let workspace = Workspace::from_metadata(&metadata)?;
//! assert!(workspace.load_order().is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod affected;
mod check;
mod conflict;
mod lockfile;
mod manifest;
mod order;
mod package;
mod read;
mod section;
mod watch;
mod workspace;

pub use affected::{Affected, RestartReason};
pub use cargo_metadata;
pub use conflict::{Conflict, ResolveErrors};
pub use manifest::{ModuleKind, ModuleManifest, ProvidedView, RequiredView};
pub use read::{ReadError, WorkspaceCache};
pub use watch::{WatchDepth, WatchedInput, watched_inputs};
pub use workspace::{Workspace, WorkspaceDiff};
