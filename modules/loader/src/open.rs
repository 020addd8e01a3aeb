//! The libraries of modules that are open in this process, by whichever loader.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{LibraryFile, os};

/// One that two loaders have open is there twice.
static OPEN: Mutex<Vec<Open>> = Mutex::new(Vec::new());

struct Open {
    path: PathBuf,
    crate_name: String,
    origin: Origin,
}

/// Whose text or code something is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The module.
    pub module: String,
    /// Its generation, once that [was said](crate::Module::set_generation).
    pub generation: Option<u64>,
}

/// The module in whose library `literal` lies, and which generation of it; none for what was made at run time, and for
/// what is no module's. A log record's target is such a literal, so it tells old code that still runs from new code.
///
/// None on Windows, where the system does not tell.
pub fn origin_of(literal: &str) -> Option<Origin> {
    let (library, _) = os::library_at(literal.as_ptr().addr())?;
    open().iter().find(|open| open.path == library).map(|open| open.origin.clone())
}

pub(crate) fn note_opened(file: &LibraryFile) {
    let origin = Origin { module: file.descriptor().name().to_owned(), generation: None };
    open().push(Open { path: file.path().to_owned(), crate_name: file.crate_name().to_owned(), origin });
}

pub(crate) fn note_generation(path: &Path, generation: u64) {
    let mut open = open();
    let of_path = open.iter_mut().filter(|open| open.path == path);
    of_path.for_each(|open| open.origin.generation = Some(generation));
}

pub(crate) fn note_closed(path: &Path) {
    let mut open = open();
    if let Some(index) = open.iter().position(|open| open.path == path) {
        open.swap_remove(index);
    }
}

/// The file of each module, with the crate that exports it.
pub(crate) fn crates() -> BTreeMap<PathBuf, String> {
    open().iter().map(|open| (open.path.clone(), open.crate_name.clone())).collect()
}

fn open() -> MutexGuard<'static, Vec<Open>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}
