//! Going back to a generation that ran before: by hand, with the game as it is, or with a game that was saved.
//!
//! A rollback is a swap. The library is mapped still, so that its code is made anew without being opened (one that ran
//! in an engine before this one is opened first); all else goes the way of a swap, with its migrations, its consent, and
//! its promise that what fails changes nothing.

use std::time::Instant;

use keel_core_types::ModuleId;
use keel_engine::Engine;

use crate::game_file::SavedGame;
use crate::good::GoodGame;
use crate::lifecycle::{Event, Running};
use crate::lineage::Target;
use crate::{Candidate, Consent, PutBack, Registry, RegistryEvent, Rejection, RollbackReport, SwapReport};

impl Registry {
    /// Puts the generation back that `module` ran before the one that runs, or the generation `to`, with all that the
    /// undone swaps have brought with it. The game goes on as it is: what has changed its shape since is converted back.
    /// The caller is between two frames.
    ///
    /// # Errors
    /// [`Code::NoSuchModule`](crate::Code::NoSuchModule) when there is no such module, or its ring has nothing to go back
    /// to; else as [`Registry::swap`]. Nothing has changed then.
    pub fn rollback(
        &mut self,
        engine: &mut Engine,
        module: &str,
        to: Option<u64>,
        consent: Consent,
    ) -> Result<RollbackReport, Rejection> {
        let begin = Instant::now();
        let targets = self.targets_of(module, to)?;
        let candidates = self.candidates_of(&targets)?;
        let report = self.put_back(engine, &targets, candidates, consent, None)?;
        Ok(RollbackReport { swap: SwapReport { pause: begin.elapsed(), ..report.swap }, ..report })
    }

    /// What [`Registry::rollback`] would put back: the modules, that which is asked for first, and the generation of it.
    ///
    /// # Errors
    /// [`Code::NoSuchModule`](crate::Code::NoSuchModule), as it.
    pub fn would_put_back(&self, module: &str, to: Option<u64>) -> Result<(Vec<String>, u64), Rejection> {
        let targets = self.targets_of(module, to)?;
        let origin = targets.first().map_or(0, |target| target.origin);
        Ok((targets.iter().map(|target| target.tag.name().to_owned()).collect(), origin))
    }

    /// Puts generations back together with a game that was saved: every module goes on with the fields that it had then.
    pub(crate) fn put_back_with(
        &mut self,
        engine: &mut Engine,
        targets: &[Target],
        game: &GoodGame,
    ) -> Result<RollbackReport, Rejection> {
        let (begin, frame) = (Instant::now(), engine.time().frame);
        let saved = SavedGame::read(&game.bytes)?;
        let mut candidates = self.candidates_of(targets)?;
        candidates.extend(self.others_anew(targets)?);
        let report = self.put_back(engine, targets, candidates, Consent::Lossless, Some(saved))?;
        let frames_lost = frame.saturating_sub(game.frame);
        let swap = SwapReport { pause: begin.elapsed(), ..report.swap };
        Ok(RollbackReport { frames_lost, swap, ..report })
    }

    fn put_back(
        &mut self,
        engine: &mut Engine,
        targets: &[Target],
        candidates: Vec<Candidate>,
        consent: Consent,
        saved: Option<SavedGame>,
    ) -> Result<RollbackReport, Rejection> {
        let names: Vec<_> = targets.iter().map(|target| target.tag.name().to_owned()).collect();
        let number = |registry: &Self, target: &Target| {
            let slot = registry.slots.get(&target.tag.id());
            slot.and_then(|slot| slot.live.as_ref()).map_or(0, |live| live.number)
        };
        let from: Vec<_> = targets.iter().map(|target| number(self, target)).collect();
        self.emit(&RegistryEvent::BeforeSwap { modules: names.clone() });
        let mut swap = self.try_swap(engine, candidates, consent, saved)?;
        swap.modules.retain(|module| names.contains(&module.name));
        let put_back = targets.iter().zip(from).map(|(target, from)| PutBack {
            name: target.tag.name().to_owned(),
            from,
            to: target.origin,
            generation: number(self, target),
        });
        let modules: Vec<_> = put_back.collect();
        names.iter().for_each(|name| self.note_put_back(name));
        swap.failed_starts.iter().for_each(|rejection| self.note_taken_out(&rejection.module));
        self.emit(&RegistryEvent::AfterSwap(swap.clone()));
        Ok(RollbackReport { modules, frames_lost: 0, swap })
    }

    /// One that has proven itself is live at once; one that has not goes on with its probation.
    fn note_put_back(&mut self, module: &str) {
        let event = match self.begin_probation(ModuleId::of(module)) {
            Running::Probation => Event::RolledBackOnProbation,
            _ => Event::RolledBack,
        };
        self.note(module, event);
    }

    fn candidates_of(&mut self, targets: &[Target]) -> Result<Vec<Candidate>, Rejection> {
        let checker = self.checker();
        let candidates = targets.iter().map(|target| {
            let (name, id, origin) = (target.tag.name(), target.tag.id(), target.origin);
            let lineage = self.ring.find(id, origin).ok_or_else(|| self.no_such_module(name))?;
            let library = self.ring.library_of(id, origin, |file| checker.open_past(file));
            let library = library.ok_or_else(|| self.no_such_module(name))?;
            let library = library.map_err(|rejection| self.without_library(target, &rejection))?;
            checker.prepare_as(library, lineage, self.next_generation(name))
        });
        candidates.collect()
    }

    /// All others that keep something, made anew to go on with what they had. One that is suspended stays as it is.
    fn others_anew(&self, targets: &[Target]) -> Result<Vec<Candidate>, Rejection> {
        let checker = self.checker();
        let others = self.slots.values().filter(|slot| !targets.iter().any(|target| target.tag == slot.tag));
        let running = others.filter(|slot| slot.lifecycle.running() != Running::Suspended);
        let live = running.filter_map(|slot| slot.live.as_ref()).filter(|live| live.view_model.is_some());
        live.map(|live| checker.prepare_again(live, live.number)).collect()
    }
}
