//! The data whose swap is measured, in two shapes: as it is, and with one field more under the cfg `changed`, which build.rs sets.
//!
//! Plain data is three components of 28 bytes together; heap data is the same number of components, with texts and
//! lists. Six markers without data spread entities over up to 64 archetypes.

mod heap;
mod marker;
mod plain;

use keel::ecs::World;
use keel::types::View;
use keel::view;

pub use heap::{Diary, Label, Route};
pub use marker::{Even, Far, Gone, High, Lost, Wild, mark};
pub use plain::{Course, Place, Strength};

/// What the bench asks of its probe.
#[view]
pub trait ProbeView: View {
    /// A call that costs next to nothing beside being a call.
    fn next(&self, value: u64) -> u64;

    /// Spawns entities of three components each, in turn over so many archetypes.
    fn fill(&self, world: &mut World, entities: usize, archetypes: usize, data: Data);
}

/// What the components hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data {
    /// Numbers.
    Plain,
    /// Texts and lists.
    Heap,
}

impl Data {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Heap => "heap",
        }
    }
}

keel::model! {
    components: [Course, Diary, Even, Far, Gone, High, Label, Lost, Place, Route, Strength, Wild],
}
