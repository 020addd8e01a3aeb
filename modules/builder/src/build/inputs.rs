//! What the packages of a workspace were compiled from, as rustc and build scripts have said.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use cargo_metadata::{Artifact, BuildScript};

/// The files that one package of the workspace was compiled from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageInputs {
    /// The package's `Cargo.toml`.
    pub manifest: PathBuf,
    /// Its sources, what `include_str!` and the like read, and what its build script wants to be run again for; sorted.
    pub files: Vec<PathBuf>,
}

/// The inputs of all packages below `root` that cargo has named, fresh ones too.
pub(super) fn inputs_of(artifacts: &[Artifact], scripts: &[BuildScript], root: &Path) -> Vec<PackageInputs> {
    let own = |artifact: &&Artifact| artifact.manifest_path.starts_with(root);
    let mut inputs: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for artifact in artifacts.iter().filter(own) {
        let manifest = artifact.manifest_path.clone().into_std_path_buf();
        let files = inputs.entry(manifest.clone()).or_default();
        let of_scripts = scripts.iter().filter(|script| script.package_id == artifact.package_id);
        files.extend(of_scripts.flat_map(|script| of_build_script(script, &manifest)));
        files.extend(artifact.filenames.iter().flat_map(|file| of_crate(file.as_std_path(), root)));
    }
    let inputs = inputs.into_iter().map(|(manifest, mut files)| {
        files.sort();
        files.dedup();
        PackageInputs { manifest, files }
    });
    inputs.collect()
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

/// What a build script has asked to be run again for. Cargo keeps what it printed beside its folder; of a folder that
/// it names, all files that are there now.
fn of_build_script(script: &BuildScript, manifest: &Path) -> Vec<PathBuf> {
    let output = script.out_dir.parent().map(|folder| folder.join("output"));
    let text = output.and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
    let package = manifest.parent().unwrap_or(Path::new(""));
    let asked = text.lines().filter_map(|line| {
        let key = line.strip_prefix("cargo::").or_else(|| line.strip_prefix("cargo:"))?;
        key.strip_prefix("rerun-if-changed=")
    });
    asked.flat_map(|path| files_at(without_dots(&package.join(path)))).collect()
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
