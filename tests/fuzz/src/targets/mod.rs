//! The readers, each in a file of its own.

pub(crate) mod game;
pub(crate) mod library;
pub(crate) mod lockfile;
pub(crate) mod recording;
pub(crate) mod workspace;
pub(crate) mod world;
