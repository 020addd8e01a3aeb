//! Trials: new code runs on a copy of the game first, in a process of its own. Whatever it does there, the game never
//! notices.
//!
//! The process is started when a build begins, and has its copy of the game when there is something to be tried. It is
//! used once.

use std::collections::VecDeque;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, at, never};
use keel_registry::{Code, Past};

use super::engine::{EngineEnd, EngineProcess};
use super::{STOP_DEADLINE, Supervisor};
use crate::cli::{RunArgs, Span};
use crate::engine_process::input::FrameInput;
use crate::event::{CrashLine, Event, FailureLine, HangLine, Stage, code_name};
use crate::protocol::{BuildState, FromEngine, Game, Library, Received, SwapRequest, ToEngine, TrialOutcome};
use crate::workspace;

/// What a trial may take from the moment that the new code is there. Its `load` alone may take 2 s.
const DEADLINE: Duration = Duration::from_secs(4);

/// A large game is copied meanwhile: so many bytes a second at least.
const COPIED_PER_SECOND: usize = 50 << 20;

/// So many of the last lines that the process has written are told when it ends by itself.
const LAST_WORDS: usize = 8;

/// The trials of a run.
#[derive(Default)]
pub(super) struct Trials {
    /// A process that has a copy of the game, and waits for code to try.
    ready: Option<Copy>,
    running: Option<Trial>,
    /// What is tried next.
    waiting: VecDeque<SwapRequest>,
}

/// A process with a copy of the game.
struct Copy {
    process: EngineProcess,
    /// The libraries that it was started with.
    libraries: Vec<Library>,
    /// How long its game takes to be copied.
    copying: Duration,
}

/// New code, running on a copy of the game.
struct Trial {
    process: EngineProcess,
    request: SwapRequest,
    begun: Instant,
    deadline: Instant,
    /// What does not return, as its watchdog says.
    hang: Option<HangLine>,
    last_words: VecDeque<String>,
}

/// Why code failed its trial.
struct Failure {
    code: Code,
    module: Option<String>,
    message: String,
    failure: FailureLine,
}

impl Trials {
    /// What the trial that runs says.
    pub(super) fn messages(&self) -> Receiver<Received> {
        self.running.as_ref().map_or_else(never, |trial| trial.process.messages().clone())
    }

    /// When the trial that runs has taken too long.
    pub(super) fn deadline(&self) -> Receiver<Instant> {
        self.running.as_ref().map_or_else(never, |trial| at(trial.deadline))
    }

    /// Ends all: another game is there, or none.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        let running = self.running.take().map(|trial| trial.process);
        running.into_iter().chain(self.ready.take().map(|copy| copy.process)).for_each(end);
    }

    /// Forgets what is tried of any of `modules`: it has become old.
    fn give_up(&mut self, modules: &[Library]) {
        let concerns = |request: &SwapRequest| {
            let is_new = |library: &Library| modules.iter().any(|new| new.module == library.module);
            request.modules.iter().any(is_new)
        };
        self.waiting.retain(|request| !concerns(request));
        if let Some(trial) = self.running.take_if(|trial| concerns(&trial.request)) {
            end(trial.process);
        }
    }
}

/// Ends a process, beside everything else.
fn end(process: EngineProcess) {
    // Without a thread it ends when its connection closes.
    let _ = thread::Builder::new().name("keel-trial-end".to_owned()).spawn(|| process.finish(Duration::ZERO));
}

impl Supervisor {
    /// Something is being built: has a copy of the game made, to try it on.
    pub(super) fn prepare_trial(&mut self) {
        if self.args.trial.0 == 0 || self.engine.is_none() {
            return;
        }
        if let Some(old) = self.trials.ready.take() {
            end(old.process);
        }
        match self.copy_game() {
            Ok(copy) => self.trials.ready = copy,
            Err(error) => self.log("debug", format!("no copy of the game could be made: {error:#}")),
        }
    }

    /// Nothing is to be tried after all.
    pub(super) fn forget_trial(&mut self) {
        self.trials.ready.take().into_iter().for_each(|copy| end(copy.process));
    }

