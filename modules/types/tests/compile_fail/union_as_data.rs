//! A union.

use keel::prelude::*;

#[data]
union Bits {
    float: f32,
    whole: u32,
}

fn main() {}
