//! A view whose trait extends nothing.

use keel::prelude::*;

#[view]
trait TideView {
    fn level(&self) -> f32;
}

fn main() {}
