//! What is told from module to module.

use keel::ecs::Entity;
use keel::event;

use crate::Vector;

/// Something dangerous is near: each shark raises one in every step, and so does whoever frightens the fish.
#[event]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alarm {
    /// The danger; [`Entity::DANGLING`] when it is not in the water.
    pub from: Entity,
    /// Where it is.
    pub at: Vector,
    /// How far it is noticed, in metres.
    pub reach: f32,
}

/// A shark ate a fish.
#[event]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Eaten {
    /// The fish, which lives no more.
    pub fish: Entity,
    /// The shark.
    pub by: Entity,
    /// The number of the fish's school.
    pub school: u8,
    /// Where it happened.
    pub at: Vector,
}

/// Young fish joined a school.
#[event]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hatched {
    /// The school's number.
    pub school: u8,
    /// How many they are.
    pub count: u32,
}

/// The player feeds the fish, somewhere.
#[event]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedPlankton {
    /// How many patches of plankton.
    pub patches: u32,
}

/// The player wants day to be night, or night to be day.
#[event]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SkipToNight;

/// The player knocks on the glass.
#[event]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scare;
