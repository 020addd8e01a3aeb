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
