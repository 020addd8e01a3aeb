//! The schedules of worlds when modules are exchanged, and what their systems keep across it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

use keel_core_types::{ModelId, ModuleId};
use keel_crash::{Mark, Thread};
use keel_state::{Change, StateError};

use super::declare::{prototypes, works};
use super::instance::{Instance, OwnWork};
use super::{Part, Slot, WorldSchedule, WorldSchedules, WorldSystems};
use crate::param::{SavedLocals, VisitKept};
use crate::schedule::Parts;
use crate::{EngineError, ModuleTag, Schedule, contain};

/// Counts the schedules that were made, so that none is taken for another one.
static STAMPS: AtomicU64 = AtomicU64::new(1);

/// What modules bring to schedules of worlds.
pub(crate) type Brought = Vec<(ModuleTag, WorldSystems)>;

impl WorldSchedules {
    /// Puts `new` in the place of all that `modules` have brought, which is returned. What other modules' systems keep of
    /// each world stays.
    ///
    /// # Errors
    /// As [`Schedule::exchange`]; nothing has changed then.
    pub(crate) fn exchange(&mut self, modules: &[ModuleId], new: Brought) -> Result<Brought, EngineError> {
        let is_replaced = |part: &Part| modules.contains(&part.module.id());
        let mut touched: BTreeSet<String> = new.iter().map(|(_, brought)| brought.schedule.clone()).collect();
        let own = self.by_name.iter().filter(|(_, schedule)| schedule.parts.iter().any(is_replaced));
        touched.extend(own.map(|(name, _)| name.clone()));
        let mut made = Vec::new();
        for name in touched {
            let staying = self.by_name.get(&name).into_iter().flat_map(|schedule| &schedule.parts);
            let staying = staying.filter(|part| !is_replaced(part)).map(|part| (&part.module, &part.declare));
            let coming = new.iter().filter(|(_, brought)| brought.schedule == name);
            let coming = coming.map(|(module, brought)| (module, &brought.declare));
            let mut parts = Parts::default();
            for (module, declare) in staying.chain(coming) {
                // Code of the module, which may panic.
                let _running = Thread::current().enter(Mark::of(module.name(), "register"));
                let declared = contain(|| prototypes(module, &name, declare));
                let refused = |because| EngineError::NotOfWorlds {
                    system: module.name().to_owned(),
                    schedule: name.clone(),
                    because,
                };
                let Parts { systems, states, .. } = declared.map_err(refused)??;
                parts.systems.extend(systems);
                parts.states.extend(states);
            }
            let mut schedule = Schedule::default();
            schedule.exchange(&[], parts)?;
            made.push((name, schedule));
        }
        Ok(self.install(modules, made, new))
    }

    fn install(&mut self, modules: &[ModuleId], made: Vec<(String, Schedule)>, new: Brought) -> Brought {
        let mut old = Vec::new();
        for (name, schedule) in made {
            let own = self.by_name.entry(name.clone()).or_default();
            old.extend(own.take(&name, modules));
            own.schedule = schedule;
            own.stamp = STAMPS.fetch_add(1, Ordering::Relaxed);
        }
        for (module, WorldSystems { schedule, declare, works }) in new {
            if let Some(own) = self.by_name.get_mut(&schedule) {
                own.parts.push(Part { module, declare });
                works.into_iter().for_each(|(world, works)| own.put(world, works));
            }
        }
        self.by_name.retain(|_, schedule| !schedule.parts.is_empty());
        old
    }

    /// Adds what the systems of `module` keep of each world to `saved`.
    pub(crate) fn save_locals(&self, module: &ModuleTag, saved: &mut SavedLocals) -> Result<(), StateError> {
        for (name, schedule) in &self.by_name {
            let own = schedule.schedule.iter().filter(|system| system.module == *module);
            let names: BTreeMap<_, _> = own.map(|system| (system.id, system.descriptor.name())).collect();
            for slot in schedule.instances.lock().iter_mut() {
                let Slot::Here(instance) = slot else { continue };
                for OwnWork { id, work } in &mut instance.works {
                    let Some(system) = names.get(id) else { continue };
                    let mut keeps = false;
                    work.visit_kept(&mut |_| keeps = true);
                    if !keeps {
                        continue;
                    }
                    let place = place_of(instance.world, name, system);
                    saved.add(&place, |visit| work.visit_kept(visit))?;
                }
            }
        }
        Ok(())
    }
}

