//! How a game shows itself.

use keel_core_types::{View, ViewSource};
use keel_ecs::World;
use keel_module_macros::view;

use crate::{Key, Picture};

/// Draws a world, and turns keys into events. A View module provides it for its game.
#[view(crate = keel_console, name = "keel.PictureView")]
pub trait PictureView: View {
    /// One line about the game: its name, say, and the keys it listens to.
    fn title(&self) -> String;

    /// Draws the world, `alpha` of the way (0..1) from the last step to the next. `views` lends what other modules
    /// provide, for this call.
    fn draw(&self, world: &World, views: &dyn ViewSource, alpha: f32, picture: &mut Picture);

    /// Tells the game of a key, by sending an event; whether the game has a use for it.
    fn key(&self, world: &World, views: &dyn ViewSource, key: Key) -> bool;
}
