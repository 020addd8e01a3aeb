//! The benchmarks of Keel: what `keel bench` measures, by the program `keel-bench`.

pub mod binding;
pub mod ecs;
pub mod fields;
pub mod soak;
pub mod swap;
