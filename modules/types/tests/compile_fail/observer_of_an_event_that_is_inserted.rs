//! Events are sent, not inserted.

use keel::prelude::*;

#[event]
struct Hit {
    damage: u32,
}

fn on_hit(_: On<Insert, Hit>) {}

fn main() {
    Setup::new().observer("hit", on_hit);
}
