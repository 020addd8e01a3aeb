//! What the packages of a workspace were compiled from, as rustc and build scripts have said.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use cargo_metadata::{Artifact, BuildScript, PackageId};

/// The files that one package was compiled from: one of the workspace, or one that is depended on by a path outside of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageInputs {
    /// The package's `Cargo.toml`.
    pub manifest: PathBuf,
    /// Its sources, what `include_str!` and the like read, and what its build script wants to be run again for; sorted.
    pub files: Vec<PathBuf>,
}

/// A package whose sources may change: one that is neither from a registry nor from a repository.
#[derive(Debug, Default)]
pub(super) struct LocalPackage {
    /// [`PackageInputs::files`]
    pub(super) files: BTreeSet<PathBuf>,
    /// Whether these are all. A build script that names nothing is run again for any file of its package, and a crate
    /// without dep-info says nothing.
    pub(super) are_all: bool,
}

/// The local packages that cargo has named, fresh ones too, by their `Cargo.toml`.
pub(super) fn local_packages(
    artifacts: &[Artifact],
    scripts: &[BuildScript],
    root: &Path,
) -> BTreeMap<PathBuf, LocalPackage> {
    let mut packages: BTreeMap<PathBuf, LocalPackage> = BTreeMap::new();
    for artifact in artifacts.iter().filter(|artifact| is_local(&artifact.package_id)) {
        let manifest = artifact.manifest_path.clone().into_std_path_buf();
        let is_new = !packages.contains_key(&manifest);
        let package = packages.entry(manifest.clone()).or_default();
        package.are_all |= is_new;
        package.files.insert(artifact.target.src_path.clone().into_std_path_buf());
        for script in scripts.iter().filter(|script| is_new && script.package_id == artifact.package_id) {
            let files = of_build_script(script, &manifest);
            package.are_all &= files.is_some();
            package.files.extend(files.into_iter().flatten());
        }
        if !artifact.target.is_custom_build() {
            let libraries = artifact.filenames.iter().map(|file| of_crate(file.as_std_path(), root));
            let files: BTreeSet<PathBuf> = libraries.flatten().collect();
            package.are_all &= !files.is_empty();
            package.files.extend(files);
        }
    }
    packages
}

/// The inputs of the packages below `root`, and of those that are depended on by a path.
pub(super) fn inputs_of(packages: BTreeMap<PathBuf, LocalPackage>, root: &Path) -> Vec<PackageInputs> {
    let inputs = packages.into_iter().map(|(manifest, LocalPackage { mut files, .. })| {
        if !manifest.starts_with(root) {
            // The metadata of the workspace does not have it.
            files.insert(manifest.clone());
        }
        PackageInputs { manifest, files: files.into_iter().collect() }
    });
    inputs.collect()
}

fn is_local(package: &PackageId) -> bool {
    package.repr.contains("path+file://")
}

/// The inputs that rustc named for the library at `library`: in `deps`, beside it or below its folder, under the same
/// name but for `lib`.
pub(super) fn of_crate(library: &Path, root: &Path) -> Vec<PathBuf> {
    let folder = library.parent().unwrap_or(Path::new(""));
    let folder = if folder.ends_with("deps") { folder.to_owned() } else { folder.join("deps") };
    let stem = library.file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default();
    let name = stem.strip_prefix(std::env::consts::DLL_PREFIX).unwrap_or(&stem);
    let text = std::fs::read_to_string(folder.join(format!("{name}.d"))).unwrap_or_default();
    let rule = text.lines().find_map(|line| line.split_once(": ")).map(|(_, inputs)| inputs);
    // Make's escape for a space in a name.
    let names = rule.unwrap_or_default().replace("\\ ", "\0");
    let names = names.split(' ').filter(|name| !name.is_empty());
    names.map(|name| without_dots(&root.join(name.replace('\0', " ")))).collect()
}

/// What a build script has asked to be run again for; none if it has not said. Cargo keeps what it printed beside its
/// folder; of a folder that it names, all files that are there now.
fn of_build_script(script: &BuildScript, manifest: &Path) -> Option<Vec<PathBuf>> {
    let output = script.out_dir.parent().map(|folder| folder.join("output"));
    let text = output.and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
    let package = manifest.parent().unwrap_or(Path::new(""));
    let said =
        text.lines().filter_map(|line| line.strip_prefix("cargo::").or_else(|| line.strip_prefix("cargo:")));
    let asked: Vec<&str> = said.filter(|key| key.starts_with("rerun-if-")).collect();
    let paths = asked.iter().filter_map(|key| key.strip_prefix("rerun-if-changed="));
    let files = paths.flat_map(|path| files_at(without_dots(&package.join(path)))).collect();
    (!asked.is_empty()).then_some(files)
}

fn files_at(path: PathBuf) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![path];
    }
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    entries.flat_map(|entry| files_at(entry.path())).collect()
}

/// `include_str!("../x")` is named with its dots, and file events name the file without. Nothing is read
/// from disk: the file may be gone.
fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}
