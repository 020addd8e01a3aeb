//! What all parts of the picture have in common: where things are in it, and the light.

use keel::console::Picture;
use keel::prelude::*;
use shoal_model::{DEPTH, Daylight, Tide, Vector, WIDTH};

/// How long a step of simulation is, for what moves between two of them.
const STEP: f32 = 1.0 / 60.0;

/// What part of the picture the sky takes.
const SKY: f32 = 0.14;

/// How thick the sand is, in dots.
const SAND: f32 = 7.0;

/// One drawing of the lagoon.
pub(crate) struct Scene {
    pub(crate) columns: i32,
    /// The rows above the status line.
    pub(crate) rows: i32,
    pub(crate) daylight: Daylight,
    pub(crate) tide: Tide,
    /// Seconds since the last step.
    pub(crate) ahead: f32,
    /// In dots from the top.
    surface: f32,
    ground: f32,
    /// The first row of each column that is all water.
    water_rows: Vec<i32>,
}

impl Scene {
    /// None for a picture in which nothing can be seen.
    pub(crate) fn of(world: &World, alpha: f32, picture: &Picture) -> Option<Self> {
        let (columns, rows) = (i32::from(picture.columns()), i32::from(picture.rows()) - 1);
        if columns < 8 || rows < 4 {
            return None;
        }
        let mut scene = Self {
            columns,
            rows,
            daylight: world.resource::<Daylight>().map(|daylight| *daylight).unwrap_or_default(),
            tide: world.resource::<Tide>().map(|tide| *tide).unwrap_or_default(),
            ahead: alpha * STEP,
            surface: (rows as f32 * SKY).max(1.5).round() * 4.0,
            ground: rows as f32 * 4.0 - SAND,
            water_rows: Vec::new(),
        };
        scene.water_rows = (0..columns).map(|column| (scene.surface_of(column) / 4.0) as i32 + 1).collect();
        Some(scene)
    }

    /// The light at the surface.
    pub(crate) fn light(&self) -> f32 {
        self.daylight.light
    }

    /// The picture's width in dots.
    pub(crate) fn dots_wide(&self) -> f32 {
        (self.columns * 2) as f32
    }

    /// The mean surface in dots from the top.
    pub(crate) fn mean_surface(&self) -> f32 {
        self.surface
    }

    /// The mean ground in dots from the top.
    pub(crate) fn mean_ground(&self) -> f32 {
        self.ground
    }

    /// The surface in a column of cells, in dots from the top: tide and swell.
    pub(crate) fn surface_of(&self, column: i32) -> f32 {
        let x = column as f32 * 2.0 + 1.0;
        let swell =
            (x * 0.045 + turn(self.tide.swell)).sin() + 0.6 * (x * 0.11 - turn(self.tide.swell)).sin();
        // In eighths of a cell, as it can be drawn.
        (2.0 * (self.surface - self.tide.level * self.dots_per_metre() - swell * 0.9)).round() / 2.0
    }

    /// Where a dot lies between the mean surface (0) and the ground (1).
    pub(crate) fn depth_of(&self, y: f32) -> f32 {
        ((y - self.surface) / (self.ground - self.surface)).clamp(0.0, 1.0)
    }

    /// The dot of a place in the lagoon.
    #[inline]
    pub(crate) fn dot_of(&self, at: Vector) -> (i32, i32) {
        let x = at.x * self.dots_wide() / WIDTH;
        let y = self.surface + at.y * self.dots_per_metre();
        (x as i32, y as i32)
    }

    /// The dot of a place, or the one nearest to it that is not in a cell with the surface or above it.
    #[inline]
    pub(crate) fn dot_in_water(&self, at: Vector) -> (i32, i32) {
        let (x, y) = self.dot_of(at);
        let column = (x.max(0) / 2) as usize;
        (x, y.max(self.water_rows.get(column).map_or(0, |row| row * 4)))
    }

    /// How many dots a fish is long: in a large picture, single dots would get lost.
    pub(crate) fn dots_per_fish(&self) -> i32 {
        if self.dots_wide() / WIDTH < 1.4 { 1 } else { 2 }
    }

    fn dots_per_metre(&self) -> f32 {
        (self.ground - self.surface) / DEPTH
    }
}

/// A letter that fills the lower `part` of its cell, in eighths.
pub(crate) fn lower_part(part: f32) -> char {
    const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    EIGHTHS[((part * 8.0).round().max(0.0) as usize).min(8)]
}

/// A part of a turn as an angle.
pub(crate) fn turn(part: f32) -> f32 {
    part * std::f32::consts::TAU
}

/// A number in 0..1 that is always the same for the same two: for stars, grass and stones.
pub(crate) fn scatter(number: i32, salt: i32) -> f32 {
    let mut bits = (number as u32).wrapping_mul(0x9e37_79b9) ^ (salt as u32).wrapping_mul(0x85eb_ca6b);
    bits = (bits ^ (bits >> 15)).wrapping_mul(0x2c1b_3c6d);
    bits = (bits ^ (bits >> 12)).wrapping_mul(0x297a_2d39);
    (bits ^ (bits >> 15)) as f32 / u32::MAX as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eighths_fill_a_cell_from_below() {
        for (part, letter) in [(-1.0, ' '), (0.0, ' '), (0.5, '▄'), (1.0, '█'), (9.0, '█')] {
            assert_eq!(lower_part(part), letter, "at {part}");
        }
    }

    #[test]
    fn fish_stay_below_the_surface() {
        let scene = Scene::of(&World::new(), 0.0, &Picture::new(40, 20)).unwrap();
        for column in 0..40 {
            let at = Vector::new((column as f32 + 0.5) * WIDTH / 40.0, -50.0);
            assert!(scene.dot_in_water(at).1 as f32 > scene.surface_of(column));
        }
    }

    #[test]
    fn a_picture_too_small_is_left_alone() {
        assert!(Scene::of(&World::new(), 0.0, &Picture::new(7, 50)).is_none());
        assert!(Scene::of(&World::new(), 0.0, &Picture::new(50, 4)).is_none());
    }
}
