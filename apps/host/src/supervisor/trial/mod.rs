//! Trials: new code runs on a copy of the game first, in a process of its own. Whatever it does there, the game never
//! notices.
//!
//! The process is started when a build begins, and has its copy of the game when there is something to be tried. It is
//! used once.

mod copy;
mod failure;
mod outcome;
mod running;
#[cfg(all(test, unix))]
mod tests;

use std::collections::VecDeque;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, at, never};

use super::engine::EngineProcess;
use super::{STOP_DEADLINE, Supervisor};
use crate::cli::step_of;
use crate::engine_process::input::FrameInput;
use crate::protocol::{BuildState, Library, Received, SwapRequest, ToEngine, TrialOutcome};
use copy::Copy;
use failure::{crashed, hung, is_of_code_before};
use running::{News, Phase, Trial};

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

impl Trials {
    /// What the trial that runs says.
    pub(super) fn messages(&self) -> Receiver<Received> {
        self.running.as_ref().map_or_else(never, |trial| trial.copy.process.messages().clone())
    }

    /// When the trial that runs has taken too long, or waited long enough.
    pub(super) fn deadline(&self) -> Receiver<Instant> {
        self.running.as_ref().map_or_else(never, |trial| at(trial.deadline))
    }

    /// The libraries of all that is tried, or will be.
    pub(super) fn libraries(&self) -> impl Iterator<Item = &Library> {
        let running = self.running.as_ref().map(|trial| &trial.request);
        running.into_iter().chain(&self.waiting).flat_map(|request| &request.modules)
    }

    /// Hands what has come into the game lately to all copies, whichever of them has asked.
    fn take_inputs(&mut self, frames: &[FrameInput]) {
        let running = self.running.as_mut().map(|trial| &mut trial.copy);
        running.into_iter().chain(&mut self.ready).for_each(|copy| copy.take_inputs(frames.to_vec()));
    }

    /// Ends all: another game is there, or none.
    pub(super) fn clear(&mut self) {
        self.take_untried();
    }

    /// Ends all. Returns what was tried or would have been.
    fn take_untried(&mut self) -> Vec<SwapRequest> {
        self.ready.take().into_iter().for_each(|copy| end(copy.process));
        let running = self.running.take().map(|Trial { copy, request, .. }| {
            end(copy.process);
            request
        });
        running.into_iter().chain(self.waiting.drain(..)).collect()
    }

    /// Gives up what is tried of any module of `request`: it has become old. What was to come with it comes with `request`:
    /// nobody builds that again.
    pub(super) fn join(&mut self, mut request: SwapRequest) -> SwapRequest {
        let newer: Vec<_> = request.modules.iter().map(|library| library.module.clone()).collect();
        for others in self.give_up(&newer).into_iter().filter_map(|old| old.without(&newer)) {
            request.accept_loss &= others.accept_loss;
            request.modules.extend(others.modules);
        }
        request
    }

    /// Forgets what is tried of any of `modules`, or would be. Returns it.
    fn give_up(&mut self, modules: &[String]) -> Vec<SwapRequest> {
        let concerns =
            |request: &SwapRequest| request.modules.iter().any(|library| modules.contains(&library.module));
        let running = self.running.take_if(|trial| concerns(&trial.request)).map(|trial| {
            end(trial.copy.process);
            trial.request
        });
        let (given_up, waiting) = self.waiting.drain(..).partition::<Vec<_>, _>(concerns);
        self.waiting.extend(waiting);
        running.into_iter().chain(given_up).collect()
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
        self.trials.waiting.push_back(request);
        self.next_trial();
    }

    /// These modules are gone: what is tried of them is dropped, and what was to come with them is tried without.
    pub(super) fn try_without(&mut self, modules: &[String]) {
        for request in self.trials.give_up(modules).into_iter().filter_map(|it| it.without(modules)) {
            self.ask(request);
        }
        self.next_trial();
    }

    /// Another engine goes on with the game: what was tried, or waited for that, is tried again once it does.
    pub(super) fn keep_untried(&mut self) {
        for request in self.trials.take_untried() {
            let names = names(&request.modules);
            self.log("info", format!("{names} is tried out once more when the game goes on"));
            let request = self.consents.ask(request);
            self.trials.waiting.push_back(request);
        }
    }

