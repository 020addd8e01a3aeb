//! What the system does for reports and for the watchdog. Linux alone is asked for it.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;

#[cfg(target_os = "linux")]
pub(crate) use linux::{calls_of, enter_thread, leave_thread, thread_id};
#[cfg(target_os = "linux")]
pub use linux::{end_process, install, limit_further_memory, limit_memory, limit_stack, maps};
#[cfg(not(target_os = "linux"))]
pub(crate) use other::{calls_of, enter_thread, leave_thread, thread_id};
#[cfg(not(target_os = "linux"))]
pub use other::{end_process, install, limit_further_memory, limit_memory, limit_stack, maps};
