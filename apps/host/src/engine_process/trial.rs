//! A trial: this process has a copy of the game, and tries new code out on it. Whatever that code does, it does it here.

#[cfg(all(test, unix))]
mod tests;

use std::collections::BTreeSet;
use std::time::Duration;

use crossbeam_channel::Receiver;
use keel::engine::{EngineConfig, Fault, Panic, Stage as ScheduleStage, catch};
use keel::types::ModuleId;
use keel_registry::{Consent, Rejection};

use super::Host;
use super::crash::{self, Work};
use super::driver::{Driver, Framed};
use super::input::FrameInput;
use super::swapper;
use crate::event::{FailureLine, Stage};
use crate::protocol::{FromEngine, SwapRequest, ToEngine, TrialOutcome};

/// How much more memory than the copy of the game takes the new code may ask for.
const MEMORY: u64 = 2 << 30;

/// Idle systems get what is left of a frame, and here nothing is: one of them runs in each.
const NO_TIME: Duration = Duration::ZERO;

/// Until then the tasks have had their first turn, however busy the machine is.
const FIRST_TURN: Duration = Duration::from_secs(1);

/// What the tasks of a module may take beside the frames, if they come to an end.
const TASKS: Duration = Duration::from_millis(20);

impl Host {
    /// Takes a copy of the game, then new code for it, and says what came of it.
    pub(super) fn trial(&mut self, orders: &Receiver<ToEngine>) {
        let mut faulty = BTreeSet::new();
        let mut inputs = Vec::new();
        for order in orders {
            match order {
                load @ ToEngine::Load { .. } => {
                    self.obey(load);
                    if self.failed {
                        return self.tell_tried(TrialOutcome::NotMade);
                    }
                    faulty = self.frame_before();
                    if let Err(error) = keel::crash::limit_further_memory(MEMORY) {
                        self.tell_log("debug", format!("the trial's memory has no limit: {error}"));
                    }
                    self.link.send(&FromEngine::Copied);
                }
                ToEngine::Inputs { frames } => inputs = frames,
                ToEngine::Swap(request) => {
                    let outcome = self.try_out(request, &faulty, inputs);
                    return self.tell_tried(outcome);
                }
                ToEngine::Stop => return,
                order @ ToEngine::Plan { .. } => self.obey(order),
                // The others are for the game itself.
                _ => {}
            }
        }
    }

    /// Runs a frame with the code before; the modules that fail in it. What fails without the new code is not its doing.
    fn frame_before(&mut self) -> BTreeSet<String> {
        self.one_frame(self.step, &FrameInput::default()).faults.into_iter().map(|it| it.module).collect()
    }

    fn tell_tried(&self, outcome: TrialOutcome) {
        self.link.send(&FromEngine::Tried(outcome));
    }

    /// Swaps new code in, runs frames with it, saves what it has made of the game, goes on with that, and ends the game.
    fn try_out(
        &mut self,
        request: SwapRequest,
        faulty: &BTreeSet<String>,
        inputs: Vec<FrameInput>,
    ) -> TrialOutcome {
        let _working = crash::work(Work::Trial);
        let modules: Vec<_> = request.modules.iter().map(|library| library.module.clone()).collect();
        let consent = if request.accept_loss { Consent::AcceptLoss } else { Consent::Lossless };
        if let Err((stage, rejection)) = self.swap_for_trial(request, consent) {
            return refused(stage, rejection, self.frame_number());
        }
        if let Some(fault) = self.run_frames(&modules, faulty, inputs) {
            return panicked(fault);
        }
        let is_new = |rejection: &Rejection| modules.contains(&rejection.module);
        match self.save_and_go_on() {
            Err(rejection) if is_new(&rejection) => refused(Stage::Trial, rejection, self.frame_number()),
            _ => self.end_game(&modules),
        }
    }

