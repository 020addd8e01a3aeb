//! A hook that wants to change the structure of the world, which is being changed.

use keel::prelude::*;

#[component(on_insert = inserted)]
struct Health {
    points: u32,
}

fn inserted(world: &mut World, _: Entity) {
    world.spawn(());
}

fn main() {}
