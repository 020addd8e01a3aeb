//! Trials: new code runs on a copy of the game first, in a process of its own. Whatever it does there, the game never
//! notices.
//!
//! The process is started when a build begins, and has its copy of the game when there is something to be tried. It is
//! used once.

mod copy;
mod failure;

use std::collections::VecDeque;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, at, never};
use keel_registry::Code;

use super::engine::EngineProcess;
use super::{STOP_DEADLINE, Supervisor};
use crate::event::{Event, FailureLine, HangLine, Stage, code_name};
use crate::protocol::{BuildState, FromEngine, Library, Received, SwapRequest, ToEngine, TrialOutcome};
use copy::Copy;
use failure::{Failure, crashed, hung};

/// What a trial may take from the moment that the new code is there. Its `load` alone may take 2 s.
const DEADLINE: Duration = Duration::from_secs(4);

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
    /// Why the game as it is now is not to be had.
    no_game: Option<String>,
}

/// New code, running on a copy of the game.
struct Trial {
    copy: Copy,
    request: SwapRequest,
    begun: Instant,
    deadline: Instant,
    /// The process has got its copy: what goes wrong from now on is the new code's doing.
    is_copied: bool,
    /// What does not return, as its watchdog says.
    hang: Option<HangLine>,
    last_words: VecDeque<String>,
}

impl Trials {
    /// What the trial that runs says.
    pub(super) fn messages(&self) -> Receiver<Received> {
        self.running.as_ref().map_or_else(never, |trial| trial.copy.process.messages().clone())
    }

    /// When the trial that runs has taken too long.
    pub(super) fn deadline(&self) -> Receiver<Instant> {
        self.running.as_ref().map_or_else(never, |trial| at(trial.deadline))
    }

    /// The libraries of all that is tried, or will be.
    pub(super) fn libraries(&self) -> impl Iterator<Item = &Library> {
        let running = self.running.as_ref().map(|trial| &trial.request);
        running.into_iter().chain(&self.waiting).flat_map(|request| &request.modules)
    }

    /// Ends all: another game is there, or none.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        let running = self.running.take().map(|trial| trial.copy.process);
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
            end(trial.copy.process);
        }
    }
}

/// Ends a process, beside everything else.
fn end(process: EngineProcess) {
    // Without a thread it ends when its connection closes.
    let _ = thread::Builder::new().name("keel-trial-end".to_owned()).spawn(|| process.finish(Duration::ZERO));
}

impl Supervisor {
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
                Err(error) => self.go_untried(request, &format!("{error:#}")),
            }
        }
    }

    fn begin_trial(&mut self, copy: Copy, request: SwapRequest) {
        let modules = request.modules.iter().map(|library| library.module.clone()).collect();
        self.send(&ToEngine::Build(BuildState::Trying { modules }));
        self.log("debug", format!("{} is tried out on a copy of the game", names(&request.modules)));
        let begun = Instant::now();
        let trial = Trial {
            copy,
            request,
            begun,
            deadline: begun + DEADLINE,
            is_copied: false,
            hang: None,
            last_words: VecDeque::new(),
        };
        self.trials.running = Some(trial);
        self.send_tried();
    }

    /// Hands the new code over, if its process has got its game.
    pub(super) fn send_tried(&mut self) {
        let Some(trial) = self.trials.running.as_mut().filter(|trial| !trial.copy.is_waiting()) else {
            return;
        };
        trial.copy.process.send(&ToEngine::Swap(trial.request.clone()));
        trial.deadline = Instant::now() + DEADLINE + trial.copy.copying;
        self.tell_other_game();
    }

    /// Takes up what the trial says; `None` when its process has ended.
    pub(super) fn take_trial_message(&mut self, message: Option<Received>) {
        let Some(trial) = &mut self.trials.running else { return };
        match message {
            Some(Received::Message(FromEngine::Tried(outcome))) => self.end_trial(Some(outcome)),
            Some(Received::Message(FromEngine::Begun { .. })) => trial.is_copied = true,
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
        let Some(trial) = self.trials.running.take() else { return };
        let Trial { copy, request, begun, is_copied, hang, .. } = trial;
        end(copy.process);
        if is_copied {
            self.refuse_tried(&request, hung(hang, begun.elapsed()));
        } else {
            let seconds = begun.elapsed().as_secs_f64();
            self.go_untried(request, &format!("no copy of the game was made within {seconds:.1} s"));
        }
        self.next_trial();
    }

    fn end_trial(&mut self, outcome: Option<TrialOutcome>) {
        let Some(trial) = self.trials.running.take() else { return };
        let Trial { copy, mut request, begun, is_copied, last_words, .. } = trial;
        request.trial_ms = begun.elapsed().as_secs_f64() * 1e3;
        match outcome {
            Some(outcome) => {
                end(copy.process);
                self.take_outcome_of_trial(request, outcome);
            }
            None => {
                let ended = copy.process.finish(STOP_DEADLINE);
                if is_copied {
                    self.refuse_tried(&request, crashed(ended, &last_words));
                } else {
                    let how = ended.how;
                    self.go_untried(request, &format!("the process that was to copy the game ended: {how}"));
                }
            }
        }
        self.next_trial();
    }

    /// Has code run in the game at once, because there is nothing to try it on. That is not its doing.
    fn go_untried(&mut self, request: SwapRequest, why: &str) {
        self.log("warn", format!("the new code runs without a trial: {why}"));
        self.swap_in(request);
    }

    fn take_outcome_of_trial(&mut self, request: SwapRequest, outcome: TrialOutcome) {
        match outcome {
            TrialOutcome::Fits => self.swap_in(request),
            TrialOutcome::NotMade => {
                self.go_untried(request, "no copy of the game could be made of its newest snapshot");
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
