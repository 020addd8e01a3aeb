//! The calls of rustc that cargo has made for modules, and whether one may be made again without cargo.
//!
//! A call may be repeated when nothing but the module's own files has changed since cargo last looked at all it is built
//! from. What cargo would find out otherwise is known here: the files by the compiler's dep-info, the libraries
//! that are linked by their times and lengths.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use cargo_metadata::{Artifact, CrateType};
use serde::{Deserialize, Serialize};

use super::inputs::{PackageInputs, of_crate};
use super::report::Collected;
use super::{BuildRequest, BuildTarget, BuilderConfig};
use crate::RustcCommand;

/// The calls that are known, by the library that each builds.
#[derive(Debug)]
pub(super) struct KnownCalls {
    file: PathBuf,
    calls: BTreeMap<String, KnownCall>,
    /// What each package of the workspace is compiled from, by its `Cargo.toml`.
    inputs: BTreeMap<PathBuf, BTreeSet<PathBuf>>,
}

/// A call of rustc that built a module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KnownCall {
    pub(super) command: RustcCommand,
    pub(super) manifest: PathBuf,
    /// The dynamic library, as cargo names it.
    pub(super) library: PathBuf,
    pub(super) outputs: Vec<Output>,
    /// What it links, and what it has written.
    stamps: Vec<Stamp>,
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
        Self { file, calls, inputs: BTreeMap::new() }
    }

    /// The call that builds what is asked for, if nothing else can have changed.
    pub(super) fn usable(&self, requests: &[BuildRequest], changed: &[PathBuf]) -> Option<&KnownCall> {
        let [BuildRequest { target: BuildTarget::Library(library), .. }] = requests else { return None };
        let call = self.calls.get(library).filter(|call| call.is_current && call.is_untouched())?;
        let own: BTreeSet<PathBuf> = call.inputs().files.into_iter().collect();
        let others = || self.inputs.iter().filter(|(manifest, _)| **manifest != call.manifest);
        let is_own = |file| own.contains(file) && !others().any(|(_, files)| files.contains(file));
        (!changed.is_empty() && changed.iter().all(is_own)).then_some(call)
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
        inputs: &[PackageInputs],
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
        let files = |it: &PackageInputs| (it.manifest.clone(), it.files.iter().cloned().collect());
        self.inputs.extend(inputs.iter().map(files));
        self.save();
    }

    /// What a repeated call has written is its own.
    pub(super) fn note_written(&mut self, library: &str) {
        if let Some(call) = self.calls.get_mut(library) {
            call.stamps = call.stamps.iter().map(|stamp| Stamp::of(stamp.path.clone())).collect();
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
        let written = outputs.iter().map(|output| output.written.clone());
        let stamps: Vec<_> = linked.chain(written).map(Stamp::of).collect();
        let library = library.named.clone();
        let manifest = artifact.manifest_path.clone().into_std_path_buf();
        let is_there = stamps.iter().all(|stamp| stamp.state.is_some());
        is_there.then_some(Self { command, manifest, library, outputs, stamps, is_current: false })
    }

    /// What the crate was compiled from the last time.
    pub(super) fn inputs(&self) -> PackageInputs {
        let files = of_crate(&self.library, &self.command.folder);
        PackageInputs { manifest: self.manifest.clone(), files }
    }

    fn is_untouched(&self) -> bool {
        self.stamps.iter().all(|stamp| *stamp == Stamp::of(stamp.path.clone()))
    }
}

impl Stamp {
    fn of(path: PathBuf) -> Self {
        let metadata = path.metadata();
        let state = metadata.and_then(|metadata| Ok((metadata.modified()?, metadata.len()))).ok();
        Self { path, state }
    }
}
