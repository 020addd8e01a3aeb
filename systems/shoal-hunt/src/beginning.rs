//! How the lagoon is at the beginning.

use keel::prelude::*;
use shoal_model::{
    DEPTH, Forecast, Hunt, Label, Leader, Position, Remora, School, Shark, Tally, Trail, Vector, Velocity,
    WIDTH,
};

use crate::hatching;

/// A kind of school: its name, how many fish it has, how long it is in points of its leader's trail, and the depth
/// it likes, as a part of the lagoon's.
struct Kind(&'static str, u32, usize, f32);

// Ten thousand fish in all.
const KINDS: [Kind; 12] = [
    Kind("anchovies", 1500, 92, 0.16),
    Kind("fusiliers", 1100, 66, 0.32),
    Kind("sardines", 1700, 110, 0.45),
    Kind("damsels", 500, 26, 0.72),
    Kind("snappers", 900, 58, 0.62),
    Kind("jacks", 700, 34, 0.24),
    Kind("chromis", 600, 40, 0.78),
    Kind("herring", 1200, 84, 0.54),
    Kind("basslets", 400, 22, 0.87),
    Kind("wrasses", 350, 18, 0.38),
    Kind("grunts", 600, 46, 0.84),
    Kind("silversides", 450, 30, 0.11),
];

const SHARKS: [(&str, usize); 5] =
    [("Mako", 1), ("Old Tom", 3), ("Nerissa", 0), ("Blacktip", 2), ("The Bishop", 1)];

/// How far a leader comes from one point of its trail to the next, in metres.
const TRAIL_STEP: f32 = 1.2;

/// How many fish of a size of school fit into a square metre of it.
const DENSITY: f32 = 2.6;

/// How many points the wake of a shark has.
const WAKE: usize = 10;

/// Fills the lagoon.
pub(crate) fn spawn_all(world: &mut World) -> ModuleResult {
    world.insert_resource(Tally::default())?;
    world.insert_resource(Forecast::default())?;
    spawn_schools(world)?;
    spawn_sharks(world)
}

/// Spawns each kind of school with its leader and its fish.
fn spawn_schools(world: &mut World) -> ModuleResult {
    for (number, Kind(name, size, points, depth)) in (0..).zip(KINDS) {
        let length = points as f32 * TRAIL_STEP;
        let breadth = size as f32 / (DENSITY * length * 1.6);
        let school = School { number, size, depth: depth * DEPTH, breadth };
        let parent = world.spawn((school, Name::new(name)));
        let (at, ahead) = beginning_of(&school, length, world)?;
        let trail = Trail::straight(at, ahead * -TRAIL_STEP, points);
        let leader = Leader { school: number, goal: at };
        let leader = world.spawn((leader, Position(at), Velocity(ahead * 10.0), trail));
        world.set_parent(leader, Some(parent))?;
        hatching::spawn(world, &school, size, 0.0)?;
    }
    Ok(())
}

/// A place for the head of a school of this length, and the way it sets out: there is room for it.
fn beginning_of(school: &School, length: f32, world: &World) -> Result<(Vector, Vector), EcsError> {
    let mut random = world.resource_mut::<Random>()?;
    let x = random.range((length + 10.0).min(WIDTH * 0.8), WIDTH * 0.9);
    if random.one_in(2) {
        Ok((Vector::new(x, school.depth), Vector::new(1.0, 0.0)))
    } else {
        Ok((Vector::new(WIDTH - x, school.depth), Vector::new(-1.0, 0.0)))
    }
}

/// Spawns the sharks, each with its remoras.
fn spawn_sharks(world: &mut World) -> ModuleResult {
    for (index, (name, remoras)) in SHARKS.into_iter().enumerate() {
        let at = Vector::new(WIDTH * (0.1 + 0.2 * index as f32), DEPTH * (0.2 + 0.15 * index as f32));
        let hunger = world.resource_mut::<Random>()?.range(0.2, 0.6);
        let shark = world.spawn((
            Shark { hunger },
            Hunt::Prowling { towards: at },
            Position(at),
            Velocity(Vector::new(1.0, 0.0)),
            Label(name.to_owned()),
            Trail::straight(at, Vector::ZERO, WAKE),
        ));
        for place in 0..remoras {
            let offset = Vector::new(3.0 - 5.0 * place as f32, 4.5);
            let remora = world.spawn((Remora { offset }, Position(at + offset)));
            world.set_parent(remora, Some(shark))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_thousand_fish() {
        assert_eq!(KINDS.iter().map(|Kind(_, size, _, _)| size).sum::<u32>(), 10_000);
    }
}
