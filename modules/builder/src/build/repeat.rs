//! Making a known call of rustc again, without cargo.

use std::fs::{self, File, TryLockError};
use std::io;
use std::time::Instant;

use cargo_metadata::diagnostic::Diagnostic as RustcDiagnostic;

use super::calls::{KnownCall, Output};
use super::message::{Diagnostic, Level};
use super::process::{Line, Process};
use super::report::{BuildReport, BuiltArtifact, BuiltBy};
use super::{BuildEvent, BuildFailure, BuildRequest, Builder, BuilderConfig, CancelToken};

/// What came of a repeated call.
pub(super) enum Repeated {
    /// The compiler has done its work, or the build was cancelled.
    Done(Result<BuildReport, BuildFailure>),
    /// It could not be made, or ended as no compiler should: let cargo say it.
    AskCargo,
}

impl Builder {
    /// Makes `call` again, under cargo's own lock.
    pub(super) fn repeat(&self, call: &KnownCall, request: &BuildRequest, cancel: &CancelToken) -> Repeated {
        // While somebody else's cargo builds, cargo waits for it and says so.
        let Ok(_lock) = lock(&self.config) else { return Repeated::AskCargo };
        let started_at = Instant::now();
        let mut command = self.config.command_of(&call.command.program);
        command.args(&call.command.arguments);
        command.envs(call.command.environment.iter().map(|(name, value)| (name, value)));
        self.tell(BuildEvent::Compiling { package: request.package.clone() });
        let Ok(mut process) = Process::start(command) else { return Repeated::AskCargo };
        let mut diagnostics = Vec::new();
        loop {
            match process.next_line(cancel) {
                Ok(Some(Line::Stderr(line))) => diagnostics.extend(self.diagnostic(&line, request)),
                Ok(Some(Line::Message(_))) => {}
                Ok(None) => break,
                Err(failure) => return Repeated::Done(Err(failure)),
            }
        }
        let Ok(status) = process.wait() else { return Repeated::AskCargo };
        let has_errors = diagnostics.iter().any(|diagnostic| diagnostic.level == Level::Error);
        match (status.success(), has_errors) {
            (true, _) if call.outputs.iter().all(|output| name_anew(output).is_ok()) => {}
            (false, true) => return Repeated::Done(Err(BuildFailure::Compile { diagnostics })),
            _ => return Repeated::AskCargo,
        }
        let inputs = call.inputs();
        let target = request.target.name().to_owned();
        Repeated::Done(Ok(BuildReport {
            artifacts: vec![BuiltArtifact {
                package: request.package.clone(),
                target: target.clone(),
                path: call.library.clone(),
                is_fresh: false,
                inputs: inputs.files.clone(),
            }],
            other_libraries: Vec::new(),
            rebuilt: vec![target],
            inputs: vec![inputs],
            warnings: diagnostics,
            built_by: BuiltBy::Compiler,
            elapsed: started_at.elapsed(),
        }))
    }

    /// What a line of rustc's output says; told to listeners too.
    fn diagnostic(&self, line: &str, request: &BuildRequest) -> Option<Diagnostic> {
        let message: RustcDiagnostic = serde_json::from_str(line).ok()?;
        let diagnostic = Diagnostic::new(request.target.name(), message)?;
        self.tell(BuildEvent::Diagnostic(diagnostic.clone()));
        Some(diagnostic)
    }
}

/// Cargo's lock on the folder of a profile, until the file is dropped.
fn lock(config: &BuilderConfig) -> Result<File, TryLockError> {
    let path = config.target_dir.join(&config.profile).join(".cargo-lock");
    let file = File::options().write(true).open(path).map_err(TryLockError::Error)?;
    file.try_lock()?;
    Ok(file)
}

/// Gives a file that rustc has written its name outside of `deps`, as cargo does: a hard link, or a copy.
fn name_anew(output: &Output) -> io::Result<()> {
    if output.named == output.written {
        return Ok(());
    }
    match fs::remove_file(&output.named) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::hard_link(&output.written, &output.named)
        .or_else(|_| fs::copy(&output.written, &output.named).map(drop))
}
