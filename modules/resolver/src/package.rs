//! The packages of a workspace, with no more of cargo's metadata than the rules need.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cargo_metadata::semver::Version;
use cargo_metadata::{DependencyKind, Metadata, PackageId, TargetKind};

use crate::Conflict;
use crate::section::{PackageKind, Section, SectionReader};

/// The package every module links.
pub(crate) const FACADE: &str = "keel";

#[derive(Clone, Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) id: PackageId,
    pub(crate) version: Version,
    pub(crate) manifest: PathBuf,
    pub(crate) root: PathBuf,
    pub(crate) source_dirs: Vec<PathBuf>,
    pub(crate) build_script: Option<PathBuf>,
    pub(crate) library: Option<Library>,
    pub(crate) dependencies: Vec<PathDependency>,
    pub(crate) section: Option<Section>,
}

#[derive(Clone, Debug)]
pub(crate) struct Library {
    pub(crate) name: String,
    pub(crate) is_dylib: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct PathDependency {
    pub(crate) name: String,
    pub(crate) root: PathBuf,
    pub(crate) is_dev: bool,
}

impl Package {
    fn new(package: &cargo_metadata::Package, conflicts: &mut Vec<Conflict>) -> Self {
        let manifest = package.manifest_path.clone().into_std_path_buf();
        let mut reader =
            SectionReader { manifest: manifest.clone(), package_version: package.version.clone(), conflicts };
        let section = reader.read(&package.metadata);
        let library = library_of(package);
        if let Some(section) = &section {
            check_library(section.kind, library.as_ref(), &mut reader);
        }
        Self {
            name: package.name.to_string(),
            id: package.id.clone(),
            version: package.version.clone(),
            root: manifest.parent().unwrap_or(Path::new("/")).to_owned(),
            manifest,
            source_dirs: source_dirs_of(package),
            build_script: build_script_of(package),
            library,
            dependencies: path_dependencies_of(package),
            section,
        }
    }

    /// What the package is to Keel, if it says so.
    pub(crate) fn kind(&self) -> Option<PackageKind> {
        self.section.as_ref().map(|section| section.kind)
    }

    /// Whether it is built as a module, be it a game's or one of benchmarks.
    pub(crate) fn is_module(&self) -> bool {
        matches!(self.kind(), Some(PackageKind::Module(_) | PackageKind::Bench))
    }

    /// Whether it is built from a crate of another folder that is no member, tests left out.
    pub(crate) fn links_from_outside(&self, packages: &[Package]) -> bool {
        let built = self.dependencies.iter().filter(|dependency| !dependency.is_dev);
        built.into_iter().any(|dependency| position(packages, &dependency.root).is_none())
    }

    /// Whether the package is compiled from `file`, as far as cargo's metadata tells.
    pub(crate) fn is_compiled_from(&self, file: &Path) -> bool {
        self.build_script.as_deref() == Some(file) || self.source_dirs.iter().any(|dir| file.starts_with(dir))
    }
}

/// The workspace's members, sorted by name and manifest.
pub(crate) fn packages_of(metadata: &Metadata, conflicts: &mut Vec<Conflict>) -> Vec<Package> {
    let mut members = metadata.workspace_packages();
    members.sort_by_key(|package| (package.name.to_string(), package.manifest_path.clone()));
    members.into_iter().map(|package| Package::new(package, conflicts)).collect()
}

/// The indices of `starts` and of all they are built from in this workspace, tests left out.
pub(crate) fn closure(packages: &[Package], starts: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<usize> = starts.into_iter().collect();
    while let Some(index) = open.pop() {
        if !reached.insert(index) {
            continue;
        }
        let needed = packages[index].dependencies.iter().filter(|dependency| !dependency.is_dev);
        open.extend(needed.filter_map(|dependency| position(packages, &dependency.root)));
    }
    reached
}

/// The member whose `Cargo.toml` lies in `root`.
pub(crate) fn position(packages: &[Package], root: &Path) -> Option<usize> {
    packages.iter().position(|package| package.root == root)
}

fn library_of(package: &cargo_metadata::Package) -> Option<Library> {
    let is_library = |kind: &TargetKind| {
        matches!(
            kind,
            TargetKind::Lib
                | TargetKind::RLib
                | TargetKind::DyLib
                | TargetKind::CDyLib
                | TargetKind::StaticLib
                | TargetKind::ProcMacro
        )
    };
    let target = package.targets.iter().find(|target| target.kind.iter().any(is_library))?;
    Some(Library { name: target.name.clone(), is_dylib: target.is_kind(TargetKind::DyLib) })
}

fn check_library(kind: PackageKind, library: Option<&Library>, reader: &mut SectionReader<'_>) {
    let is_dylib = library.is_some_and(|library| library.is_dylib);
    match kind {
        PackageKind::Module(_) | PackageKind::Bench if !is_dylib => {
            let problem = "a module is a dylib; write `crate-type = [\"dylib\", \"rlib\"]`";
            reader.malformed("lib.crate-type", problem);
        }
        // A dylib that modules link would tie their new generation to its old one.
        PackageKind::Types if is_dylib || library.is_none() => {
            let problem =
                "a crate of kind `types` is linked into its modules; give it a library and no crate-type";
            reader.malformed("lib.crate-type", problem);
        }
        _ => {}
    }
}

fn source_dirs_of(package: &cargo_metadata::Package) -> Vec<PathBuf> {
    let no_source = [TargetKind::Test, TargetKind::Bench, TargetKind::Example, TargetKind::CustomBuild];
    let is_source =
        |target: &&cargo_metadata::Target| !no_source.iter().any(|kind| target.is_kind(kind.clone()));
    let folders = package.targets.iter().filter(is_source).filter_map(|target| target.src_path.parent());
    let folders: BTreeSet<PathBuf> = folders.map(|folder| folder.as_std_path().to_owned()).collect();
    // A folder inside another adds nothing: `src/bin` lies in `src`.
    let is_outermost =
        |folder: &&PathBuf| !folders.iter().any(|other| other != *folder && folder.starts_with(other));
    folders.iter().filter(is_outermost).cloned().collect()
}

fn build_script_of(package: &cargo_metadata::Package) -> Option<PathBuf> {
    let target = package.targets.iter().find(|target| target.is_kind(TargetKind::CustomBuild))?;
    Some(target.src_path.clone().into_std_path_buf())
}

fn path_dependencies_of(package: &cargo_metadata::Package) -> Vec<PathDependency> {
    let from_path = |dependency: &cargo_metadata::Dependency| {
        Some(PathDependency {
            name: dependency.name.clone(),
            root: dependency.path.clone()?.into_std_path_buf(),
            is_dev: dependency.kind == DependencyKind::Development,
        })
    };
    package.dependencies.iter().filter_map(from_path).collect()
}
