//! Linux and macOS.

use std::io;
use std::path::{Path, PathBuf};

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

/// Opens the library: all symbols are resolved now, so that a missing one is an error here and not a crash later;
/// none is shown to libraries opened afterwards, which have symbols of the same names.
///
/// # Safety
/// The library's initialisers run. The caller has checked what it is.
#[allow(unsafe_code, reason = "opening a library is what this crate is for")]
pub(crate) unsafe fn open(path: &Path) -> Result<libloading::Library, libloading::Error> {
    // SAFETY: handed on to the caller.
    unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }.map(Into::into)
}

/// The path without links and detours: the system tells open libraries apart by the file, not by its name.
pub(crate) fn identity(path: &Path) -> io::Result<PathBuf> {
    path.canonicalize()
}
