//! One run of cargo, from the packages asked for to the libraries built or the errors shown.

mod calls;
mod cancel;
mod config;
mod failure;
mod inputs;
mod message;
mod process;
mod queue;
mod repeat;
mod report;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Instant, SystemTime};

use crossbeam_channel::{Receiver, Sender, unbounded};

pub use self::cancel::CancelToken;
pub use self::config::{BuilderConfig, EnvironmentPolicy, Network};
pub use self::failure::BuildFailure;
pub use self::inputs::PackageInputs;
pub use self::message::{Diagnostic, Level};
pub use self::queue::{BuildOutcome, BuildQueue};
pub use self::report::{BuildReport, BuiltArtifact, BuiltBy};

use self::calls::KnownCalls;
use self::process::{Line, Process};
use self::repeat::Repeated;
use self::report::Collected;
use crate::RustcCommand;

/// A target to build.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BuildRequest {
    /// The package's name, or its id as `cargo pkgid` prints it.
    pub package: String,
    /// Which of its targets.
    pub target: BuildTarget,
}

/// A target of a package, by its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BuildTarget {
    /// The library; a dynamic one.
    Library(String),
    /// A binary, such as the host.
    Binary(String),
}

impl BuildTarget {
    /// The target's name.
    pub fn name(&self) -> &str {
        let (Self::Library(name) | Self::Binary(name)) = self;
        name
    }
}

impl BuildRequest {
    /// The library target `library` of `package`.
    pub fn library(package: impl Into<String>, library: impl Into<String>) -> Self {
        Self { package: package.into(), target: BuildTarget::Library(library.into()) }
    }

    /// The binary target `binary` of `package`.
    pub fn binary(package: impl Into<String>, binary: impl Into<String>) -> Self {
        Self { package: package.into(), target: BuildTarget::Binary(binary.into()) }
    }
}

/// What happens while cargo runs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildEvent {
    /// Variables of the user's shell that would build modules otherwise than the host are left out; told
    /// once for each builder.
    EnvironmentCleaned {
        /// Their names, sorted.
        variables: Vec<String>,
    },
    /// Another cargo holds a lock; the text is cargo's own.
    Waiting {
        /// What cargo waits for.
        message: String,
    },
    /// A crate is needed that is not on this machine: the build starts again with the network.
    GoingOnline,
    /// Cargo compiles a package.
    Compiling {
        /// What, as cargo shows it: `swim v0.1.0 (/game/systems/swim)`.
        package: String,
    },
    /// The compiler says something; the report or the failure has it too.
    Diagnostic(Diagnostic),
}

/// Runs cargo for the packages of one workspace.
#[derive(Debug)]
pub struct Builder {
    config: BuilderConfig,
    events: (Sender<BuildEvent>, Receiver<BuildEvent>),
    told_environment: AtomicBool,
    calls: Mutex<KnownCalls>,
}

impl Builder {
    /// A builder; nothing is started yet.
    pub fn new(config: BuilderConfig) -> Self {
        let calls = Mutex::new(KnownCalls::load(&config));
        Self { config, events: unbounded(), told_environment: AtomicBool::new(false), calls }
    }

    /// How it builds.
    pub fn config(&self) -> &BuilderConfig {
        &self.config
    }

    /// What happens while cargo runs, from all builds. Clone it to listen on another thread.
    pub fn events(&self) -> &Receiver<BuildEvent> {
        &self.events.1
    }

    /// Builds the targets asked for in one run of cargo, and waits for it. When `cancel` is called, cargo and
    /// all that it has started are ended.
    ///
    /// # Errors
    /// [`BuildFailure`]: the compiler's errors, cargo's own, or the cancellation.
    pub fn build(
        &self,
        requests: &[BuildRequest],
        cancel: &CancelToken,
    ) -> Result<BuildReport, BuildFailure> {
        let online = self.config.network == Network::Always;
        match self.build_once(requests, cancel, !online) {
            Err(failure) if self.config.network == Network::IfNeeded && failure.needs_network() => {
                self.tell(BuildEvent::GoingOnline);
                self.build_once(requests, cancel, false)
            }
            result => result,
        }
    }

    /// Builds what the change of `changed` asks for. When these are files of one module alone and all else was fresh
    /// when cargo last looked, the compiler's call that cargo made the last time is repeated without it; otherwise, and
    /// when no files are named, this is [`Builder::build`].
    ///
    /// # Errors
    /// As [`Builder::build`].
    pub fn build_changed(
        &self,
        requests: &[BuildRequest],
        changed: &[PathBuf],
        cancel: &CancelToken,
    ) -> Result<BuildReport, BuildFailure> {
        self.check_workspace()?;
        match self.repeat(requests, changed, cancel) {
            Repeated::Done(result) => result,
            Repeated::AskCargo => self.build(requests, cancel),
        }
    }

