//! A workspace as Keel sees it: its modules, their order, and how it differs from an older one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use cargo_metadata::Metadata;
use keel_core_types::ModuleId;

use crate::check::check;
use crate::order::ViewGraph;
use crate::package::{FACADE, Package, closure, packages_of};
use crate::section::PackageKind;
use crate::{ModuleKind, ModuleManifest, ReadError, ResolveErrors};

/// The modules of a workspace, which fit together.
#[derive(Clone, Debug)]
pub struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) target_dir: PathBuf,
    pub(crate) packages: Vec<Package>,
    /// The packages linked into the running host, by index: they can't be swapped.
    pub(crate) fixed: BTreeSet<usize>,
    pub(crate) extra_inputs: BTreeMap<PathBuf, BTreeSet<String>>,
    modules: Vec<ModuleManifest>,
    benches: Vec<ModuleManifest>,
    load_order: Vec<Vec<ModuleId>>,
}

/// How the modules of one workspace differ from those of an older one, each list sorted by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkspaceDiff {
    /// Modules only the newer one has.
    pub added: Vec<ModuleId>,
    /// Modules only the older one has.
    pub removed: Vec<ModuleId>,
    /// Modules whose manifest says something else now.
    pub changed: Vec<ModuleId>,
}

impl Workspace {
    /// Finds the modules in cargo's metadata, read with or without `--no-deps`, and checks that they fit.
    ///
    /// # Errors
    /// Every conflict at once: malformed sections, missing or double providers, cycles, versions, features,
    /// names, and dependencies that a module must not have.
    pub fn from_metadata(metadata: &Metadata) -> Result<Self, ResolveErrors> {
        let mut conflicts = Vec::new();
        let packages = packages_of(metadata, &mut conflicts);
        let modules = modules_of(&packages, game_kind);
        let benches = modules_of(&packages, bench_kind);
        check(&packages, &modules, &mut conflicts);
        let graph = ViewGraph::new(&modules);
        conflicts.extend(graph.cycles());
        ResolveErrors::check(conflicts)?;
        let load_order = graph.waves();
        let root = metadata.workspace_root.clone().into_std_path_buf();
        let fixed = fixed_packages(&packages, &root);
        let target_dir = metadata.target_directory.clone().into_std_path_buf();
        let extra_inputs = BTreeMap::new();
        Ok(Self { root, target_dir, packages, fixed, extra_inputs, modules, benches, load_order })
    }

    /// The modules, sorted by name.
    pub fn modules(&self) -> &[ModuleManifest] {
        &self.modules
    }

    /// The modules of benchmarks (`kind = "bench"`), sorted by name. No game loads them, and a change of one affects
    /// nothing that runs.
    pub fn benches(&self) -> &[ModuleManifest] {
        &self.benches
    }

    /// The module with this id.
    pub fn module(&self, id: ModuleId) -> Option<&ModuleManifest> {
        self.modules.iter().find(|module| module.id == id)
    }

    /// The modules in waves: models first, and a provider before those that require its views. The modules
    /// of one wave don't need each other and may load in parallel; within a wave they are sorted by name.
    pub fn load_order(&self) -> &[Vec<ModuleId>] {
        &self.load_order
    }

    /// The modules one after the other, as in [`Workspace::load_order`]: whoever starts modules does it in this order,
    /// so that all play the same game.
    pub fn in_load_order(&self) -> impl Iterator<Item = &ModuleManifest> {
        self.load_order.iter().flatten().filter_map(|id| self.module(*id))
    }

    /// Checks that the package `host` is a member: what runs the modules.
    ///
    /// # Errors
    /// [`ReadError::NoHost`]
    pub fn check_host(&self, host: &str) -> Result<(), ReadError> {
        if self.packages.iter().any(|package| package.name == host) {
            return Ok(());
        }
        Err(ReadError::NoHost { root: self.root.clone(), host: host.to_owned() })
    }

    /// The folder with the workspace's `Cargo.toml` and `Cargo.lock`.
    pub fn root(&self) -> &std::path::Path {
        &self.root
    }

    /// What happened to the modules between this workspace and a `newer` one.
    pub fn diff(&self, newer: &Self) -> WorkspaceDiff {
        let mut diff = WorkspaceDiff::default();
        for module in &newer.modules {
            match self.module(module.id) {
                None => diff.added.push(module.id),
                Some(old) if old != module => diff.changed.push(module.id),
                Some(_) => {}
            }
        }
        let removed = self.modules.iter().filter(|module| newer.module(module.id).is_none());
        diff.removed.extend(removed.map(|module| module.id));
        diff
    }
}

/// The packages for which `kind_of` has a module's kind.
fn modules_of(packages: &[Package], kind_of: fn(PackageKind) -> Option<ModuleKind>) -> Vec<ModuleManifest> {
    (0..packages.len()).filter_map(|index| module_of(packages, index, kind_of)).collect()
}

fn game_kind(kind: PackageKind) -> Option<ModuleKind> {
    match kind {
        PackageKind::Module(kind) => Some(kind),
        PackageKind::Bench | PackageKind::Types | PackageKind::Area => None,
    }
}

/// What it declares, a view model declares.
fn bench_kind(kind: PackageKind) -> Option<ModuleKind> {
    (kind == PackageKind::Bench).then_some(ModuleKind::ViewModel)
}

fn module_of(
    packages: &[Package],
    index: usize,
    kind_of: fn(PackageKind) -> Option<ModuleKind>,
) -> Option<ModuleManifest> {
    let package = &packages[index];
    let section = package.section.as_ref()?;
    let kind = kind_of(section.kind)?;
    let linked = closure(packages, [index]).into_iter().map(|index| &packages[index]);
    let types = linked.filter(|package| package.kind() == Some(PackageKind::Types));
    Some(ModuleManifest {
        name: package.name.clone(),
        id: ModuleId::of(&package.name),
        package_id: package.id.clone(),
        version: package.version.clone(),
        manifest_path: package.manifest.clone(),
        source_dirs: package.source_dirs.clone(),
        kind,
        provides: section.provides.clone(),
        requires: section.requires.clone(),
        features: section.features.clone(),
        model: section.model.clone(),
        library: package.library.as_ref().map_or_else(String::new, |library| library.name.clone()),
        model_crates: types.map(|package| package.name.clone()).collect(),
    })
}

/// The facade, the root package and all they are built from.
fn fixed_packages(packages: &[Package], root: &std::path::Path) -> BTreeSet<usize> {
    let is_start =
        |package: &Package| package.name == FACADE || (package.root == root && package.section.is_none());
    closure(packages, (0..packages.len()).filter(|index| is_start(&packages[*index])))
}
