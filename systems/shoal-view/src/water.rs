//! The water: darker with depth, with shafts of light, below a surface that moves.

use keel::console::{Color, Picture};

use crate::palette;
use crate::scene::{Scene, lower_part, turn};

const FOAM: Color = Color::new(226, 246, 246);

pub(crate) fn draw(scene: &Scene, picture: &mut Picture) {
    for column in 0..scene.columns {
        let surface = scene.surface_of(column) / 4.0;
        let first = surface.floor() as i32;
        for row in first + 1..scene.rows {
            let depth = scene.depth_of(row as f32 * 4.0 + 2.0);
            let color = palette::water(scene.light(), depth, shine(scene, column, row, depth));
            picture.letter(column, row, ' ', color);
            picture.background(column, row, color);
        }
        draw_surface(scene, picture, column, first, surface - surface.floor());
    }
}

/// The cell in which the surface is: its lower part is water, `air` of it is sky.
fn draw_surface(scene: &Scene, picture: &mut Picture, column: i32, row: i32, air: f32) {
    let water = palette::water(scene.light(), 0.0, 0.0);
    let crest = water.mix(FOAM, 0.12 + 0.24 * scene.light());
    picture.letter(column, row, lower_part(1.0 - air), crest);
    // A crest is never thinner than half a cell.
    if air > 0.5 {
        picture.background(column, row + 1, crest);
    }
}

/// Light that falls through the surface in slanting shafts, by day.
fn shine(scene: &Scene, column: i32, row: i32, depth: f32) -> f32 {
    let across = column as f32 / scene.columns as f32 * 17.0 + row as f32 * 0.09;
    let slow = turn((scene.tide.phase * 12.0).floor() / 12.0);
    let shafts = (across + slow).sin() + (across * 0.57 - slow).sin();
    let light = scene.light() * (1.0 - depth).powi(2);
    (shafts - 0.7).max(0.0) * 0.16 * light
}
