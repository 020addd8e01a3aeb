//! A component with a field that has no schema.

use keel::prelude::*;

struct Vector {
    x: f32,
}

#[component]
struct Place {
    at: Vector,
}

fn main() {}
