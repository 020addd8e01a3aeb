//! Worlds as objects of a pool.

use keel_core_types::{ModelId, TypedModel};

use crate::World;

impl TypedModel for World {
    const NAME: &'static str = "World";
    // The type lies in the facade, of which there is one: nobody can have been compiled with another.
    const LAYOUT: u64 = 1;
    const LIMIT: u32 = 1 << 16;
}

impl World {
    /// The id of the world that an engine runs. It is lent by the engine and never by a pool, for which it is no id
    /// at all: no pool has a slot of this number.
    pub const RUNNING: ModelId = ModelId::new(u32::MAX, 0);
}
