//! Making a known call of rustc again, without cargo.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use cargo_metadata::diagnostic::Diagnostic as RustcDiagnostic;

use super::calls::{KnownCall, Output};
use super::message::{Diagnostic, Level};
use super::process::{Line, Process};
use super::report::{BuildReport, BuiltArtifact, BuiltBy};
use super::{BuildEvent, BuildFailure, BuildRequest, Builder, BuilderConfig, CancelToken};

/// What the compiler says of the libraries that a crate links, not of the crate: cargo builds them.
const OF_LIBRARIES: [&str; 8] = ["E0455", "E0460", "E0461", "E0462", "E0463", "E0464", "E0514", "E0519"];

/// How the compiler ends that has found errors; any other status is a failure of its own.
const HAS_ERRORS: Option<i32> = Some(1);

/// What came of a repeated call.
pub(super) enum Repeated {
    /// The compiler has done its work, or the build was cancelled.
    Done(Result<BuildReport, BuildFailure>),
    /// It could not be made, or ended as no compiler should: let cargo say it.
    AskCargo,
}

impl Builder {
    /// Makes the call again that built what is asked for, if nothing but `changed` can have changed; under cargo's own
    /// lock, which is free again when this returns.
    pub(super) fn repeat(
        &self,
        requests: &[BuildRequest],
        changed: &[PathBuf],
        cancel: &CancelToken,
    ) -> Repeated {
        let [request] = requests else { return Repeated::AskCargo };
        // While somebody else's cargo builds, cargo waits for it and says so.
        let Ok(_lock) = lock(&self.config) else { return Repeated::AskCargo };
        let call = self.calls().usable(request, changed).cloned();
        let Some(call) = call else { return Repeated::AskCargo };
        let repeated = self.run_call(&call, request, cancel);
        self.calls().note_written(request.target.name());
        repeated
    }

    fn run_call(&self, call: &KnownCall, request: &BuildRequest, cancel: &CancelToken) -> Repeated {
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
        if !status.success() {
            return if status.code() == HAS_ERRORS && are_of_the_source(&diagnostics) {
                Repeated::Done(Err(BuildFailure::Compile { diagnostics }))
            } else {
                Repeated::AskCargo
            };
        }
        if !call.outputs.iter().all(|output| name_anew(output).is_ok()) {
            return Repeated::AskCargo;
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

/// Whether there are errors, and each is about a place in the source.
fn are_of_the_source(diagnostics: &[Diagnostic]) -> bool {
    let mut errors = diagnostics.iter().filter(|diagnostic| diagnostic.level == Level::Error).peekable();
    let is_of_source = |error: &Diagnostic| {
        let is_of_library = error.code.as_deref().is_some_and(|code| OF_LIBRARIES.contains(&code));
        error.place.is_some() && !is_of_library
    };
    errors.peek().is_some() && errors.all(is_of_source)
}

/// How long a lock may be held by a process that another thread is just starting: from its `fork` to its `exec` it has
/// all files of this process, and the locks on them.
const INHERITED: Duration = Duration::from_millis(50);

/// Cargo's lock on the folder of a profile, until the file is dropped.
fn lock(config: &BuilderConfig) -> Result<File, TryLockError> {
    let path = config.target_dir.join(&config.profile).join(".cargo-lock");
    let file = File::options().write(true).open(path).map_err(TryLockError::Error)?;
    let asked_at = Instant::now();
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if asked_at.elapsed() < INHERITED => {
                thread::sleep(Duration::from_millis(1));
            }
            locked => return locked.map(|()| file),
        }
    }
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
