//! What a build gave.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::{Duration, SystemTime};

use cargo_metadata::{Artifact, BuildScript, CrateType, Message, PackageId, TargetKind};
use serde::{Deserialize, Serialize};

use super::config::BuilderConfig;
use super::failure::BuildFailure;
use super::inputs::{LocalPackage, PackageInputs, inputs_of, local_packages, of_crate};
use super::message::{Diagnostic, Level};
use super::{BuildRequest, BuildTarget};
use crate::RustcCommand;

/// What a build gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildReport {
    /// What was asked for, in that order.
    pub artifacts: Vec<BuiltArtifact>,
    /// The other dynamic libraries that cargo named, such as the facade.
    pub other_libraries: Vec<BuiltArtifact>,
    /// The targets that were compiled in this run, dependencies too, by name and in the order they were
    /// ready. If the facade is among them, a running host no longer fits.
    pub rebuilt: Vec<String>,
    /// What each package of the workspace that is part of these was compiled from, and each that is depended on by a
    /// path outside of it.
    pub inputs: Vec<PackageInputs>,
    /// The compiler's warnings; cargo repeats those of fresh packages.
    pub warnings: Vec<Diagnostic>,
    /// What has built them.
    pub built_by: BuiltBy,
    /// From the start of cargo, or of the compiler, to its end.
    pub elapsed: Duration,
}

/// What has built a library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BuiltBy {
    /// Cargo, which looks at all that it is built from.
    Cargo,
    /// The compiler's call that cargo made the last time, repeated without cargo, because nothing but the module's own
    /// files had changed.
    Compiler,
}

/// A library or a binary that cargo built or found fresh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltArtifact {
    /// The package as it was asked for; for others, as cargo names it.
    pub package: String,
    /// The target's name.
    pub target: String,
    /// The library or binary. The next build replaces it: copy it before it is opened.
    pub path: PathBuf,
    /// Whether cargo had nothing to do for it.
    pub is_fresh: bool,
    /// The files that the crate itself was compiled from, as rustc's dep-info names them: what
    /// `include_str!` reads too. Empty if there is no dep-info.
    pub inputs: Vec<PathBuf>,
}

/// What is known of a build so far.
#[derive(Debug, Default)]
pub(super) struct Collected {
    pub(super) stderr: Vec<String>,
    pub(super) status: Option<ExitStatus>,
    pub(super) started_at: Option<SystemTime>,
    pub(super) elapsed: Duration,
    artifacts: Vec<Artifact>,
    scripts: Vec<BuildScript>,
    diagnostics: Vec<Diagnostic>,
}

impl Collected {
    /// Of a cargo that is started now.
    pub(super) fn begun(started_at: SystemTime) -> Self {
        Self { started_at: Some(started_at), ..Self::default() }
    }

    /// The library `name` of the workspace, as cargo told it.
    pub(super) fn artifact(&self, name: &str) -> Option<&Artifact> {
        self.artifacts.iter().find(|artifact| artifact.target.name == name && library_of(artifact).is_some())
    }

    /// The `Cargo.toml` of the package whose library or binary `target` is.
    pub(super) fn manifest_of(&self, target: &str) -> Option<PathBuf> {
        let is_it = |artifact: &&Artifact| {
            artifact.target.name == target
                && (artifact.executable.is_some() || library_of(artifact).is_some())
        };
        self.artifacts.iter().find(is_it).map(|artifact| artifact.manifest_path.clone().into_std_path_buf())
    }

    /// The packages that are part of this build and whose sources may change.
    pub(super) fn local_packages(&self, root: &Path) -> BTreeMap<PathBuf, LocalPackage> {
        local_packages(&self.artifacts, &self.scripts, root)
    }

    pub(super) fn has_build_script(&self, package: &PackageId) -> bool {
        self.scripts.iter().any(|script| script.package_id == *package)
    }

    /// Keeps what matters; a diagnostic is given back too. `root` is the workspace's: warnings about other people's
    /// crates are left out, which cargo shows only when it is asked for its calls.
    pub(super) fn take_message(&mut self, message: Message, root: &Path) -> Option<Diagnostic> {
        match message {
            Message::CompilerArtifact(artifact) => self.artifacts.push(artifact),
            Message::BuildScriptExecuted(script) => self.scripts.push(script),
            Message::CompilerMessage(message) => {
                let is_own = message.target.src_path.starts_with(root);
                let diagnostic = Diagnostic::new(&message.target.name, message.message)?;
                if !is_own && diagnostic.level == Level::Warning {
                    return None;
                }
                self.diagnostics.push(diagnostic.clone());
                return Some(diagnostic);
            }
            _ => {}
        }
        None
    }

