//! What the supervisor orders, and how it is done.

#[cfg(all(test, unix))]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

use keel::types::ViewId;
use keel_registry::{
    Candidate, Code, Consent, Event as LifeEvent, ModuleStatus, Past, Rejection, State, SwapReport,
};

use super::Host;
use super::dashboard::DashboardLink;
use super::swapper::{self, Checked, ToldChanges};
use crate::event::{Event, Stage};
use crate::protocol::{BuildState, FromEngine, Game, Library, ToEngine};
use crate::recording::{Change, Record};
use crate::refusal::unread_game;

impl Host {
    pub(super) fn obey(&mut self, order: ToEngine) {
        match order {
            ToEngine::Load { modules, game, accept_loss, first_frame, past } => {
                self.load(modules, game, accept_loss, past);
                self.goes_on = first_frame.is_some();
                self.first_frame = first_frame.unwrap_or(self.driver.engine.time().frame);
                self.link.send(&FromEngine::Begun { frame: self.first_frame });
            }
            ToEngine::Swap(request) => self.swapper.check(request, &self.driver.registry),
            ToEngine::Remove { modules } => self.remove(&modules),
            ToEngine::Plan { views } => {
                self.driver.registry.plan_views(views.iter().map(|view| ViewId::of(view)));
            }
            ToEngine::Reset => self.reset(),
            ToEngine::Rewind { id, back_ms } => {
                let answer = self.rewind(Duration::from_millis(back_ms));
                self.answer(id, answer);
            }
            ToEngine::SaveRecording { path, back_ms } => {
                self.save_recording(path, Duration::from_millis(back_ms));
            }
            ToEngine::Rollback(request) => self.roll_back(&request),
            ToEngine::Pause { paused } => {
                self.paused = paused;
                self.pace.restart();
            }
            ToEngine::SaveGame { path } => self.save_game(path),
            ToEngine::Build(state) => {
                self.note_build(&state);
                self.driver.dashboard.build(self.driver.engine.world(), state);
                self.show_modules();
            }
            ToEngine::Notice { text } => DashboardLink::notice(self.driver.engine.world(), &text),
            ToEngine::Log { level, message } => self.tell_log(&level, message),
            ToEngine::Key(key) => self.keys.push(key),
            ToEngine::Resize { columns, rows } => {
                self.terminal = self.terminal.map(|_| (columns, rows));
            }
            ToEngine::GiveGame => self.give_game(),
            ToEngine::TellInputs { frames } => self.tell_inputs(frames),
            // For a trial, which is asked elsewhere.
            ToEngine::Inputs { .. } => {}
            ToEngine::Redraw => self.driver.dashboard.redraw(),
            ToEngine::Stop => self.running = false,
        }
    }

    /// Loads all modules at once. Those that are refused are told and left out.
    fn load(&mut self, modules: Vec<Library>, game: Option<Game>, accept_loss: bool, past: Past) {
        self.note_libraries(&modules);
        let checker = self.driver.registry.checker();
        let generations: Vec<_> = modules.iter().map(|library| library.generation).collect();
        let checked = swapper::check_all(&checker, modules, |index| generations[index]);
        let (mut candidates, mut refused) = (Vec::new(), Vec::new());
        for (_, outcome) in checked {
            match outcome {
                Ok(candidate) => candidates.push(candidate),
                Err(rejection) => refused.push(rejection),
            }
        }
        let consent = if accept_loss { Consent::AcceptLoss } else { Consent::Lossless };
        let goes_on = game.is_some();
        let begun = match game {
            None => self.driver.begin(candidates, None, Consent::Lossless),
            Some(Game::File(path)) => self.go_on(candidates, &path, consent),
            Some(Game::Sent { content, .. }) => self.driver.begin(candidates, Some(&content), consent),
        };
        let (mut kept, mut dropped) = (Vec::new(), Vec::new());
        match begun {
            Ok(report) => {
                dropped = ToldChanges::of(&report).dropped;
                refused.extend(report.failed_starts);
                kept = report.world.kept;
            }
            Err(rejection) => {
                if goes_on {
                    // Without its game there is nothing to go on with; the file is still there.
                    (self.running, self.failed) = (false, true);
                }
                refused.push(rejection);
            }
        }
        self.driver.registry.take_up(past);
        self.refused = refused.iter().map(|rejection| rejection.module.clone()).collect();
        refused.into_iter().for_each(|rejection| self.tell_rejection(Stage::Check, rejection, None));
        self.show_modules();
        let ambiguities = self.swapper.ambiguities.news(self.driver.engine.schedule());
        self.tell(Event::Ready { modules: self.module_lines(), kept, ambiguities });
        if !dropped.is_empty() {
            self.tell_log(
                "warn",
                format!("the game has lost what no code knows any more: {}", dropped.join(", ")),
            );
        }
        self.tell_statics();
        self.pace.restart();
    }

