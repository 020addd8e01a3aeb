//! The data of the soak's game. The shape of [`Fish`] is chosen by the cfg `shape`, which build.rs sets.

use keel::{component, event, resource};

/// Who swims.
#[cfg(shape = "0")]
#[component]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fish {
    /// In steps.
    pub age: u32,
    /// Metres a step, beyond the first.
    pub speed: f32,
}

/// Who swims.
#[cfg(shape = "1")]
#[component]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fish {
    /// In steps.
    pub age: u32,
    /// Metres a step, beyond the first.
    pub speed: f32,
    /// In kilogrammes; the other shapes have none.
    #[keel(default = 1.5)]
    pub weight: f32,
}

/// Who swims.
#[cfg(shape = "2")]
#[component]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fish {
    /// In steps; the other shapes have fewer bits.
    pub age: u64,
    /// Metres a step, beyond the first.
    pub speed: f32,
}

/// Who swims.
#[cfg(shape = "3")]
#[component]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fish {
    /// In steps.
    pub age: u32,
    /// Metres a step, beyond the first.
    pub speed: f32,
    /// What the other shapes have not, and lies on the heap.
    #[keel(default = "cod".to_owned())]
    pub kind: String,
}

impl Fish {
    /// One of any shape.
    pub fn new(age: u16) -> Self {
        Self { age: age.into(), ..Self::default() }
    }
}

/// Where something is.
#[component]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Place {
    /// To the right.
    pub x: f32,
    /// Up.
    pub y: f32,
}

/// What was counted.
#[resource]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// Steps so far.
    pub steps: u64,
    /// Who splashed last.
    pub last: String,
}

/// Somebody splashed.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct Splash {
    /// Who.
    pub who: String,
}

keel::model! {
    components: [Fish, Place],
    resources: [Tally],
    events: [Splash],
}
