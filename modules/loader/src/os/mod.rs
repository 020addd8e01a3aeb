//! What differs between systems.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::{identity, library_at, open};
#[cfg(windows)]
pub(crate) use windows::{identity, library_at, open};
