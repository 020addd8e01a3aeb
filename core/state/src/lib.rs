//! Saved state: how values become bytes, what the bytes mean, how bytes of an older build become bytes of
//! this one, and the file they are kept in.
//!
//! A value is encoded without any description of itself, so a [`TypeSchema`] is stored beside it. When the
//! type has changed since, a [`Migration`] from the stored schema to the [`LiveSchema`] rewrites the bytes:
//! fields are matched by name, added ones take their default, and what would be lost is listed first.
//!
//! ```
//! extern crate keel_state;
//! use keel_module_macros::data;
//! use keel_state::{LiveSchema, Migration, TypeSchema, decode, encode_into};
//!
//! mod before {
//!     # use keel_module_macros::data;
//!     #[data(crate = keel_state)]
//!     pub struct Ship {
//!         pub hull: f32,
//!     }
//! }
//!
//! #[data(crate = keel_state)]
//! struct Ship {
//!     #[keel(default = 3)]
//!     crew: u8,
//!     #[keel(renamed_from = "hull")]
//!     armor: f64,
//! }
//!
//! let mut saved = Vec::new();
//! encode_into(&before::Ship { hull: 0.5 }, &mut saved)?;
//!
//! let migration = Migration::plan(&TypeSchema::of::<before::Ship>(), &LiveSchema::of::<Ship>());
//! assert!(!migration.is_lossy());
//! let mut live = Vec::new();
//! migration.apply(&mut saved.as_slice(), &mut live)?;
//!
//! let ship: Ship = decode(&mut live.as_slice())?;
//! assert_eq!((ship.crew, ship.armor), (3, 0.5));
//! # Ok::<(), keel_state::StateError>(())
//! ```

#[doc(hidden)]
pub mod __private;
mod builder;
mod bytes;
mod declared;
mod decoder;
mod encoder;
mod encoding;
mod error;
mod file;
mod fingerprint;
mod foreign;
mod layout;
mod log;
mod migration;
mod movable;
mod plain;
mod reflect;
mod saved;
mod schema;
mod snapshot;
mod text;
mod value;
mod work;

pub use builder::{FieldBuilder, FieldsBuilder, LiveSchema, Schema, SchemaBuilder, VariantsBuilder};
pub use declared::DECLARED_BYTES_MAX;
pub use encoding::{DEPTH_MAX, EMPTY_MAX, decode, decode_all, encode_column, encode_into};
pub use error::StateError;
pub use file::{read_file, write_file};
pub use fingerprint::TypeFingerprint;
pub use log::{LogReader, LogWriter};
pub use migration::{Change, ChangeKind, Loss, Migration, Moving};
pub use movable::{FieldKey, FieldList, MovableFields};
pub use plain::Plain;
pub use reflect::{
    AccessPlan, AnyParts, FieldPath, FromValue, Id, Key, Lent, LentColumn, LentMut, Misfit, Parts,
    ReflectError, Segment, TypeAccess, ValueRef,
};
pub use saved::SavedValue;
pub use schema::{Field, FieldStyle, Number, Shape, TYPES_MAX, TypeDef, TypeRef, TypeSchema, Variant};
pub use snapshot::{Section, Snapshot, SnapshotWriter, checksum};
pub use value::{Difference, Value};
