//! Checks that the workspace's modules fit together.

fn main() {}
