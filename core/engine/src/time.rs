//! Simulation time.

use std::time::Duration;

use keel_module_macros::data;

/// When a system runs. Simulation time moves in fixed steps and stands still between them.
#[data(crate = keel_state)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Time {
    /// Simulation time since the start. For a system: the end of the running step; for a timer: exactly its due
    /// time.
    pub now: Duration,
    /// How many steps were begun.
    pub step: u64,
    /// How many frames were begun; a frame has zero or more steps.
    pub frame: u64,
    /// The length of a step in seconds.
    pub delta: f32,
    /// In a [`Stage::Frame`](crate::Stage::Frame) system: how far real time is past the last step, as a part of
    /// the next one, in 0..1; for drawing between two states.
    pub alpha: f32,
}
