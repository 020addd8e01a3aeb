//! The water: tide, daylight, and what drifts in it.

use keel::types::View;
use keel::{component, resource, view};

use crate::Vector;

/// The tide.
#[resource]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tide {
    /// How far the tide has come, 0..1: rising until a half, falling from there.
    pub phase: f32,
    /// The surface above its mean, in metres.
    pub level: f32,
    /// How fast the stream sets in or out, in metres a second; to the right where positive.
    pub stream: f32,
    /// How far the swell has rolled, 0..1.
    pub swell: f32,
}

/// The time of day.
#[resource]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Daylight {
    /// Days since the game began.
    pub day: u32,
    /// 0..24.
    pub hour: f32,
    /// The light at the surface: 0 at night, 1 at noon.
    pub light: f32,
    /// Hours that are still to pass in a rush.
    pub rush_hours: f32,
}

impl Default for Daylight {
    fn default() -> Self {
        Self { day: 0, hour: 9.0, light: 1.0, rush_hours: 0.0 }
    }
}

/// Food for fish. It drifts.
#[component]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plankton {
    /// How much there is, 0..=1.
    pub amount: f32,
}

/// A bubble on its way up.
#[component]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bubble {
    /// Seconds until it is gone.
    pub left: f32,
}

/// What the water does at a place. `shoal-tide` provides it.
#[view]
pub trait TideView: View {
    /// The current at a place, in metres a second.
    fn flow(&self, tide: &Tide, at: Vector) -> Vector;

    /// How much of the day's light reaches a depth in metres, 0..=1.
    fn light(&self, daylight: &Daylight, depth: f32) -> f32;
}
