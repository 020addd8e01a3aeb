//! The water of Shoal: tide, currents, day and night.
//!
//! Time of day and tide are resources, moved on here in every step; what follows from them at a place in the lagoon
//! is asked by other modules through [`TideView`].

mod water;

use std::time::Duration;

use keel::prelude::*;
use shoal_model::{Bubble, Daylight, Plankton, Position, SkipToNight, Tide, TideView, keep_inside};

use crate::water::{Water, light_at, tide_at};

/// How long a day is.
const DAY: Duration = Duration::from_secs(180);

/// How many hours pass in a second while the player skips to night.
const RUSH_HOURS_PER_SECOND: f32 = 6.0;

/// How fast bubbles rise, in metres a second.
const BUBBLE_SPEED: f32 = 9.0;

/// The module's state.
#[data]
#[derive(Default)]
pub struct TideModule {
    skips: EventCursor<SkipToNight>,
}

#[view_model]
impl ViewModel for TideModule {
    fn register(&mut self, setup: &mut Setup) -> ModuleResult {
        setup.provide::<dyn TideView>(Box::new(Water));
        setup.system_with(SystemDescriptor::new("drift").after("update"), drift);
        setup.system_with(SystemDescriptor::new("rise").after("update"), rise);
        Ok(())
    }

    async fn start(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        frame.world.insert_resource(Tide::default())?;
        frame.world.insert_resource(Daylight::default())?;
        Ok(())
    }

    fn update(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        let skips = self.skips.read(&frame.world.events::<SkipToNight>()).len();
        let mut daylight = frame.world.resource_mut::<Daylight>()?;
        daylight.rush_hours += 12.0 * skips as f32;
        pass(&mut daylight, frame.time.delta);
        *frame.world.resource_mut::<Tide>()? = tide_at(frame.time.now);
        Ok(())
    }
}

/// Moves the clock on by `dt` seconds of simulation time.
fn pass(daylight: &mut Daylight, dt: f32) {
    let rush = daylight.rush_hours.min(RUSH_HOURS_PER_SECOND * dt);
    daylight.rush_hours -= rush;
    daylight.hour += dt * 24.0 / DAY.as_secs_f32() + rush;
    if daylight.hour >= 24.0 {
        daylight.hour -= 24.0;
        daylight.day += 1;
    }
    daylight.light = light_at(daylight.hour);
}

/// Plankton goes where the water goes.
fn drift(mut plankton: Query<&mut Position, With<Plankton>>, tide: Res<Tide>, time: Time) {
    plankton.for_each(|position| {
        position.0 = keep_inside(position.0 + Water.flow(&tide, position.0) * time.delta, 1.0);
    });
}

/// Bubbles go up, and are gone when their time or the water ends.
fn rise(
    mut bubbles: Query<(Entity, &mut Bubble, &mut Position), Without<Plankton>>,
    commands: &mut Commands,
    time: Time,
) {
    bubbles.for_each(|(entity, bubble, position)| {
        bubble.left -= time.delta;
        position.0.y -= BUBBLE_SPEED * time.delta;
        if bubble.left <= 0.0 || position.0.y <= 0.0 {
            commands.despawn(entity);
        }
    });
}

keel::export_module! {
    view_model: TideModule,
    models: [shoal_model],
    provides: [dyn TideView],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rush_brings_night_and_ends() {
        let mut daylight = Daylight { hour: 12.0, rush_hours: 12.0, ..Daylight::default() };
        for _ in 0..60 * 3 {
            pass(&mut daylight, 1.0 / 60.0);
        }
        assert_eq!((daylight.day, daylight.light, daylight.rush_hours), (1, 0.0, 0.0));
        assert!(daylight.hour < 1.0, "{}", daylight.hour);
    }
}
