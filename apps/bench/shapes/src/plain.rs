//! Components without pointers.

use keel::component;

/// Where something is.
#[component]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// To the right.
    pub x: f32,
    /// Up.
    pub y: f32,
    /// Towards us.
    pub z: f32,
}

/// Where something goes.
#[cfg(not(changed))]
#[component]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Course {
    /// To the right.
    pub x: f32,
    /// Up.
    pub y: f32,
    /// Towards us.
    pub z: f32,
}

/// Where something goes.
#[cfg(changed)]
#[component]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Course {
    /// To the right.
    pub x: f32,
    /// Up.
    pub y: f32,
    /// Towards us.
    pub z: f32,
    /// What the other shape has not.
    pub drag: f32,
}

/// How strong something is.
#[component]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Strength {
    /// 0 is dead.
    pub value: f32,
}

impl Course {
    /// A course in either shape.
    pub fn new(x: f32, y: f32, z: f32) -> Self {
        Self {
            x,
            y,
            z,
            #[cfg(changed)]
            drag: 0.0,
        }
    }
}
