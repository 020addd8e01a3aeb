//! The ground: sand in waves, corals, and grass that sways with the stream.

use keel::console::{Color, Picture};

use crate::palette;
use crate::scene::{Scene, lower_part, scatter, turn};

const SAND: Color = Color::new(196, 176, 128);
const SAND_BELOW: Color = Color::new(142, 124, 92);
const GRASS: [Color; 3] = [Color::new(58, 168, 92), Color::new(104, 190, 84), Color::new(36, 128, 98)];

/// Corals as dots, with their colours.
const CORALS: [(&[&str], Color); 4] = [
    (
        &[
            " #   #   # ",
            " # # #  ## ",
            "#  ##  #  #",
            "## ## ## # ",
            "  ### #### ",
            "## #####  #",
            " ### ## ## ",
            "   #####   ",
            "    ###    ",
            "    ###    ",
        ],
        Color::new(255, 108, 122),
    ),
    (
        &[
            "    #####    ",
            "  ## ### ##  ",
            " ## ## ## ## ",
            "## ### ### ##",
            "## ## # ## ##",
            "#############",
        ],
        Color::new(214, 160, 226),
    ),
    (
        &[
            "   ##      ",
            "## ## ##   ",
            "## ## ##   ",
            "## ## ## ##",
            " # ## ## ##",
            " ## # #  ##",
            "  ##### ## ",
            "   ######  ",
            "    ####   ",
        ],
        Color::new(255, 170, 84),
    ),
    (
        &[
            "   # # # # #   ",
            " #  ## # ##  # ",
            "  ### ### ###  ",
            "#  ## ### ##  #",
            " ### ## ## ### ",
            "   #########   ",
            "      ###      ",
        ],
        Color::new(250, 216, 128),
    ),
];

pub(crate) fn draw(scene: &Scene, picture: &mut Picture) {
    for place in 0..scene.columns / 2 {
        let x = (scatter(place, 11) * scene.dots_wide()) as i32;
        // Meadows with clearings between them.
        if (x as f32 * 0.05).sin() + 0.5 * (x as f32 * 0.017).cos() > 0.0 {
            draw_grass(scene, picture, x, place);
        }
    }
    for place in 0..scene.columns / 13 {
        let (shape, color) = CORALS[place as usize % CORALS.len()];
        let x = (scatter(place, 21) * scene.dots_wide()) as i32;
        draw_coral(scene, picture, x, shape, color);
    }
    // In front of all that stands in it.
    for column in 0..scene.columns {
        draw_sand(scene, picture, column);
    }
}

/// The upper edge of the sand in dots from the top.
fn top_of_sand(scene: &Scene, x: i32) -> f32 {
    let x = x as f32;
    let waves = (x * 0.031).sin() * 1.6 + (x * 0.083 + 1.0).sin() * 0.7 + (x * 0.011 + 2.0).sin() * 1.2;
    scene.mean_ground() - waves
}

fn draw_sand(scene: &Scene, picture: &mut Picture, column: i32) {
    let top = top_of_sand(scene, column * 2 + 1);
    let first = (top / 4.0) as i32;
    // At least a part of the cell, or what stands behind it would float.
    let part = (1.0 - (top / 4.0).fract()).max(0.25);
    picture.letter(column, first, lower_part(part), seen(scene, SAND, top));
    for row in first + 1..scene.rows {
        picture.letter(column, row, ' ', SAND);
        let below = (row as f32 * 4.0 - scene.mean_ground() + 4.0) * 0.08;
        picture.background(column, row, seen(scene, SAND.mix(SAND_BELOW, below), top));
    }
}

fn draw_grass(scene: &Scene, picture: &mut Picture, x: i32, place: i32) {
    let bottom = top_of_sand(scene, x);
    let height = (5.0 + 14.0 * scatter(place, 12)) * scene.rows as f32 / 36.0;
    let color = seen(scene, GRASS[place as usize % GRASS.len()], bottom);
    for part in 0..height as i32 {
        let part = part as f32;
        let sway = turn(scene.tide.swell).sin() * 0.6 + scene.tide.stream * 0.5;
        let wriggle = (part * 0.5 + turn(scene.tide.swell) + place as f32).sin() * 0.7;
        let bend = (part / height).powi(2) * (sway * 2.0) + wriggle * part / height;
        let lighter = color.mix(Color::new(190, 230, 150), 0.25 * part / height * scene.light());
        picture.dot(x + bend.round() as i32, (bottom - part) as i32, lighter);
    }
}

fn draw_coral(scene: &Scene, picture: &mut Picture, x: i32, shape: &[&str], color: Color) {
    let bottom = top_of_sand(scene, x);
    let color = seen(scene, color, bottom);
    let (left, top) = (x - shape[0].len() as i32 / 2, bottom as i32 + 1 - shape.len() as i32);
    for (line, y) in shape.iter().zip(top..) {
        for (sign, x) in line.chars().zip(left..) {
            if sign == '#' {
                picture.dot(x, y, color);
            }
        }
    }
}

fn seen(scene: &Scene, color: Color, y: f32) -> Color {
    palette::through_water(color, scene.light(), scene.depth_of(y) * 0.8)
}
