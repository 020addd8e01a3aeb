//! A struct that is listed as a model and is none.

use keel::prelude::*;

#[data]
#[derive(Default)]
pub struct Chart {
    depth: u32,
}

keel::model! { models: [Chart] }

fn main() {}
