//! The run directory: copies of the host, the facade and each generation of each module.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context;
use keel_builder::{BuildReport, Builder, BuiltArtifact, Generations, RunDirectory};

use crate::protocol::Library;
use crate::workspace;

/// So many copies of a module that were live last are kept, whatever else is: more than a game that was gone on with goes back.
const LIVED_KEPT: usize = 8;

/// What an engine process is started from.
pub(crate) struct Run {
    /// The host binary.
    pub(crate) host: PathBuf,
    /// The variable by which the system finds libraries.
    pub(crate) library_variable: &'static str,
    /// Its value: the run directory, and where std lies.
    pub(crate) library_path: OsString,
}

/// Copies what was built, so that no build pulls a library from under the engine.
pub(crate) struct Staging {
    generations: Generations,
    counts: BTreeMap<String, u64>,
    /// The newest copy of each module.
    newest: BTreeMap<String, PathBuf>,
    /// The names of the copies of each module that were live last, the newest at the end.
    lived: BTreeMap<String, VecDeque<OsString>>,
    /// When each file was built that was copied, by its path. Cargo calls a library fresh as well when somebody else has
    /// had it built, or a build that was given up.
    built: BTreeMap<PathBuf, SystemTime>,
    /// Modules to be swapped even if nothing was rebuilt.
    forced: BTreeSet<String>,
    kept: Option<BuildReport>,
    run: Run,
    // Dropped last: it removes the folder.
    directory: RunDirectory,
}

impl Staging {
    pub(crate) fn new(builder: &Builder) -> anyhow::Result<Self> {
        let config = builder.config();
        let directory = RunDirectory::create(&config.target_dir.join("run"))?;
        let folder = directory.path().to_owned();
        let run = Run {
            host: folder.join(format!("keel{}", std::env::consts::EXE_SUFFIX)),
            library_variable: library_variable(),
            library_path: library_path(&folder, &config.cargo)?,
        };
        Ok(Self {
            generations: Generations::new(&directory),
            counts: BTreeMap::new(),
            newest: BTreeMap::new(),
            lived: BTreeMap::new(),
            built: BTreeMap::new(),
            forced: BTreeSet::new(),
            kept: None,
            run,
            directory,
        })
    }

    /// What the engine is started from.
    pub(crate) fn run(&self) -> &Run {
        &self.run
    }

    /// The run directory.
    pub(crate) fn folder(&self) -> &Path {
        self.directory.path()
    }

    /// Where the game is saved while the engine is replaced.
    pub(crate) fn restart_file(&self) -> PathBuf {
        self.directory.path().join("restart.keel")
    }

    /// Where the last seconds of the game are, to be run again.
    pub(crate) fn retry_file(&self) -> PathBuf {
        self.directory.path().join("retry.keellog")
    }

    /// Copies host, facade and all modules.
    pub(crate) fn adopt(&mut self, report: &BuildReport) -> anyhow::Result<()> {
        let host = report.artifacts.iter().find(|artifact| workspace::is_host(&artifact.package));
        let host = host.context("cargo built no host; is `keel-host` the workspace's root package?")?;
        self.directory.adopt(&host.path)?;
        for library in &report.other_libraries {
            self.note_built(&library.path);
            self.directory.adopt(&library.path)?;
        }
        report.artifacts.iter().for_each(|artifact| self.force(&artifact.package));
        self.stage(report).map(drop)
    }

    /// Keeps a report until the running engine has saved its game.
    pub(crate) fn keep_for_restart(&mut self, report: BuildReport) {
        self.kept = Some(report);
    }

    /// Copies what was kept.
    pub(crate) fn adopt_kept(&mut self) -> anyhow::Result<()> {
        match self.kept.take() {
            Some(report) => self.adopt(&report),
            None => Ok(()),
        }
    }

    /// Has the next build of `package` staged even if cargo finds it fresh.
    pub(crate) fn force(&mut self, package: &str) {
        self.forced.insert(package.to_owned());
    }

    /// The modules of a build that are new to the engine.
    pub(crate) fn to_be_staged(&self, report: &BuildReport) -> Vec<String> {
        let modules = report.artifacts.iter().filter(|artifact| !workspace::is_host(&artifact.package));
        let is_wanted = |artifact: &&BuiltArtifact| {
            let package = &artifact.package;
            self.is_newer(&artifact.path)
                || self.forced.contains(package)
                || !self.newest.contains_key(package)
        };
        modules.filter(is_wanted).map(|artifact| artifact.package.clone()).collect()
    }

