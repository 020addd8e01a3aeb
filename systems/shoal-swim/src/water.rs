//! The water, as the module that knows it tells.

use keel::prelude::*;
use keel::types::ViewSource;
use shoal_model::{Daylight, Tide, TideView, Vector};

/// The water in this step. Where nobody knows about it, it stands still and is bright.
pub(crate) struct Water<'a> {
    tide: Tide,
    daylight: Daylight,
    view: Option<&'a dyn TideView>,
}

impl<'a> Water<'a> {
    pub(crate) fn of(views: &'a dyn ViewSource, world: &World) -> Self {
        Self {
            tide: world.resource::<Tide>().map(|tide| *tide).unwrap_or_default(),
            daylight: world.resource::<Daylight>().map(|daylight| *daylight).unwrap_or_default(),
            view: views.get::<dyn TideView>().ok(),
        }
    }

    /// The current at a place.
    #[inline]
    pub(crate) fn flow(&self, at: Vector) -> Vector {
        self.view.map_or(Vector::ZERO, |view| view.flow(&self.tide, at))
    }

    /// How fast fish are in the light they have: at night they go slowly.
    pub(crate) fn pace(&self, depth: f32) -> f32 {
        0.6 + 0.4 * self.view.map_or(1.0, |view| view.light(&self.daylight, depth))
    }
}
