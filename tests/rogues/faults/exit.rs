//! Ends the process, as a program does that thinks it is alone.

/// Goes wrong.
#[inline(never)]
pub fn go_wrong(steps: u64) {
    if steps < u64::MAX { std::process::exit(3); } // here
}
