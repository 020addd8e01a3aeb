//! Fish eat plankton.

use keel::prelude::*;
use shoal_model::{DEPTH, Fish, Meal, Mood, Plankton, Position, Tally, Vector, WIDTH};

use crate::place_of;

/// The side of a cell in metres: a fish finds what is in its own.
const CELL: f32 = 4.0;

const COLUMNS: usize = (WIDTH / CELL) as usize + 1;
const ROWS: usize = (DEPTH / CELL) as usize + 1;

/// Only every so many steps a fish looks around for food, in turns.
const LOOK_EVERY: u64 = 16;

/// How many fish may come for the same plankton.
const GUESTS_MAX: u8 = 2;

/// How long a meal takes, in seconds.
const MEAL: f32 = 1.2;

/// What a meal takes from the plankton.
const BITE: f32 = 0.12;

/// Food in one cell.
#[derive(Clone, Copy)]
struct Food {
    plankton: Entity,
    at: Vector,
    guests: u8,
}

/// Where there is plankton. Kept from step to step for its memory alone.
pub(crate) struct Pasture {
    cells: Vec<Option<Food>>,
    eaten: Vec<Entity>,
}

impl Default for Pasture {
    fn default() -> Self {
        Self { cells: vec![None; COLUMNS * ROWS], eaten: Vec::new() }
    }
}

impl Pasture {
    /// Lets fish find plankton and end their meals.
    pub(crate) fn graze(&mut self, frame: &mut Frame<'_>) {
        self.find_plankton(frame.world);
        self.feed_fish(frame.world, frame.time.step, frame.time.now.as_secs_f32());
        self.thin_out(frame);
    }

    fn find_plankton(&mut self, world: &World) {
        self.cells.fill(None);
        world.query_filtered::<(Entity, &Position), With<Plankton>>().for_each(|(plankton, position)| {
            self.cells[index_of(position.0)] = Some(Food { plankton, at: position.0, guests: 0 });
        });
    }

    fn feed_fish(&mut self, world: &World, step: u64, now: f32) {
        let mut row = step;
        let Self { cells, eaten } = self;
        world.query_filtered::<(&Position, &mut Mood), With<Fish>>().for_each(|(position, mood)| {
            row += 1;
            match mood {
                Mood::Feeding(meal) if now >= meal.until => {
                    eaten.push(meal.plankton);
                    *mood = Mood::Calm;
                }
                Mood::Calm if row.is_multiple_of(LOOK_EVERY) => {
                    if let Some(food) = &mut cells[index_of(position.0)]
                        && food.guests < GUESTS_MAX
                    {
                        food.guests += 1;
                        *mood =
                            Mood::Feeding(Meal { plankton: food.plankton, at: food.at, until: now + MEAL });
                    }
                }
                _ => {}
            }
        });
    }

    /// Takes what was eaten from the plankton; what is eaten up is gone.
    fn thin_out(&mut self, frame: &mut Frame<'_>) {
        let world = &mut *frame.world;
        for plankton in self.eaten.drain(..) {
            let left = world.get_mut::<Plankton>(plankton).map(|mut plankton| {
                plankton.amount -= BITE;
                plankton.amount
            });
            // Another fish may have eaten it up before.
            if left.is_ok_and(|left| left <= 0.0) && place_of(world, plankton).is_some() {
                let _ = world.despawn(plankton);
                if let Ok(mut tally) = world.resource_mut::<Tally>() {
                    tally.grazed += 1;
                }
            }
        }
    }
}

/// A place outside of the lagoon belongs to the nearest cell in it.
fn index_of(at: Vector) -> usize {
    let column = ((at.x * (1.0 / CELL)) as usize).min(COLUMNS - 1);
    let row = ((at.y * (1.0 / CELL)) as usize).min(ROWS - 1);
    row * COLUMNS + column
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_has_a_cell() {
        for at in [-1e9, 0.0, 50.0, 1e9, f32::NAN] {
            assert!(index_of(Vector::new(at, at)) < COLUMNS * ROWS, "at {at}");
        }
    }
}
