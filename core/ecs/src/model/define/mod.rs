//! Components that are defined at run time: a name and a schema, and no Rust type that stands behind them.

mod definition;
mod world;

pub use self::definition::ComponentDefinition;
pub(crate) use self::definition::SavedDefinition;
