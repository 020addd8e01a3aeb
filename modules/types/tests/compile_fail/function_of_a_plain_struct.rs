//! What has no schema can't be made of a caller's values.

use keel::prelude::*;

struct Blow {
    force: f32,
}

fn offer(setup: &mut Setup) {
    setup.function("strike", |_: &mut Frame<'_>, blow: Blow| blow.force);
}

fn main() {}
