//! The swap: new code in the place of old, between two frames, all or nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use keel_core_types::{ComponentId, ModuleId};
use keel_ecs::{ModelTypeInfo, World};
use keel_engine::{Engine, EngineSnapshot, Frame, ModuleCode, ModuleTag, SystemDescriptor, contain};
use keel_loader::{LoadedViewModel, Module};
use keel_module_types::ModuleKind;
use keel_state::{Change, SavedValue};
use parking_lot::Mutex;

use crate::lifecycle::{Event, Lifecycle, State};
use crate::next_world::NextWorld;
use crate::pools::{SavedPools, brought_by};
use crate::registry::{Generation, Slot};
use crate::resume::access_to;
use crate::ring::{Replaced, let_go};
use crate::{
    Candidate, Code, Consent, Registry, RegistryEvent, Rejection, RetireReport, SwapReport, SwappedModule,
};

/// The fields of modules, by module name.
pub(crate) type SavedStates = BTreeMap<String, SavedValue>;

/// A game to go on with instead of the running one.
pub(crate) struct SavedGame {
    pub(crate) states: SavedStates,
    pub(crate) snapshot: EngineSnapshot,
    pub(crate) pools: SavedPools,
}

impl SavedGame {
    fn world(&self, types: &[Arc<ModelTypeInfo>], consent: Consent) -> Result<NextWorld, Rejection> {
        let types = types.iter().map(Arc::clone);
        let restored = contain(|| World::from_snapshot(types, &self.snapshot.world, consent.accepts_loss()));
        match restored {
            Ok(Ok((world, report))) => Ok(NextWorld::Restored(world, report)),
            Ok(Err(error)) => Err(Rejection::restore("", &error)),
            Err(panic) => Err(Rejection::convert("", &panic)),
        }
    }
}

