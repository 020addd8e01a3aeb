//! Sharks and their company.

use keel::component;
use keel::ecs::Entity;

use crate::Vector;

/// A shark.
#[component]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shark {
    /// 0 when it is full, 1 when it thinks of nothing else.
    pub hunger: f32,
}

/// What a shark is up to.
#[component]
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Hunt {
    /// Swims to a place, to see what is there.
    Prowling {
        /// The place.
        towards: Vector,
    },
    /// Has chosen its prey.
    Chasing {
        /// The fish.
        prey: Entity,
        /// When the chase began, in seconds of simulation time.
        since: f32,
    },
    /// Digests.
    Resting {
        /// Until this time, in seconds of simulation time.
        until: f32,
    },
}

/// What is written beside an entity.
#[component]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label(pub String);

/// A fish that travels with a shark: it is the shark's child, and goes where its parent goes.
#[component]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Remora {
    /// Its place as seen from the shark, which swims to the right.
    pub offset: Vector,
}
