//! The swap: new code in the place of old, between two frames, all or nothing.
//!
//! What is decided is in `agree`, what is saved in `fields` and `pools`, what is made ready in `prepare` and
//! `next_world`; here it is exchanged.

use std::sync::Arc;
use std::time::{Duration, Instant};

use keel_core_types::ModuleId;
use keel_ecs::ModelTypeInfo;
use keel_engine::{Engine, ModuleCode, ModuleTag, contain};
use keel_loader::Module;

use crate::game_file::SavedGame;
use crate::lifecycle::{Event, Running, State};
use crate::lineage::Lineage;
use crate::next_world::NextWorld;
use crate::pools::brought_by;
use crate::prepare::{Placed, Prepared, prepare_all};
use crate::registry::{Generation, Slot};
use crate::remove::discard;
use crate::ring::Replaced;
use crate::worlds::first_of;
use crate::{Candidate, Code, Consent, Registry, RegistryEvent, Rejection, SwapReport, SwappedModule};

impl Registry {
    /// Puts `candidates` in the place of the live generations of their modules, together, or adds those that are
    /// new. The caller is between two frames.
    ///
    /// # Errors
    /// [`Rejection`]; the old code and the old world, both, are then as they were.
    pub fn swap(
        &mut self,
        engine: &mut Engine,
        candidates: Vec<Candidate>,
        consent: Consent,
    ) -> Result<SwapReport, Rejection> {
        self.swap_with(engine, candidates, consent, None)
    }

    /// [`Registry::swap`], or the beginning of a game that was saved.
    pub(crate) fn swap_with(
        &mut self,
        engine: &mut Engine,
        candidates: Vec<Candidate>,
        consent: Consent,
        saved: Option<SavedGame>,
    ) -> Result<SwapReport, Rejection> {
        let names: Vec<_> = candidates.iter().map(|candidate| candidate.name().to_owned()).collect();
        self.emit(&RegistryEvent::BeforeSwap { modules: names.clone() });
        names.iter().for_each(|name| self.advance_to_swapping(name));
        let modules: Vec<_> = candidates.iter().map(|candidate| candidate.module.clone()).collect();
        let (begin, goes_elsewhere) = (Instant::now(), saved.is_some());
        if self.wants_point(&names) {
            self.keep_point(engine);
        }
        let keeping = begin.elapsed();
        let swapped = self.try_swap(engine, candidates, consent, saved);
        if swapped.is_err() {
            modules.into_iter().filter(|module| !self.is_live(module)).for_each(discard);
        }
        for name in &names {
            let here = self.slots.get(&ModuleId::of(name)).map(|slot| slot.lifecycle.state());
            let started = swapped.as_ref().is_ok_and(|report| report.has_started(name));
            if here == Some(State::Swapping) {
                let event = match self.begin_probation(ModuleId::of(name)) {
                    _ if !started => Event::Failed,
                    Running::Probation => Event::Swapped,
                    _ => Event::SwappedForGood,
                };
                self.note(name, event);
            }
            self.note_taken_out(name);
        }
        let mut report = swapped?;
        if goes_elsewhere {
            self.good.clear();
        }
        report.pause += keeping;
        self.emit(&RegistryEvent::AfterSwap(report.clone()));
        Ok(report)
    }

    pub(crate) fn try_swap(
        &mut self,
        engine: &mut Engine,
        mut candidates: Vec<Candidate>,
        consent: Consent,
        saved: Option<SavedGame>,
    ) -> Result<SwapReport, Rejection> {
        let begin = Instant::now();
        candidates.iter_mut().for_each(|candidate| self.number(candidate));
        let types = self.agreed_types(&candidates)?;
        self.check_together(&candidates, &[])?;
        self.check_pooled_types(&candidates)?;
        let states = match &saved {
            Some(saved) => saved.states.clone(),
            None => self.save_states(engine, &candidates, consent)?,
        };
        let first = candidates.first().map(|candidate| candidate.name().to_owned()).unwrap_or_default();
        let offers: Vec<_> = candidates.iter_mut().map(Candidate::take_offer).collect();
        let coming = brought_by(&candidates);
        let prepared = prepare_all(candidates, &states, consent)?;
        let saved_pools = saved.as_ref().map(|saved| &saved.pools);
        let pools = self.prepare_pools(&coming, &offers, &types, consent, saved_pools)?;
        let world = match &saved {
            Some(saved) => saved.world(&types, consent)?,
            None => NextWorld::of_running(engine, &types, consent, &first)?,
        };

        let (code, placed): (Vec<_>, Vec<_>) = prepared.into_iter().map(Prepared::split).unzip();
        if let Err(rejection) = check_prefabs(&code, &types) {
            world.put_back(engine);
            return Err(rejection);
        }
        let old_code = match engine.exchange(code) {
            Ok(old_code) => old_code,
            Err(error) => {
                world.put_back(engine);
                return Err(Rejection::engine(&first, &error));
            }
        };
        let released = match self.binding.rebind(offers) {
            Ok(released) => released,
            Err(error) => {
                // The old code was in place a moment ago, so it fits.
                let _ = engine.exchange(old_code);
                world.put_back(engine);
                return Err(Rejection::bind(&first, &error));
            }
        };

        // From here on nothing fails.
        let mut report = SwapReport::default();
        self.swaps += 1;
        self.ring.release(released);
        if let Some(saved) = &saved {
            engine.restore_clock(&saved.snapshot);
        }
        let (world, replaced) = world.install(engine, &types);
        report.world = world;
        report.rebuilt = replaced.is_some();
        self.replaced_worlds.extend(replaced);
        report.pools = self.install_pools(pools, &types);
        report.prefabs = self.define_prefabs(engine);
        self.put_in_place(engine, placed, old_code, &mut report);
        report.pause = begin.elapsed();
        Ok(report)
    }

