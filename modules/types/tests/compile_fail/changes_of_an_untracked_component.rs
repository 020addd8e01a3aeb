//! A component and a resource that are not tracked, asked for what has changed.

use keel::prelude::*;

#[component]
struct Position {
    x: f32,
}

#[resource]
struct Wind {
    knots: u32,
}

fn sail(_: Query<&Position, Changed<Position>>) {}

fn turn(wind: Res<Wind>) -> bool {
    wind.is_changed()
}

fn main() {}