    /// A process with the newest snapshot; `None` before the game has begun.
    fn copy_game(&mut self) -> anyhow::Result<Option<Copy>> {
        let libraries = self.recovery.libraries();
        if libraries.is_empty() {
            return Ok(None);
        }
        let args = RunArgs {
            is_trial: true,
            frames: None,
            save_to: None,
            record: None,
            replay: None,
            history: 0,
            snapshots: Span(None),
            ..self.args.clone()
        };
        let mut process = EngineProcess::start(self.staging.run(), &args, self.output.size())?;
        let modules = self.with_stated(self.in_load_order(libraries.clone()));
        let game = self.recovery.newest_game();
        let bytes = game.as_ref().map_or(&[][..], |game| &game.bytes);
        let sent = game.is_some().then(|| Game::Sent { bytes: bytes.len() as u64, content: Vec::new() });
        process.send(&ToEngine::Plan { views: workspace::views(&self.workspace) });
        // What the code before does not know is not to be missed in a copy.
        let past = Past::default();
        let load = ToEngine::Load { modules, game: sent, accept_loss: true, first_frame: None, past };
        process.load(&load, bytes);
        let copying = Duration::from_secs_f64(bytes.len() as f64 / COPIED_PER_SECOND as f64);
        self.send(&ToEngine::TellInputs { frames: self.args.trial.0 });
        Ok(Some(Copy { process, libraries, copying }))
    }

    /// What has come into the game since the snapshot.
    pub(super) fn take_inputs(&mut self, frames: Vec<FrameInput>) {
        if let Some(copy) = &mut self.trials.ready {
            copy.process.send(&ToEngine::Inputs { frames });
        }
    }

    /// Has new code run on a copy of the game; then in the game, if that goes well. Without trials, at once.
    pub(super) fn try_out(&mut self, request: SwapRequest) {
        if self.args.trial.0 == 0 {
            return self.swap_in(request);
        }
        self.trials.give_up(&request.modules);
        self.trials.waiting.push_back(request);
        self.next_trial();
    }

    fn next_trial(&mut self) {
        while self.trials.running.is_none() {
            let Some(request) = self.trials.waiting.pop_front() else { return };
            let live = self.recovery.libraries();
            let ready = self.trials.ready.take_if(|copy| copy.libraries == live);
            let copy = ready.map_or_else(|| self.copy_game(), |copy| Ok(Some(copy)));
            match copy {
                Ok(Some(copy)) => self.begin_trial(copy, request),
                Ok(None) => self.swap_in(request),
                Err(error) => {
                    self.log("warn", format!("the new code runs without a trial: {error:#}"));
                    self.swap_in(request);
                }
            }
        }
    }

    fn begin_trial(&mut self, copy: Copy, request: SwapRequest) {
        let Copy { mut process, copying, .. } = copy;
        let modules = request.modules.iter().map(|library| library.module.clone()).collect();
        self.send(&ToEngine::Build(BuildState::Trying { modules }));
        self.log("debug", format!("{} is tried out on a copy of the game", names(&request.modules)));
        process.send(&ToEngine::Swap(request.clone()));
        let begun = Instant::now();
        let (deadline, hang, last_words) = (begun + DEADLINE + copying, None, VecDeque::new());
        self.trials.running = Some(Trial { process, request, begun, deadline, hang, last_words });
    }

    /// Takes up what the trial says; `None` when its process has ended.
    pub(super) fn take_trial_message(&mut self, message: Option<Received>) {
        let Some(trial) = &mut self.trials.running else { return };
        match message {
            Some(Received::Message(FromEngine::Tried(outcome))) => self.end_trial(Some(outcome)),
            Some(Received::Message(FromEngine::Event(Event::Hang(hang)))) => trial.hang = Some(hang),
            Some(Received::Message(FromEngine::Event(Event::HangEnded(_)))) => trial.hang = None,
            Some(Received::Message(FromEngine::Event(Event::Log { level, message, .. })))
                if level == "warn" =>
            {
                trial.last_words.push_back(message);
                if trial.last_words.len() > LAST_WORDS {
                    trial.last_words.pop_front();
                }
            }
            Some(_) => {}
            None => self.end_trial(None),
        }
    }

    /// The trial has taken too long.
    pub(super) fn trial_is_late(&mut self) {
        let Some(Trial { process, request, begun, hang, .. }) = self.trials.running.take() else { return };
        end(process);
        self.refuse_tried(&request, hung(hang, begun.elapsed()));
        self.next_trial();
    }

