//! The game's picture of the world, drawn by another module.

use std::panic::{AssertUnwindSafe, catch_unwind};

use keel::console::{Dashboard, Key, Picture, PictureView};
use keel::prelude::*;
use keel::types::{ViewError, panic_message};

/// What is to be seen of the world.
pub(crate) enum Scene {
    /// The game has drawn it.
    Drawn {
        /// What the game says of itself.
        title: String,
        picture: Picture,
    },
    /// No module draws it.
    None,
    /// The module that draws it can't, for this reason.
    Failed(String),
}

/// Calls the game's picture, and leaves it alone after a panic until some module was swapped.
#[derive(Default)]
pub(crate) struct Painter {
    panicked: Option<(String, u64)>,
}

impl Painter {
    pub(crate) fn paint(&mut self, frame: &Frame<'_>, columns: u16, rows: u16) -> Scene {
        self.call(frame, |view, world, views| {
            let mut picture = Picture::new(columns, rows);
            view.draw(world, views, frame.time.alpha, &mut picture);
            Scene::Drawn { title: view.title(), picture }
        })
        .unwrap_or_else(|scene| scene)
    }

    /// Tells the game of a key; whether it has a use for it.
    pub(crate) fn key(&mut self, frame: &Frame<'_>, key: Key) -> bool {
        self.call(frame, |view, world, views| view.key(world, views, key)).unwrap_or(false)
    }

    // A panic in the picture is contained here: the engine would take it for one of the dashboard's, and suspend that.
    fn call<T>(
        &mut self,
        frame: &Frame<'_>,
        call: impl FnOnce(&dyn PictureView, &World, &dyn ViewSource) -> T,
    ) -> Result<T, Scene> {
        let view = match frame.views.get::<dyn PictureView>() {
            Ok(view) => view,
            Err(ViewError::NotProvided { .. }) => return Err(Scene::None),
            Err(error) => return Err(Scene::Failed(error.to_string())),
        };
        let swaps = swaps(frame.world);
        if let Some((message, at)) = &self.panicked
            && *at == swaps
        {
            return Err(Scene::Failed(message.clone()));
        }
        self.panicked = None;
        let (world, views) = (&*frame.world, frame.views);
        catch_unwind(AssertUnwindSafe(|| call(view, world, views))).map_err(|payload| {
            let message = format!("the picture panicked: {}", panic_message(payload));
            self.panicked = Some((message.clone(), swaps));
            Scene::Failed(message)
        })
    }
}

/// A number that changes with every swap of any module.
fn swaps(world: &World) -> u64 {
    let Ok(dashboard) = world.resource::<Dashboard>() else { return 0 };
    dashboard.modules.iter().map(|module| module.generation + 1).sum()
}
