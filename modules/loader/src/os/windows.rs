//! Windows.

use std::io;
use std::path::{Path, PathBuf};

use libloading::os::windows::{LOAD_WITH_ALTERED_SEARCH_PATH, Library};

/// Opens the library; the libraries it needs are looked for beside it first.
///
/// # Safety
/// The library's initialisers run. The caller has checked what it is.
#[allow(unsafe_code, reason = "opening a library is what this crate is for")]
pub(crate) unsafe fn open(path: &Path) -> Result<libloading::Library, libloading::Error> {
    // SAFETY: handed on to the caller.
    unsafe { Library::load_with_flags(path, LOAD_WITH_ALTERED_SEARCH_PATH) }.map(Into::into)
}

/// The path in full. Links are left as they are: resolved paths begin with `\\?\`, which the system's loader does not
/// take everywhere.
pub(crate) fn identity(path: &Path) -> io::Result<PathBuf> {
    std::path::absolute(path)
}

/// Not known here: backtraces are left out.
pub(crate) fn library_at(_address: usize) -> Option<(PathBuf, usize)> {
    None
}
