//! hecs: archetypes, without a schedule of its own.

mod large;
mod saving;
mod suite;

use hecs::World;

use crate::data::{Position, Velocity};
use crate::protocol::Storage;
use crate::routine::Cases;

pub(crate) fn cases() -> Cases {
    let mut cases = Cases::new("hecs", Storage::Archetypes);
    suite::declare(&mut cases);
    saving::declare(&mut cases);
    large::declare(&mut cases);
    cases.lacks(&["path_read", "path_write", "call_by_name"], "it has no reflection, and knows no functions");
    cases.lacks(&["events"], "it has no events");
    cases.lacks(&["schedule_overhead"], "it has no schedule");
    cases
}

/// How hecs goes through entities fastest, but for whole columns.
const FOR_EACH: &str = "World::query_mut, into_iter().for_each";

fn go(world: &mut World) {
    world.query_mut::<(&mut Position, &Velocity)>().into_iter().for_each(|(position, velocity)| {
        position.go(velocity);
    });
}

fn sum(world: &mut World) -> f64 {
    world.query_mut::<&Position>().into_iter().map(|position| f64::from(position.x)).sum()
}
