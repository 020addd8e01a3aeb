//! The binary `keel`.

fn main() {}
