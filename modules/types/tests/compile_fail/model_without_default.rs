//! A model that can't be made as good as new.

use keel::prelude::*;

#[model]
struct Chart {
    depth: u32,
}

fn main() {}