    /// Builds `request` and returns the call of rustc that compiled its own crate, to repeat and time it.
    ///
    /// # Errors
    /// As [`Builder::build`]; [`BuildFailure::Replay`] when nothing had to be compiled.
    pub fn rustc_command(&self, request: &BuildRequest) -> Result<RustcCommand, BuildFailure> {
        let requests = std::slice::from_ref(request);
        let collected = self.run(&self.arguments(requests, true), &CancelToken::new())?;
        collected.to_report(requests, &self.config)?;
        let name = request.target.name().replace('-', "_");
        RustcCommand::find(&collected.stderr.join("\n"), &name, &self.config.workspace_root)
            .map_err(BuildFailure::Replay)
    }

    fn build_once(
        &self,
        requests: &[BuildRequest],
        cancel: &CancelToken,
        is_offline: bool,
    ) -> Result<BuildReport, BuildFailure> {
        let before = self.calls().begin_cargo();
        let collected = self.run(&self.arguments(requests, is_offline), cancel)?;
        let report = collected.to_report(requests, &self.config)?;
        self.calls().end_cargo(requests, &collected, &self.config, before);
        Ok(report)
    }

    fn calls(&self) -> std::sync::MutexGuard<'_, KnownCalls> {
        // What a panic has left is no worse than what a failed build leaves: calls that are not current.
        self.calls.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn run(&self, arguments: &[OsString], cancel: &CancelToken) -> Result<Collected, BuildFailure> {
        self.check_workspace()?;
        self.tell_environment();
        let started_at = Instant::now();
        let mut command = self.config.command();
        command.args(arguments);
        let mut process = Process::start(command)
            .map_err(|source| BuildFailure::Start { cargo: self.config.cargo.clone(), source })?;
        let mut collected = Collected::begun(SystemTime::now());
        while let Some(line) = process.next_line(cancel)? {
            self.take_line(line, &mut collected);
        }
        collected.status = Some(process.wait().map_err(BuildFailure::Wait)?);
        collected.elapsed = started_at.elapsed();
        Ok(collected)
    }

    fn take_line(&self, line: Line, collected: &mut Collected) {
        match line {
            Line::Message(message) => {
                if let Some(diagnostic) = collected.take_message(*message, &self.config.workspace_root) {
                    self.tell(BuildEvent::Diagnostic(diagnostic));
                }
            }
            Line::Stderr(text) => {
                let shown = text.trim_start();
                if shown.starts_with("Blocking waiting for file lock") {
                    // Cargo says it again at each of its looks at the same lock.
                    if collected.stderr.contains(&text) {
                        return;
                    }
                    self.tell(BuildEvent::Waiting { message: shown.to_owned() });
                } else if let Some(package) = shown.strip_prefix("Compiling ") {
                    self.tell(BuildEvent::Compiling { package: package.to_owned() });
                }
                collected.stderr.push(text);
            }
        }
    }

    fn arguments(&self, requests: &[BuildRequest], is_offline: bool) -> Vec<OsString> {
        let config = &self.config;
        let mut arguments: Vec<OsString> = ["build", "-vv", "--color", "never"].map(OsString::from).into();
        arguments.push("--message-format=json-diagnostic-rendered-ansi".into());
        arguments.extend(["--profile".into(), config.profile.clone().into()]);
        arguments.extend(["--target-dir".into(), config.target_dir.clone().into_os_string()]);
        if is_offline {
            arguments.push("--offline".into());
        }
        for request in requests {
            arguments.extend(["-p".into(), request.package.clone().into()]);
        }
        if requests.iter().any(|request| matches!(request.target, BuildTarget::Library(_))) {
            arguments.push("--lib".into());
        }
        for request in requests {
            if let BuildTarget::Binary(name) = &request.target {
                arguments.extend(["--bin".into(), name.into()]);
            }
        }
        arguments.extend(config.extra_arguments.iter().cloned());
        arguments
    }

    fn check_workspace(&self) -> Result<(), BuildFailure> {
        let is_there = |path: &Path| path.join("Cargo.toml").is_file();
        if is_there(&self.config.workspace_root) {
            return Ok(());
        }
        Err(BuildFailure::NoWorkspace { root: self.config.workspace_root.clone() })
    }

    fn tell_environment(&self) {
        let variables = self.config.cleaned_variables();
        if !variables.is_empty() && !self.told_environment.swap(true, Ordering::Relaxed) {
            self.tell(BuildEvent::EnvironmentCleaned { variables });
        }
    }

    fn tell(&self, event: BuildEvent) {
        // This builder holds a receiver itself, so the channel is open.
        let _ = self.events.0.send(event);
    }
}
