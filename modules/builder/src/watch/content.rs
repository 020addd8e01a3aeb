//! What the files held when they were last looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use keel_resolver::WatchDepth;
use xxhash_rust::xxh3::Xxh3;

use super::scope::WatchScope;

/// Folders below this depth are not walked: links can make circles.
const FOLDER_DEPTH_MAX: u32 = 64;

/// The hash of each input's content, by path.
#[derive(Debug, Default)]
pub(super) struct Contents {
    hashes: BTreeMap<PathBuf, u64>,
}

impl Contents {
    /// Looks at all inputs of `scope` and adds those to `changed` that differ from the last look.
    pub(super) fn look_at_all(&mut self, scope: &WatchScope, changed: &mut BTreeSet<PathBuf>) {
        let known: Vec<PathBuf> = self.hashes.keys().cloned().collect();
        for path in known {
            self.look_at_file(&path, scope, changed);
        }
        for input in scope.inputs() {
            self.look_into(&input.path, input.depth, scope, changed);
        }
        for folder in scope.candidates() {
            self.look_into(folder, WatchDepth::Folder, scope, changed);
        }
    }

    /// Looks at a file, or at a folder and all that was or is in it, as deep as `scope` goes.
    pub(super) fn look_at(&mut self, path: &Path, scope: &WatchScope, changed: &mut BTreeSet<PathBuf>) {
        let below = self.hashes.range(path.to_owned()..).map(|(known, _)| known);
        let below: Vec<PathBuf> = below.take_while(|known| known.starts_with(path)).cloned().collect();
        for known in below {
            self.look_at_file(&known, scope, changed);
        }
        if !path.is_dir() {
            return self.look_at_file(path, scope, changed);
        }
        let inside = scope.inputs().iter().filter(|input| input.path.starts_with(path));
        for input in inside {
            self.look_into(&input.path, input.depth, scope, changed);
        }
        if let Some(depth) = scope.depth(path) {
            self.look_into(path, depth, scope, changed);
        } else if scope.is_candidate(path) {
            self.look_into(path, WatchDepth::Folder, scope, changed);
        }
    }

    /// Whether `path` was there at the last look: a file, or a folder with files.
    pub(super) fn has(&self, path: &Path) -> bool {
        self.hashes.range(path.to_owned()..).next().is_some_and(|(known, _)| known.starts_with(path))
    }

    fn look_into(
        &mut self,
        folder: &Path,
        depth: WatchDepth,
        scope: &WatchScope,
        changed: &mut BTreeSet<PathBuf>,
    ) {
        let mut files = Vec::new();
        let levels = if depth == WatchDepth::Tree { FOLDER_DEPTH_MAX } else { 0 };
        list_files(folder, levels, &mut files);
        for file in files {
            self.look_at_file(&file, scope, changed);
        }
    }

    fn look_at_file(&mut self, path: &Path, scope: &WatchScope, changed: &mut BTreeSet<PathBuf>) {
        if !scope.is_input(path) {
            return;
        }
        let before = self.hashes.get(path).copied();
        let now = match hash_file(path) {
            Ok(hash) => Some(hash),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            // A folder, or a file that can't be read now: rustc will say so if it matters.
            Err(_) => before,
        };
        if now == before {
            return;
        }
        match now {
            Some(hash) => self.hashes.insert(path.to_owned(), hash),
            None => self.hashes.remove(path),
        };
        changed.insert(path.to_owned());
    }
}

fn list_files(folder: &Path, levels: u32, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        if !path.is_dir() {
            files.push(path);
        } else if levels > 0 {
            list_files(&path, levels - 1, files);
        }
    }
}

fn hash_file(path: &Path) -> io::Result<u64> {
    let mut file = File::open(path)?;
    let mut hasher = Xxh3::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.digest()),
            read => hasher.update(&buffer[..read]),
        }
    }
}
