//! The benchmarks of Keel.

pub mod binding;
