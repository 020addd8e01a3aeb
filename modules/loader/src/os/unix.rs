//! Linux and macOS.

use std::ffi::{CStr, OsStr, c_void};
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::{io, ptr};

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

/// The file of the library or program whose code is at `address`, and the address at which it begins.
#[allow(unsafe_code, reason = "the system's own list of libraries is asked")]
pub(crate) fn library_at(address: usize) -> Option<(PathBuf, usize)> {
    let mut info = MaybeUninit::<libc::Dl_info>::uninit();
    // SAFETY: `dladdr` takes any address, and writes nothing but `info`.
    let is_found =
        unsafe { libc::dladdr(ptr::without_provenance::<c_void>(address), info.as_mut_ptr()) } != 0;
    if !is_found {
        return None;
    }
    // SAFETY: it has been written.
    let info = unsafe { info.assume_init() };
    if info.dli_fname.is_null() {
        return None;
    }
    // SAFETY: a text with a 0 at its end, which lives as long as the library is open; its code is running.
    let name = unsafe { CStr::from_ptr(info.dli_fname) };
    Some((Path::new(OsStr::from_bytes(name.to_bytes())).to_owned(), info.dli_fbase.addr()))
}
