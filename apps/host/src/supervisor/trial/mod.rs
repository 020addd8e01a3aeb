//! Trials: new code runs on a copy of the game first, in a process of its own. Whatever it does there, the game never
//! notices.
//!
//! The process is started when a build begins, and has its copy of the game when there is something to be tried. It is
//! used once.

mod copy;
mod failure;
mod outcome;

use std::collections::VecDeque;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, at, never};

use super::engine::EngineProcess;
use super::{STOP_DEADLINE, Supervisor};
use crate::cli::step_of;
use crate::event::{Event, HangLine};
use crate::protocol::{BuildState, FromEngine, Library, Received, SwapRequest, ToEngine, TrialOutcome};
use copy::Copy;
use failure::{crashed, hung};

/// A process may take so long until it has its copy of the game; a large game has more.
const COPY_DEADLINE: Duration = Duration::from_secs(4);

/// The engine tells the latest input between two frames; one that hangs does not.
const INPUTS_DEADLINE: Duration = Duration::from_secs(1);

/// What new code may take beside its frames. Its `load` alone may take 2 s.
const DEADLINE: Duration = Duration::from_secs(4);

/// So many times the step that it simulates is what a frame of a trial may take.
const FRAME_STEPS: u32 = 4;

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
    phase: Phase,
    /// When the phase has taken too long.
    deadline: Instant,
    /// What does not return, as its watchdog says.
    hang: Option<HangLine>,
    last_words: VecDeque<String>,
}

/// How far a trial has come.
#[derive(Clone, Copy)]
enum Phase {
    /// The process takes its copy of the game, and runs a frame with the code before.
    Copying,
    /// It has done so. What has come into the game lately is still to be told.
    Copied,
    /// It has had the new code since then: what goes wrong is that code's doing.
    Trying(Instant),
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

/// What new code may take for so many frames of this step. Its game is saved and gone on with, too: that of a large one
/// takes about as long as copying it does.
fn allowance(frames: u32, step: Duration, copying: Duration) -> Duration {
    DEADLINE + step * FRAME_STEPS * frames + copying
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
        let begun = Instant::now();
        self.trials.running = Some(Trial {
            deadline: begun + COPY_DEADLINE + copy.copying,
            copy,
            request,
            begun,
            phase: Phase::Copying,
            hang: None,
            last_words: VecDeque::new(),
        });
    }

    /// The process has its copy.
    fn trial_is_copied(&mut self) {
        let Some(trial) = &mut self.trials.running else { return };
        trial.phase = Phase::Copied;
        trial.deadline = Instant::now() + INPUTS_DEADLINE;
        self.send_tried_with_inputs();
    }

    /// Hands the new code over, if its process has all that comes before it.
    fn send_tried_with_inputs(&mut self) {
        let is_due = |trial: &Trial| matches!(trial.phase, Phase::Copied) && trial.copy.has_inputs;
        if self.trials.running.as_ref().is_some_and(is_due) {
            self.send_tried();
        }
    }

    fn send_tried(&mut self) {
        let (frames, step) = (self.args.trial.0, step_of(self.args.fps));
        let Some(trial) = &mut self.trials.running else { return };
        trial.copy.process.send(&ToEngine::Swap(trial.request.clone()));
        let now = Instant::now();
        trial.phase = Phase::Trying(now);
        // What was told so far is about the code before.
        trial.hang = None;
        trial.last_words.clear();
        trial.deadline = now + allowance(frames, step, trial.copy.copying);
        self.tell_other_game();
    }

    /// Takes up what the trial says; `None` when its process has ended.
    pub(super) fn take_trial_message(&mut self, message: Option<Received>) {
        let Some(trial) = &mut self.trials.running else { return };
        match message {
            Some(Received::Message(FromEngine::Tried(outcome))) => self.end_trial(Some(outcome)),
            Some(Received::Message(FromEngine::Copied)) => self.trial_is_copied(),
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
            Phase::Trying(since) => self.refuse_tried(&trial.request, hung(trial.hang, since.elapsed())),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deadline_grows_with_the_frames_and_with_the_step() {
        let beyond = |frames, fps| allowance(frames, step_of(fps), Duration::ZERO) - DEADLINE;
        // A game that takes all of its step for each frame is in time.
        for (frames, fps) in [(3, 60), (300, 60), (1000, 0), (3, 1)] {
            assert!(beyond(frames, fps) > step_of(fps) * frames, "{frames} frames, {fps} a second");
        }
        assert!(beyond(3, 60) < Duration::from_secs(1), "a loop without an end is told soon");
    }

    #[test]
    fn a_large_game_has_more_time() {
        let second = Duration::from_secs(1);
        assert_eq!(allowance(3, step_of(60), second), allowance(3, step_of(60), Duration::ZERO) + second);
    }
}
