//! Writes to the page at 0, but not to 0 itself: std aborts at that, instead of trying it.

/// Goes wrong.
#[inline(never)]
#[allow(unsafe_code, reason = "it is to crash")]
pub fn go_wrong(steps: u64) {
    // SAFETY: none; nothing is mapped there.
    unsafe { std::ptr::without_provenance_mut::<u64>(std::hint::black_box(64)).write_volatile(steps) }; // here
}
