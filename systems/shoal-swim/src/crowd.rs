//! Who is near, without asking each: a grid that counts the fish in each of its cells.

use keel::prelude::*;
use shoal_model::{DEPTH, Fish, Position, Vector, Velocity, WIDTH};

/// The side of a cell in metres.
const CELL: f32 = 2.5;

// One more on each side, so that every cell that is asked for has neighbours.
const COLUMNS: usize = (WIDTH / CELL) as usize + 3;
const ROWS: usize = (DEPTH / CELL) as usize + 3;

/// The fish of one cell.
#[derive(Clone, Copy, Default)]
struct Cell {
    count: f32,
    velocity: Vector,
}

/// How many fish are where, and where they go. Kept from step to step for its memory alone.
pub(crate) struct Crowd {
    cells: Vec<Cell>,
}

impl Default for Crowd {
    fn default() -> Self {
        Self { cells: vec![Cell::default(); COLUMNS * ROWS] }
    }
}

impl Crowd {
    /// Counts all fish anew.
    pub(crate) fn count(&mut self, world: &World) {
        self.cells.fill(Cell::default());
        world
            .query_filtered::<(&Position, &Velocity), With<Fish>>()
            .for_each(|(position, velocity)| self.add(position.0, velocity.0));
    }

    fn add(&mut self, at: Vector, velocity: Vector) {
        let cell = &mut self.cells[index_of(at)];
        cell.count += 1.0;
        cell.velocity += velocity;
    }

    /// Where there is more room than here, and how much more.
    #[inline]
    pub(crate) fn room(&self, at: Vector) -> Vector {
        let here = index_of(at);
        let count = |index: usize| self.cells[index].count;
        Vector::new(count(here - 1) - count(here + 1), count(here - COLUMNS) - count(here + COLUMNS))
    }

    /// Where the fish of this place go on average; `otherwise` where there are none.
    #[inline]
    pub(crate) fn heading(&self, at: Vector, otherwise: Vector) -> Vector {
        let cell = &self.cells[index_of(at)];
        if cell.count > 0.0 { cell.velocity * (1.0 / cell.count) } else { otherwise }
    }
}

/// A place outside of the lagoon belongs to the nearest cell in it.
#[inline]
fn index_of(at: Vector) -> usize {
    // A float that is no number becomes 0.
    let column = ((at.x * (1.0 / CELL)) as usize).min(COLUMNS - 3) + 1;
    let row = ((at.y * (1.0 / CELL)) as usize).min(ROWS - 3) + 1;
    row * COLUMNS + column
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_away_from_a_crowd() {
        let mut crowd = Crowd::default();
        for _ in 0..5 {
            crowd.add(Vector::new(10.0, 10.0), Vector::new(2.0, 0.0));
        }
        assert!(crowd.room(Vector::new(10.0 - CELL, 10.0)).x < 0.0);
        assert!(crowd.room(Vector::new(10.0 + CELL, 10.0)).x > 0.0);
        assert!(crowd.room(Vector::new(10.0, 10.0 + CELL)).y > 0.0);
        assert_eq!(crowd.heading(Vector::new(10.0, 10.0), Vector::ZERO), Vector::new(2.0, 0.0));
    }

    #[test]
    fn places_outside_have_neighbours_too() {
        let crowd = Crowd::default();
        for at in [-1e9, 0.0, WIDTH, 1e9, f32::NAN] {
            assert_eq!(crowd.room(Vector::new(at, at)), Vector::ZERO);
        }
    }
}
