//! The supervisor process: watches, builds, owns the terminal, and keeps an engine process running.
//!
//! A saved line goes through `build` (what it means, cargo), `stage` (copies) and `swap` (the order to the engine);
//! what the engine answers comes in at `messages`.

mod build;
mod commands;
mod consent;
mod control;
mod crash;
mod edits;
mod engine;
mod hang;
mod input;
mod lifetime;
mod members;
mod messages;
mod output;
mod recovery;
mod refused;
mod retry;
mod stage;
mod swap;
mod tell;
mod trial;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context;
use crossbeam_channel::{Receiver, never, select};
use keel_builder::{BuildQueue, Builder, WatchScope, Watcher};
use keel_registry::Code;
use keel_resolver::{Workspace, WorkspaceCache};

use crate::cli::{EXIT_FAILURE, EXIT_REFUSED, RunArgs};
use crate::protocol::ToEngine;
use crate::refusal::{read_code, unread_game};
use crate::workspace;
use consent::Consents;
use control::Asked;
pub(crate) use control::{ControlRequest, FOLDER as CONTROL_FOLDER};
use edits::Edits;
use engine::EngineProcess;
use hang::Hanging;
use input::{Command, Input};
use members::read_lockfile;
use output::Output;
use recovery::{DiskNews, Found, Recovery};
use refused::Refused;
use retry::Retries;
use stage::Staging;
use trial::Trials;

/// How long an engine that was told to end may take.
const STOP_DEADLINE: Duration = Duration::from_secs(3);

/// Runs the game of the current workspace until it is ended.
pub(crate) fn run(args: RunArgs) -> anyhow::Result<ExitCode> {
    let (cache, workspace) = match workspace::read() {
        Ok(read) => read,
        Err(error) => {
            output::tell_refused(&args, read_code(error.as_ref()), format!("{error:#}"))?;
            return Ok(ExitCode::from(EXIT_REFUSED));
        }
    };
    // Before anything is built for it.
    if let Some(game) = &args.from
        && let Err(error) = File::open(game)
    {
        output::tell_refused(&args, Code::NoSnapshot, unread_game(game, &error))?;
        return Ok(ExitCode::from(EXIT_REFUSED));
    }
    let found = match Found::of(&args, &workspace) {
        Ok(found) => found,
        Err(message) => {
            output::tell_refused(&args, Code::NoSnapshot, message)?;
            return Ok(ExitCode::from(EXIT_REFUSED));
        }
    };
    let mut supervisor = Supervisor::new(args, cache, workspace)?;
    supervisor.take_up(found)?;
    let code = supervisor.run();
    if supervisor.disk_hangs {
        // Its end would remove the folder of the run, on the same disk. The next run removes it.
        std::mem::forget(supervisor);
    }
    code
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
    /// The last seconds, run again with the code that is live.
    retries: Retries,
    output: Output,
    input: Input,
    /// What was saved and is being built.
    edits: Edits,
    /// What the next outcome of the queue is for.
    purpose: Purpose,
    /// New code that runs on a copy of the game.
    trials: Trials,
    /// What is gone on with when the engine has ended by itself.
    recovery: Recovery,
    /// What becomes of its snapshots on disk.
    disk_news: Receiver<DiskNews>,
    /// The disk does not answer, as the end of the run has found.
    disk_hangs: bool,
    /// Swaps that would lose data, to be made if the user accepts that.
    consents: Consents,
    /// What other terminals have asked for.
    asked: Asked,
    /// What of the engine does not return.
    hanging: Hanging,
    paused: bool,
    save_failed: bool,
    /// The game's frame at which this run began, once an engine has told it.
    first_frame: Option<u64>,
    /// What the packages were compiled from, as the builds have told.
    inputs: BTreeMap<PathBuf, Vec<PathBuf>>,
    /// Why the manifests as they are now could not be taken up.
    refused: Option<Refused>,
    exit: Option<ExitCode>,
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

impl Supervisor {
    fn new(args: RunArgs, cache: WorkspaceCache, workspace: Workspace) -> anyhow::Result<Self> {
        let builder = Arc::new(workspace::builder(&workspace));
        let queue = BuildQueue::start(Arc::clone(&builder))?;
        let watcher = if args.no_watch { None } else { Some(Watcher::start(WatchScope::of(&workspace))?) };
        let staging = Staging::new(&builder)?;
        let input = Input::start(&args)?;
        let output = Output::start(&args)?;
        let control = control::listen(staging.folder(), input.sender());
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
            retries: Retries::default(),
            output,
            input,
            edits: Edits::default(),
            purpose: Purpose::Begin,
            trials: Trials::default(),
            recovery: Recovery::default(),
            disk_news: never(),
            disk_hangs: false,
            consents: Consents::default(),
            asked: Asked::default(),
            hanging: Hanging::default(),
            paused: false,
            save_failed: false,
            first_frame: None,
            inputs: BTreeMap::new(),
            refused: None,
            exit: None,
        };
        if let Err(error) = control {
            let message = format!("no other terminal can ask this run for anything: {error}");
            supervisor.log("warn", message);
        }
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
        let mut disk_news = self.disk_news.clone();
        while self.exit.is_none() {
            let messages = self.engine.as_ref().map_or_else(never, |engine| engine.messages().clone());
            let (tried, late) = (self.trials.messages(), self.trials.deadline());
            let (retried, retry_late) = (self.retries.messages(), self.retries.deadline());
            select! {
                recv(changes) -> change => match change {
                    Ok(Ok(change)) => self.take_change(&change),
                    Ok(Err(error)) => self.log("warn", error.to_string()),
                    Err(_) => anyhow::bail!("the watcher has ended; start `keel run` again"),
                },
                recv(outcomes) -> outcome => self.take_outcome(outcome.context("the build thread has ended")?)?,
                recv(builds) -> event => if let Ok(event) = event { self.take_build_event(event) },
                recv(messages) -> message => self.take_message(message.ok())?,
                recv(tried) -> message => self.take_trial_message(message.ok()),
                recv(late) -> _ => self.trial_is_late(),
                recv(retried) -> message => self.take_retried(message.ok()),
                recv(retry_late) -> _ => self.retry_is_late(),
                recv(disk_news) -> news => match news {
                    Ok(news) => self.take_disk_news(news),
                    Err(_) => disk_news = never(),
                },
                recv(commands) -> command => self.take_command(command.unwrap_or(Command::Quit)),
            }
        }
        self.end()
    }

    /// Ends the engine and leaves the terminal as it was.
    fn end(&mut self) -> anyhow::Result<ExitCode> {
        self.trials.clear();
        self.retries.end(Duration::ZERO);
        if let Some(engine) = self.engine.take() {
            if self.hanging.first().is_some() {
                // It will not come to read the order.
                engine.kill();
            }
            engine.send(&ToEngine::Stop);
            for message in engine.last_words(STOP_DEADLINE) {
                self.show(message)?;
            }
            engine.finish(STOP_DEADLINE);
        }
        self.output.restore();
        let was_lost =
            self.save_failed && self.args.save_to.is_some() && self.exit == Some(ExitCode::SUCCESS);
        let code =
            if was_lost { ExitCode::from(EXIT_FAILURE) } else { self.exit.unwrap_or(ExitCode::SUCCESS) };
        self.recovery.end(code == ExitCode::SUCCESS);
        while let Ok(news) = self.disk_news.try_recv() {
            if news == DiskNews::Hanging {
                self.take_disk_news(news);
            }
        }
        Ok(code)
    }

    fn send(&mut self, order: &ToEngine) {
        if let Some(engine) = &mut self.engine {
            engine.send(order);
        }
    }
}
