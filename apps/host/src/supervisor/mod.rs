//! The supervisor process: watches, builds, owns the terminal, and keeps an engine process running.

mod consent;
mod engine;
mod input;
mod members;
mod output;
mod stage;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use crossbeam_channel::{Receiver, never, select};
use keel::types::ModuleId;
use keel_builder::{
    BuildEvent, BuildFailure, BuildOutcome, BuildQueue, BuildRequest, Builder, ChangeSet, Diagnostic, Level,
    WatchScope, Watcher,
};
use keel_resolver::{ReadError, Workspace, WorkspaceCache};

use crate::cli::{EXIT_ENGINE_DIED, EXIT_FAILURE, EXIT_REFUSED, RunArgs};
use crate::event::{Event, Stage};
use crate::plain::plain;
use crate::protocol::{BuildState, FromEngine, Library, Received, SwapRequest, ToEngine};
use crate::workspace;
use consent::Consents;
use engine::EngineProcess;
use input::{Command, Input};
use output::Output;
use stage::Staging;

/// How long an engine that was told to end may take.
const STOP_DEADLINE: Duration = Duration::from_secs(3);

/// Runs the game of the current workspace until it is ended.
pub(crate) fn run(args: RunArgs) -> anyhow::Result<ExitCode> {
    let (cache, workspace) = match workspace::read() {
        Ok(read) => read,
        Err(error) => {
            eprintln!("error: {}", plain(&format!("{error:#}")));
            return Ok(ExitCode::from(EXIT_REFUSED));
        }
    };
    let mut supervisor = Supervisor::new(args, cache, workspace)?;
    supervisor.run()
}

struct Supervisor {
    args: RunArgs,
    cache: WorkspaceCache,
    workspace: Workspace,
    /// Cargo.lock, as the running engine was built with it.
    lockfile: String,
    builder: Arc<Builder>,
    queue: BuildQueue,
    watcher: Option<Watcher>,
    staging: Staging,
    engine: Option<EngineProcess>,
    output: Output,
    input: Input,
    /// The save that the build under way answers, until its outcome.
    change: Option<Change>,
    /// What the next outcome of the queue is for.
    purpose: Purpose,
    /// Swaps that would lose data, to be made if the user accepts that.
    consents: Consents,
    paused: bool,
    save_failed: bool,
    /// The game's frame at which this run began, once an engine has told it.
    first_frame: Option<u64>,
    /// What the packages were compiled from, as the builds have told.
    inputs: BTreeMap<PathBuf, Vec<PathBuf>>,
    exit: Option<ExitCode>,
}

/// A save on its way.
#[derive(Clone, Copy)]
struct Change {
    saved_at: SystemTime,
    detected: SystemTime,
}

/// Why the queue builds.
enum Purpose {
    /// The first engine is to be started.
    Begin,
    /// Modules are to be swapped.
    Swap,
    /// The engine is to be replaced.
    Restart { reason: String, begun: Instant },
    /// The engine was asked to save the game before it is replaced.
    Replace { reason: String, begun: Instant },
}

/// An error with its causes: what cargo says of a manifest is one.
fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

impl Supervisor {
    fn new(args: RunArgs, cache: WorkspaceCache, workspace: Workspace) -> anyhow::Result<Self> {
        let builder = Arc::new(workspace::builder(&workspace));
        let queue = BuildQueue::start(Arc::clone(&builder))?;
        let watcher = if args.no_watch { None } else { Some(Watcher::start(WatchScope::of(&workspace))?) };
        let staging = Staging::new(&builder)?;
        let input = Input::start(&args)?;
        let output = Output::start(&args)?;
        let cleaned = builder.config().cleaned_variables();
        let mut supervisor = Self {
            args,
            cache,
            lockfile: read_lockfile(&workspace),
            workspace,
            builder,
            queue,
            watcher,
            staging,
            engine: None,
            output,
            input,
            change: None,
            purpose: Purpose::Begin,
            consents: Consents::default(),
            paused: false,
            save_failed: false,
            first_frame: None,
            inputs: BTreeMap::new(),
            exit: None,
        };
        if !cleaned.is_empty() {
            let names = cleaned.join(", ");
            supervisor.log(
                "warn",
                format!("builds leave out what your shell sets, because it would change the code: {names}"),
            );
        }
        Ok(supervisor)
    }