    /// Runs the frames of a trial of `modules`; what fails in them that had not failed before, or is of these modules.
    fn run_frames(
        &mut self,
        modules: &[String],
        faulty: &BTreeSet<String>,
        inputs: Vec<FrameInput>,
    ) -> Option<Fault> {
        let is_refused = |fault: &Fault| {
            let is_new = modules.contains(&fault.module);
            fault.suspended && (is_new || !faulty.contains(&fault.module)) || fault.is_of_task() && is_new
        };
        // What the tasks of the code before have left.
        self.driver.engine.take_faults();
        let frames = self.args.trial as usize;
        let inputs = inputs.into_iter().chain(std::iter::repeat_with(FrameInput::default));
        let steps = inputs.take(frames).map(|input| (self.step, input));
        let rest = (Duration::ZERO, FrameInput::default());
        let idle = std::iter::repeat_n(rest, self.idle_systems().saturating_sub(frames));
        for (dt, input) in steps.chain(idle).collect::<Vec<_>>() {
            let fault = self.one_frame(dt, &input).faults.into_iter().find(is_refused);
            if fault.is_some() {
                return fault;
            }
        }
        self.end_tasks(modules).into_iter().find(is_refused)
    }

    /// So many frames give each idle system a turn.
    fn idle_systems(&self) -> usize {
        let systems = self.driver.engine.schedule().systems();
        systems.into_iter().filter(|system| system.stage == ScheduleStage::Idle).count()
    }

    /// Waits a moment for the tasks of `modules`; what has failed in them.
    fn end_tasks(&mut self, modules: &[String]) -> Vec<Fault> {
        self.driver.engine.settle_tasks(FIRST_TURN);
        for module in modules {
            self.driver.engine.drain_tasks(ModuleId::of(module), TASKS);
        }
        self.driver.engine.take_faults()
    }

    /// Drops the game, and says whether the `drop` of any of `modules` has failed since they were swapped in.
    fn end_game(&mut self, modules: &[String]) -> TrialOutcome {
        // The code before may be the one that fails, and the new code what mends it.
        self.driver.registry.forget_replaced();
        let (failed_drops, frame) = (self.driver.registry.failed_drops(), self.frame_number());
        let nothing = Driver::new(EngineConfig::default(), None, 0, None, false);
        let game = std::mem::replace(&mut self.driver, nothing);
        let system = "drop".to_owned();
        if let Err(Panic { message, backtrace }) = catch(|| drop(game)) {
            return TrialOutcome::Panicked { module: modules.join("+"), system, message, backtrace, frame };
        }
        let failed = failed_drops.take(frame).into_iter().find(|fault| modules.contains(&fault.module));
        failed.map_or(TrialOutcome::Fits, |fault| panicked(Fault { system, frame, ..fault }))
    }

    fn swap_for_trial(&mut self, request: SwapRequest, consent: Consent) -> Result<(), (Stage, Rejection)> {
        let registry = &self.driver.registry;
        let (checker, next) = (registry.checker(), |module: &str| registry.next_generation(module));
        let generations: Vec<_> = request.modules.iter().map(|library| next(&library.module)).collect();
        let checked = swapper::check_all(&checker, request.modules, |index| generations[index]);
        let candidates = checked.into_iter().map(|(_, outcome)| outcome).collect::<Result<_, _>>();
        let candidates = candidates.map_err(|rejection| (Stage::Check, rejection))?;
        let report = self.driver.swap(candidates, consent).map_err(|rejection| (Stage::Swap, rejection))?;
        report.failed_starts.into_iter().next().map_or(Ok(()), |rejection| Err((Stage::Trial, rejection)))
    }

    /// The game's frame, as this copy counts.
    fn frame_number(&self) -> u64 {
        self.driver.engine.time().frame
    }

    /// Runs a frame of so much time.
    fn one_frame(&mut self, dt: Duration, input: &FrameInput) -> Framed {
        let input = FrameInput { dt, paused: false, terminal: self.terminal, ..input.clone() };
        self.driver.frame(&input, NO_TIME)
    }

    /// What the next swap will do with the new code: it is asked for its state, and another one made of that.
    fn save_and_go_on(&mut self) -> Result<(), Rejection> {
        let bytes = self.driver.save(Vec::new())?;
        self.driver.rewind(&bytes, Consent::AcceptLoss).map(drop)
    }
}

fn panicked(fault: Fault) -> TrialOutcome {
    let Fault { module, system, message, backtrace, frame, .. } = fault;
    TrialOutcome::Panicked { module, system, message, backtrace, frame }
}

fn refused(stage: Stage, rejection: Rejection, frame: u64) -> TrialOutcome {
    let Rejection { module, code, message, panicked } = rejection;
    let failure = panicked.map(|panicked| FailureLine::panic(*panicked, frame));
    TrialOutcome::Refused { stage, module, code, message, failure }
}