    /// Begins the next trial, if none runs. A game that is just being gone on with may not be the one that comes.
    pub(super) fn next_trial(&mut self) {
        while self.trials.running.is_none() && !self.recovery.is_resuming() {
            let Some(request) = self.trials.waiting.pop_front() else { return };
            match self.take_copy() {
                Ok(Some(copy)) => self.begin_trial(copy, request),
                Ok(None) => self.swap_in(request),
                Err(error) => self.go_untried(request, &format!("{error:#}")),
            }
        }
    }

    /// The copy that was made beside the build, or a new one if other code is live since.
    fn take_copy(&mut self) -> anyhow::Result<Option<Copy>> {
        match self.trials.ready.take() {
            Some(copy) if copy.libraries == self.recovery.libraries() => Ok(Some(copy)),
            stale => {
                stale.into_iter().for_each(|copy| end(copy.process));
                self.copy_game()
            }
        }
    }

    fn begin_trial(&mut self, copy: Copy, request: SwapRequest) {
        let modules = request.modules.iter().map(|library| library.module.clone()).collect();
        self.send(&ToEngine::Build(BuildState::Trying { modules }));
        self.log("debug", format!("{} is tried out on a copy of the game", names(&request.modules)));
        self.trials.running = Some(Trial::begin(copy, request));
    }

    /// Hands the new code over, if its process has all that comes before it.
    fn send_tried_with_inputs(&mut self) {
        if self.trials.running.as_ref().is_some_and(Trial::is_due) {
            self.send_tried();
        }
    }

    fn send_tried(&mut self) {
        let (frames, step) = (self.args.trial.0, step_of(self.args.fps));
        let Some(trial) = &mut self.trials.running else { return };
        trial.try_out(frames, step);
        self.tell_other_game();
    }

    /// Takes up what the trial says; `None` when its process has ended.
    pub(super) fn take_trial_message(&mut self, message: Option<Received>) {
        let Some(trial) = &mut self.trials.running else { return };
        match trial.note(message) {
            News::Nothing => {}
            News::Copied => self.send_tried_with_inputs(),
            News::Ended(outcome) => self.end_trial(outcome),
        }
    }

    /// Hands what has come into the game lately to all copies that wait for new code.
    pub(super) fn take_inputs(&mut self, frames: Vec<FrameInput>) {
        self.trials.take_inputs(&frames);
        self.send_tried_with_inputs();
    }

    /// What the trial that runs waits for has not come in time.
    pub(super) fn trial_is_late(&mut self) {
        let Some(trial) = self.trials.running.take() else { return };
        match trial.phase {
            Phase::Copied => {
                self.log("debug", "the new code is tried without the latest input".to_owned());
                self.trials.running = Some(trial);
                return self.send_tried();
            }
            Phase::Copying => {
                let seconds = trial.begun.elapsed().as_secs_f64();
                let why = format!("no copy of the game was made within {seconds:.1} s");
                self.go_untried(trial.request, &why);
            }
            Phase::Trying(since) => match trial.hang {
                // The new code may be what mends it.
                Some(hang) if is_of_code_before(&hang, &trial.request.modules) => {
                    let why = format!("on the copy of the game {}, code of before", hang.short_text());
                    self.go_untried(trial.request, &why);
                }
                hang => self.refuse_tried(&trial.request, hung(hang, since.elapsed())),
            },
        }
        end(trial.copy.process);
        self.next_trial();
    }

    fn end_trial(&mut self, outcome: Option<TrialOutcome>) {
        let Some(trial) = self.trials.running.take() else { return };
        let Trial { copy, mut request, begun, phase, last_words, .. } = trial;
        request.trial_ms = begun.elapsed().as_secs_f64() * 1e3;
        match outcome {
            Some(outcome) => {
                end(copy.process);
                self.take_outcome_of_trial(request, outcome);
            }
            None => {
                let ended = copy.process.finish(STOP_DEADLINE);
                if let Phase::Trying(_) = phase {
                    self.refuse_tried(&request, crashed(ended, &last_words));
                } else {
                    let how = ended.how;
                    self.go_untried(request, &format!("the process that was to copy the game ended: {how}"));
                }
            }
        }
        self.next_trial();
    }
}

fn names(libraries: &[Library]) -> String {
    let names: Vec<_> = libraries.iter().map(|library| library.module.as_str()).collect();
    names.join("+")
}