    fn run(&mut self) -> anyhow::Result<ExitCode> {
        self.output.status("building the modules")?;
        self.submit(workspace::everything(&self.workspace), SystemTime::now());
        let changes = self.watcher.as_ref().map_or_else(never, |watcher| watcher.changes().clone());
        let outcomes = self.queue.outcomes().clone();
        let commands = self.input.commands().clone();
        let builds = self.builder.events().clone();
        while self.exit.is_none() {
            let messages = self.engine.as_ref().map_or_else(never, |engine| engine.messages().clone());
            select! {
                recv(changes) -> change => match change {
                    Ok(Ok(change)) => self.take_change(&change),
                    Ok(Err(error)) => self.log("warn", error.to_string()),
                    Err(_) => anyhow::bail!("the watcher has ended; start `keel run` again"),
                },
                recv(outcomes) -> outcome => self.take_outcome(outcome.context("the build thread has ended")?)?,
                recv(builds) -> event => if let Ok(event) = event { self.take_build_event(event) },
                recv(messages) -> message => self.take_message(message.ok())?,
                recv(commands) -> command => self.take_command(command.unwrap_or(Command::Quit)),
            }
        }
        self.end()
    }

    /// Ends the engine and leaves the terminal as it was.
    fn end(&mut self) -> anyhow::Result<ExitCode> {
        if let Some(mut engine) = self.engine.take() {
            engine.send(&ToEngine::Stop);
            for message in engine.messages().iter_until(Instant::now() + STOP_DEADLINE) {
                self.show(message)?;
            }
            engine.finish(STOP_DEADLINE);
        }
        self.output.restore();
        let was_lost =
            self.save_failed && self.args.save_to.is_some() && self.exit == Some(ExitCode::SUCCESS);
        Ok(if was_lost { ExitCode::from(EXIT_FAILURE) } else { self.exit.unwrap_or(ExitCode::SUCCESS) })
    }

    // A saved file.

    fn take_change(&mut self, change: &ChangeSet) {
        let affected = self.workspace.affected(&change.files);
        let now = SystemTime::now();
        let detected = now.checked_sub(change.detected_at.elapsed()).unwrap_or(now);
        self.change = Some(Change { saved_at: change.saved_at, detected });
        if affected.manifest_changed || affected.lockfile_changed || !affected.new_folders.is_empty() {
            self.reread_workspace();
        }
        let of_lockfile = if affected.lockfile_changed { self.lockfile_restart() } else { None };
        if let Some(reason) = affected.restart.or(of_lockfile) {
            self.restart(reason.to_string(), change.saved_at);
            return;
        }
        let modules = affected.modules.iter().filter_map(|id| self.workspace.module(*id));
        let requests: Vec<_> = modules.map(workspace::request).collect();
        if !requests.is_empty() {
            // An engine that is still to be started needs all there is, whatever was saved.
            let is_swap = matches!(self.purpose, Purpose::Swap);
            let requests = if is_swap { requests } else { workspace::everything(&self.workspace) };
            let matters = |file: &&PathBuf| !affected.ignored.contains(file);
            let changed = change.files.iter().filter(matters).cloned().collect();
            self.submit_change(requests, changed, change.saved_at);
        }
    }

    fn tell_conflicts(&mut self, error: &ReadError) {
        // With what cargo said: only that names the manifest.
        self.tell(Event::Rejected {
            module: String::new(),
            stage: Stage::Resolve,
            code: "conflict".to_owned(),
            message: with_causes(error),
            request: None,
        });
    }

    fn restart(&mut self, reason: String, saved_at: SystemTime) {
        self.log("info", format!("{reason}; the engine is built anew and started again with the same world"));
        if !matches!(self.purpose, Purpose::Begin) {
            self.purpose = Purpose::Restart { reason, begun: Instant::now() };
        }
        self.submit(workspace::everything(&self.workspace), saved_at);
    }

    // A build.

    /// Builds. What was refused with one of these modules is built with them, and asked for anew: the user consents to
    /// the newest code, or to none.
    fn submit(&mut self, requests: Vec<BuildRequest>, saved_at: SystemTime) {
        self.submit_change(requests, Vec::new(), saved_at);
    }

    /// [`Supervisor::submit`], when it is known which files have changed.
    fn submit_change(
        &mut self,
        mut requests: Vec<BuildRequest>,
        changed: Vec<PathBuf>,
        saved_at: SystemTime,
    ) {
        for module in self.forget_refused(&names(&requests)) {
            let request = self.workspace.module(ModuleId::of(&module)).map(workspace::request);
            requests.extend(request.filter(|request| !requests.contains(request)));
            self.staging.force(&module);
        }
        let modules = names(&requests);
        self.send(&ToEngine::Build(BuildState::Building { modules }));
        self.queue.submit(requests, changed, saved_at);
    }