    /// Goes on with the game in a file.
    fn go_on(
        &mut self,
        candidates: Vec<Candidate>,
        path: &Path,
        consent: Consent,
    ) -> Result<SwapReport, Rejection> {
        let unread = |error| Rejection::new("", Code::NoSnapshot, unread_game(path, &error));
        let bytes = std::fs::read(path).map_err(unread)?;
        let begun = self.driver.begin(candidates, Some(&bytes), consent);
        begun.map_err(|mut rejection| {
            rejection.message = format!("{}: {}", path.display(), rejection.message);
            rejection
        })
    }

    pub(super) fn finish_swap(&mut self, checked: Checked) {
        let Some(checked) = self.swapper.still_wanted(checked) else { return };
        let request = checked.request().clone();
        match self.swapper.apply(checked, &mut self.driver) {
            Ok(failed_starts) => {
                self.record_swap(&request.modules, request.accept_loss);
                failed_starts
                    .into_iter()
                    .for_each(|rejection| self.tell_rejection(Stage::Swap, rejection, Some(request.id)));
                self.tell_statics();
                self.snapshots.note_change();
                // The new code runs at once; its first frame is not kept waiting for the old one's time.
                self.pace.hurry();
            }
            Err((stage, rejection)) => self.tell_rejection(stage, rejection, Some(request.id)),
        }
        self.show_modules();
    }

    /// Takes out those that are live; a module that was refused is not.
    fn remove(&mut self, modules: &[String]) {
        self.swapper.forget(modules);
        let live = self.driver.registry.modules();
        let is_live = |module: &&str| live.iter().any(|status| status.name == *module);
        let modules: Vec<_> = modules.iter().map(String::as_str).filter(is_live).collect();
        match self.driver.remove(&modules) {
            Ok(()) => {
                let removed = modules.iter().map(|module| (*module).to_owned()).collect();
                self.record(&Record::Change(Change::Remove { modules: removed }));
                // Without it others may be in no order, of which the log has told.
                self.swapper.ambiguities.news(self.driver.engine.schedule());
                modules
                    .iter()
                    .for_each(|module| self.tell_log("info", format!("module `{module}` was removed")));
                self.show_modules();
                self.snapshots.note_change();
            }
            Err(rejection) => self.tell_rejection(Stage::Swap, rejection, None),
        }
    }

    fn reset(&mut self) {
        if self.reset_game() {
            self.record(&Record::Change(Change::Reset));
        }
    }

    /// Starts the game afresh, and tells; whether that went well.
    pub(super) fn reset_game(&mut self) -> bool {
        match self.driver.reset() {
            Ok(failed) => {
                failed.into_iter().for_each(|rejection| self.tell_rejection(Stage::Swap, rejection, None));
                self.tell_log("info", "the game was started afresh".to_owned());
                self.snapshots.hurry();
                true
            }
            Err(rejection) => {
                self.tell_rejection(Stage::Swap, rejection, None);
                false
            }
        }
    }

    pub(super) fn save_game(&mut self, path: PathBuf) {
        let saved = self.driver.save(Vec::new()).map_err(anyhow::Error::from);
        let saved = saved.and_then(|bytes| Ok(keel::state::write_file(&path, &bytes)?));
        // With its causes: only they say that the disk is full.
        let error = saved.err().map(|error| format!("{error:#}"));
        self.link.send(&FromEngine::Saved { path, error });
    }

    fn note_build(&mut self, state: &BuildState) {
        for ModuleStatus { name, state: at, .. } in self.driver.registry.modules() {
            let event = match state {
                BuildState::Building { modules } if modules.contains(&name) => LifeEvent::Saved,
                BuildState::Failed { modules, .. } | BuildState::Refused { modules }
                    if modules.contains(&name) =>
                {
                    LifeEvent::Failed
                }
                BuildState::Trying { modules } if at == State::Checking && modules.contains(&name) => {
                    LifeEvent::CheckedForTrial
                }
                BuildState::Done { rebuilt } if at == State::Building && rebuilt.contains(&name) => {
                    LifeEvent::Built
                }
                BuildState::Done { .. } if at == State::Building => LifeEvent::Unchanged,
                _ => continue,
            };
            self.driver.registry.note(&name, event);
        }
    }
}
