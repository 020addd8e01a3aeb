//! Opening a library that has been found fit.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use abi_stable::abi_stability::abi_checking::check_layout_compatibility;
use abi_stable::type_layout::TypeLayout;
use keel_core_types::Shared;
use keel_module_types::{ModuleRoot, facade_address, root_layout};
use libloading::Library;

use crate::module::{Mapped, contain};
use crate::{LibraryFile, LoadError, Module, open, os};

/// Opens modules, and counts what it has opened.
#[derive(Clone, Default)]
pub struct Loader {
    ledger: Arc<Ledger>,
}

/// What one loader has open.
pub(crate) struct Ledger {
    pub(crate) open: Shared<BTreeSet<PathBuf>>,
    pub(crate) census: Shared<Census>,
}

impl Default for Ledger {
    fn default() -> Self {
        Self { open: Shared::new(BTreeSet::new()), census: Shared::new(Census::default()) }
    }
}

/// How many libraries a loader has opened, and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Opened since the start.
    pub opened: u64,
    /// Closed again.
    pub unmapped: u64,
    /// Retired, but kept mapped because closing them would not have been safe.
    pub kept: u64,
    /// The file sizes of those that were kept, in bytes.
    pub kept_bytes: u64,
}

impl Census {
    /// Libraries that are mapped now.
    pub fn mapped(&self) -> u64 {
        self.opened - self.unmapped
    }
}

impl Loader {
    /// A loader that has opened nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// What became of the libraries so far.
    pub fn census(&self) -> Census {
        *self.ledger.census.read()
    }

    /// Opens the module at `path`, after all checks.
    ///
    /// # Errors
    /// [`LoadError`]; unless it is one of the last kinds, nothing of the library has run.
    pub fn open(&self, path: &Path) -> Result<Module, LoadError> {
        self.open_file(LibraryFile::read(path)?)
    }

    /// Opens the module in a file that was read before.
    ///
    /// # Errors
    /// As [`Loader::open`].
    pub fn open_file(&self, file: LibraryFile) -> Result<Module, LoadError> {
        file.check_fit()?;
        if !self.ledger.open.write().insert(file.path().to_owned()) {
            return Err(LoadError::AlreadyOpen { path: file.path().to_owned() });
        }
        let opened = open_checked(&file);
        if opened.is_err() {
            self.ledger.open.write().remove(file.path());
        }
        let (library, root) = opened?;
        self.ledger.census.write().opened += 1;
        open::note_opened(&file);
        Ok(Module::new(Mapped::new(file, root, Some(library), Arc::clone(&self.ledger))))
    }

    /// Takes up a module that is linked into this program: `KEEL_MODULE` of its crate. It passes the checks of a
    /// library that was opened, is never unmapped, and does not count in the census.
    ///
    /// # Errors
    /// [`LoadError`], as [`Loader::open`].
    pub fn link(&self, root: &'static ModuleRoot) -> Result<Module, LoadError> {
        let file = LibraryFile::linked(root.descriptor);
        file.check_built()?;
        check_facade(&file, root)?;
        Ok(Module::new(Mapped::new(file, *root, None, Arc::clone(&self.ledger))))
    }
}

/// Opens the library and copies its root table, field by field as far as it can be trusted.
#[allow(unsafe_code, reason = "opening a library is what this crate is for")]
fn open_checked(file: &LibraryFile) -> Result<(Library, ModuleRoot), LoadError> {
    let module = || file.descriptor().name().to_owned();
    // SAFETY: the file has a module descriptor with this host's own fingerprint, so it was built by the same
    // compiler from the same sources of Keel; a library that lies about that can't be told from one that doesn't,
    // and is what the descriptor, in the end, trusts its author about.
    let library = unsafe { os::open(file.path()) }
        .map_err(|error| LoadError::Open { path: file.path().to_owned(), reason: text_of(&error) })?;

    let layout: *const fn() -> &'static TypeLayout = find(&library, file, "layout")?;
    // SAFETY: `export_module!`, whose descriptor matched, exports a static of this type under this name.
    let layout = unsafe { *layout };
    let layout = contain(file, "layout", layout)?;
    check_layout_compatibility(root_layout(), layout)
        .map_err(|error| LoadError::RootLayout { module: module(), difference: error.to_string() })?;

    let root: *const ModuleRoot = find(&library, file, "root")?;
    // SAFETY: as above, and the table's layout has just been checked field by field.
    let root = unsafe { *root };
    check_facade(file, &root)?;
    Ok((library, root))
}

/// Checks that the module sees the facade that this host does.
fn check_facade(file: &LibraryFile, root: &ModuleRoot) -> Result<(), LoadError> {
    if contain(file, "facade", root.facade)? == facade_address() {
        return Ok(());
    }
    Err(LoadError::SecondFacade { module: file.descriptor().name().to_owned() })
}

/// The address of a static that `export_module!` exports.
#[allow(unsafe_code, reason = "symbols of a library have no type")]
fn find<T>(library: &Library, file: &LibraryFile, what: &str) -> Result<*const T, LoadError> {
    let symbol = format!("keel_{what}_{}", file.crate_name());
    // SAFETY: only the address is taken here; whoever follows it says why its type is right.
    let found = unsafe { library.get::<*const T>(symbol.as_bytes()) };
    let found = found
        .map_err(|_| LoadError::MissingSymbol { path: file.path().to_owned(), symbol: symbol.clone() })?;
    // SAFETY: as above.
    let address = unsafe { found.try_as_raw_ptr() };
    match address {
        Some(address) if !address.is_null() => Ok(address.cast_const().cast()),
        _ => Err(LoadError::MissingSymbol { path: file.path().to_owned(), symbol }),
    }
}

fn text_of(error: &libloading::Error) -> String {
    let source = std::error::Error::source(error).map(|source| format!(": {source}"));
    format!("{error}{}", source.unwrap_or_default())
}
