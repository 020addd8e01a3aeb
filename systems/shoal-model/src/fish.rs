//! Fish, their moods and their schools.

use keel::ecs::Entity;
use keel::{component, data};

use crate::Vector;

/// A fish, and its place in its school.
#[component]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fish {
    /// [`School::number`]
    pub school: u8,
    /// How far behind the leader it swims: 0 right behind, 1 at the very end.
    pub lag: f32,
    /// How far to the side: -1 at the left edge, 1 at the right one.
    pub side: f32,
}

/// What a fish is up to.
#[component]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Mood {
    /// Swims with its school.
    #[default]
    Calm,
    /// Swims for its life.
    Fleeing {
        /// Whom it flees from.
        from: Entity,
        /// Simulation time of the last alarm, in seconds.
        since: f32,
    },
    /// Has found something.
    Feeding(Meal),
}

/// Plankton that a fish is eating.
#[data]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Meal {
    /// What it eats.
    pub plankton: Entity,
    /// Where that was when it was found.
    pub at: Vector,
    /// When the meal is over, in seconds of simulation time.
    pub until: f32,
}

/// A school. Its leader is its child.
#[component]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct School {
    /// Schools are counted from 0; fish name theirs by this number.
    pub number: u8,
    /// As many fish as it wants to be.
    pub size: u32,
    /// The depth it likes best, in metres.
    pub depth: f32,
    /// Half its width in metres, where it is widest.
    pub breadth: f32,
}

/// The fish at the head of a school: it chooses the way.
#[component]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Leader {
    /// The number of its school.
    pub school: u8,
    /// Where it wants to go.
    pub goal: Vector,
}

/// Where an entity has been, newest first.
#[component]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trail {
    /// The places, [`Trail::STEPS_BETWEEN`] steps apart.
    pub points: Vec<Vector>,
    /// Steps since the newest of them.
    pub age: u8,
}

impl Trail {
    /// How many steps lie between two points.
    pub const STEPS_BETWEEN: u8 = 6;

    /// A straight trail of `count` points from `at`, with `step` from each to the next.
    pub fn straight(at: Vector, step: Vector, count: usize) -> Self {
        Self { points: (0..count).map(|index| at + step * index as f32).collect(), age: 0 }
    }

    /// Notes the place reached in this step; the oldest point is forgotten when a new one is due.
    pub fn follow(&mut self, at: Vector) {
        self.age += 1;
        if self.age >= Self::STEPS_BETWEEN && !self.points.is_empty() {
            self.age = 0;
            self.points.rotate_right(1);
            self.points[0] = at;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trail_keeps_its_length() {
        let mut trail = Trail::straight(Vector::ZERO, Vector::new(-1.0, 0.0), 3);
        for step in 1..=Trail::STEPS_BETWEEN {
            trail.follow(Vector::new(f32::from(step), 0.0));
        }
        let places: Vec<f32> = trail.points.iter().map(|point| point.x).collect();
        assert_eq!((places, trail.age), (vec![6.0, 0.0, -1.0], 0));
        Trail::default().follow(Vector::ZERO);
    }
}
