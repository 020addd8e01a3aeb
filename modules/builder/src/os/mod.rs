//! What differs between systems: how a whole tree of processes is ended, and what file events tell.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::{end_group, start_group};
#[cfg(windows)]
pub(crate) use windows::{end_group, start_group};

/// Whether file events say that a writer has closed its file, as inotify does.
pub(crate) const REPORTS_CLOSE: bool = cfg!(any(target_os = "linux", target_os = "android"));