impl WorldSchedule {
    /// Takes out what `modules` have brought.
    fn take(&mut self, name: &str, modules: &[ModuleId]) -> Brought {
        let parts = self.parts.extract_if(.., |part| modules.contains(&part.module.id()));
        let mut taken: Brought = parts
            .map(|Part { module, declare }| {
                (module, WorldSystems { schedule: name.to_owned(), declare, works: Vec::new() })
            })
            .collect();
        let owners: BTreeMap<_, _> =
            self.schedule.iter().map(|system| (system.id, system.module.id())).collect();
        for slot in self.instances.get_mut() {
            let Slot::Here(instance) = slot else { continue };
            instance.is_halted = false;
            for (module, brought) in &mut taken {
                let is_own = |own: &mut OwnWork| owners.get(&own.id) == Some(&module.id());
                let works: Vec<_> = instance.works.extract_if(.., is_own).collect();
                if !works.is_empty() {
                    brought.works.push((instance.world, works));
                }
            }
        }
        taken
    }

    /// Gives the systems of a world what they keep of it.
    fn put(&mut self, world: ModelId, works: Vec<OwnWork>) {
        let instances = self.instances.get_mut();
        let place = world.index() as usize;
        if place >= instances.len() {
            instances.resize_with(place + 1, Slot::default);
        }
        match &mut instances[place] {
            Slot::Here(instance) if instance.world == world => instance.works.extend(works),
            // It begins with a stamp that no schedule has, so that it is known not to be new.
            slot => {
                *slot = Slot::Here(Box::new(Instance { works, stamp: u64::MAX, ..Instance::new(world) }));
            }
        }
    }
}

impl WorldSystems {
    /// Gives the systems of `module` what those before them have kept of each world. What is in `saved` of schedules that
    /// are not this one stays there.
    pub(crate) fn restore(
        &mut self,
        module: &ModuleTag,
        saved: &mut OfWorlds,
        accept_loss: bool,
        changes: &mut Vec<Change>,
    ) -> Result<(), StateError> {
        for (world, mut locals) in saved.remove(&self.schedule).unwrap_or_default() {
            let mut restored = Vec::new();
            for (name, OwnWork { id, mut work }) in works(module, &self.declare) {
                let visit_all = |visit: &mut VisitKept<'_>| work.visit_kept(visit);
                add_new(changes, locals.restore(&name, accept_loss, visit_all)?);
                restored.push(OwnWork { id, work });
            }
            add_new(changes, locals.check_losses(accept_loss)?);
            self.works.push((world, restored));
        }
        Ok(())
    }
}

/// What was kept of worlds, by the name of the schedule.
pub(crate) type OfWorlds = BTreeMap<String, BTreeMap<ModelId, SavedLocals>>;

/// What a system of a world keeps is saved under this name.
fn place_of(world: ModelId, schedule: &str, system: &str) -> String {
    format!("world {world}: {schedule}/{system}")
}

/// The world, schedule and system of such a name.
pub(crate) fn parse_place(place: &str) -> Option<(ModelId, &str, &str)> {
    let (world, path) = place.strip_prefix("world ")?.split_once(": ")?;
    let (index, generation) = world.split_once('v')?;
    let (schedule, system) = path.split_once('/')?;
    Some((ModelId::new(index.parse().ok()?, generation.parse().ok()?), schedule, system))
}

/// All worlds have the same changes: each is told once.
fn add_new(changes: &mut Vec<Change>, more: Vec<Change>) {
    for change in more {
        if !changes.contains(&change) {
            changes.push(change);
        }
    }
}
