//! A relation that would carry a value.

use keel::prelude::*;

#[relation]
struct Likes {
    how_much: u32,
}

fn main() {}