/// A candidate whose state is restored, ready to be put in place.
struct Prepared {
    tag: ModuleTag,
    generation: Generation,
    code: ModuleCode,
    changes: Vec<Change>,
    /// It has no state to go on from.
    starts: bool,
}

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
        let swapped = self.try_swap(engine, candidates, consent, saved);
        if swapped.is_err() {
            modules.into_iter().for_each(discard);
        }
        for name in &names {
            let here = self.slots.get(&ModuleId::of(name)).map(|slot| slot.lifecycle.state());
            let started = swapped.as_ref().is_ok_and(|report| report.has_started(name));
            if here == Some(State::Swapping) {
                self.note(name, if started { Event::SwappedForGood } else { Event::Failed });
            }
        }
        let report = swapped?;
        self.emit(&RegistryEvent::AfterSwap(report.clone()));
        Ok(report)
    }

    fn try_swap(
        &mut self,
        engine: &mut Engine,
        mut candidates: Vec<Candidate>,
        consent: Consent,
        saved: Option<SavedGame>,
    ) -> Result<SwapReport, Rejection> {
        let begin = Instant::now();
        let types = self.agreed_types(&candidates)?;
        self.check_together(&candidates, &[])?;
        self.check_pooled_types(&candidates)?;
        let mut states = self.save_states(&candidates, consent)?;
        states.extend(saved.iter().flat_map(|saved| saved.states.clone()));
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
        self.ring.release(released);
        if let Some(saved) = &saved {
            engine.restore_clock(&saved.snapshot);
        }
        let (world, replaced) = world.install(engine, &types);
        report.world = world;
        report.rebuilt = replaced.is_some();
        self.replaced_worlds.extend(replaced);
        report.pools = self.install_pools(pools, &types);
        let starting: Vec<_> =
            placed.iter().filter(|placed| placed.starts).map(|placed| placed.tag.clone()).collect();
        let resumed: Vec<_> =
            placed.iter().filter(|placed| !placed.starts).map(|placed| placed.tag.clone()).collect();
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
        report.pause = begin.elapsed();
        Ok(report)
    }

    /// The types of all modules as they would be after the swap, in which all of them agree.
    pub(crate) fn agreed_types(
        &self,
        candidates: &[Candidate],
    ) -> Result<Vec<Arc<ModelTypeInfo>>, Rejection> {
        let is_replaced = |tag: &ModuleTag| candidates.iter().any(|candidate| candidate.tag == *tag);
        let staying = self.live().filter(|(tag, _)| !is_replaced(tag));
        let staying = staying.map(|(tag, live)| (tag.name(), live.module.descriptor().kind(), &live.types));
        let coming = candidates
            .iter()
            .map(|candidate| (candidate.name(), candidate.module.descriptor().kind(), &candidate.types));
        // Model modules last: where several state a type, the world is to use the code of the one that exports it.
        let mut all: Vec<_> = staying.chain(coming).collect();
        all.sort_by_key(|(name, kind, _)| (*kind == ModuleKind::Model, name.to_owned()));

        let mut agreed: BTreeMap<ComponentId, (&str, &Arc<ModelTypeInfo>)> = BTreeMap::new();
        agreed.extend(self.config.own_types.iter().map(|info| (info.id(), ("keel", info))));
        for (module, _, types) in all {
            for info in types {
                if let Some((other, known)) = agreed.get(&info.id())
                    && (known.fingerprint() != info.fingerprint() || known.name() != info.name())
                {
                    return Err(disagreement(module, other, info));
                }
                agreed.insert(info.id(), (module, info));
            }
        }
        Ok(agreed.into_values().map(|(_, info)| Arc::clone(info)).collect())
    }

    /// The fields of the generations that are to be replaced. A module whose fields can't be saved could never be
    /// replaced, so with consent it starts afresh.
    fn save_states(&self, candidates: &[Candidate], consent: Consent) -> Result<SavedStates, Rejection> {
        let mut states = SavedStates::new();
        for candidate in candidates {
            let live = self.slots.get(&candidate.id()).and_then(|slot| slot.live.as_ref());
            let Some(view_model) = live.and_then(|live| live.view_model.as_ref()) else { continue };
            match save_state(candidate.name(), view_model) {
                Ok(saved) => drop(states.insert(candidate.name().to_owned(), saved)),
                Err(rejection) if consent.accepts_loss() => {
                    log::warn!("{rejection}; it starts afresh, as was accepted");
                }
                Err(rejection) => return Err(rejection),
            }
        }
        Ok(states)
    }

    fn place(&mut self, tag: ModuleTag, generation: Generation, old_code: ModuleCode) {
        let slot = self.slots.entry(tag.id()).or_insert_with(|| Slot {
            tag: tag.clone(),
            lifecycle: Lifecycle::default(),
            live: None,
            turn: 0,
        });
        match slot.live.replace(generation) {
            Some(old) => self.ring.push(Replaced { tag, code: old_code, generation: old }),
            None => {
                slot.turn = self.turns;
                self.turns += 1;
            }
        }
    }

    /// Starts new modules, one after the other. One that fails is taken out again, with all it did to the world.
    fn start_all(&mut self, engine: &mut Engine, modules: &[ModuleTag]) -> Vec<Rejection> {
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
        if let Some(generation) = taken {
            self.ring.push(Replaced { tag: module.clone(), code, generation });
        }
    }

    /// Starts the game's state afresh: an empty world, new fields of all modules, and their `start`, in the order in
    /// which they went live.
    ///
    /// # Errors
    /// [`Rejection`] when a module can't be made afresh; nothing has changed then.
    pub fn reset(&mut self, engine: &mut Engine) -> Result<Vec<Rejection>, Rejection> {
        let checker = self.checker();
        let mut modules: Vec<_> = self
            .slots
            .values()
            .filter_map(|slot| Some((slot.turn, slot.tag.clone(), slot.live.as_ref()?)))
            .map(|(turn, tag, live)| (turn, tag, live.module.clone(), live.number))
            .collect();
        modules.sort_by_key(|(turn, ..)| *turn);
        let mut candidates = Vec::new();
        for (_, _, module, number) in modules {
            candidates.push(checker.prepare(module, number)?);
        }
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
        let starting: Vec<_> = placed.iter().map(|placed| placed.tag.clone()).collect();
        for placed in placed {
            self.advance_to_swapping(placed.tag.name());
            if let Some(slot) = self.slots.get_mut(&placed.tag.id()) {
                slot.live = Some(placed.generation);
            }
        }
        let failed = self.start_all(engine, &starting);
        for tag in &starting {
            let started = !failed.iter().any(|rejection| rejection.module == tag.name());
            self.note(tag.name(), if started { Event::SwappedForGood } else { Event::Failed });
        }
        Ok(failed)
    }

    /// Stops a module and takes it out. Its components stay in the world.
    ///
    /// # Errors
    /// [`Rejection`] when there is no such module, or another requires a view of it; nothing has changed then.
    pub fn remove(&mut self, engine: &mut Engine, module: &str) -> Result<(), Rejection> {
        self.remove_together(engine, &[module])
    }

    pub(crate) fn take_away(&mut self, engine: &mut Engine, module: &str) -> Result<(), Rejection> {
        let tag = ModuleTag::new(module);
        let live = self.slots.get_mut(&tag.id()).and_then(|slot| slot.live.take());
        let Some(live) = live else { return Err(self.no_such_module(module)) };
        engine.drain_tasks(tag.id(), self.config.drain_deadline);
        if let Some(view_model) = &live.view_model {
            let checker = self.checker();
            let stopped = engine.run_as(&tag, |frame| {
                let mut view_model = view_model.lock();
                Ok(checker.within_deadline(module, "stop", view_model.stop(frame)))
            });
            if let Err(message) | Ok(Err(Rejection { message, .. })) = stopped {
                log::warn!("module `{module}` was removed, though its `stop` failed: {message}");
            }
        }
        let code = engine.remove_module(&tag);
        self.keep_pools_of(&tag, &live);
        if let Ok(released) = self.binding.unbind(tag.id()) {
            self.ring.release(released);
        }
        self.ring.push(Replaced { tag: tag.clone(), code, generation: live });
        self.slots.remove(&tag.id());
        Ok(())
    }

    /// Ends it all: the engine goes, and every library that may be unmapped with it. Modules are not stopped; remove
    /// them one by one before, where they have something to end.
    ///
    /// A registry that is dropped instead leaves its libraries mapped: whoever has its engine may still need them.
    pub fn close(mut self, mut engine: Engine) -> RetireReport {
        self.replaced_worlds.drain(..).for_each(|world| let_go("the world before", world));
        self.leaving.drain(..).for_each(|world| drop(world.join()));
        self.close_pools();
        for slot in std::mem::take(&mut self.slots).into_values() {
            let Some(generation) = slot.live else { continue };
            engine.drain_tasks(slot.tag.id(), self.config.drain_deadline);
            let code = engine.remove_module(&slot.tag);
            if let Ok(released) = self.binding.unbind(slot.tag.id()) {
                self.ring.release(released);
            }
            self.ring.push(Replaced { tag: slot.tag, code, generation });
        }
        drop(engine);
        self.ring.retire_all()
    }

    /// Walks a module's next generation to `Swapping`, through the states that the caller has not noted itself.
    fn advance_to_swapping(&mut self, module: &str) {
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

impl Prepared {
    fn split(self) -> (ModuleCode, Placed) {
        let Self { tag, generation, code, changes, starts } = self;
        (code, Placed { tag, generation, changes, starts })
    }
}

/// What is left of a candidate once its code is in the schedule.
struct Placed {
    tag: ModuleTag,
    generation: Generation,
    changes: Vec<Change>,
    starts: bool,
}

/// Restores the states of all candidates; the first that fails ends it.
fn prepare_all(
    candidates: Vec<Candidate>,
    states: &SavedStates,
    consent: Consent,
) -> Result<Vec<Prepared>, Rejection> {
    candidates.into_iter().map(|candidate| prepare(candidate, states, consent)).collect()
}

fn prepare(candidate: Candidate, states: &SavedStates, consent: Consent) -> Result<Prepared, Rejection> {
    let Candidate { tag, generation, types, pools, brings, view_model, module, .. } = candidate;
    let mut prepared = Prepared {
        code: ModuleCode::new(&tag),
        generation: Generation { number: generation, types, pools, brings, view_model: None, module },
        changes: Vec::new(),
        starts: false,
        tag,
    };
    let Some((mut view_model, setup)) = view_model else { return Ok(prepared) };
    let name = prepared.tag.name();
    match states.get(name) {
        Some(saved) => prepared.changes = restore_state(name, &mut view_model, saved, consent)?,
        None => prepared.starts = true,
    }
    let view_model = Arc::new(Mutex::new(view_model));
    prepared.code = setup.into_code_with(&prepared.tag, Some(&access_to(&view_model)));
    prepared.code.systems.insert(0, update_system(&view_model));
    prepared.generation.view_model = Some(view_model);
    Ok(prepared)
}

/// `ViewModel::update` as a system.
fn update_system(view_model: &Arc<Mutex<LoadedViewModel>>) -> (SystemDescriptor, keel_engine::SystemCode) {
    let view_model = Arc::clone(view_model);
    let code =
        move |frame: &mut Frame<'_>| view_model.lock().update(frame).map_err(|error| error.to_string());
    (SystemDescriptor::new("update"), Box::new(code))
}

pub(crate) fn save_state(name: &str, view_model: &Mutex<LoadedViewModel>) -> Result<SavedValue, Rejection> {
    let failed = |message: String| {
        Rejection::new(name, Code::SaveFailed, format!("module `{name}` failed in `save_state`: {message}"))
    };
    let saved = contain(|| view_model.lock().save_state()).map_err(failed)?;
    saved.map_err(|error| failed(error.to_string()))
}

fn restore_state(
    name: &str,
    view_model: &mut LoadedViewModel,
    saved: &SavedValue,
    consent: Consent,
) -> Result<Vec<Change>, Rejection> {
    let restored = contain(|| view_model.restore_state(saved, consent.accepts_loss()));
    let restored = restored.map_err(|message| {
        let message = format!("module `{name}` failed in `restore_state`: {message}");
        Rejection::new(name, Code::RestoreFailed, message)
    })?;
    restored.map_err(|error| {
        let Rejection { module, code, message } = Rejection::state(name, &error);
        Rejection::new(&module, code, format!("module `{name}` failed in `restore_state`: {message}"))
    })
}

/// Lets a library go that never went live. Nothing of it is left but, at worst, what its author leaked.
pub(crate) fn discard(module: Module) {
    let name = module.descriptor().name().to_owned();
    if let Err(kept) = module.retire() {
        log::debug!("the refused library of `{name}` stays mapped: {kept}");
    }
}

fn disagreement(module: &str, other: &str, info: &ModelTypeInfo) -> Rejection {
    let message = format!(
        "modules `{module}` and `{other}` were compiled with different shapes of `{}`; build both again, with the \
         same sources and features of the crate that declares it",
        info.name()
    );
    Rejection::new(module, Code::TypesDisagree, message)
}
