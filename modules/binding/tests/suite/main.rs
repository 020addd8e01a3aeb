//! The binding through its public API.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod binding;
mod model;
mod pool;
mod swap;
