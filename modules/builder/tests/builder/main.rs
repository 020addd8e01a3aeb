//! The builder through the real thing: real cargo, real files, the system's own file events.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod build;
mod environment;
mod fixture;
mod generation;
mod queue;
mod repeat;
mod watch;
