//! Workspaces in memory and on disk, and what the resolver says of them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod affected;
mod conflicts;
mod disk;
mod fixture;
mod order;
