//! The data of the console area.

pub(crate) mod input;
pub(crate) mod picture;
