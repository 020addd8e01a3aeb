//! The contracts of the console area.

pub(crate) mod picture;
