//! The benchmarks of Keel.
