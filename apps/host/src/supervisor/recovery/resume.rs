//! The engine process has ended by itself: the game goes on in another one, or the run ends.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::plan::Plan;
use super::{Blame, Resuming};
use crate::cli::EXIT_ENGINE_DIED;
use crate::event::Event;
use crate::protocol::{Game, ToEngine};
use crate::supervisor::engine::{EngineEnd, EngineProcess};
use crate::supervisor::{Purpose, STOP_DEADLINE, Supervisor};

impl Supervisor {
    /// The engine is gone without having been told to go.
    pub(in crate::supervisor) fn engine_ended(&mut self) -> anyhow::Result<()> {
        let ended_at = Instant::now();
        let Some(engine) = self.engine.take() else { return Ok(()) };
        let reached = engine.frame();
        let mut end = engine.finish(STOP_DEADLINE);
        let blamed = end.crash.take().and_then(|crash| {
            let blame = Blame::of(&crash);
            self.tell(Event::Crash(Box::new(crash)));
            blame
        });
        self.go_on(blamed, end, ended_at, reached)
    }

    /// Ends the engine, and goes on with the game in another one. `blamed` is what is to be put back, if it is
    /// known; else it is what was swapped last.
    pub(in crate::supervisor) fn resume(&mut self, blamed: Option<Blame>, why: String) -> anyhow::Result<()> {
        let ended_at = Instant::now();
        let Some(engine) = self.engine.take() else { return Ok(()) };
        let reached = engine.frame();
        engine.finish(Duration::ZERO);
        self.go_on(blamed, EngineEnd::told(why), ended_at, reached)
    }

    fn go_on(
        &mut self,
        blamed: Option<Blame>,
        end: EngineEnd,
        ended_at: Instant,
        reached: u64,
    ) -> anyhow::Result<()> {
        let is_wanted = self.args.snapshots.0.is_some();
        let Some(plan) = is_wanted.then(|| self.recovery.plan(blamed.as_ref(), end.from_outside)).flatten()
        else {
            self.give_up(&end.how);
            return Ok(());
        };
        let Plan { game, put_back, again, is_past } = plan;
        let again = self.consents.take_asked(&again);
        let frame = game.as_ref().map_or(0, |game| game.frame);
        let frames_lost = reached.saturating_sub(frame);
        let why = match blamed.filter(|_| is_past) {
            Some(Blame { module, .. }) => {
                format!("{}, by code of `{module}` that had been replaced", end.how)
            }
            None => end.how.clone(),
        };
        let resuming = Resuming { why, put_back, ended_at, frame, frames_lost };
        // One that has ended before its first frame has not been told of.
        self.recovery.resuming = Some(match self.recovery.resuming.take() {
            Some(untold) => resuming.after(untold),
            None => resuming,
        });
        // Nobody is there to be asked, and what the code before doesn't know is lost with the code that does.
        if let Err(error) = self.start_with(game.map(|game| Arc::clone(&game.bytes)), true) {
            self.give_up(&format!("{}, and another could not be started: {error:#}", end.how));
            return Ok(());
        }
        again.into_iter().for_each(|request| self.ask(request));
        if matches!(self.purpose, Purpose::Replace { .. }) {
            self.send(&ToEngine::SaveGame { path: self.staging.restart_file() });
        }
        Ok(())
    }

    /// Starts an engine with the libraries that are to be live, and a game in memory.
    pub(super) fn start_with(&mut self, game: Option<Arc<Vec<u8>>>, accept_loss: bool) -> anyhow::Result<()> {
        let mut modules = self.recovery.libraries();
        if modules.is_empty() {
            modules = self.staging.newest();
            modules.retain(|library| !self.recovery.is_left_out(&library.module));
        }
        let engine = EngineProcess::start(self.staging.run(), &self.args, self.output.size())?;
        let from =
            game.as_ref().map(|game| Game::sent(game)).or_else(|| self.args.from.clone().map(Game::File));
        self.begin(engine, modules, from, game, accept_loss);
        Ok(())
    }

    /// Nothing is gone on with.
    fn give_up(&mut self, how: &str) {
        self.output.restore();
        eprintln!("error: the engine process ended: {how}");
        let newest = self.recovery.games.newest();
        match self.recovery.disk.take().and_then(|disk| disk.leave(newest)) {
            Some(path) => {
                eprintln!("The newest snapshot of the game lies in {}.", path.display());
                eprintln!(
                    "Mend what ended it, and go on by `keel run --resume`; what it printed last is above."
                );
            }
            None => eprintln!("Start it again with `keel run`; what it printed last is above."),
        }
        self.exit = Some(ExitCode::from(EXIT_ENGINE_DIED));
    }
}
