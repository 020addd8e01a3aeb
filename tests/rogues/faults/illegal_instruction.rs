//! Runs what is no instruction.

/// Goes wrong.
#[inline(never)]
#[allow(unsafe_code, reason = "it is to crash")]
pub fn go_wrong(steps: u64) {
    // SAFETY: none; this traps.
    unsafe { std::arch::asm!("ud2") }; // here
    std::hint::black_box(steps);
}