    fn take_build_event(&mut self, event: BuildEvent) {
        match event {
            BuildEvent::Waiting { message } => self.log("info", message),
            BuildEvent::GoingOnline => self.log("info", "a crate is missing; cargo fetches it".to_owned()),
            BuildEvent::Compiling { package } if matches!(self.purpose, Purpose::Begin) => {
                // Only the first build takes long enough for anyone to wonder.
                if let Err(error) = self.output.status(&format!("compiling {package}")) {
                    keel::log::warn!("the output is gone: {error}");
                }
            }
            // The cleaned environment was told at the start, and diagnostics come with the outcome.
            _ => {}
        }
    }

    fn take_outcome(&mut self, outcome: BuildOutcome) -> anyhow::Result<()> {
        let report = match outcome.result {
            Ok(report) => report,
            Err(failure) => {
                self.tell_build_failure(&names(&outcome.requests), &failure);
                // Nobody would see the mended source, or nobody is there to mend it.
                let is_left_alone = self.watcher.is_none() || self.args.frames.is_some();
                if is_left_alone && matches!(self.purpose, Purpose::Begin) {
                    self.exit = Some(ExitCode::from(EXIT_FAILURE));
                }
                return Ok(());
            }
        };
        self.note_inputs(&report);
        if matches!(self.purpose, Purpose::Swap) && self.staging.is_facade_new(&report) {
            // Without a watcher, or when somebody else has had it built, nobody has said so.
            self.restart("the facade was built anew".to_owned(), outcome.saved_at);
            return Ok(());
        }
        let rebuilt = self.staging.to_be_staged(&report);
        self.send(&ToEngine::Build(BuildState::Done { rebuilt }));
        match std::mem::replace(&mut self.purpose, Purpose::Swap) {
            Purpose::Begin => {
                self.staging.adopt(&report)?;
                self.start_engine(self.args.from.clone())?;
            }
            Purpose::Restart { reason, begun } => {
                self.staging.keep_for_restart(report);
                self.purpose = Purpose::Replace { reason, begun };
                self.send(&ToEngine::SaveGame { path: self.staging.restart_file() });
            }
            purpose @ Purpose::Replace { .. } => {
                self.staging.keep_for_restart(report);
                self.purpose = purpose;
            }
            Purpose::Swap => {
                let modules = self.staging.stage(&report)?;
                if !modules.is_empty() {
                    self.swap(modules, report.elapsed, outcome.saved_at);
                }
            }
        }
        Ok(())
    }

    fn swap(&mut self, modules: Vec<Library>, build: Duration, saved_at: SystemTime) {
        let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
        let change = self.change.take();
        let since_epoch = change.map(|_| saved_at.duration_since(UNIX_EPOCH).unwrap_or_default());
        let detect = change.and_then(|change| change.detected.duration_since(change.saved_at).ok());
        let modules = self.with_stated(modules);
        self.ask(SwapRequest {
            id: 0,
            modules,
            saved_at_us: since_epoch.map(|since| since.as_micros() as u64),
            detect_ms: ms(detect.unwrap_or_default()),
            build_ms: ms(build),
            accept_loss: self.args.accept_loss,
        });
    }

    fn ask(&mut self, request: SwapRequest) {
        let request = self.consents.ask(request);
        self.show_notice();
        self.send(&ToEngine::Swap(request));
    }

    fn tell_build_failure(&mut self, modules: &[String], failure: &BuildFailure) {
        // Warnings would bury the error; cargo tells them again once the module builds.
        let diagnostics: Vec<_> =
            failure.diagnostics().iter().filter(|diagnostic| diagnostic.level == Level::Error).collect();
        let join = |text: fn(&Diagnostic) -> &str| {
            diagnostics.iter().map(|diagnostic| text(diagnostic)).collect::<Vec<_>>().join("\n")
        };
        let (plain, colored) = if diagnostics.is_empty() {
            (failure.to_string(), failure.to_string())
        } else {
            (join(|it| &it.plain), join(|it| &it.colored))
        };
        self.send(&ToEngine::Build(BuildState::Failed { modules: modules.to_vec(), rendered: colored }));
        self.tell(Event::Rejected {
            module: modules.join("+"),
            stage: Stage::Build,
            code: "compile-error".to_owned(),
            message: plain,
            request: None,
        });
    }

    // The engine.

