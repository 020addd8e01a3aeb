//! What a change of files means: modules to swap, a restart, a manifest to read again, or nothing.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use keel_core_types::ModuleId;

use crate::package::Package;
use crate::{ModuleManifest, ResolveErrors, Workspace};

/// What must be done about a set of changed files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Affected {
    /// The modules to rebuild and swap together, sorted by name.
    pub modules: Vec<ModuleId>,
    /// Why the change can't be swapped, if it can't; the first reason in the order of the files.
    pub restart: Option<RestartReason>,
    /// Whether the metadata must be read again: a member's `Cargo.toml` changed, or there is a new one.
    pub manifest_changed: bool,
    /// Whether `Cargo.lock` changed. Cargo rewrites it when a module is added, so whether that needs a
    /// restart is answered by [`Workspace::lockfile_restart`] from the two texts.
    pub lockfile_changed: bool,
    /// Folders that may become members; watch them for a `Cargo.toml`.
    pub new_folders: Vec<PathBuf>,
    /// Files that no running code depends on.
    pub ignored: Vec<PathBuf>,
}

/// Why a change takes a restart of the engine process.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RestartReason {
    /// A crate that is linked into the running host.
    Package {
        /// Its name.
        name: String,
        /// The file that changed.
        file: PathBuf,
    },
    /// The root `Cargo.toml`, `.cargo/config.toml` or `rust-toolchain.toml`: all crates are built with them.
    BuildSettings {
        /// The file that changed.
        file: PathBuf,
    },
    /// Another version of a crate that the host is built from.
    Lockfile {
        /// The packages that changed, came or went, sorted by name.
        packages: Vec<String>,
    },
}

impl fmt::Display for RestartReason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Package { name, file } => {
                write!(out, "`{name}` is part of the running host, and {} changed", file.display())
            }
            Self::BuildSettings { file } => {
                write!(out, "host and modules are built with {}, which changed", file.display())
            }
            Self::Lockfile { packages } => {
                write!(out, "the running host is built from other versions of {}", packages.join(", "))
            }
        }
    }
}

