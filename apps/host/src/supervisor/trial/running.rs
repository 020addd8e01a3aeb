//! The trial that runs: how far it has come, and what its process says.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::copy::Copy;
use crate::event::{Event, HangLine};
use crate::protocol::{FromEngine, Received, SwapRequest, ToEngine, TrialOutcome};

/// A process may take so long until it has its copy of the game; a large game has more.
pub(super) const COPY_DEADLINE: Duration = Duration::from_secs(4);

/// The engine tells the latest input between two frames; one that hangs does not.
const INPUTS_DEADLINE: Duration = Duration::from_secs(1);

/// What new code may take beside its frames. Its `load` alone may take 2 s.
const DEADLINE: Duration = Duration::from_secs(4);

/// So many times the step that it simulates is what a frame of a trial may take.
const FRAME_STEPS: u32 = 4;

/// So many of the last lines that the process has written are told when it ends by itself.
const LAST_WORDS: usize = 8;

/// New code, running on a copy of the game.
pub(super) struct Trial {
    pub(super) copy: Copy,
    pub(super) request: SwapRequest,
    pub(super) begun: Instant,
    pub(super) phase: Phase,
    /// When the phase has taken too long.
    pub(super) deadline: Instant,
    /// What does not return, as its watchdog says.
    pub(super) hang: Option<HangLine>,
    pub(super) last_words: VecDeque<String>,
}

/// How far a trial has come.
#[derive(Clone, Copy, Debug)]
pub(super) enum Phase {
    /// The process takes its copy of the game, and runs a frame with the code before.
    Copying,
    /// It has done so. What has come into the game lately is still to be told.
    Copied,
    /// It has had the new code since then: what goes wrong is that code's doing.
    Trying(Instant),
}

/// What a message means for the trial.
#[derive(Debug)]
pub(super) enum News {
    Nothing,
    /// The process has its copy.
    Copied,
    /// It is over, with this outcome; without one, its process has ended.
    Ended(Option<TrialOutcome>),
}

impl Trial {
    pub(super) fn begin(copy: Copy, request: SwapRequest) -> Self {
        let begun = Instant::now();
        Self {
            deadline: begun + COPY_DEADLINE + copy.copying,
            copy,
            request,
            begun,
            phase: Phase::Copying,
            hang: None,
            last_words: VecDeque::new(),
        }
    }

    /// Takes up what its process says; `None` when that has ended.
    pub(super) fn note(&mut self, message: Option<Received>) -> News {
        match message {
            // What it has started may hold its pipes open; the process itself has ended all the same.
            None | Some(Received::Ended) => return News::Ended(None),
            Some(Received::Message(FromEngine::Tried(outcome))) => return News::Ended(Some(outcome)),
            Some(Received::Message(FromEngine::Copied)) => {
                self.phase = Phase::Copied;
                self.deadline = Instant::now() + INPUTS_DEADLINE;
                return News::Copied;
            }
            Some(Received::Message(FromEngine::Event(Event::Hang(hang)))) => self.hang = Some(hang),
            Some(Received::Message(FromEngine::Event(Event::HangEnded(_)))) => self.hang = None,
            Some(Received::Message(FromEngine::Event(Event::Log { level, message, .. })))
                if level == "warn" =>
            {
                self.last_words.push_back(message);
                if self.last_words.len() > LAST_WORDS {
                    self.last_words.pop_front();
                }
            }
            Some(_) => {}
        }
        News::Nothing
    }

    /// Whether its process has all that comes before the new code, and waits for that.
    pub(super) fn is_due(&self) -> bool {
        matches!(self.phase, Phase::Copied) && self.copy.has_inputs
    }

    /// Hands the new code over, which has so many frames of this step.
    pub(super) fn try_out(&mut self, frames: u32, step: Duration) {
        self.copy.process.send(&ToEngine::Swap(self.request.clone()));
        let now = Instant::now();
        self.phase = Phase::Trying(now);
        // What was told so far is about the code before.
        self.hang = None;
        self.last_words.clear();
        self.deadline = now + allowance(frames, step, self.copy.copying);
    }
}

/// What new code may take for so many frames of this step. Its game is saved and gone on with, too: that of a large one
/// takes about as long as copying it does.
fn allowance(frames: u32, step: Duration, copying: Duration) -> Duration {
    DEADLINE + step * FRAME_STEPS * frames + copying
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::step_of;

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