    fn start_engine(&mut self, game: Option<PathBuf>) -> anyhow::Result<()> {
        let mut engine = EngineProcess::start(self.staging.run(), &self.args, self.output.size())?;
        let modules = self.with_stated(self.in_load_order(self.staging.newest()));
        engine.send(&ToEngine::Plan { views: workspace::views(&self.workspace) });
        let (first_frame, accept_loss) = (self.first_frame, self.args.accept_loss);
        engine.send(&ToEngine::Load { modules, game, accept_loss, first_frame });
        if self.paused {
            engine.send(&ToEngine::Pause { paused: true });
        }
        self.engine = Some(engine);
        self.consents.clear();
        Ok(())
    }

    /// Keeps the game that a replaced engine has saved and the new one could not go on with.
    fn keep_lost_game(&mut self) {
        let saved = self.staging.restart_file();
        if !saved.is_file() {
            return;
        }
        let kept = self.workspace.root().join("target").join("unfinished.keel");
        let message = match std::fs::copy(&saved, &kept) {
            Ok(_) => {
                format!("the game is kept in {0}; go on with it by `keel run --from {0}`", kept.display())
            }
            Err(error) => format!("the game could not be kept in {}: {error}", kept.display()),
        };
        self.log("error", message);
    }

    /// Puts a newly built engine in the place of the running one, with the game that it has saved.
    fn replace_engine(&mut self) -> anyhow::Result<()> {
        let (reason, begun) = match std::mem::replace(&mut self.purpose, Purpose::Swap) {
            Purpose::Replace { reason, begun } => (reason, begun),
            // Something newer is being built; the game is saved again for that.
            purpose => {
                self.purpose = purpose;
                return Ok(());
            }
        };
        if let Some(mut engine) = self.engine.take() {
            engine.send(&ToEngine::Stop);
            engine.finish(STOP_DEADLINE);
        }
        self.staging.adopt_kept()?;
        self.start_engine(Some(self.staging.restart_file()))?;
        let restart_ms = begun.elapsed().as_secs_f64() * 1e3;
        self.tell(Event::Restarted { reason, restart_ms });
        Ok(())
    }

    fn take_message(&mut self, message: Option<Received>) -> anyhow::Result<()> {
        match message {
            None => self.engine_ended(),
            Some(Received::Message(FromEngine::Saved { path, error }))
                if path == self.staging.restart_file() =>
            {
                if let Some(error) = error {
                    self.purpose = Purpose::Swap;
                    self.log(
                        "error",
                        format!("the engine can't be replaced, its game could not be saved: {error}"),
                    );
                    return Ok(());
                }
                return self.replace_engine();
            }
            Some(Received::Message(FromEngine::Reload { module })) => self.reload(&module),
            Some(Received::Message(FromEngine::Begun { frame })) => {
                self.first_frame.get_or_insert(frame);
            }
            Some(Received::Message(FromEngine::Done { failed: false, refused })) => {
                let lacks_modules = self.args.frames.is_some() && refused;
                self.exit =
                    Some(if lacks_modules { ExitCode::from(EXIT_REFUSED) } else { ExitCode::SUCCESS });
            }
            Some(Received::Message(FromEngine::Done { failed: true, .. })) => {
                self.keep_lost_game();
                self.exit = Some(ExitCode::from(EXIT_REFUSED));
            }
            Some(message) => return self.show(message),
        }
        Ok(())
    }

    fn show(&mut self, message: Received) -> anyhow::Result<()> {
        match message {
            Received::Screen(bytes) => self.output.screen(&bytes)?,
            Received::Message(FromEngine::Event(event)) => {
                self.note_refusal(&event);
                self.output.event(&event)?;
            }
            Received::Message(FromEngine::Saved { path, error }) => {
                let path = path.display();
                match error {
                    None => self.log("info", format!("saved {path}")),
                    Some(error) => {
                        self.log("error", format!("{path} was not saved: {error}"));
                        self.save_failed = true;
                    }
                }
            }
            Received::Message(
                FromEngine::Done { .. }
                | FromEngine::Screen { .. }
                | FromEngine::Begun { .. }
                | FromEngine::Reload { .. },
            ) => {}
        }
        Ok(())
    }

    /// Remembers a swap that only the user's consent is missing to.
    fn note_refusal(&mut self, event: &Event) {
        if let Event::Rejected { code, request: Some(request), .. } = event
            && matches!(code.as_str(), "data-loss" | "save-failed")
        {
            self.consents.refuse(*request);
            self.show_notice();
        }
    }

    /// Takes back the question whether a swap of any of `modules` may lose data, and says what it was about.
    fn forget_refused(&mut self, modules: &[String]) -> Vec<String> {
        let forgotten = self.consents.forget(modules);
        self.show_notice();
        forgotten
    }

    fn show_notice(&mut self) {
        let text = self.consents.notice();
        self.send(&ToEngine::Notice { text });
    }

