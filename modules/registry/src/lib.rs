//! The life cycle of modules: load, check, swap, roll back, retire.
//!
//! A library on its way into the running game passes [`Checker::check`], beside the game, and then
//! [`Registry::swap`], between two frames. Until the very end of the swap nothing of the old generation has been let
//! go: any failure leaves the old code and the old world, both, as they were.
//!
//! ```no_run
//! use std::path::Path;
//! use std::sync::Arc;
//! use keel_binding::Binding;
//! use keel_engine::{Engine, EngineConfig};
//! use keel_registry::{BoundViews, Consent, Registry, RegistryConfig};
//!
//! let binding = Arc::new(Binding::new());
//! let mut engine = Engine::with_views(EngineConfig::default(), Box::new(BoundViews::new(&binding)));
//! let mut registry = Registry::new(RegistryConfig::default(), binding);
//!
//! let candidate = registry.checker().check(Path::new("run/swim-1.so"), 1)?;
//! let report = registry.swap(&mut engine, vec![candidate], Consent::Lossless)?;
//! println!("{} values carried over", report.world.carried);
//! # Ok::<(), keel_registry::Rejection>(())
//! ```

mod agree;
mod bench;
mod check;
mod drops;
mod fields;
mod game_file;
mod good;
mod lifecycle;
mod lineage;
mod next_world;
mod past;
mod pools;
mod prepare;
mod probation;
mod registry;
mod rejection;
mod remove;
mod report;
mod resume;
mod rewind;
mod ring;
mod rollback;
mod start;
mod stated;
mod swap;
mod views;
mod worlds;

pub use bench::{LoadedBench, PreparedBench};
pub use check::{Candidate, Checker};
pub use drops::FailedDrops;
pub use game_file::{describe_locals, describe_pools};
pub use lifecycle::{Event, Lifecycle, Running, State, WrongTransition};
pub use past::Past;
pub use pools::terminals;
pub use probation::TakenBack;
pub use registry::{ModuleStatus, Registry, RegistryConfig, RegistryEvent};
pub use rejection::{Code, PanickedCall, Rejection};
pub use report::{Consent, PutBack, RetireReport, RollbackReport, SwapReport, SwappedModule};
pub use stated::Stated;
pub use views::BoundViews;
