//! The data of the game Shoal: ten thousand fish in a lagoon.
//!
//! Everything that lives in Shoal's world is declared here and nowhere else; the modules of the game are compiled
//! with this crate, and `shoal-model-module` exports it to the host.
//!
//! ```
//! use shoal_model::{Position, Vector};
//!
//! let fish = Position(Vector::new(12.0, 3.5));
//! assert_eq!(fish.0.length(), 12.5);
//! ```

mod events;
mod fish;
mod lagoon;
mod shark;
mod vector;
mod water;

pub use events::{Alarm, Eaten, FeedPlankton, Hatched, Scare, SkipToNight};
pub use fish::{Fish, Leader, Meal, Mood, School, Trail};
pub use lagoon::{DEPTH, Forecast, Position, Tally, Velocity, WIDTH, keep_inside};
pub use shark::{Hunt, Label, Remora, Shark};
pub use vector::{Vector, wave};
pub use water::{Bubble, Daylight, Plankton, Tide, TideView};

keel::model! {
    components: [
        Bubble, Fish, Hunt, Label, Leader, Mood, Plankton, Position, Remora, School, Shark, Trail, Velocity,
    ],
    resources: [Daylight, Forecast, Tally, Tide],
    events: [Alarm, Eaten, FeedPlankton, Hatched, Scare, SkipToNight],
}
