//! Panics.

/// Goes wrong.
#[inline(never)]
pub fn go_wrong(steps: u64) {
    if steps < u64::MAX { panic!("no luck"); } // here
}