    fn end_trial(&mut self, outcome: Option<TrialOutcome>) {
        let Some(trial) = self.trials.running.take() else { return };
        let Trial { process, mut request, begun, last_words, .. } = trial;
        request.trial_ms = begun.elapsed().as_secs_f64() * 1e3;
        match outcome {
            Some(outcome) => {
                end(process);
                self.take_outcome_of_trial(request, outcome);
            }
            None => {
                let ended = process.finish(STOP_DEADLINE);
                self.refuse_tried(&request, crashed(ended, &last_words));
            }
        }
        self.next_trial();
    }

    fn take_outcome_of_trial(&mut self, request: SwapRequest, outcome: TrialOutcome) {
        match outcome {
            TrialOutcome::Fits => self.swap_in(request),
            TrialOutcome::NotMade => {
                let why = "no copy of the game could be made of its newest snapshot";
                self.log("warn", format!("the new code runs without a trial: {why}"));
                self.swap_in(request);
            }
            TrialOutcome::Refused { stage, module, code, message, failure } => {
                self.refuse(&request, module, stage, code, message, failure);
            }
            TrialOutcome::Panicked { module, system, message, backtrace, frame } => {
                let failure = FailureLine {
                    kind: "panic".to_owned(),
                    signal: None,
                    system: Some(system.clone()),
                    frame,
                    backtrace,
                };
                let message = format!("{module}/{system} failed: {message}");
                let failure = Failure { code: Code::TrialPanic, module: Some(module), message, failure };
                self.refuse_tried(&request, failure);
            }
        }
    }

    fn refuse_tried(&mut self, request: &SwapRequest, failure: Failure) {
        let Failure { code, module, message, failure } = failure;
        let module = module.unwrap_or_else(|| names(&request.modules));
        let message = format!(
            "{message}. It did so on a copy of the game, in a process of its own; the game runs on with the code before. \
             Correct it, and save"
        );
        self.refuse(request, module, Stage::Trial, code, message, Some(failure));
    }

    /// Tells that what was asked for will not come.
    fn refuse(
        &mut self,
        request: &SwapRequest,
        module: String,
        stage: Stage,
        code: Code,
        message: String,
        failure: Option<FailureLine>,
    ) {
        let modules = request.modules.iter().map(|library| library.module.clone()).collect();
        self.send(&ToEngine::Build(BuildState::Refused { modules }));
        let (code, request) = (code_name(code), Some(request.id));
        let event = Event::Rejected { module, stage, code, message, request, failure };
        self.note_refusal(&event);
        self.tell(event);
    }
}

fn names(libraries: &[Library]) -> String {
    let names: Vec<_> = libraries.iter().map(|library| library.module.as_str()).collect();
    names.join("+")
}

fn hung(hang: Option<HangLine>, waited: Duration) -> Failure {
    let seconds = waited.as_secs_f64();
    let Some(HangLine { module, system, frame, backtrace, .. }) = hang else {
        let failure =
            FailureLine { kind: "hang".to_owned(), signal: None, system: None, frame: 0, backtrace: None };
        let message = format!("its trial had not ended after {seconds:.1} s");
        return Failure { code: Code::TrialHang, module: None, message, failure };
    };
    let message = format!("{module}/{system} had not returned after {seconds:.1} s");
    let failure =
        FailureLine { kind: "hang".to_owned(), signal: None, system: Some(system), frame, backtrace };
    Failure { code: Code::TrialHang, module: Some(module), message, failure }
}

/// What is told of a process that has ended itself.
fn crashed(end: EngineEnd, last_words: &VecDeque<String>) -> Failure {
    let EngineEnd { how, crash, .. } = end;
    // What the allocator says before it aborts.
    let out_of_memory = last_words.iter().find(|line| line.starts_with("memory allocation of"));
    let Some(CrashLine { module, system, kind, signal, message, backtrace, frame, .. }) = crash else {
        let words: String = last_words.iter().map(|line| format!("\n    {line}")).collect();
        let failure =
            FailureLine { kind: "end".to_owned(), signal: None, system: None, frame: 0, backtrace: None };
        return Failure { code: Code::TrialCrash, module: None, message: format!("{how}{words}"), failure };
    };
    let (kind, message) = match out_of_memory {
        Some(line) => ("memory".to_owned(), format!("{line}: it asked for more memory than a trial has")),
        None => (kind, message),
    };
    let of = match (&module, &system) {
        (Some(module), Some(system)) => format!("{module}/{system}: "),
        (Some(module), None) => format!("{module}: "),
        _ => String::new(),
    };
    let failure = FailureLine { kind, signal, system, frame, backtrace };
    Failure { code: Code::TrialCrash, module, message: format!("{of}{message}"), failure }
}
