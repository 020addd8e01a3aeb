//! The lagoon: its size, where things are in it, and what it counts.

use keel::{component, resource};

use crate::Vector;

/// The lagoon's width in metres.
pub const WIDTH: f32 = 240.0;

/// The lagoon's depth in metres, from the mean surface down to the sand.
pub const DEPTH: f32 = 100.0;

/// Where an entity is.
#[component]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Position(pub Vector);

/// Where it is going, in metres a second.
#[component]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Velocity(pub Vector);

/// The nearest place to `at` that is in the water, `margin` metres away from all edges.
#[inline]
pub fn keep_inside(at: Vector, margin: f32) -> Vector {
    Vector::new(at.x.clamp(margin, WIDTH - margin), at.y.clamp(margin, DEPTH - margin))
}

/// What has happened since the game began.
#[resource]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Fish that sharks ate.
    pub eaten: u64,
    /// Fish that hatched after the beginning.
    pub hatched: u64,
    /// Plankton that fish ate up.
    pub grazed: u64,
    /// Blooms of plankton.
    pub blooms: u64,
}

/// What the weather station says. It reports in real time, so that its report is no part of the simulation: it is
/// not saved, and two runs of the same seed stay the same whenever it comes in.
#[resource]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forecast {
    /// The newest report; empty before the first.
    #[keel(skip)]
    pub report: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_inside_stays() {
        let inside = Vector::new(10.0, 20.0);
        assert_eq!(keep_inside(inside, 2.0), inside);
        assert_eq!(keep_inside(Vector::new(-5.0, 500.0), 2.0), Vector::new(2.0, DEPTH - 2.0));
    }
}
