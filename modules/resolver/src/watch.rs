//! Which folders to watch. Only folders: editors replace a file when they save it, and a watch on the file
//! itself would stay with the old one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cargo_metadata::Metadata;

use crate::Workspace;
use crate::package::{Package, packages_of};

/// How far below a folder to watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WatchDepth {
    /// The files in it and the names of its folders.
    Folder,
    /// All that is in it.
    Tree,
}

/// A folder to watch.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WatchedInput {
    /// The folder. `.cargo` is named though it may not exist.
    pub path: PathBuf,
    /// How far below it.
    pub depth: WatchDepth,
}

/// The folders to watch, sorted by path, for a workspace whose modules may not fit together: it is watched
/// until they do.
pub fn watched_inputs(metadata: &Metadata) -> Vec<WatchedInput> {
    let packages = packages_of(metadata, &mut Vec::new());
    watched(metadata.workspace_root.as_std_path(), &packages, &BTreeMap::new())
}

impl Workspace {
    /// The folders to watch, sorted by path: sources with all below them; package roots, with manifests and
    /// build scripts; the folders of extra inputs; the folders in which a new member could appear; and the
    /// root with `Cargo.lock` and the build settings. Never the target directory.
    pub fn watched_inputs(&self) -> Vec<WatchedInput> {
        watched(&self.root, &self.packages, &self.extra_inputs)
    }

    /// The folders whose subfolders may be members: those in which members are, and members themselves, as in
    /// `systems` and `systems/shoal-model`. The workspace's root is one only if members are in it.
    pub(crate) fn candidate_parents(&self) -> BTreeSet<&Path> {
        let members = self.packages.iter().map(|package| package.root.as_path());
        let members = members.filter(|member| *member != self.root);
        member_parents(&self.root, &self.packages).into_iter().chain(members).collect()
    }

    /// Whether `folder` is none of cargo's and no member, in a place where a member could be.
    pub(crate) fn may_become_member(&self, folder: &Path) -> bool {
        let is_cargos = |name| ["src", "tests", "benches", "examples", "target"].iter().any(|it| name == *it);
        !folder.file_name().is_some_and(is_cargos)
            && !self.target_dir.starts_with(folder)
            && !self.packages.iter().any(|package| package.root == folder || package.is_compiled_from(folder))
            && folder.parent().is_some_and(|parent| self.candidate_parents().contains(parent))
    }
}

fn member_parents<'a>(root: &'a Path, packages: &'a [Package]) -> BTreeSet<&'a Path> {
    let members = packages.iter().map(|package| package.root.as_path()).filter(|member| *member != root);
    members.filter_map(Path::parent).filter(|parent| parent.starts_with(root)).collect()
}

fn watched(
    root: &Path,
    packages: &[Package],
    extra: &BTreeMap<PathBuf, BTreeSet<String>>,
) -> Vec<WatchedInput> {
    let trees: BTreeSet<&Path> = packages.iter().flat_map(Package::source_trees).collect();
    let mut folders: BTreeSet<PathBuf> = [root.to_owned(), root.join(".cargo")].into();
    folders.extend(packages.iter().map(|package| package.root.clone()));
    folders.extend(
        packages.iter().filter_map(|package| Some(package.build_script.as_ref()?.parent()?.to_owned())),
    );
    folders.extend(packages.iter().flat_map(Package::source_folders).map(Path::to_owned));
    folders.extend(extra.keys().filter_map(|file| Some(file.parent()?.to_owned())));
    folders.extend(member_parents(root, packages).into_iter().map(Path::to_owned));
    let is_covered = |folder: &PathBuf| trees.iter().any(|tree| folder.starts_with(tree));
    folders.retain(|folder| !is_covered(folder));
    let trees = trees.iter().map(|path| WatchedInput { path: path.to_path_buf(), depth: WatchDepth::Tree });
    let folders = folders.into_iter().map(|path| WatchedInput { path, depth: WatchDepth::Folder });
    let mut inputs: Vec<_> = trees.chain(folders).collect();
    inputs.sort();
    inputs
}

impl Package {
    /// Source folders that are watched as a whole.
    fn source_trees(&self) -> impl Iterator<Item = &Path> {
        self.source_dirs.iter().map(PathBuf::as_path).filter(|dir| *dir != self.root)
    }

    /// A `lib.rs` beside `Cargo.toml`: the folder may hold the target directory, so only its files.
    fn source_folders(&self) -> impl Iterator<Item = &Path> {
        self.source_dirs.iter().map(PathBuf::as_path).filter(|dir| *dir == self.root)
    }
}
