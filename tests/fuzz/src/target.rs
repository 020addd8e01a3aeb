//! One reader, and what it is given.

use std::path::PathBuf;

use crate::change::Change;
use crate::targets::{game, library, lockfile, recording, workspace, world};

/// One reader of something from outside.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name.
    pub name: &'static str,
    /// Whole inputs, which [`Target::read`] accepts.
    pub whole: fn() -> Vec<Vec<u8>>,
    /// Changes an input so that it gets past checksums.
    pub change: fn(&mut Vec<u8>, &mut dyn Change),
    /// Reads an input, and uses what comes out. Returns whether it was accepted.
    ///
    /// # Panics
    /// When something is wrong with the reader.
    pub read: fn(&[u8]) -> bool,
}

impl Target {
    /// All of them.
    pub const ALL: [Self; 6] = [
        game::TARGET,
        library::TARGET,
        lockfile::TARGET,
        recording::TARGET,
        workspace::TARGET,
        world::TARGET,
    ];

    /// The target of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|target| target.name == name)
    }

    /// The whole inputs, and those that were found: what changes begin with.
    pub fn seeds(&self) -> Vec<Vec<u8>> {
        let found = self.found().into_iter().map(|path| {
            std::fs::read(&path).unwrap_or_else(|error| panic!("{} can't be read: {error}", path.display()))
        });
        (self.whole)().into_iter().chain(found).collect()
    }

    /// The files with inputs that were found, sorted.
    pub fn found(&self) -> Vec<PathBuf> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus").join(self.name);
        let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
        let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.sort();
        files
    }
}
