//! A field of a model that can't be saved.

use keel::prelude::*;

#[derive(Default)]
struct Beacon {
    lit: bool,
}

#[model]
#[derive(Default)]
struct Chart {
    beacon: Beacon,
}

fn main() {}
