//! Does not return.

/// Goes wrong.
#[inline(never)]
pub fn go_wrong(steps: u64) {
    loop { std::hint::black_box(steps); } // here
}
