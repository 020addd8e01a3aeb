//! Components that own memory.

use keel::component;

/// What something is called.
#[component]
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// Some twenty letters.
    pub text: String,
}

/// Where something goes.
#[cfg(not(changed))]
#[component]
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// A few points.
    pub points: Vec<f32>,
}

/// Where something goes.
#[cfg(changed)]
#[component]
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// A few points.
    pub points: Vec<f32>,
    /// What the other shape has not.
    pub is_loop: bool,
}

/// What something has seen.
#[component]
#[derive(Clone, Debug, PartialEq)]
pub struct Diary {
    /// A few days.
    pub days: Vec<u32>,
}

impl Route {
    /// A route in either shape.
    pub fn new(points: Vec<f32>) -> Self {
        Self {
            points,
            #[cfg(changed)]
            is_loop: false,
        }
    }
}