    /// Makes the new generations the live ones. They go on where the old ones were, or start.
    fn put_in_place(
        &mut self,
        engine: &mut Engine,
        placed: Vec<Placed>,
        old_code: Vec<ModuleCode>,
        report: &mut SwapReport,
    ) {
        let (starting, resumed): (Vec<_>, Vec<_>) = placed.iter().partition(|placed| placed.starts);
        let tags = |placed: Vec<&Placed>| placed.iter().map(|placed| placed.tag.clone()).collect::<Vec<_>>();
        let (starting, resumed) = (tags(starting), tags(resumed));
        for (placed, old_code) in placed.into_iter().zip(old_code) {
            // Only now: the tasks of a module whose swap is refused go on.
            let tasks = engine.drain_tasks(placed.tag.id(), Duration::ZERO);
            report.modules.push(SwappedModule {
                name: placed.tag.name().to_owned(),
                generation: placed.generation.number,
                changes: placed.changes,
                tasks,
            });
            self.place(placed.tag, placed.generation, old_code);
        }
        resumed.iter().for_each(|module| self.resume(engine, module));
        report.failed_starts = self.start_all(engine, &starting);
    }

    /// Makes a generation the live one. What ran goes into the ring, if it is not the same code made afresh.
    fn place(&mut self, tag: ModuleTag, generation: Generation, old_code: ModuleCode) {
        let (id, lineage) = (tag.id(), generation.lineage);
        let slot = self.slots.entry(id).or_insert_with(|| Slot::new(tag.clone()));
        let Some(old) = slot.live.replace(generation) else {
            slot.turn = self.turns;
            self.turns += 1;
            return;
        };
        let is_same = old.lineage.origin == lineage.origin;
        let old = Replaced::new(tag, old_code, old);
        match self.ring.take(id, lineage.origin) {
            _ if is_same => drop(old.let_go()),
            Some(put_back) => {
                put_back.let_go();
                self.ring.push_taken_back(old);
            }
            None => self.ring.push(old),
        }
    }

    /// Numbers a generation after the one that runs: another may have gone live since it was checked.
    fn number(&self, candidate: &mut Candidate) {
        let live = self.slots.get(&candidate.id()).and_then(|slot| slot.live.as_ref());
        if candidate.lineage.is_none() {
            candidate.generation = candidate.generation.max(self.next_generation(candidate.name()));
            candidate.lineage = Some(Lineage::new(candidate.generation, live, self.swaps));
        }
    }

    /// Notes that a module is gone whose start has failed.
    pub(crate) fn note_taken_out(&mut self, module: &str) {
        let slot = self.slots.get(&ModuleId::of(module));
        if slot.is_some_and(|slot| slot.live.is_none() && slot.lifecycle.running() != Running::Nothing) {
            self.note(module, Event::TakenOut);
        }
    }

    fn is_live(&self, module: &Module) -> bool {
        self.live().any(|(_, live)| live.module.shares_library(module))
    }

    /// Walks a module's next generation to `Swapping`, through the states that the caller has not noted itself.
    pub(crate) fn advance_to_swapping(&mut self, module: &str) {
        use State::{Building, Checking, Swapping, Trial};
        let id = ModuleId::of(module);
        loop {
            let state = self.slots.get(&id).map_or(State::Watching, |slot| slot.lifecycle.state());
            let event = match state {
                Swapping => return,
                Building => Event::Built,
                Checking => Event::Checked,
                Trial => Event::Fits,
                _ => Event::Saved,
            };
            self.note(module, event);
        }
    }
}

/// Refuses prefabs of what the game does not know.
fn check_prefabs(code: &[ModuleCode], types: &[Arc<ModelTypeInfo>]) -> Result<(), Rejection> {
    if code.iter().all(|code| code.prefabs.is_empty()) {
        return Ok(());
    }
    let mut world = first_of(types);
    for code in code {
        let name = code.module.name();
        let failed = |message: String| Rejection::new(name, Code::LoadFailed, message);
        let checked = contain(|| code.check_prefabs(&mut world)).map_err(failed)?;
        checked.map_err(|error| failed(format!("module `{name}`: {error}")))?;
    }
    Ok(())
}
