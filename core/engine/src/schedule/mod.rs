//! Which systems run, in which order, and which of them side by side.

mod ambiguity;
mod atomic;
mod control;
mod descriptor;
mod order;
mod pace;
mod plan;
mod run;
mod several;
mod system;
mod world;

use std::collections::BTreeSet;

use keel_core_types::ModuleId;
use keel_crash::Mark;

use self::descriptor::Order;
use self::order::Waits;
use self::plan::Plan;
use self::several::Left;
use self::system::check_conditions;
use crate::param::{KeptParam, SavedLocals, VisitKept};
use crate::state::StateCode;
use crate::system::Condition;
use crate::{EngineError, ModuleTag};

pub use self::ambiguity::Ambiguity;
pub use self::control::{SystemSummary, SystemTimes};
pub use self::descriptor::{SetDescriptor, Stage, SystemDescriptor, SystemId};
pub(crate) use self::pace::Pace;
pub(crate) use self::run::{Place, Turn};
pub(crate) use self::system::{Outcome, System, Work};
pub(crate) use self::world::{Failure, WorldRun, WorldStep};

/// The systems of all modules, in the order in which they run.
///
/// Systems without an order between them run by the names of their modules, and within a module in the order in
/// which it registered them, so that the order is the same in every run; those that have the whole frame and those that
/// have parameters take turns. Systems that don't get in each other's way run side by side where that is faster; what comes
/// of it is what would come of running them one after the other.
#[derive(Default)]
pub struct Schedule {
    systems: Vec<System>,
    sets: Vec<Set>,
    /// How the states are changed, by the modules that know them.
    states: Vec<(ModuleTag, StateCode)>,
    /// One of these for each state.
    distinct_states: Vec<usize>,
    /// Which system runs before which, by name, beside what the systems themselves ask for.
    order: BTreeSet<(String, String)>,
    /// Who waits for whom because somebody says so.
    waits: Waits,
    /// What runs in each stage.
    plans: [Plan; Stage::ALL.len()],
    /// How many systems were registered so far.
    turns: u64,
    /// The idle system that is the first in the next frame.
    next_idle: usize,
    left: Left,
    /// Pairs of systems that were told to be in no order.
    told: BTreeSet<(SystemId, SystemId)>,
}

/// What one module says of a set.
pub(crate) struct Set {
    module: ModuleTag,
    name: String,
    /// What a thread that asks its conditions is marked with.
    mark: Mark,
    order: Order,
    conditions: Vec<Condition>,
    /// Whether they held when they were asked last.
    passes: bool,
}

impl Set {
    /// # Errors
    /// [`EngineError::ConditionWrites`]
    pub(crate) fn new(module: &ModuleTag, descriptor: SetDescriptor) -> Result<Self, EngineError> {
        let SetDescriptor { name, order, conditions } = descriptor;
        check_conditions(&conditions, &format!("set `{name}` of module `{}`", module.name()))?;
        let mark = Mark::of(module.name(), &Self::local_name(&name));
        Ok(Self { module: module.clone(), name, mark, order, conditions, passes: true })
    }

    /// What it was made of.
    pub(crate) fn into_parts(self) -> (ModuleTag, SetDescriptor) {
        let Self { module, name, order, conditions, .. } = self;
        (module, SetDescriptor { name, order, conditions })
    }

    /// What its conditions keep is kept under this name.
    pub(crate) fn local_name(name: &str) -> String {
        format!("set {name}")
    }
}

/// What modules bring into the schedule, or leave it with.
#[derive(Default)]
pub(crate) struct Parts {
    pub(crate) systems: Vec<System>,
    pub(crate) sets: Vec<Set>,
    pub(crate) states: Vec<(ModuleTag, StateCode)>,
}

impl Schedule {
    /// Adds a system. Nothing changes when that is an error.
    pub(crate) fn add(&mut self, mut system: System) -> Result<(), EngineError> {
        let states = std::mem::take(&mut system.descriptor.states);
        let states = states.into_iter().map(|state| (system.module.clone(), state)).collect();
        self.exchange(&[], Parts { systems: vec![system], sets: Vec::new(), states }).map(drop)
    }

    /// Puts `new` in the place of all that `modules` have brought, which is returned. Nothing changes when that is an
    /// error. A system that was switched off stays off if the new ones have one of its name.
    pub(crate) fn exchange(&mut self, modules: &[ModuleId], new: Parts) -> Result<Parts, EngineError> {
        let old = self.take(modules);
        let kept = (self.systems.len(), self.sets.len(), self.states.len());
        self.put(new);
        for system in &mut self.systems[kept.0..] {
            system.enabled &= old.systems.iter().all(|old| old.enabled || old.id != system.id);
        }
        if let Err(error) = self.check_names().and_then(|()| self.arrange()) {
            self.systems.truncate(kept.0);
            self.sets.truncate(kept.1);
            self.states.truncate(kept.2);
            self.systems.extend(old.systems);
            self.sets.extend(old.sets);
            self.states.extend(old.states);
            // They were in order before.
            let _ = self.arrange();
            return Err(error);
        }
        self.tell_ambiguities();
        Ok(old)
    }

    /// Takes out what `modules` have brought, their systems in the order in which they were registered.
    fn take(&mut self, modules: &[ModuleId]) -> Parts {
        let is_taken = |module: &ModuleTag| modules.contains(&module.id());
        let mut taken = Parts {
            systems: self.systems.extract_if(.., |system| is_taken(&system.module)).collect(),
            sets: self.sets.extract_if(.., |set| is_taken(&set.module)).collect(),
            states: self.states.extract_if(.., |(module, _)| is_taken(module)).collect(),
        };
        taken.systems.sort_by_key(|system| system.turn);
        taken
    }

