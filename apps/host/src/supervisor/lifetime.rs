//! The life of the engine process: its start, what takes its place, its end.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use super::engine::EngineProcess;
use super::{Purpose, STOP_DEADLINE, Supervisor};
use crate::event::Event;
use crate::protocol::{Game, Library, ToEngine};
use crate::workspace;

impl Supervisor {
    pub(super) fn start_engine(&mut self, game: Option<PathBuf>) -> anyhow::Result<()> {
        let engine = EngineProcess::start(self.staging.run(), &self.args, self.output.size())?;
        self.recovery.forget_libraries();
        // All of it was built anew, and is in what begins now.
        self.trials.clear();
        self.begin(engine, self.staging.newest(), game.map(Game::File), None, self.args.accept_loss);
        Ok(())
    }

    /// Has a new engine begin with these modules, and with a game whose bytes are `content` if they are to be sent.
    pub(super) fn begin(
        &mut self,
        engine: EngineProcess,
        modules: Vec<Library>,
        game: Option<Game>,
        content: Option<Arc<Vec<u8>>>,
        accept_loss: bool,
    ) {
        let modules = self.with_stated(self.in_load_order(modules));
        engine.send(&ToEngine::Plan { views: workspace::views(&self.workspace) });
        let first_frame = self.first_frame;
        let past = self.recovery.past();
        engine.load(&ToEngine::Load { modules, game, accept_loss, first_frame, past }, content);
        if self.paused {
            engine.send(&ToEngine::Pause { paused: true });
        }
        self.engine = Some(engine);
        self.hanging.clear();
        self.consents.clear();
        self.keep_untried();
        self.asked.clear();
        self.retries.engine_ended();
    }

    pub(super) fn restart(&mut self, reason: String, saved_at: SystemTime) {
        self.log("info", format!("{reason}; the engine is built anew and started again with the same world"));
        if !matches!(self.purpose, Purpose::Begin) {
            self.purpose = Purpose::Restart { reason, begun: Instant::now() };
        }
        self.submit(workspace::everything(&self.workspace), saved_at);
    }

    /// Puts a newly built engine in the place of the running one, with the game that it has saved.
    pub(super) fn replace_engine(&mut self) -> anyhow::Result<()> {
        let (reason, begun) = match std::mem::replace(&mut self.purpose, Purpose::Swap) {
            Purpose::Replace { reason, begun } => (reason, begun),
            // Something newer is being built; the game is saved again for that.
            purpose => {
                self.purpose = purpose;
                return Ok(());
            }
        };
        if let Some(engine) = self.engine.take() {
            engine.send(&ToEngine::Stop);
            engine.finish(STOP_DEADLINE);
        }
        self.staging.adopt_kept()?;
        self.start_engine(Some(self.staging.restart_file()))?;
        let restart_ms = begun.elapsed().as_secs_f64() * 1e3;
        self.tell(Event::Restarted { reason, restart_ms });
        Ok(())
    }

    /// Keeps the game that a replaced engine has saved and the new one could not go on with.
    pub(super) fn keep_lost_game(&mut self) {
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
}
