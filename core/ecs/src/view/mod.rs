//! The contracts through which others work on a world.
