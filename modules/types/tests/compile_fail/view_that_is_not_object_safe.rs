//! A view that can't be called through `dyn`.

use keel::prelude::*;

#[view]
trait TideView: View {
    fn map<T>(&self, level: T) -> T;
}

fn main() {}
