//! How much memory is in use. Both sides of the benchmark are compiled from this file.

/// Bytes that were allocated and not freed, with those that malloc(3) got straight from the system; `None` where it can't
/// be asked.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code, reason = "the C library is asked")]
pub(crate) fn bytes_in_use() -> Option<u64> {
    // SAFETY: mallinfo2(3) takes no argument, may be called by any thread, and returns a plain struct.
    let info = unsafe { libc::mallinfo2() };
    Some((info.uordblks + info.hblkhd) as u64)
}

/// Bytes that were allocated and not freed; here nobody can be asked.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn bytes_in_use() -> Option<u64> {
    None
}

/// Lets malloc(3) keep what is freed instead of giving it back to the system. By itself it comes to that only after a
/// large block was freed, so that who is measured first would pay for pages that the others find.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code, reason = "the C library is told")]
pub(crate) fn keep_freed() {
    /// As large as malloc lets it become by itself, on 64 bits.
    const BLOCK: libc::c_int = 32 << 20;
    const TOP: libc::c_int = 1 << 30;
    // SAFETY: mallopt(3) takes two numbers; no other thread is running yet that could allocate.
    let _ = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, BLOCK) };
    // SAFETY: as above.
    let _ = unsafe { libc::mallopt(libc::M_TRIM_THRESHOLD, TOP) };
}

/// Lets the allocator keep what is freed; here nobody can be told.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn keep_freed() {}
