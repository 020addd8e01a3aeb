//! Modules that start: those that are new, and all of them when the game is reset.

use std::sync::Arc;
use std::time::Duration;

use keel_ecs::World;
use keel_engine::{Engine, ModuleTag};

use crate::fields::SavedStates;
use crate::lifecycle::Event;
use crate::prepare::{Prepared, prepare_all};
use crate::ring::{Replaced, let_go};
use crate::{Candidate, Consent, Registry, Rejection};

impl Registry {
    /// Starts new modules, one after the other. One that fails is taken out again, with all it did to the world.
    pub(crate) fn start_all(&mut self, engine: &mut Engine, modules: &[ModuleTag]) -> Vec<Rejection> {
        let failed = modules.iter().filter_map(|module| self.start(engine, module).err()).collect();
        self.forget_pools();
        failed
    }

    fn start(&mut self, engine: &mut Engine, module: &ModuleTag) -> Result<(), Rejection> {
        let live = self.slots.get(&module.id()).and_then(|slot| slot.live.as_ref());
        let Some(view_model) = live.and_then(|live| live.view_model.clone()) else { return Ok(()) };
        engine.save(&mut self.point).map_err(|error| Rejection::save(module.name(), &error))?;
        self.remember_pools()?;
        let checker = self.checker();
        let started = engine.run_as(module, |frame| {
            let mut view_model = view_model.lock();
            Ok(checker.within_deadline(module.name(), "start", view_model.start(frame)))
        });
        let started = started.unwrap_or_else(|panic| Err(Rejection::call(module.name(), "start", &panic)));
        started.inspect_err(|_| {
            drop(view_model);
            self.take_out(engine, module);
        })
    }

    /// Takes a module that could not start out again, and puts the world back.
    fn take_out(&mut self, engine: &mut Engine, module: &ModuleTag) {
        let taken = self.slots.get_mut(&module.id()).and_then(|slot| slot.live.take());
        self.end_probation(module.id());
        // What its `start` has spawned is its code, too.
        engine.drain_tasks(module.id(), Duration::ZERO);
        let code = engine.remove_module(module);
        // Its types go with it, unless other modules state them too; values of a type that is gone are kept aside.
        let types =
            self.agreed_types(&[]).unwrap_or_else(|_| engine.world().types().map(Arc::clone).collect());
        let pooled_types = types.clone();
        match World::from_snapshot(types, &self.point.world, false) {
            Ok((world, _)) => {
                let_go("the world before", engine.replace_world(world));
                engine.restore_clock(&self.point);
            }
            Err(error) => log::error!("the world could not be put back: {error}"),
        }
        if let Ok(released) = self.binding.unbind(module.id()) {
            self.ring.release(released);
        }
        self.put_pools_back(&pooled_types);
        self.define_prefabs(engine);
        if let Some(generation) = taken {
            self.ring.push(Replaced::new(module.clone(), code, generation));
            self.ring.part_with(module.id());
        }
    }

    /// Starts the game's state afresh: an empty world, new fields of all modules, and their `start`, in the order in
    /// which they went live.
    ///
    /// # Errors
    /// [`Rejection`] when a module can't be made afresh; nothing has changed then.
    pub fn reset(&mut self, engine: &mut Engine) -> Result<Vec<Rejection>, Rejection> {
        let mut candidates = self.made_afresh()?;
        let worlds = self.take_worlds_out()?;
        let offers: Vec<_> = candidates.iter_mut().map(Candidate::take_offer).collect();
        let prepared = prepare_all(candidates, &SavedStates::new(), Consent::Lossless)?;
        let (code, placed): (Vec<_>, Vec<_>) = prepared.into_iter().map(Prepared::split).unzip();
        let old_code = engine.exchange(code).map_err(|error| Rejection::engine("", &error))?;
        match self.binding.rebind(offers) {
            Ok(released) => self.ring.release(released),
            Err(error) => {
                // The old code was in place a moment ago, so it fits.
                let _ = engine.exchange(old_code);
                return Err(Rejection::bind("", &error));
            }
        }
        drop(old_code);
        for placed in &placed {
            engine.drain_tasks(placed.tag.id(), Duration::ZERO);
        }
        engine.reset();
        self.reset_pools(worlds);
        self.define_prefabs(engine);
        let starting: Vec<_> = placed.iter().map(|placed| placed.tag.clone()).collect();
        for placed in placed {
            if let Some(slot) = self.slots.get_mut(&placed.tag.id()) {
                slot.live = Some(placed.generation);
                // Nothing is left of the game that a fault would be taken back from.
                slot.probation = None;
            }
        }
        self.good.clear();
        let failed = self.start_all(engine, &starting);
        for tag in &starting {
            let started = !failed.iter().any(|rejection| rejection.module == tag.name());
            self.note(tag.name(), if started { Event::Reset } else { Event::TakenOut });
        }
        Ok(failed)
    }

    /// The live code of all modules as candidates, in the order in which they went live.
    pub(crate) fn made_afresh(&self) -> Result<Vec<Candidate>, Rejection> {
        let checker = self.checker();
        let live = self.slots.values().filter_map(|slot| Some((slot.turn, slot.live.as_ref()?)));
        let mut live: Vec<_> = live.collect();
        live.sort_by_key(|(turn, _)| *turn);
        live.into_iter().map(|(_, live)| checker.prepare_again(live, live.number)).collect()
    }
}