    pub(super) fn to_report(
        &self,
        requests: &[BuildRequest],
        config: &BuilderConfig,
    ) -> Result<BuildReport, BuildFailure> {
        if let Some(status) = self.status.filter(|status| !status.success()) {
            return Err(self.failure(status));
        }
        let artifacts: Result<Vec<_>, _> =
            requests.iter().map(|request| self.built(request, config)).collect();
        let artifacts = artifacts?;
        let is_asked_for = |path: &Path| artifacts.iter().any(|artifact| artifact.path == path);
        let others = self.artifacts.iter().filter_map(|artifact| {
            let path = library_of(artifact).filter(|path| !is_asked_for(path))?;
            Some(describe(artifact, artifact.package_id.repr.clone(), path, config))
        });
        let rebuilt = self.artifacts.iter().filter(|artifact| !artifact.fresh);
        Ok(BuildReport {
            other_libraries: others.collect(),
            rebuilt: rebuilt.map(|artifact| artifact.target.name.clone()).collect(),
            inputs: inputs_of(self.local_packages(&config.workspace_root), &config.workspace_root),
            artifacts,
            warnings: self.diagnostics.clone(),
            built_by: BuiltBy::Cargo,
            elapsed: self.elapsed,
        })
    }

    fn built(&self, request: &BuildRequest, config: &BuilderConfig) -> Result<BuiltArtifact, BuildFailure> {
        let found = self.artifacts.iter().find_map(|artifact| {
            let path = match &request.target {
                BuildTarget::Library(name) if artifact.target.name == *name => library_of(artifact),
                BuildTarget::Binary(name) if artifact.target.name == *name => {
                    artifact.executable.clone().map(PathBuf::from)
                }
                _ => None,
            };
            Some(describe(artifact, request.package.clone(), path?, config))
        });
        let target = request.target.name().to_owned();
        let missing = || BuildFailure::NoArtifact { package: request.package.clone(), target };
        found.ok_or_else(missing)
    }

    fn failure(&self, status: ExitStatus) -> BuildFailure {
        if self.diagnostics.iter().any(|diagnostic| diagnostic.level == Level::Error) {
            return BuildFailure::Compile { diagnostics: self.diagnostics.clone() };
        }
        BuildFailure::Cargo { status, message: without_progress(&self.stderr) }
    }
}

/// What cargo printed, without its progress, its calls, and what build scripts print: of one that failed, cargo says it
/// once more with the error.
fn without_progress(stderr: &[String]) -> String {
    const PROGRESS: [&str; 6] = ["Compiling ", "Blocking ", "Fresh ", "Dirty ", "Locking ", "Updating "];
    let (mut shown, mut is_call) = (Vec::new(), false);
    for line in stderr {
        let text = line.trim_start();
        let is_of_script = line.starts_with('[') && line.contains("] ");
        is_call |= text.starts_with("Running `");
        if is_call {
            // A variable may hold lines of its own.
            is_call = !text.ends_with('`');
        } else if !is_of_script && !PROGRESS.iter().any(|it| text.starts_with(it)) {
            shown.push(line.as_str());
        }
    }
    without_environment(shown.join("\n").trim())
}

/// Cargo's error names the program that failed with all variables that it was given.
fn without_environment(message: &str) -> String {
    const FAILED: &str = "process didn't exit successfully: `";
    let parts = message.split_once(FAILED).and_then(|(before, rest)| Some((before, rest.split_once("` (")?)));
    let Some((before, (call, after))) = parts else { return message.to_owned() };
    let program = RustcCommand::read(call).map(|call| call.program.display().to_string());
    let program = program.unwrap_or_else(|| call.to_owned());
    format!("{before}{FAILED}{program}` ({after}")
}

fn library_of(artifact: &Artifact) -> Option<PathBuf> {
    let is_dylib = artifact.target.crate_types.contains(&CrateType::DyLib)
        && !artifact.target.kind.contains(&TargetKind::ProcMacro);
    let is_library = |path: &&cargo_metadata::camino::Utf8PathBuf| {
        path.extension() == Some(std::env::consts::DLL_EXTENSION)
    };
    let path = artifact.filenames.iter().find(is_library).filter(|_| is_dylib)?;
    Some(path.clone().into_std_path_buf())
}

fn describe(artifact: &Artifact, package: String, path: PathBuf, config: &BuilderConfig) -> BuiltArtifact {
    let inputs = of_crate(&path, &config.workspace_root);
    BuiltArtifact { package, target: artifact.target.name.clone(), path, is_fresh: artifact.fresh, inputs }
}
