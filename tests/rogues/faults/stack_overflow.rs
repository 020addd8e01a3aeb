//! Calls itself without an end.

/// Goes wrong.
#[inline(never)]
#[allow(unconditional_recursion, reason = "it is to crash")]
pub fn go_wrong(steps: u64) {
    let ground = std::hint::black_box([steps; 1024]);
    if std::hint::black_box(steps) < u64::MAX { go_wrong(steps + 1); } // here
    std::hint::black_box(ground);
}