enum Change<'a> {
    Nothing,
    Lockfile,
    BuildSettings { is_manifest: bool },
    Manifest(Option<&'a Package>),
    Source(Vec<&'a Package>),
    NewFolder,
}

impl Workspace {
    /// What the change of `files` means; relative paths are taken from the workspace's root. Nothing is read
    /// from disk, so that files which are gone can be asked for too.
    ///
    /// A changed types crate brings all modules that link it. Tests, benchmarks and examples are ignored.
    pub fn affected(&self, files: &[PathBuf]) -> Affected {
        let mut affected = Affected::default();
        let mut modules = BTreeSet::new();
        for file in files {
            let file = self.root.join(file);
            self.add_change(&file, &mut affected, &mut modules);
        }
        let is_affected = |module: &&ModuleManifest| modules.contains(module.name.as_str());
        affected.modules = self.modules().iter().filter(is_affected).map(|module| module.id).collect();
        affected
    }

    /// Remembers files outside of the source folders that the package with this `Cargo.toml` is compiled from, as
    /// dep-info names them after a build: what `include_str!` and `include_bytes!` read. Returns whether any of them was
    /// not known, so that [`Workspace::watched_inputs`] may name more folders.
    ///
    /// A package that is no member is one that members depend on by its path, or another one that such a package needs:
    /// the metadata does not say which. Its files count for all members that depend on any.
    pub fn add_inputs_of(&mut self, manifest: &Path, files: impl IntoIterator<Item = PathBuf>) -> bool {
        let files: Vec<_> = files.into_iter().map(|file| self.root.join(file)).collect();
        let mut is_any_new = false;
        for reader in self.compiled_with(manifest) {
            let extra: Vec<_> = files.iter().filter(|file| self.is_extra_of(reader, file)).cloned().collect();
            let name = &self.packages[reader].name;
            for file in extra {
                is_any_new |= self.extra_inputs.entry(file).or_default().insert(name.clone());
            }
        }
        is_any_new
    }

    /// The indices of the packages that a package is, or is compiled into if it is no member.
    fn compiled_with(&self, manifest: &Path) -> Vec<usize> {
        match self.packages.iter().position(|package| package.manifest == manifest) {
            Some(index) => vec![index],
            None => (0..self.packages.len())
                .filter(|index| self.packages[*index].links_from_outside(&self.packages))
                .collect(),
        }
    }

    /// Whether the package at index `reader` is compiled from `file`, and the metadata does not say so.
    fn is_extra_of(&self, reader: usize, file: &Path) -> bool {
        // A build script of the host looks at what others are compiled from, and is run again in its own time; the
        // host must not be restarted for it.
        let is_others = self.fixed.contains(&reader) && self.source_of(file).is_some();
        // What cargo makes is no input: a build script's `OUT_DIR` is written by the build itself.
        !self.packages[reader].is_compiled_from(file) && !self.is_built(file) && !is_others
    }

    /// The modules that conflicts of a newer state of this workspace name, by themselves or by a types crate that they
    /// link; sorted by name. They are not to be built before these are mended.
    pub fn named_in(&self, errors: &ResolveErrors) -> Vec<ModuleId> {
        let is_named = |package: &&Package| {
            errors.conflicts().iter().any(|conflict| conflict.concerns(&package.name, &package.manifest))
        };
        let named: Vec<_> = self.packages.iter().filter(is_named).collect();
        let links_one = |module: &&ModuleManifest| named.iter().any(|package| links(module, package));
        self.modules().iter().filter(links_one).map(|module| module.id).collect()
    }

    fn add_change<'a>(&'a self, file: &Path, affected: &mut Affected, modules: &mut BTreeSet<&'a str>) {
        match self.change_of(file) {
            Change::Nothing => affected.ignored.push(file.to_owned()),
            Change::Lockfile => affected.lockfile_changed = true,
            Change::BuildSettings { is_manifest } => {
                affected.manifest_changed |= is_manifest;
                let reason = || RestartReason::BuildSettings { file: file.to_owned() };
                affected.restart.get_or_insert_with(reason);
            }
            Change::NewFolder => affected.new_folders.push(file.to_owned()),
            Change::Manifest(package) => {
                affected.manifest_changed = true;
                if let Some(package) = package {
                    self.add_package(package, file, affected, modules);
                }
            }
            Change::Source(packages) => {
                let mut runs = false;
                for package in packages {
                    runs |= self.add_package(package, file, affected, modules);
                }
                if !runs {
                    affected.ignored.push(file.to_owned());
                }
            }
        }
    }

    /// Adds what is compiled from `package`; false if nothing that runs is.
    fn add_package<'a>(
        &'a self,
        package: &Package,
        file: &Path,
        affected: &mut Affected,
        modules: &mut BTreeSet<&'a str>,
    ) -> bool {
        let is_fixed = self.fixed.iter().any(|index| self.packages[*index].root == package.root);
        if is_fixed {
            let reason = || RestartReason::Package { name: package.name.clone(), file: file.to_owned() };
            affected.restart.get_or_insert_with(reason);
        }
        let linking = self.modules().iter().filter(|module| links(module, package));
        let mut linking = linking.map(|module| module.name.as_str()).peekable();
        let is_linked = linking.peek().is_some();
        modules.extend(linking);
        is_fixed || is_linked
    }

    fn change_of(&self, file: &Path) -> Change<'_> {
        if self.is_built(file) {
            return Change::Nothing;
        }
        match file.strip_prefix(&self.root).ok().and_then(Path::to_str) {
            Some("Cargo.lock") => return Change::Lockfile,
            Some("Cargo.toml") => return Change::BuildSettings { is_manifest: true },
            Some("rust-toolchain.toml" | "rust-toolchain" | ".cargo/config.toml" | ".cargo/config") => {
                return Change::BuildSettings { is_manifest: false };
            }
            _ => {}
        }
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name == "Cargo.toml" && file.starts_with(&self.root) {
            return Change::Manifest(self.packages.iter().find(|package| package.manifest == file));
        }
        if let Some(readers) = self.extra_inputs.get(file) {
            let owner = self.source_of(file).map(|owner| owner.name.as_str());
            let reads = |it: &&Package| readers.contains(&it.name) || owner == Some(it.name.as_str());
            return Change::Source(self.packages.iter().filter(reads).collect());
        }
        // What editors write beside the file they save.
        if name.starts_with('.') || name.ends_with('~') {
            return Change::Nothing;
        }
        self.source_of(file).map_or_else(|| self.folder_of(file), |package| Change::Source(vec![package]))
    }

    /// Whether cargo writes `file`. A workspace may itself lie in a target directory: one that a test has made.
    fn is_built(&self, file: &Path) -> bool {
        self.target_dir.starts_with(&self.root) && file.starts_with(&self.target_dir)
    }

    fn source_of(&self, file: &Path) -> Option<&Package> {
        let owners = self.packages.iter().filter(|package| package.is_compiled_from(file));
        owners.max_by_key(|package| package.root.as_os_str().len())
    }

    fn folder_of(&self, path: &Path) -> Change<'_> {
        let is_folder = path.extension().is_none();
        if is_folder && self.may_become_member(path) { Change::NewFolder } else { Change::Nothing }
    }
}

/// Whether a module is `package`, or links it as a types crate.
fn links(module: &ModuleManifest, package: &Package) -> bool {
    module.name == package.name || module.model_crates.contains(&package.name)
}
