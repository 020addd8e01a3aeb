//! The real binary on a copy of this workspace: sources are edited while a game runs, and what it tells is read.
//!
//! The scenarios share two copies with a target directory each, below `CARGO_TARGET_TMPDIR`, which are kept between
//! runs, so that crates from elsewhere are built once. Scenarios take turns, and each leaves the sources as it found them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod bench;
mod changes;
mod commands;
mod crates;
mod data;
#[cfg(target_os = "linux")]
mod disk;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod endless;
mod faults;
// Two of its faults are instructions of that processor.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod gallery;
mod game;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod hang;
mod inputs;
mod keys;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod large;
mod libraries;
#[cfg(target_os = "linux")]
mod memory;
mod observers;
mod recording;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod recovery;
mod resolve;
#[cfg(target_os = "linux")]
mod restart;
#[cfg(target_os = "linux")]
mod resume;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod retry;
mod rollback;
mod runs;
mod saves;
mod schedule;
mod snapshot;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod soak;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod stack;
mod states;
mod swap;
#[cfg(target_os = "linux")]
mod terminal;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod trial;
mod under_way;
mod workspace;
