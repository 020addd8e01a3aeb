//! Sharks with their remoras and their wakes, plankton, and bubbles.

use keel::console::{Color, Picture};
use keel::prelude::*;
use shoal_model::{Bubble, Hunt, Label, Plankton, Position, Remora, Shark, Trail, Velocity};

use crate::palette;
use crate::scene::Scene;

/// A shark that swims to the right, as dots; `o` is its eye.
const SHARK: [&str; 9] = [
    "            ##              ",
    " ##        ####             ",
    " ###      ######            ",
    "  ###  ################     ",
    "   #####################o## ",
    "  ###  #################### ",
    " ###     ###############    ",
    " ##         ###             ",
    "             ##             ",
];

/// Plankton and bubbles.
pub(crate) fn draw_drifting(scene: &Scene, world: &World, picture: &mut Picture) {
    let glow = 1.0 - scene.light();
    world.query::<(&Plankton, &Position)>().for_each(|(plankton, position)| {
        let (x, y) = scene.dot_in_water(position.0);
        let depth = scene.depth_of(y as f32);
        let water = palette::water(scene.light(), depth, 0.0);
        let color = palette::PLANKTON_BY_DAY.mix(palette::PLANKTON_BY_NIGHT, glow);
        picture.dot(x, y, water.mix(color, 0.35 + 0.6 * plankton.amount));
    });
    world.query_filtered::<&Position, With<Bubble>>().for_each(|position| {
        let (x, y) = scene.dot_in_water(position.0);
        draw_through_water(scene, picture, x, y, palette::BUBBLE);
        draw_through_water(scene, picture, x + 1, y - 1, palette::BUBBLE);
    });
}

/// Sharks and all that belongs to them.
pub(crate) fn draw_sharks(scene: &Scene, world: &World, picture: &mut Picture) {
    let mut sharks = world.query::<(&Shark, &Hunt, &Position, &Velocity, &Label, &Trail)>();
    sharks.for_each(|(shark, hunt, position, velocity, label, trail)| {
        let chasing = matches!(hunt, Hunt::Chasing { .. });
        if chasing {
            draw_wake(scene, picture, trail);
        }
        let (x, y) = scene.dot_in_water(position.0 + velocity.0 * scene.ahead);
        draw_shark(scene, picture, x, y, velocity.0.x < 0.0, shark.hunger);
        if chasing {
            draw_label(scene, picture, x, y, &label.0);
        }
    });
    world.query_filtered::<&Position, With<Remora>>().for_each(|position| {
        let (x, y) = scene.dot_of(position.0);
        for dx in 0..3 {
            draw_through_water(scene, picture, x + dx, y, palette::REMORA);
        }
    });
}

fn draw_wake(scene: &Scene, picture: &mut Picture, trail: &Trail) {
    for (point, age) in trail.points.iter().zip(0_u8..) {
        let (x, y) = scene.dot_of(*point);
        let water = palette::water(scene.light(), scene.depth_of(y as f32), 0.0);
        picture.dot(x, y, water.mix(palette::BUBBLE, 0.5 - 0.04 * f32::from(age)));
    }
}

/// A shark hides what is behind it: its cells are emptied before its dots are set.
fn draw_shark(scene: &Scene, picture: &mut Picture, x: i32, y: i32, to_the_left: bool, hunger: f32) {
    let (width, height) = (SHARK[0].len() as i32, SHARK.len() as i32);
    let (left, top) = (x - width / 2, y - height / 2);
    let body = palette::SHARK.mix(Color::new(255, 150, 140), 0.35 * (hunger - 0.5).max(0.0) * 2.0);
    let mut dots = Vec::new();
    for (line, dy) in SHARK.iter().zip(0..) {
        for (sign, dx) in line.chars().zip(0..) {
            if sign == '#' {
                let dx = if to_the_left { width - 1 - dx } else { dx };
                dots.push((left + dx, top + dy));
            }
        }
    }
    for (x, y) in dots.iter().filter(|(x, y)| *x >= 0 && *y >= 0) {
        picture.letter(x / 2, y / 4, ' ', body);
    }
    for (x, y) in dots {
        draw_through_water(scene, picture, x, y, body);
    }
}

fn draw_label(scene: &Scene, picture: &mut Picture, x: i32, y: i32, label: &str) {
    let (column, row) = (x / 2 - label.chars().count() as i32 / 2, y / 4 - 2);
    let color = palette::through_water(palette::TEXT, 0.4 + 0.6 * scene.light(), 0.2);
    picture.text(column, row, label, color);
}

fn draw_through_water(scene: &Scene, picture: &mut Picture, x: i32, y: i32, color: Color) {
    picture.dot(x, y, palette::through_water(color, scene.light(), scene.depth_of(y as f32)));
}
