//! Divides by 0 as the processor does it, without Rust's check.

/// Goes wrong.
#[inline(never)]
#[allow(unsafe_code, reason = "it is to crash")]
pub fn go_wrong(steps: u64) {
    // SAFETY: none; this traps.
    unsafe { std::arch::asm!("xor edx, edx", "xor ecx, ecx", "div ecx", out("eax") _, out("ecx") _, out("edx") _) }; // here
    std::hint::black_box(steps);
}
