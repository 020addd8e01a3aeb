//! A model that is generic.

use keel::prelude::*;

#[model]
#[derive(Default)]
struct Chart<T> {
    depth: T,
}

fn main() {}
