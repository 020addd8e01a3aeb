//! A component with a type parameter.

use keel::prelude::*;

#[component]
struct Tagged<T> {
    tag: T,
}

fn main() {}
