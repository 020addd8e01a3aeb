//! The registry with real libraries: each test compiles the modules it needs, and loads, swaps and lets go of them in
//! this process.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod agree;
mod atomic;
mod bench;
mod borrows;
mod changes;
mod defined;
mod failures;
mod interleavings;
mod lifecycle;
mod locals;
mod observers;
mod own;
mod past;
mod pools;
mod prefabs;
mod probation;
mod reflection;
mod relations;
mod reload;
mod retirement;
mod rewind;
mod rig;
mod rollback;
mod sources;
mod stages;
mod state;
mod together;
mod types;
mod views;
mod worlds;
