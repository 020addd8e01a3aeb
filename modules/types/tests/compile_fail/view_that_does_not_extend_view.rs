//! A view whose trait extends something else.

use keel::prelude::*;

#[view]
trait TideView: std::fmt::Debug {
    fn level(&self) -> f32;
}

fn main() {}
