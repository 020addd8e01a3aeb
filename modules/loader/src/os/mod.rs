//! What differs between systems.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::{identity, open};
#[cfg(windows)]
pub(crate) use windows::{identity, open};
