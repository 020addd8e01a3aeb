//! What comes into a game from outside.

use std::time::Duration;

use keel::console::Key;
use serde::{Deserialize, Serialize};

/// All that comes into the game in one frame. The same inputs, from the same state, make the same game.
///
/// How much time idle systems get is none of it: what they do must not count, and in a replay they get other time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FrameInput {
    /// Real time to be simulated; zero while the game stands still.
    pub dt: Duration,
    /// Whether the game stands still.
    pub paused: bool,
    /// Real time since the host's start, by which the dashboard is drawn.
    pub now: Duration,
    /// The columns and rows of the terminal, if it is a screen.
    pub terminal: Option<(u16, u16)>,
    /// The keys that were pressed since the frame before.
    pub keys: Vec<Key>,
}
