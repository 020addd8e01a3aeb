//! The calls of rustc that cargo has made for modules, and whether one may be made again without cargo.
//!
//! A call may be repeated when nothing but the module's own files has changed since cargo last looked at all it is built
//! from. What cargo would find out otherwise is known here: which files those are by the compiler's dep-info, and that
//! nothing else has changed by times and lengths. That is looked at anew for each call, because no watcher sees all.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use cargo_metadata::{Artifact, CrateType};
use serde::{Deserialize, Serialize};

use super::inputs::{LocalPackage, PackageInputs, of_crate};
use super::report::Collected;
use super::{BuildRequest, BuildTarget, BuilderConfig};
use crate::RustcCommand;

/// The calls that are known, by the library that each builds.
#[derive(Debug)]
pub(super) struct KnownCalls {
    file: PathBuf,
    calls: BTreeMap<String, KnownCall>,
    /// The packages whose sources may change, by their `Cargo.toml`.
    packages: BTreeMap<PathBuf, KnownPackage>,
    /// What all packages are built with.
    settings: Vec<Stamp>,
}

/// What a package was compiled from when cargo last looked.
#[derive(Debug)]
struct KnownPackage {
    files: BTreeSet<PathBuf>,
    /// Of these and its manifest; none if only cargo knows what else there is.
    stamps: Option<Vec<Stamp>>,
    /// A module or the host, which no module links.
    is_asked_for: bool,
}

/// A call of rustc that built a module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KnownCall {
    pub(super) command: RustcCommand,
    pub(super) manifest: PathBuf,
    manifest_stamp: Stamp,
    /// The dynamic library, as cargo names it.
    pub(super) library: PathBuf,
    pub(super) outputs: Vec<Output>,
    linked: Vec<Stamp>,
    written: Vec<Stamp>,
    /// Whether all that it is built from was fresh when cargo last looked.
    #[serde(skip)]
    is_current: bool,
}

/// A file that rustc writes, and its second name outside of the folder `deps`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Output {
    pub(super) written: PathBuf,
    pub(super) named: PathBuf,
}

/// When a file was written, and how long it is: another build of it differs in one of these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    path: PathBuf,
    state: Option<(SystemTime, u64)>,
}

/// The calls that were current before cargo began.
pub(super) struct BeforeCargo(BTreeSet<String>);

impl KnownCalls {
    /// Those of earlier runs; each is believed once cargo has found its library fresh.
    pub(super) fn load(config: &BuilderConfig) -> Self {
        let file = config.target_dir.join(&config.profile).join(".keel-calls.json");
        // Without them, the first build of each module goes through cargo.
        let text = fs::read(&file).unwrap_or_default();
        let mut calls: BTreeMap<String, KnownCall> = serde_json::from_slice(&text).unwrap_or_default();
        // A target directory that was copied names the place it came from; a module may be gone.
        calls.retain(|_, call| {
            call.command.folder == config.workspace_root
                && call.library.starts_with(&config.target_dir)
                && call.manifest.is_file()
        });
        Self { file, calls, packages: BTreeMap::new(), settings: Vec::new() }
    }

    /// The call that builds what is asked for, if nothing else can have changed.
    pub(super) fn usable(&self, request: &BuildRequest, changed: &[PathBuf]) -> Option<&KnownCall> {
        let BuildTarget::Library(library) = &request.target else { return None };
        let call = self.calls.get(library).filter(|call| call.is_current && call.is_untouched())?;
        let own: BTreeSet<PathBuf> = call.inputs().files.into_iter().collect();
        let others = || self.packages.iter().filter(|(manifest, _)| **manifest != call.manifest);
        let is_own = |file| own.contains(file) && !others().any(|(_, package)| package.files.contains(file));
        let is_own_change = !changed.is_empty() && changed.iter().all(is_own);
        let are_untouched = || {
            are_fresh(&self.settings)
                && Stamp::of(call.manifest.clone()) == call.manifest_stamp
                && others().all(|(_, package)| package.is_asked_for || package.is_untouched())
        };
        (is_own_change && are_untouched()).then_some(call)
    }

    /// Until cargo has succeeded, nothing is known of what lies in its target directory.
    pub(super) fn begin_cargo(&mut self) -> BeforeCargo {
        let current = self.calls.iter().filter(|(_, call)| call.is_current);
        let before = BeforeCargo(current.map(|(library, _)| library.clone()).collect());
        self.calls.values_mut().for_each(|call| call.is_current = false);
        before
    }

    /// Takes what cargo has said; it has succeeded.
    pub(super) fn end_cargo(
        &mut self,
        requests: &[BuildRequest],
        collected: &Collected,
        config: &BuilderConfig,
        before: BeforeCargo,
    ) {
        for BuildRequest { target, .. } in requests {
            let BuildTarget::Library(library) = target else { continue };
            let Some(artifact) = collected.artifact(library) else { continue };
            if !artifact.fresh {
                let call = KnownCall::find(artifact, collected, config);
                self.calls.remove(library);
                self.calls.extend(call.map(|call| (library.clone(), call)));
            }
        }
        let asked = requests.iter().map(|request| request.target.name());
        for library in asked.chain(before.0.iter().map(String::as_str)) {
            if let Some(call) = self.calls.get_mut(library) {
                call.is_current = call.is_untouched();
            }
        }
        self.note_packages(requests, collected, config);
        self.settings = settings_of(config).into_iter().map(Stamp::of).collect();
        self.save();
    }

