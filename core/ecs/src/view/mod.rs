//! The contracts through which others work on a world.
//!
//! A view knows no types: it works with declared names, and with values that carry their schema. It is for structure
//! and control, for tools, and for modules that are not compiled with the types they handle; a system that knows its
//! types queries native columns. `SystemView` works on the schedule and so stands in `keel-engine`.

pub(crate) mod component;
pub(crate) mod entity;
pub(crate) mod event;
pub(crate) mod query;
pub(crate) mod reflection;
pub(crate) mod storage;
pub(crate) mod world;
