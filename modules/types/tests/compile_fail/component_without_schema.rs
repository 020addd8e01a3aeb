//! A plain struct in a bundle.

use keel::prelude::*;

struct Fish {
    age: u32,
}

fn main() {
    let mut world = World::new();
    world.spawn((Name::new("cod"), Fish { age: 3 }));
}
