//! What a build gave.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use cargo_metadata::{Artifact, BuildScript, CrateType, Message, TargetKind};

use super::config::BuilderConfig;
use super::failure::BuildFailure;
use super::inputs::{PackageInputs, inputs_of, of_crate};
use super::message::{Diagnostic, Level};
use super::{BuildRequest, BuildTarget};

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
    /// What each package of the workspace that is part of these was compiled from.
    pub inputs: Vec<PackageInputs>,
    /// The compiler's warnings; cargo repeats those of fresh packages.
    pub warnings: Vec<Diagnostic>,
    /// From the start of cargo to its end.
    pub elapsed: Duration,
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
    pub(super) elapsed: Duration,
    artifacts: Vec<Artifact>,
    scripts: Vec<BuildScript>,
    diagnostics: Vec<Diagnostic>,
}

impl Collected {
    /// Keeps what matters; a diagnostic is given back too.
    pub(super) fn take_message(&mut self, message: Message) -> Option<Diagnostic> {
        match message {
            Message::CompilerArtifact(artifact) => self.artifacts.push(artifact),
            Message::BuildScriptExecuted(script) => self.scripts.push(script),
            Message::CompilerMessage(message) => {
                let diagnostic = Diagnostic::new(message)?;
                self.diagnostics.push(diagnostic.clone());
                return Some(diagnostic);
            }
            _ => {}
        }
        None
    }

    pub(super) fn into_report(
        self,
        requests: &[BuildRequest],
        config: &BuilderConfig,
    ) -> Result<BuildReport, BuildFailure> {
        if let Some(status) = self.status.filter(|status| !status.success()) {
            return Err(self.into_failure(status));
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
            inputs: inputs_of(&self.artifacts, &self.scripts, &config.workspace_root),
            artifacts,
            warnings: self.diagnostics,
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
        let (BuildTarget::Library(target) | BuildTarget::Binary(target)) = &request.target;
        let missing =
            || BuildFailure::NoArtifact { package: request.package.clone(), target: target.clone() };
        found.ok_or_else(missing)
    }

    fn into_failure(self, status: ExitStatus) -> BuildFailure {
        if self.diagnostics.iter().any(|diagnostic| diagnostic.level == Level::Error) {
            return BuildFailure::Compile { diagnostics: self.diagnostics };
        }
        let is_progress = |line: &&String| {
            let shown = line.trim_start();
            ["Compiling ", "Blocking ", "Fresh ", "Locking ", "Updating "]
                .iter()
                .any(|it| shown.starts_with(it))
        };
        let lines: Vec<String> = self.stderr.iter().filter(|line| !is_progress(line)).cloned().collect();
        BuildFailure::Cargo { status, message: lines.join("\n").trim().to_owned() }
    }
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
