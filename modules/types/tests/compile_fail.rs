//! What the compiler must refuse, and what it says then: an author meets these messages before any page of the guide.
//!
//! The texts are those of the toolchain that `rust-toolchain.toml` pins. To write them anew after a change, run the
//! test with `TRYBUILD=overwrite`, and read the difference.

#[test]
fn mistakes_are_told_with_what_to_do() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
