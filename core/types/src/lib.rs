//! Keel's shared vocabulary: deterministic ids, the [`Model`] and [`View`] traits, and the thread-safe
//! primitives [`Handle`], [`Shared`], [`Atomic`] and [`Once`].
//!
//! This crate stands at the bottom: every other crate of Keel may import it, and it imports none of them.
//!
//! ```
//! use keel_core_types::{Handle, ModuleId, Shared};
//!
//! // An id is a hash of a name, so that it is the same in every process and every build.
//! assert_eq!(ModuleId::of("swim"), ModuleId::of("swim"));
//!
//! let limits = Handle::new(vec![1, 2, 3]);
//! let seen_by_reader = limits.load();
//! limits.replace(vec![4]);
//! assert_eq!((seen_by_reader.len(), limits.load().len()), (3, 1));
//!
//! let score = Shared::new(0);
//! *score.write() += 1;
//! assert_eq!(*score.read(), 1);
//! ```

mod contract;
mod id;
mod panic;
mod primitives;

#[doc(hidden)]
pub use contract::layout_hash;
pub use contract::{Contract, Model, Provided, TypedModel, View, ViewDeclaration, ViewError, ViewSource};
pub use id::{ComponentId, IdCollision, IdTable, ModelId, ModelType, ModuleId, ViewId, hash_name};
pub use keel_module_macros::pooled_model as model;
pub use panic::{panic_message, panic_text};
pub use primitives::{Atomic, Handle, Once, Shared, ThreadSafe};
