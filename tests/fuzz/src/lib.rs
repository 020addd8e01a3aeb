//! Fuzzing of all that Keel reads from outside: saved games, libraries, manifests, recordings.
//!
//! Each [`Target`] has inputs to begin with, changes that keep an input's checksums right, and a function that reads an
//! input and uses what comes out. It must not panic, abort, hang, or take more memory than [`MEMORY_BYTES_MAX`], and
//! what it accepts must be usable.
//!
//! ```
//! use keel_fuzz::{Random, Target};
//!
//! let world = Target::named("world").expect("there is such a target");
//! let mut random = Random::new(7);
//! let mut input = world.seeds().remove(0);
//! (world.change)(&mut input, &mut random);
//! (world.read)(&input);
//! ```

mod change;
mod limit;
mod pond;
mod sealed;
mod target;
mod targets;

pub use change::{Change, INPUT_BYTES_MAX, Random};
pub use limit::{MEMORY_BYTES_MAX, limit_memory};
pub use target::Target;

keel::export_module! { view_model: pond::Pond, models: [pond] }
