//! Files that are either the old one or the new one, never half of each.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::StateError;

/// Replaces the file at `path` with `bytes`: written to a temporary in the same folder, synced, renamed, and
/// the folder synced. Whenever the machine stops, `path` is the old file or the new one.
///
/// # Errors
/// [`StateError::Io`] with the call that failed; the temporary is gone then and the old file untouched, unless
/// only the folder could not be synced.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), StateError> {
    let temporary = temporary_beside(path);
    if let Err(error) = write_and_rename(&temporary, path, bytes) {
        // The first error is the one to tell; that the temporary cannot be removed either follows from it.
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    sync_folder(path)
}

/// The content of the file at `path`.
///
/// # Errors
/// [`StateError::Io`]
pub fn read_file(path: &Path) -> Result<Vec<u8>, StateError> {
    fs::read(path).map_err(failed("read", path))
}

fn write_and_rename(temporary: &Path, path: &Path, bytes: &[u8]) -> Result<(), StateError> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(temporary)
        .map_err(failed("create", temporary))?;
    file.write_all(bytes).map_err(failed("write", temporary))?;
    file.sync_all().map_err(failed("sync", temporary))?;
    fs::rename(temporary, path).map_err(failed("replace", path))
}

/// A name that no other thread or process uses.
fn temporary_beside(path: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}-{number}.partial", std::process::id()));
    path.with_file_name(name)
}

/// Makes the rename itself last. Windows has no such call, and journals renames.
fn sync_folder(path: &Path) -> Result<(), StateError> {
    if cfg!(windows) {
        return Ok(());
    }
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed("sync", folder))
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> StateError {
    move |source| StateError::Io { action: action.to_owned(), path: path.to_owned(), source }
}
