//! The weather station: a background task that waits in real time, and reports.

use std::time::Duration;

use keel::prelude::*;
use shoal_model::{Daylight, Forecast, Plankton};

/// How long the station takes for a report, in real time.
const REPORT_TAKES: Duration = Duration::from_secs(4);

/// Waits, and then has the report heard. `update` begins the next one.
pub(crate) async fn watch(caller: Caller) {
    sleep(REPORT_TAKES).await;
    if let Err(error) = caller.call("forecast", &()) {
        keel::log::warn!("the weather station can't be heard: {error}");
    }
}

/// The handler: writes the report on the water as it is now.
pub(crate) fn hear(frame: &mut Frame<'_>, (): ()) -> ModuleResult {
    let world = &*frame.world;
    let night = match world.resource::<Daylight>()?.hour {
        hour if (17.0..20.0).contains(&hour) => "night falls, ",
        hour if (3.0..6.0).contains(&hour) => "dawn is near, ",
        _ => "",
    };
    let plankton = match world.query::<&Plankton>().count() {
        0..=120 => "poor",
        121..=300 => "fair",
        _ => "rich",
    };
    world.resource_mut::<Forecast>()?.report = format!("{night}{plankton} grazing");
    Ok(())
}
