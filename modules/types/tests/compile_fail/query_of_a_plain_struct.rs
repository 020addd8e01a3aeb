//! A plain struct in a query.

use keel::prelude::*;

struct Fish {
    age: u32,
}

fn main() {
    let world = World::new();
    world.query::<(Entity, &Fish)>().for_each(|(_, fish)| println!("{}", fish.age));
}
