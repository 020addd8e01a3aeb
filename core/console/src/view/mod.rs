//! The contracts of the console area.

pub(crate) mod console;
pub(crate) mod picture;
