//! The picture of Shoal in a terminal, and the keys that it listens to.
//!
//! The lagoon is drawn from the back to the front: sky and water, the ground with its grass and corals, what drifts,
//! the fish, the sharks, and a line that tells what goes on.

mod creatures;
mod ground;
mod palette;
mod scene;
mod schools;
mod sky;
mod status;
mod water;

use keel::console::{Key, Picture, PictureView};
use keel::prelude::*;
use shoal_model::{FeedPlankton, Scare, SkipToNight};

use crate::scene::Scene;

/// Presents the lagoon.
#[derive(Default)]
pub struct ShoalPicture;

impl PictureView for ShoalPicture {
    fn title(&self) -> String {
        "Shoal: f feeds, n turns day to night, space knocks on the glass".to_owned()
    }

    fn draw(&self, world: &World, _: &dyn ViewSource, alpha: f32, picture: &mut Picture) {
        let Some(scene) = Scene::of(world, alpha, picture) else { return };
        sky::draw(&scene, picture);
        water::draw(&scene, picture);
        ground::draw(&scene, picture);
        creatures::draw_drifting(&scene, world, picture);
        schools::draw(&scene, world, picture);
        creatures::draw_sharks(&scene, world, picture);
        status::draw(&scene, world, picture);
    }

    fn key(&self, world: &World, _: &dyn ViewSource, key: Key) -> bool {
        match key {
            Key::Letter('f') => world.send(FeedPlankton { patches: 3 }),
            Key::Letter('n') => world.send(SkipToNight),
            Key::Letter(' ') => world.send(Scare),
            _ => return false,
        }
        true
    }
}

keel::export_module! {
    view: [ShoalPicture as dyn PictureView],
    models: [shoal_model],
}
