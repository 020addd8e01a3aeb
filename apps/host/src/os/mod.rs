//! What differs between systems: how two processes are joined.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::{Stream, join_child, own_stream, resident_kib};
#[cfg(windows)]
pub(crate) use windows::{Stream, join_child, own_stream, resident_kib};