    fn note_packages(&mut self, requests: &[BuildRequest], collected: &Collected, config: &BuilderConfig) {
        // One that is gone links nothing any more; whatever linked it was compiled anew.
        self.packages.retain(|manifest, _| manifest.is_file());
        let asked = requests.iter().filter_map(|request| collected.manifest_of(request.target.name()));
        let asked: BTreeSet<PathBuf> = asked.collect();
        for (manifest, LocalPackage { files, are_all }) in collected.local_packages(&config.workspace_root) {
            // What the build itself writes is as new as the build.
            let sources = files.iter().filter(|file| !file.starts_with(&config.target_dir));
            let stamps: Vec<Stamp> = sources.chain([&manifest]).cloned().map(Stamp::of).collect();
            let is_older = |stamp: &Stamp| {
                stamp
                    .state
                    .zip(collected.started_at)
                    .is_some_and(|((written, _), started)| written <= started)
            };
            let stamps = (are_all && stamps.iter().all(is_older)).then_some(stamps);
            let is_asked_for = asked.contains(&manifest);
            self.packages.insert(manifest, KnownPackage { files, stamps, is_asked_for });
        }
    }

    /// What a repeated call has written is its own.
    pub(super) fn note_written(&mut self, library: &str) {
        if let Some(call) = self.calls.get_mut(library) {
            call.written = call.written.iter().map(|stamp| Stamp::of(stamp.path.clone())).collect();
        }
    }

    // As a whole or not at all; when it can't be written, the next run's first builds go through cargo.
    fn save(&self) {
        let Ok(text) = serde_json::to_vec(&self.calls) else { return };
        if fs::read(&self.file).is_ok_and(|before| before == text) {
            return;
        }
        let new = self.file.with_extension("new");
        let _ = fs::write(&new, text).and_then(|()| fs::rename(&new, &self.file));
    }
}

impl KnownCall {
    /// The call that built `artifact`, if it is one that can be repeated: a dynamic library whose package has no build
    /// script.
    fn find(artifact: &Artifact, collected: &Collected, config: &BuilderConfig) -> Option<Self> {
        let is_dylib = artifact.target.crate_types.contains(&CrateType::DyLib);
        if !is_dylib || collected.has_build_script(&artifact.package_id) {
            return None;
        }
        let is_its = |command: &RustcCommand| {
            command.has("--crate-type", "dylib")
                && command.variable("CARGO_MANIFEST_PATH") == Some(artifact.manifest_path.as_str())
        };
        let stderr = collected.stderr.join("\n");
        let mut command = RustcCommand::all(&stderr, &config.workspace_root).find(is_its)?;
        command.program = config.tool(&command.program);
        let folder = PathBuf::from(command.values_of("--out-dir").next()?);
        let outputs = artifact.filenames.iter().map(|named| {
            let named = named.clone().into_std_path_buf();
            Some(Output { written: folder.join(named.file_name()?), named })
        });
        let outputs: Vec<Output> = outputs.collect::<Option<_>>()?;
        let library = outputs
            .iter()
            .find(|it| it.named.extension().is_some_and(|it| it == std::env::consts::DLL_EXTENSION))?;
        let linked = command.values_of("--extern").filter_map(|it| it.split_once('='));
        let linked = linked.map(|(_, path)| PathBuf::from(path));
        let linked: Vec<Stamp> = linked.map(Stamp::of).collect();
        let written: Vec<Stamp> = outputs.iter().map(|output| Stamp::of(output.written.clone())).collect();
        let library = library.named.clone();
        let manifest = artifact.manifest_path.clone().into_std_path_buf();
        let manifest_stamp = Stamp::of(manifest.clone());
        let is_there = linked.iter().chain(&written).all(|stamp| stamp.state.is_some());
        is_there.then_some(Self {
            command,
            manifest,
            manifest_stamp,
            library,
            outputs,
            linked,
            written,
            is_current: false,
        })
    }

    /// What the crate was compiled from the last time.
    pub(super) fn inputs(&self) -> PackageInputs {
        let files = of_crate(&self.library, &self.command.folder);
        PackageInputs { manifest: self.manifest.clone(), files }
    }

    fn is_untouched(&self) -> bool {
        are_fresh(&self.linked) && are_fresh(&self.written)
    }
}

impl KnownPackage {
    fn is_untouched(&self) -> bool {
        self.stamps.as_deref().is_some_and(are_fresh)
    }
}

fn are_fresh(stamps: &[Stamp]) -> bool {
    stamps.iter().all(|stamp| *stamp == Stamp::of(stamp.path.clone()))
}

/// The files that say how all packages are built; those of cargo and rustup in the folders above too.
fn settings_of(config: &BuilderConfig) -> Vec<PathBuf> {
    const IN_EACH_FOLDER: [&str; 4] =
        [".cargo/config.toml", ".cargo/config", "rust-toolchain.toml", "rust-toolchain"];
    let root = &config.workspace_root;
    let mut files: Vec<PathBuf> = ["Cargo.toml", "Cargo.lock"].iter().map(|name| root.join(name)).collect();
    files.extend(root.ancestors().flat_map(|folder| IN_EACH_FOLDER.map(|name| folder.join(name))));
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    files.extend(home.map(|home| home.join("config.toml")));
    files
}

impl Stamp {
    fn of(path: PathBuf) -> Self {
        let metadata = path.metadata();
        let state = metadata.and_then(|metadata| Ok((metadata.modified()?, metadata.len()))).ok();
        Self { path, state }
    }
}
