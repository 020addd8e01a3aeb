//! Systems that nobody has written this for: there are marks and the watchdog, and no reports or calls.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicI32, Ordering};

use crate::thread::Slot;

/// Leaves no report on this system.
///
/// # Errors
/// Always, of kind `Unsupported`.
pub fn install(_report: File) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no crash reports; only Linux has"))
}

/// Nothing: the system does not tell.
pub fn maps() -> String {
    String::new()
}

/// Ends this process now, without a word.
pub fn end_process() -> ! {
    std::process::abort()
}

/// Nothing: on this system no memory is limited.
///
/// # Errors
/// Always, of kind `Unsupported`.
pub fn limit_memory(_most: u64) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this system limits no process's memory; only Linux does"))
}

/// Nothing: on this system no memory is limited.
///
/// # Errors
/// Always, of kind `Unsupported`.
pub fn limit_further_memory(more: u64) -> io::Result<()> {
    limit_memory(more)
}

/// Nothing: on this system no stack is limited.
///
/// # Errors
/// Always, of kind `Unsupported`.
pub fn limit_stack(_most: u64) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this system limits no process's stack; only Linux does"))
}

pub(crate) fn enter_thread(_slot: &Slot) {}

pub(crate) fn leave_thread(_slot: &Slot) {}

/// A number of its own for each thread.
pub(crate) fn thread_id() -> i32 {
    static NEXT: AtomicI32 = AtomicI32::new(1);
    thread_local! {
        static OWN: i32 = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    OWN.try_with(|own| *own).unwrap_or(-1)
}

pub(crate) fn calls_of(_slot: &Slot) -> Vec<u64> {
    Vec::new()
}
