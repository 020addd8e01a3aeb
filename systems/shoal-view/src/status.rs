//! The line below the lagoon.

use keel::console::{Color, Picture};
use keel::prelude::*;
use shoal_model::{Fish, Forecast, School, Tally};

use crate::palette;
use crate::scene::Scene;

pub(crate) fn draw(scene: &Scene, world: &World, picture: &mut Picture) {
    for column in 0..scene.columns {
        picture.letter(column, scene.rows, ' ', palette::BAR);
        picture.background(column, scene.rows, palette::BAR);
    }
    let mut column = 1;
    for (text, color) in parts(scene, world) {
        picture.text(column, scene.rows, &text, color);
        column += text.chars().count() as i32 + 2;
    }
}

fn parts(scene: &Scene, world: &World) -> Vec<(String, Color)> {
    let tally = world.resource::<Tally>().map(|tally| *tally).unwrap_or_default();
    let forecast = world.resource::<Forecast>().map(|forecast| forecast.report.clone()).unwrap_or_default();
    let (fish, schools) = (world.query::<&Fish>().count(), world.query::<&School>().count());
    vec![
        ("SHOAL".to_owned(), Color::new(120, 214, 236)),
        (clock(scene), palette::TEXT),
        (tide(scene).to_owned(), palette::TEXT),
        (format!("{fish} fish, {schools} schools"), palette::TEXT),
        (format!("{} eaten, {} hatched", tally.eaten, tally.hatched), palette::DIM),
        (forecast, palette::DIM),
    ]
}

fn clock(scene: &Scene) -> String {
    let daylight = &scene.daylight;
    let sign = if daylight.light > 0.5 { '☼' } else { '☾' };
    let minutes = (daylight.hour * 60.0) as u32 / 10 * 10;
    format!("{sign} day {} {:02}:{:02}", daylight.day + 1, minutes / 60 % 24, minutes % 60)
}

fn tide(scene: &Scene) -> &'static str {
    if scene.tide.phase < 0.5 { "▲ flood" } else { "▼ ebb" }
}
