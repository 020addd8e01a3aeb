//! Two hooks for one occasion.

use keel::prelude::*;

#[component(on_insert = first, on_insert = second)]
struct Health {
    points: u32,
}

fn first(_: &World, _: Entity) {}

fn second(_: &World, _: Entity) {}

fn main() {}
