//! The benchmarks of Keel: what `keel bench` measures.

pub mod binding;
pub mod soak;
pub mod swap;
