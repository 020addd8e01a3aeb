//! A component that is spawned without a tuple.

use keel::prelude::*;

fn main() {
    let mut world = World::new();
    world.spawn(Name::new("cod"));
}
