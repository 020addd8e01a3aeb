//! Copies of the game, to try new code on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use keel_registry::Past;

use super::super::Supervisor;
use super::super::engine::EngineProcess;
use super::end;
use super::running::COPY_DEADLINE;
use crate::cli::{RunArgs, Span};
use crate::engine_process::input::FrameInput;
use crate::protocol::{Game, Library, TakenGame, ToEngine};
use crate::workspace;

/// A large game is copied meanwhile: so many bytes a second at least.
const COPIED_PER_SECOND: usize = 50 << 20;

/// A process with a copy of the game.
pub(super) struct Copy {
    pub(super) process: EngineProcess,
    /// The libraries that it was started with.
    pub(super) libraries: Vec<Library>,
    /// What they are loaded by; `None` once that has gone to the process, with its game.
    unsent: Option<Vec<Library>>,
    /// What has come into the game lately was handed over.
    pub(super) has_inputs: bool,
    /// How long its game takes to be copied.
    pub(super) copying: Duration,
}

impl Copy {
    /// One that has its game.
    #[cfg(all(test, unix))]
    pub(super) fn with(process: EngineProcess) -> Self {
        let (libraries, copying) = (Vec::new(), Duration::ZERO);
        Self { process, libraries, unsent: None, has_inputs: false, copying }
    }

    /// It has no game yet.
    #[cfg(all(test, unix))]
    pub(super) fn wait_for(&mut self, modules: Vec<Library>) {
        self.unsent = Some(modules);
    }

    /// Whether the engine has not given its game yet.
    pub(super) fn is_waiting(&self) -> bool {
        self.unsent.is_some()
    }

    /// Has the process begin; without a game, with one that begins as well.
    pub(super) fn load(&mut self, game: Option<Arc<Vec<u8>>>) {
        let Some(modules) = self.unsent.take() else { return };
        let (sent, bytes) =
            (game.as_ref().map(|game| Game::sent(game)), game.as_ref().map_or(0, |game| game.len()));
        // What the code before does not know is not to be missed in a copy.
        let past = Past::default();
        let load = ToEngine::Load { modules, game: sent, accept_loss: true, first_frame: None, past };
        self.process.load(&load, game);
        self.copying = Duration::from_secs_f64(bytes as f64 / COPIED_PER_SECOND as f64);
    }

    /// Hands over what has come into the game lately.
    pub(super) fn take_inputs(&mut self, frames: Vec<FrameInput>) {
        self.process.send(&ToEngine::Inputs { frames });
        self.has_inputs = true;
    }
}

impl Supervisor {
    /// Something is being built: has a copy of the game made, to try it on.
    pub(in crate::supervisor) fn prepare_trial(&mut self) {
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
    pub(in crate::supervisor) fn forget_trial(&mut self) {
        self.trials.ready.take().into_iter().for_each(|copy| end(copy.process));
    }

    /// A process with the newest snapshot, or one that gets its game when the engine has given it, if there are no
    /// snapshots; `None` before the game has begun.
    pub(super) fn copy_game(&mut self) -> anyhow::Result<Option<Copy>> {
        let libraries = self.recovery.libraries();
        if libraries.is_empty() {
            return Ok(None);
        }
        let process = EngineProcess::start(self.staging.run(), &self.trial_args(), self.output.size())?;
        process.send(&ToEngine::Plan { views: workspace::views(&self.workspace) });
        let unsent = Some(self.with_stated(self.in_load_order(libraries.clone())));
        let mut copy = Copy { process, libraries, unsent, has_inputs: false, copying: Duration::ZERO };
        if self.has_snapshots() {
            copy.load(self.recovery.newest_game().map(|game| Arc::clone(&game.bytes)));
        } else {
            self.send(&ToEngine::GiveGame);
        }
        self.send(&ToEngine::TellInputs { frames: self.args.trial.0 });
        Ok(Some(copy))
    }

    fn has_snapshots(&self) -> bool {
        self.args.snapshots.0.is_some()
    }

    /// Takes up a snapshot. Where none are taken, it was asked for by a trial, and is kept for nothing else.
    pub(in crate::supervisor) fn take_game(&mut self, game: TakenGame) {
        self.trials.no_game = None;
        if self.has_snapshots() {
            self.recovery.keep(game);
        } else {
            self.give_to_trial(Some(Arc::new(game.bytes)));
        }
    }

    /// The engine can't give its game.
    pub(in crate::supervisor) fn take_no_game(&mut self, why: String) {
        self.trials.no_game = Some(why);
        if !self.has_snapshots() {
            self.give_to_trial(None);
        }
    }

    fn give_to_trial(&mut self, game: Option<Arc<Vec<u8>>>) {
        let trial = self.trials.running.as_mut();
        if let Some(trial) = trial.filter(|trial| trial.copy.is_waiting()) {
            trial.copy.load(game);
            trial.deadline = Instant::now() + COPY_DEADLINE + trial.copy.copying;
        } else if let Some(copy) = &mut self.trials.ready {
            copy.load(game);
        }
    }

    /// Tells that new code is tried on another game than this one, if that is so.
    pub(super) fn tell_other_game(&mut self) {
        if let Some(why) = &self.trials.no_game {
            let which = match self.recovery.newest_game() {
                Some(_) => "an older game",
                None => "a game that has just begun",
            };
            let message = format!("the new code is tried on {which}, as this one can't be saved: {why}");
            self.log("warn", message);
        }
    }

    fn trial_args(&self) -> RunArgs {
        RunArgs {
            is_trial: true,
            frames: None,
            save_to: None,
            record: None,
            replay: None,
            history: 0,
            snapshots: Span(None),
            ..self.args.clone()
        }
    }
}
