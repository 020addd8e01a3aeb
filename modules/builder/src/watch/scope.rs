//! Which paths count: those that the resolver says a running module depends on.

use std::path::{Path, PathBuf};

use keel_resolver::cargo_metadata::Metadata;
use keel_resolver::{WatchDepth, WatchedInput, Workspace, watched_inputs};

/// What to watch: the inputs of a workspace.
#[derive(Clone, Debug)]
pub struct WatchScope {
    inputs: Vec<WatchedInput>,
    candidates: Vec<PathBuf>,
    members: Members,
}

#[derive(Clone, Debug)]
enum Members {
    Resolved(Box<Workspace>),
    Unresolved { root: PathBuf, target_dir: PathBuf },
}

impl WatchScope {
    /// The inputs of a workspace. A file that no running code depends on is no input, though it lies beside
    /// one: a log in a package's root, a test, an editor's backup.
    pub fn of(workspace: &Workspace) -> Self {
        Self {
            inputs: workspace.watched_inputs(),
            candidates: workspace.candidate_folders(),
            members: Members::Resolved(Box::new(workspace.clone())),
        }
    }

    /// The inputs of a workspace whose modules don't fit together yet: Rust sources, manifests and build
    /// settings in its folders.
    pub fn of_unresolved(metadata: &Metadata) -> Self {
        let root = metadata.workspace_root.clone().into_std_path_buf();
        let target_dir = metadata.target_directory.clone().into_std_path_buf();
        let members = Members::Unresolved { root, target_dir };
        Self { inputs: watched_inputs(metadata), candidates: Vec::new(), members }
    }

    pub(super) fn inputs(&self) -> &[WatchedInput] {
        &self.inputs
    }

    /// Folders that may become members: only a manifest in them counts.
    pub(super) fn candidates(&self) -> &[PathBuf] {
        &self.candidates
    }

    /// Whether a change of the file `path` counts.
    pub(super) fn is_input(&self, path: &Path) -> bool {
        !is_left_by_an_editor(path)
            && match &self.members {
                Members::Resolved(workspace) => {
                    let affected = workspace.affected(&[path.to_owned()]);
                    affected.restart.is_some()
                        || affected.manifest_changed
                        || affected.lockfile_changed
                        || !affected.modules.is_empty()
                }
                Members::Unresolved { root, target_dir } => {
                    !is_built(path, root, target_dir) && has_input_name(path)
                }
            }
    }

    /// Whether a manifest may appear in the folder `path` and make it a member.
    pub(super) fn is_candidate(&self, path: &Path) -> bool {
        match &self.members {
            Members::Resolved(workspace) => !workspace.affected(&[path.to_owned()]).new_folders.is_empty(),
            Members::Unresolved { root, target_dir } => {
                let is_hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes()[0] == b'.');
                !is_hidden
                    && !is_built(path, root, target_dir)
                    && path.parent().is_some_and(|parent| parent != root && self.depth(parent).is_some())
            }
        }
    }

    /// How `folder` is watched, if it is.
    pub(super) fn depth(&self, folder: &Path) -> Option<WatchDepth> {
        let covering = self.inputs.iter().filter(|input| match input.depth {
            WatchDepth::Folder => folder == input.path,
            WatchDepth::Tree => folder.starts_with(&input.path),
        });
        covering.map(|input| input.depth).max()
    }
}

/// Whether cargo writes `path`. A workspace may itself lie in a target directory: one that a test has made.
fn is_built(path: &Path, root: &Path, target_dir: &Path) -> bool {
    target_dir.starts_with(root) && path.starts_with(target_dir)
}

fn has_input_name(path: &Path) -> bool {
    const NAMES: [&str; 6] =
        ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", "rust-toolchain", "config.toml", "config"];
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    NAMES.contains(&name) || name.ends_with(".rs")
}

/// What editors write beside the file they save: vim's probe `4913`, its swap files and backups, emacs' locks
/// and autosaves, the temporary files of others.
fn is_left_by_an_editor(path: &Path) -> bool {
    const ENDINGS: [&str; 9] =
        ["~", ".swp", ".swo", ".swx", ".tmp", ".bak", ".orig", "___jb_tmp___", "___jb_old___"];
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_hidden = name.starts_with('.') && !name.ends_with(".rs");
    let is_lock = name.starts_with(".#") || (name.starts_with('#') && name.ends_with('#'));
    is_hidden || is_lock || name == "4913" || ENDINGS.iter().any(|ending| name.ends_with(ending))
}