    fn put(&mut self, new: Parts) {
        for mut system in new.systems {
            system.turn = self.turns;
            self.turns += 1;
            self.systems.push(system);
        }
        self.sets.extend(new.sets);
        self.states.extend(new.states);
    }

    fn check_names(&self) -> Result<(), EngineError> {
        let mut ids = BTreeSet::new();
        let twice = self.systems.iter().find(|system| !ids.insert(system.id));
        twice.map_or(Ok(()), |system| {
            Err(EngineError::DuplicateSystem {
                module: system.module.name().to_owned(),
                system: system.descriptor.name.clone(),
            })
        })
    }

    /// Puts the systems in order and plans the stages. Nothing changes when there is no order.
    fn arrange(&mut self) -> Result<(), EngineError> {
        let waits = order::waits(&self.systems, &self.sets, &self.order);
        let order = order::sorted(&self.systems, &waits)?;
        let mut place = vec![0; order.len()];
        order.iter().enumerate().for_each(|(new, old)| place[*old] = new);
        let mut systems: Vec<_> = self.systems.drain(..).map(Some).collect();
        self.systems = order.iter().filter_map(|index| systems[*index].take()).collect();
        self.waits = order.iter().map(|old| waits[*old].iter().map(|old| place[*old]).collect()).collect();
        self.find_gates();
        let mut names = BTreeSet::new();
        let states = self.states.iter().enumerate();
        self.distinct_states =
            states.filter(|(_, (_, state))| names.insert(&state.name)).map(|(index, _)| index).collect();
        self.plans = Stage::ALL.map(|stage| Plan::of(stage, &self.systems, &self.waits));
        Ok(())
    }

    /// Tells each system which sets with conditions it is in.
    fn find_gates(&mut self) {
        for system in &mut self.systems {
            let sets = self.sets.iter().enumerate().filter(|(_, set)| !set.conditions.is_empty());
            let own = sets.filter(|(_, set)| system.descriptor.sets.contains(&set.name));
            system.gates = own.map(|(index, _)| index).collect();
        }
    }

    /// Says once of each two systems that nobody has put in order.
    fn tell_ambiguities(&mut self) {
        for ambiguity in self.ambiguities() {
            let id = |path: &str| path.split_once('/').map(|(module, system)| SystemId::of(module, system));
            let (Some(first), Some(second)) = (id(&ambiguity.first), id(&ambiguity.second)) else { continue };
            if self.told.insert((first.min(second), first.max(second))) {
                log::info!("{ambiguity}");
            }
        }
    }

    pub(crate) fn remove(&mut self, module: ModuleId, name: &str) -> bool {
        let before = self.systems.len();
        self.systems.retain(|system| system.module.id() != module || system.descriptor.name != name);
        // What is left was in order before.
        let _ = self.arrange();
        self.systems.len() != before
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &System> {
        self.systems.iter()
    }

    pub(crate) fn add_order(&mut self, first: &str, then: &str) -> Result<(), EngineError> {
        let edge = (first.to_owned(), then.to_owned());
        let is_new = self.order.insert(edge.clone());
        self.arrange().inspect_err(|_| {
            if is_new {
                self.order.remove(&edge);
            }
        })
    }

    pub(crate) fn remove_order(&mut self, first: &str, then: &str) -> bool {
        self.order.remove(&(first.to_owned(), then.to_owned()))
    }

    pub(crate) fn find_mut(&mut self, path: &str) -> Option<&mut System> {
        self.systems.iter_mut().find(|system| system.path() == path)
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        self.systems.iter().map(System::path).collect()
    }

    /// How each state is changed: by the code of one module that knows it.
    pub(crate) fn states(&self) -> impl Iterator<Item = &(ModuleTag, StateCode)> {
        self.distinct_states.iter().map(|index| &self.states[*index])
    }

    pub(crate) fn has_stage(&self, stage: Stage) -> bool {
        !self.plans[stage as usize].segments.is_empty()
    }

    // What systems keep.

    pub(crate) fn save_locals(&self, module: &ModuleTag) -> Result<SavedLocals, EngineError> {
        let failed = |source| EngineError::Locals { module: module.name().to_owned(), source };
        let mut saved = SavedLocals::default();
        for system in self.systems.iter().filter(|system| system.module == *module) {
            let mut work = system.work.lock();
            saved.add(system.descriptor.name(), |visit| work.visit_kept(visit)).map_err(failed)?;
        }
        for set in self.sets.iter().filter(|set| set.module == *module) {
            let visit_all = |visit: &mut VisitKept<'_>| visit_conditions(&set.conditions, visit);
            saved.add(&Set::local_name(&set.name), visit_all).map_err(failed)?;
        }
        Ok(saved)
    }

    /// Lets all systems begin afresh with what they keep.
    pub(crate) fn reset_locals(&mut self) {
        let told = |of: &str, outcome: Result<(), String>| {
            if let Err(message) = outcome {
                log::warn!("{of} goes on with what it kept, because its default {message}");
            }
        };
        for system in &mut self.systems {
            let work = system.work.get_mut();
            let reset = crate::contain(|| work.visit_kept(&mut |param| param.value.reset()));
            told(&format!("system `{}`", system.path()), reset);
        }
        for set in &self.sets {
            let reset =
                crate::contain(|| visit_conditions(&set.conditions, &mut |param| param.value.reset()));
            told(&format!("set `{}`", set.name), reset);
        }
    }
}

/// Shows what conditions keep, under other names than what the system itself keeps.
pub(crate) fn visit_conditions(conditions: &[Condition], visit: &mut VisitKept<'_>) {
    let mut visit = |param: KeptParam<'_>| {
        visit(KeptParam { name: format!("run_if {}", param.name), ..param });
    };
    conditions.iter().for_each(|condition| condition.visit_kept(&mut visit));
}