    /// Copies the modules that are new to the engine, each to a path of its own.
    pub(crate) fn stage(&mut self, report: &BuildReport) -> anyhow::Result<Vec<Library>> {
        let wanted = self.to_be_staged(report);
        self.forced.clear();
        let artifacts = report.artifacts.iter().filter(|artifact| wanted.contains(&artifact.package));
        let stage = |artifact: &BuiltArtifact| {
            self.note_built(&artifact.path);
            self.stage_file(&artifact.package, &artifact.path)
        };
        artifacts.map(stage).collect()
    }

    /// Whether a library that the running engine was started with was built anew, other than a module's: the facade.
    pub(crate) fn is_facade_new(&self, report: &BuildReport) -> bool {
        let is_module = |library: &BuiltArtifact| self.newest.contains_key(&library.package);
        let others = report.other_libraries.iter().filter(|library| !is_module(library));
        others
            .into_iter()
            .any(|library| self.built.contains_key(&library.path) && self.is_newer(&library.path))
    }

    // The time is noted before the file is copied: one that is replaced meanwhile counts as newer.
    fn note_built(&mut self, path: &Path) {
        if let Some(built) = built_at(path) {
            self.built.insert(path.to_owned(), built);
        }
    }

    /// Whether a file is another than the one that was copied last.
    fn is_newer(&self, path: &Path) -> bool {
        self.built.get(path).copied() != built_at(path)
    }

    /// Forgets a module that is gone from the workspace.
    pub(crate) fn forget(&mut self, module: &str) {
        self.newest.remove(module);
        if let Some(kept) = &mut self.kept {
            kept.artifacts.retain(|artifact| artifact.package != module);
        }
    }

    /// Copies one library.
    pub(crate) fn stage_file(&mut self, module: &str, library: &Path) -> anyhow::Result<Library> {
        let count = self.counts.entry(module.to_owned()).or_default();
        let path = self.generations.add(module, *count, library)?;
        *count += 1;
        self.newest.insert(module.to_owned(), path.clone());
        Ok(Library { module: module.to_owned(), path, generation: 0, stated: None })
    }

    /// Notes which libraries are live.
    pub(crate) fn note_live(&mut self, libraries: &[Library]) {
        for Library { module, path, .. } in libraries {
            let lived = self.lived.entry(module.clone()).or_default();
            let Some(name) = path.file_name().map(ToOwned::to_owned) else { continue };
            lived.retain(|other| *other != name);
            lived.push_back(name);
            if lived.len() > LIVED_KEPT {
                lived.pop_front();
            }
        }
    }

    /// Removes the copies that nobody goes back to: those that are not the newest, were not live lately, and are not
    /// among the `wanted`.
    pub(crate) fn tidy(&mut self, wanted: &[&Path]) {
        // The engine knows a file by another path where a folder on the way is a link.
        let mut names: BTreeSet<&OsStr> = self.lived.values().flatten().map(OsString::as_os_str).collect();
        let paths = self.newest.values().map(PathBuf::as_path).chain(wanted.iter().copied());
        names.extend(paths.filter_map(|path| path.file_name()));
        let is_old = |path: &Path| path.file_name().is_some_and(|name| !names.contains(name));
        let copies = self.generations.all().filter(|(_, _, path)| is_old(path));
        let old: Vec<_> = copies.map(|(module, count, _)| (module.to_owned(), count)).collect();
        for (module, count) in old {
            // One that can't be removed now, as it is mapped on Windows, is tried again.
            let _ = self.generations.remove(&module, count);
        }
    }

    /// Copies libraries again: a path that was opened once can't be opened anew.
    pub(crate) fn restage(&mut self, libraries: &[Library]) -> anyhow::Result<Vec<Library>> {
        libraries.iter().map(|library| self.stage_file(&library.module, &library.path)).collect()
    }

    /// The newest copy of every module.
    pub(crate) fn newest(&self) -> Vec<Library> {
        let library = |(module, path): (&String, &PathBuf)| Library {
            module: module.clone(),
            path: path.clone(),
            generation: 0,
            stated: None,
        };
        self.newest.iter().map(library).collect()
    }
}

fn built_at(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|metadata| metadata.modified()).ok()
}

fn library_variable() -> &'static str {
    if cfg!(windows) {
        "PATH"
    } else if cfg!(target_os = "macos") {
        "DYLD_LIBRARY_PATH"
    } else {
        "LD_LIBRARY_PATH"
    }
}

/// The run directory first, then where the toolchain keeps std, then what was there.
fn library_path(run: &Path, cargo: &Path) -> anyhow::Result<OsString> {
    let toolchain = cargo.parent().and_then(Path::parent);
    let std_folder = toolchain.map(|toolchain| toolchain.join(if cfg!(windows) { "bin" } else { "lib" }));
    let before = std::env::var_os(library_variable()).unwrap_or_default();
    let folders = [run.to_owned()].into_iter().chain(std_folder).chain(std::env::split_paths(&before));
    std::env::join_paths(folders).context("the path of the workspace can't be part of a list of paths")
}