    /// The engine is gone without having been told to go.
    fn engine_ended(&mut self) {
        let Some(engine) = self.engine.take() else { return };
        let how = engine.finish(STOP_DEADLINE);
        self.output.restore();
        eprintln!("error: the engine process ended: {how}");
        eprintln!("Start it again with `keel run`; what it printed last is above.");
        self.exit = Some(ExitCode::from(EXIT_ENGINE_DIED));
    }

    // The user.

    fn take_command(&mut self, command: Command) {
        match command {
            Command::Quit => self.exit = Some(ExitCode::SUCCESS),
            Command::ReloadAll => {
                self.reread_unwatched();
                self.submit(workspace::all_modules(&self.workspace), SystemTime::now());
            }
            Command::Reload(name) => self.reload(&name),
            Command::Load { module, path } => self.load(module, &path),
            Command::Reset => self.send(&ToEngine::Reset),
            Command::Pause => {
                self.paused = !self.paused;
                self.send(&ToEngine::Pause { paused: self.paused });
            }
            Command::Accept => self.accept_loss(),
            Command::Save(path) => self.send(&ToEngine::SaveGame { path }),
            Command::Key(key) => self.send(&ToEngine::Key(key)),
            Command::Resize { columns, rows } => self.send(&ToEngine::Resize { columns, rows }),
            Command::Unknown(line) => {
                self.log("warn", format!("`{line}` is no command; they are: {}", input::COMMANDS))
            }
        }
    }

    /// Builds one module and swaps it in, whether it has changed or not.
    fn reload(&mut self, name: &str) {
        self.reread_unwatched();
        let Some(module) = self.workspace.modules().iter().find(|module| module.name == name) else {
            let known: Vec<_> = self.workspace.modules().iter().map(|module| module.name.as_str()).collect();
            self.log("warn", format!("there is no module `{name}`; there are: {}", known.join(", ")));
            return;
        };
        let request = workspace::request(module);
        self.staging.force(&request.package);
        self.submit(vec![request], SystemTime::now());
    }

    /// Swaps in a library that the user has built.
    fn load(&mut self, module: String, path: &std::path::Path) {
        match self.staging.stage_file(&module, path) {
            Ok(library) => self.swap(vec![library], Duration::ZERO, SystemTime::now()),
            Err(error) => self.log("warn", format!("{error:#}")),
        }
    }

    fn accept_loss(&mut self) {
        let Some(request) = self.consents.take() else {
            self.log("info", "nothing waits for your consent".to_owned());
            return;
        };
        match self.staging.restage(&request.modules) {
            Ok(modules) => {
                let modules = self.with_stated(modules);
                self.ask(SwapRequest { modules, accept_loss: true, saved_at_us: None, ..request });
            }
            Err(error) => self.log("error", format!("{error:#}")),
        }
    }

    fn send(&mut self, order: &ToEngine) {
        if let Some(engine) = &mut self.engine {
            engine.send(order);
        }
    }

    /// Tells what happens here: to the machine that reads, and to the dashboard, which the engine draws.
    fn tell(&mut self, event: Event) {
        let message = event.text();
        let level = match &event {
            Event::Log { level, .. } => level.clone(),
            Event::Rejected { .. } => "error".to_owned(),
            _ => "info".to_owned(),
        };
        if let Err(error) = self.output.event(&event) {
            keel::log::warn!("the output is gone: {error}");
        }
        if self.output.is_screen() {
            // The compiler's message is shown in full elsewhere; the log has room for its first line.
            let message = message.lines().next().unwrap_or_default().to_owned();
            self.send(&ToEngine::Log { level: level.to_owned(), message });
        }
    }

    fn log(&mut self, level: &str, message: String) {
        self.tell(Event::Log { level: level.to_owned(), message });
    }
}

fn read_lockfile(workspace: &Workspace) -> String {
    // Without one, cargo is about to write it.
    std::fs::read_to_string(workspace.root().join("Cargo.lock")).unwrap_or_default()
}

fn names(requests: &[BuildRequest]) -> Vec<String> {
    requests.iter().map(|request| request.package.clone()).filter(|name| !workspace::is_host(name)).collect()
}

/// What a channel gives until `deadline`.
trait IterUntil<T> {
    fn iter_until(&self, deadline: Instant) -> impl Iterator<Item = T>;
}

impl<T> IterUntil<T> for Receiver<T> {
    fn iter_until(&self, deadline: Instant) -> impl Iterator<Item = T> {
        std::iter::from_fn(move || self.recv_deadline(deadline).ok())
    }
}
