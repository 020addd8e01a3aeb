//! What touches the disk: asking cargo, and not asking it again while no manifest changed.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cargo_metadata::{Metadata, MetadataCommand};

use crate::package::packages_of;
use crate::{ResolveErrors, Workspace};

/// Why a workspace could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Cargo could not make sense of the workspace.
    #[error("cargo could not read the workspace at {}; mend its manifests", folder.display())]
    Cargo {
        /// The folder that was asked for.
        folder: PathBuf,
        /// What cargo said.
        source: cargo_metadata::Error,
    },
    /// Cargo could not be started.
    #[error(
        "cargo could not be started in {}; install Rust, put cargo into PATH, or go to a folder that is there",
        folder.display()
    )]
    NoCargo {
        /// The folder that was asked for.
        folder: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is no workspace.
    #[error(
        "this is no Keel workspace: there is no Cargo.toml in {} or above it; run it in a clone of Keel",
        folder.display()
    )]
    NoWorkspace {
        /// The folder that was asked for.
        folder: PathBuf,
    },
    /// There is a workspace, and no host in it that could run its modules.
    #[error(
        "{} is a cargo workspace, but no Keel workspace: it has no `{host}`; run it in a clone of Keel",
        root.display()
    )]
    NoHost {
        /// The workspace's root.
        root: PathBuf,
        /// The package that it lacks.
        host: String,
    },
    /// Its modules don't fit together.
    #[error(transparent)]
    Conflicts(#[from] ResolveErrors),
}

impl Workspace {
    /// Asks cargo for the metadata of the workspace that `folder` belongs to.
    ///
    /// It is read with `--no-deps --offline`, which shows path dependencies too: 27 ms for the 17 members of
    /// Keel itself on a 2-core machine, where a full resolve takes 340 ms.
    ///
    /// # Errors
    /// [`ReadError::Cargo`] when a manifest is missing or malformed. A folder that a glob of `members` finds
    /// and that has no `Cargo.toml` yet is such an error, so make a new member complete elsewhere and rename.
    pub fn read(folder: &Path) -> Result<Metadata, ReadError> {
        MetadataCommand::new()
            .current_dir(folder)
            .no_deps()
            .other_options(["--offline".to_owned()])
            .exec()
            .map_err(|error| refused(folder, error))
    }

    /// The folders that exist where a new member could appear and are none: watch them for a `Cargo.toml`.
    /// Sorted by path.
    pub fn candidate_folders(&self) -> Vec<PathBuf> {
        let folders = self.candidate_parents().into_iter().flat_map(subfolders);
        folders.filter(|folder| self.may_become_member(folder)).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

fn refused(folder: &Path, error: cargo_metadata::Error) -> ReadError {
    let folder = folder.to_owned();
    match error {
        cargo_metadata::Error::Io(source) => ReadError::NoCargo { folder, source },
        _ if !folder.ancestors().any(|folder| folder.join("Cargo.toml").is_file()) => {
            ReadError::NoWorkspace { folder }
        }
        source => ReadError::Cargo { folder, source },
    }
}

/// A workspace that is read again only when a manifest's content changed, or one came or went.
///
/// Saving a manifest unchanged costs a few reads of small files instead of a call of cargo.
#[derive(Debug)]
pub struct WorkspaceCache {
    folder: PathBuf,
    cached: Option<Cached>,
}

#[derive(Debug)]
struct Cached {
    places: Places,
    content_hash: u64,
    metadata: Arc<Metadata>,
}

/// Where manifests are, and where new ones could appear.
#[derive(Debug)]
struct Places {
    root: PathBuf,
    manifests: Vec<PathBuf>,
    folders: BTreeSet<PathBuf>,
}

impl WorkspaceCache {
    /// A cache for the workspace that `folder` belongs to; nothing is read yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), cached: None }
    }

    /// Cargo's metadata: the same pointer for as long as no manifest and no lockfile changed.
    ///
    /// # Errors
    /// As [`Workspace::read`]; the next call tries again.
    pub fn metadata(&mut self) -> Result<Arc<Metadata>, ReadError> {
        let now = self.cached.as_ref().map(|cached| cached.places.content_hash());
        if let Some(cached) = &self.cached
            && now == Some(cached.content_hash)
        {
            return Ok(Arc::clone(&cached.metadata));
        }
        let before = self.cached.take();
        let metadata = Arc::new(Workspace::read(&self.folder)?);
        // A manifest that was saved while cargo read may be the old one in its answer: don't keep that.
        if before.is_none_or(|before| now == Some(before.places.content_hash())) {
            let places = Places::new(&metadata);
            let content_hash = places.content_hash();
            self.cached = Some(Cached { places, content_hash, metadata: Arc::clone(&metadata) });
        }
        Ok(metadata)
    }

    /// The workspace, from metadata that is read again only if it must be.
    ///
    /// # Errors
    /// As [`Workspace::read`] and [`Workspace::from_metadata`].
    pub fn workspace(&mut self) -> Result<Workspace, ReadError> {
        Ok(Workspace::from_metadata(&*self.metadata()?)?)
    }
}

impl Places {
    fn new(metadata: &Metadata) -> Self {
        let packages = packages_of(metadata, &mut Vec::new());
        let root = metadata.workspace_root.clone().into_std_path_buf();
        let members = packages.iter().filter(|package| package.root != root);
        let near = members
            .flat_map(|package| [package.root.parent().map(Path::to_owned), Some(package.root.clone())]);
        let folders = near.flatten().filter(|folder| folder.starts_with(&root)).collect();
        Self { root, manifests: packages.into_iter().map(|package| package.manifest).collect(), folders }
    }

    fn content_hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let own = [self.root.join("Cargo.toml"), self.root.join("Cargo.lock")];
        let near = self.folders.iter().flat_map(|folder| subfolders(folder));
        let near = near.map(|folder| folder.join("Cargo.toml"));
        let files: BTreeSet<PathBuf> = self.manifests.iter().cloned().chain(own).chain(near).collect();
        for file in files {
            // A manifest that is not there has no content, and hashes so.
            (&file, std::fs::read(&file).ok()).hash(&mut hasher);
        }
        hasher.finish()
    }
}

fn subfolders(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let is_hidden = |path: &Path| path.file_name().is_some_and(|name| name.as_encoded_bytes()[0] == b'.');
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    paths.filter(|path| path.is_dir() && !is_hidden(path)).collect()
}
