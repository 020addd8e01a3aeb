//! The fish: a dot each. A cell has one colour, so that the school with most fish in it gives it its own.

use keel::console::{Color, Picture};
use keel::prelude::*;
use shoal_model::{Fish, Leader, Position, Vector, Velocity};

use crate::palette;
use crate::scene::Scene;

/// Where the light comes from: a fish whose flank is turned to it glints.
const LIGHT_FROM: Vector = Vector::new(0.35, -0.94);

/// The fish of one cell.
#[derive(Clone, Copy, Default)]
struct Cell {
    /// Which of the 2 x 4 dots are set, a bit each.
    dots: u8,
    school: u8,
    /// How many more there are of this school than of all others.
    lead: u16,
    count: u16,
    glint: f32,
}

pub(crate) fn draw(scene: &Scene, world: &World, picture: &mut Picture) {
    let mut cells = vec![Cell::default(); (scene.columns * scene.rows) as usize];
    let length = scene.dots_per_fish();
    world.query::<(&Fish, &Position, &Velocity)>().for_each(|(fish, position, velocity)| {
        let (x, y) = scene.dot_in_water(position.0 + velocity.0 * scene.ahead);
        for x in x..x + length {
            let inside = (0..scene.columns * 2).contains(&x) && (0..scene.rows * 4).contains(&y);
            if inside {
                let cell = &mut cells[(y / 4 * scene.columns + x / 2) as usize];
                cell.add(fish.school, 1 << (y % 4 * 2 + x % 2), velocity.0);
            }
        }
    });
    for (index, cell) in cells.iter().enumerate().filter(|(_, cell)| cell.dots != 0) {
        let (column, row) = (index as i32 % scene.columns, index as i32 / scene.columns);
        draw_cell(scene, picture, column, row, cell);
    }
    draw_leaders(scene, world, picture);
}

impl Cell {
    /// One more fish, with the vote of its school: who has most votes is found without counting each school.
    fn add(&mut self, school: u8, dot: u8, velocity: Vector) {
        self.dots |= dot;
        self.count += 1;
        self.glint += velocity.direction().dot(LIGHT_FROM).max(0.0);
        if self.school == school {
            self.lead += 1;
        } else if self.lead == 0 {
            (self.school, self.lead) = (school, 1);
        } else {
            self.lead -= 1;
        }
    }
}

fn draw_cell(scene: &Scene, picture: &mut Picture, column: i32, row: i32, cell: &Cell) {
    let color = palette::school(cell.school);
    let glint = cell.glint / f32::from(cell.count);
    let dense = (f32::from(cell.count) / 14.0).min(1.0);
    let color = color.mix(Color::BLACK, 0.3 * (1.0 - dense)).mix(Color::WHITE, 0.55 * glint * scene.light());
    let depth = scene.depth_of(row as f32 * 4.0 + 2.0);
    let color = palette::through_water(color, scene.light(), depth);
    for dot in (0..8).filter(|dot| cell.dots & (1 << dot) != 0) {
        picture.dot(column * 2 + dot % 2, row * 4 + dot / 2, color);
    }
}

fn draw_leaders(scene: &Scene, world: &World, picture: &mut Picture) {
    world.query::<(&Leader, &Position, &Velocity)>().for_each(|(leader, position, velocity)| {
        let (x, y) = scene.dot_in_water(position.0 + velocity.0 * scene.ahead);
        let color = palette::school(leader.school).mix(Color::WHITE, 0.4);
        picture.dot(x, y, palette::through_water(color, scene.light(), scene.depth_of(y as f32)));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_school_colours_the_cell() {
        let mut cell = Cell::default();
        for school in [3, 5, 5, 3, 5] {
            cell.add(school, 1, Vector::ZERO);
        }
        assert_eq!((cell.school, cell.count, cell.dots), (5, 5, 1));
    }
}
