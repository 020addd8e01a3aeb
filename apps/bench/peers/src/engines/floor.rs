//! Plain arrays: what the machine can do, when a program knows all of it beforehand.

use std::hint::black_box;

use crate::data::{Position, Rotation, Thing, Transform, Velocity, inserted, moving, thing};
use crate::protocol::Storage;
use crate::routine::Cases;
use crate::task::{GROWTH, LARGE, SIMPLE};

pub(crate) fn cases() -> Cases {
    let mut cases = Cases::new("floor", Storage::Arrays);
    simple(&mut cases);
    cases
}

/// Large entities, one array for each component.
#[derive(Default)]
struct Things {
    transforms: Vec<Transform>,
    positions: Vec<Position>,
    rotations: Vec<Rotation>,
    velocities: Vec<Velocity>,
}

impl Things {
    fn of(things: impl ExactSizeIterator<Item = Thing>) -> Self {
        let count = things.len();
        let mut all = Self {
            transforms: Vec::with_capacity(count),
            positions: Vec::with_capacity(count),
            rotations: Vec::with_capacity(count),
            velocities: Vec::with_capacity(count),
        };
        for (transform, position, rotation, velocity) in things {
            all.transforms.push(transform);
            all.positions.push(position);
            all.rotations.push(rotation);
            all.velocities.push(velocity);
        }
        all
    }
}

type Moving = (Vec<Position>, Vec<Velocity>);

fn simple(cases: &mut Cases) {
    cases.case("simple_insert", "a Vec of each component, with_capacity").runs(
        || 0,
        |count| {
            let things = black_box(Things::of((0..SIMPLE).map(|_| inserted())));
            *count += things.positions.len();
        },
        |count| *count as f64,
    );
    cases.case("simple_iter", "two slices, zip").runs(
        || Things::of((0..SIMPLE).map(thing)),
        |things| go(&mut things.positions, &things.velocities),
        |things| sum(&things.positions),
    );
    cases.case("simple_iter_1m", "two slices, zip").runs(
        || many(LARGE),
        |(positions, velocities)| go(positions, velocities),
        |(positions, _)| sum(positions),
    );
    for entities in GROWTH {
        cases.case(&format!("growth/{entities}"), "two slices, zip").entities(entities).runs(
            move || many(entities),
            |(positions, velocities)| go(positions, velocities),
            |(positions, _)| sum(positions),
        );
    }
}

fn many(count: usize) -> Moving {
    (0..count).map(moving).unzip()
}

fn go(positions: &mut [Position], velocities: &[Velocity]) {
    for (position, velocity) in positions.iter_mut().zip(velocities) {
        position.go(velocity);
    }
}

fn sum(positions: &[Position]) -> f64 {
    positions.iter().map(|position| f64::from(position.x)).sum()
}
