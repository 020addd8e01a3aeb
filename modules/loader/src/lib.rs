//! Opening libraries: the one place in Keel where code that was not there at compile time is let in.
//!
//! A library is met in three steps, and the first that fails ends it with an error that names the file:
//!
//! 1. [`LibraryFile::read`]: its bytes are read. Nothing of it has run yet.
//! 2. [`Loader::open`]: only if compiler, target, profile, flags and facade match is it opened; then its root table
//!    is checked field by field, and that it sees the very facade that the host does.
//! 3. The root's functions are called through [`Module`]. What it hands out keeps the library mapped for as long as
//!    anyone holds it.
//!
//! ```no_run
//! use std::path::Path;
//! use keel_loader::Loader;
//!
//! let loader = Loader::new();
//! let module = loader.open(Path::new("run/swim-0.so"))?;
//! println!("{} {}", module.descriptor().name(), module.descriptor().version());
//! # Ok::<(), keel_loader::LoadError>(())
//! ```
//!
//! Unmapping is a policy, not a proof: see [`Module::retire`].

mod backtrace;
mod error;
mod file;
mod loader;
mod maps;
mod module;
mod open;
mod os;
mod symbols;

pub use backtrace::backtrace;
pub use error::{Kept, LoadError};
pub use file::LibraryFile;
pub use loader::{Census, Loader};
pub use maps::{Calls, calls_at};
pub use module::{LoadedViewModel, Module};
pub use open::{Origin, origin_of};
