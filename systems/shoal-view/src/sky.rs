//! The sky: sun, moon, stars and an islet on the horizon.

use keel::console::{Color, Picture};

use crate::palette;
use crate::scene::{Scene, scatter};

/// So many rows below the horizon, the sky is still seen at low water.
const LOW_WATER: i32 = 3;

const SUN: Color = Color::new(255, 236, 150);
const MOON: Color = Color::new(226, 232, 240);
const ISLET: [Color; 2] = [Color::new(10, 20, 28), Color::new(58, 110, 82)];

/// An islet with two palms, as dots.
const ISLET_SHAPE: [&str; 12] = [
    "                  ##   ###                    ",
    "                 #  ###   #                   ",
    "             ###   ## ##    ###               ",
    "            #   ### # #  ###   #              ",
    "           #   # ##  #  #  ##                 ",
    "              #  # # #  #    #                ",
    "                 #  #   #                     ",
    "                 #  ##  #                     ",
    "                 ##  # ##     ####            ",
    "            ###################  #####        ",
    "       ##################################     ",
    "  ########################################### ",
];

pub(crate) fn draw(scene: &Scene, picture: &mut Picture) {
    let horizon = scene.mean_surface();
    let rows = (horizon / 4.0).ceil() as i32 + LOW_WATER;
    for row in 0..rows {
        let color = palette::sky(scene.light(), (row as f32 + 0.5) * 4.0 / horizon);
        for column in 0..scene.columns {
            picture.background(column, row, color);
        }
    }
    draw_stars(scene, picture, rows);
    draw_disc(scene, picture, (scene.daylight.hour - 5.0) / 15.0, SUN);
    draw_disc(scene, picture, ((scene.daylight.hour + 5.0) % 24.0) / 9.0, MOON);
    draw_islet(scene, picture);
}

fn draw_stars(scene: &Scene, picture: &mut Picture, rows: i32) {
    let dark = 1.0 - scene.light() * 2.0;
    if dark <= 0.0 {
        return;
    }
    for star in 0..scene.columns / 2 {
        let x = (scatter(star, 1) * scene.dots_wide()) as i32;
        let y = (scatter(star, 2) * (rows * 4) as f32) as i32;
        let sky = palette::sky(scene.light(), y as f32 / scene.mean_surface());
        picture.dot(x, y, sky.mix(Color::WHITE, dark * (0.3 + 0.7 * scatter(star, 3))));
    }
}

/// Sun or moon, `part` of its way across the sky.
fn draw_disc(scene: &Scene, picture: &mut Picture, part: f32, color: Color) {
    if !(0.0..=1.0).contains(&part) {
        return;
    }
    let height = 4.0 * part * (1.0 - part);
    let (x, y) = (part * scene.dots_wide(), scene.mean_surface() * (1.0 - 0.8 * height));
    let radius = 3.6;
    let low = palette::dusk(scene.light()) * 0.5;
    for dy in -4..=4 {
        for dx in -4..=4 {
            if ((dx * dx + dy * dy) as f32) < radius * radius {
                let color = color.mix(Color::new(255, 120, 60), low);
                picture.dot(x as i32 + dx, y as i32 + dy, color);
            }
        }
    }
}

fn draw_islet(scene: &Scene, picture: &mut Picture) {
    let left = (scene.dots_wide() * 0.74) as i32;
    let bottom = scene.mean_surface() as i32;
    let color = ISLET[0].mix(ISLET[1], scene.light() * (1.0 - 0.7 * palette::dusk(scene.light())));
    // Its foot is repeated downwards, for low water.
    let foot = std::iter::repeat_n(&ISLET_SHAPE[ISLET_SHAPE.len() - 1], LOW_WATER as usize * 4);
    for (line, y) in ISLET_SHAPE.iter().chain(foot).zip(bottom - ISLET_SHAPE.len() as i32..) {
        for (sign, x) in line.chars().zip(0..) {
            if sign == '#' {
                picture.dot(left + x, y, color);
            }
        }
    }
}
