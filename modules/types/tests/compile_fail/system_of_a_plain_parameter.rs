//! A system that asks for what nobody can hand it.

use keel::prelude::*;

fn swim(_: u32) {}

fn main() {
    Setup::new().system("swim", swim);
}
