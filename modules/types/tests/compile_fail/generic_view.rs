//! A view with a type parameter.

use keel::prelude::*;

#[view]
trait TideView<T>: View {
    fn level(&self) -> T;
}

fn main() {}
