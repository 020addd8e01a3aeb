//! Which systems run, and in which order.

use std::collections::{BTreeMap, BTreeSet};

use keel_core_types::{ModuleId, hash_name};
use serde::{Deserialize, Serialize};

use crate::param::ParamConflict;
use crate::{EngineError, ModuleTag, SystemCode, SystemSummary, SystemTimes};
use parking_lot::Mutex;

/// When in a frame a system runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Stage {
    /// In every fixed step of simulation time: game logic.
    #[default]
    Step,
    /// Once in every frame, after its steps: presentation. It must not change what is simulated.
    Frame,
}

/// Names one system of one module; it stays the same across swaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SystemId(u64);

impl SystemId {
    /// The id of system `system` of module `module`.
    pub fn of(module: &str, system: &str) -> Self {
        Self(hash_name("system", &format!("{module}/{system}")))
    }
}

/// A system's name and place in the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemDescriptor {
    name: String,
    stage: Stage,
    before: Vec<String>,
    after: Vec<String>,
}

impl SystemDescriptor {
    /// System `name`, in [`Stage::Step`], in any order.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), stage: Stage::Step, before: Vec::new(), after: Vec::new() }
    }

    /// Runs it in `stage`.
    #[must_use]
    pub fn stage(mut self, stage: Stage) -> Self {
        self.stage = stage;
        self
    }

    /// Runs it before `system`: one of the same module, or `module/system`, or all of `module/`. One that is not
    /// there changes nothing.
    #[must_use]
    pub fn before(mut self, system: &str) -> Self {
        self.before.push(system.to_owned());
        self
    }

    /// Runs it after `system`, named as in [`SystemDescriptor::before`].
    #[must_use]
    pub fn after(mut self, system: &str) -> Self {
        self.after.push(system.to_owned());
        self
    }

    /// The system's name within its module.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// One system in the schedule.
pub(crate) struct System {
    pub(crate) module: ModuleTag,
    pub(crate) descriptor: SystemDescriptor,
    /// Locked by whoever runs it or looks at what it keeps.
    pub(crate) code: Mutex<SystemCode>,
    pub(crate) enabled: bool,
    pub(crate) times: SystemTimes,
}

impl System {
    pub(crate) fn new(module: &ModuleTag, descriptor: SystemDescriptor, code: SystemCode) -> Self {
        let code = Mutex::new(code);
        Self { module: module.clone(), descriptor, code, enabled: true, times: SystemTimes::default() }
    }

    pub(crate) fn summary(&self) -> SystemSummary {
        SystemSummary {
            name: self.path(),
            module: self.module.name().to_owned(),
            stage: self.descriptor.stage,
            before: self.descriptor.before.clone(),
            after: self.descriptor.after.clone(),
            access: self.code.lock().access(),
            is_enabled: self.enabled,
            times: self.times,
        }
    }

    pub(crate) fn path(&self) -> String {
        format!("{}/{}", self.module.name(), self.descriptor.name)
    }

    fn is_named(&self, reference: &str, of: &ModuleTag) -> bool {
        match reference.split_once('/') {
            None => self.module == *of && self.descriptor.name == reference,
            Some((module, system)) => {
                self.module.name() == module && (system.is_empty() || self.descriptor.name == system)
            }
        }
    }
}

/// The systems of all modules, in the order in which they run.
///
/// Systems without an order between them run by the names of their modules, and within a module in the order in
/// which it registered them, so that the order is the same in every run.
#[derive(Default)]
pub struct Schedule {
    systems: Vec<System>,
    /// Which system runs before which, by name, beside what the systems themselves ask for.
    order: BTreeSet<(String, String)>,
}

impl Schedule {
    /// Adds a system. Nothing changes when that is an error.
    pub(crate) fn add(&mut self, system: System) -> Result<(), EngineError> {
        self.exchange(&[], vec![system]).map(drop)
    }

    /// Puts `new` in the place of all systems of `modules`, which are returned. Nothing changes when that is an
    /// error. A system that was switched off stays off if the new ones have one of its name.
    pub(crate) fn exchange(
        &mut self,
        modules: &[ModuleId],
        new: Vec<System>,
    ) -> Result<Vec<System>, EngineError> {
        let is_exchanged = |system: &System| modules.contains(&system.module.id());
        let (old, kept) = std::mem::take(&mut self.systems).into_iter().partition(is_exchanged);
        let old: Vec<System> = old;
        let kept_count = kept.len();
        self.systems = kept;
        for mut system in new {
            system.enabled &= old.iter().all(|old| old.enabled || old.path() != system.path());
            self.systems.push(system);
        }
        let checked = self.check_names().and_then(|()| self.check_params()).and_then(|()| self.sort());
        if let Err(error) = checked {
            self.systems.truncate(kept_count);
            self.systems.extend(old);
            // They were in order before.
            let _ = self.sort();
            return Err(error);
        }
        Ok(old)
    }

    fn check_names(&self) -> Result<(), EngineError> {
        let mut paths = BTreeSet::new();
        let twice = self.systems.iter().find(|system| !paths.insert(system.path()));
        twice.map_or(Ok(()), |system| {
            Err(EngineError::DuplicateSystem {
                module: system.module.name().to_owned(),
                system: system.descriptor.name.clone(),
            })
        })
    }

    fn check_params(&self) -> Result<(), EngineError> {
        let conflict =
            self.systems.iter().find_map(|system| Some((system, system.code.lock().uses.own_conflict()?)));
        let Some((system, ParamConflict { first, second, shared })) = conflict else { return Ok(()) };
        let system = system.path();
        Err(match second {
            Some(second) => EngineError::ParameterConflict { system, first, second, shared },
            None => EngineError::ParameterUsesTwice { system, parameter: first, shared },
        })
    }

    pub(crate) fn remove(&mut self, module: ModuleId, name: &str) -> bool {
        let before = self.systems.len();
        self.systems.retain(|system| system.module.id() != module || system.descriptor.name != name);
        self.systems.len() != before
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &System> {
        self.systems.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut System> {
        self.systems.iter_mut()
    }

    pub(crate) fn add_order(&mut self, first: &str, then: &str) -> Result<(), EngineError> {
        let edge = (first.to_owned(), then.to_owned());
        let is_new = self.order.insert(edge.clone());
        self.sort().inspect_err(|_| {
            if is_new {
                self.order.remove(&edge);
            }
        })
    }

    pub(crate) fn remove_order(&mut self, first: &str, then: &str) -> bool {
        self.order.remove(&(first.to_owned(), then.to_owned()))
    }

    /// Lets all systems begin afresh with what they keep.
    pub(crate) fn reset_locals(&mut self) {
        for system in &mut self.systems {
            let code = system.code.get_mut();
            if let Err(message) = crate::contain(|| code.visit_kept(&mut |param| param.value.reset())) {
                log::warn!("`{}` goes on with what it kept, because its default {message}", system.path());
            }
        }
    }

    pub(crate) fn find_mut(&mut self, path: &str) -> Option<&mut System> {
        self.systems.iter_mut().find(|system| system.path() == path)
    }

    pub(crate) fn stage_mut(&mut self, stage: Stage) -> impl Iterator<Item = &mut System> {
        self.systems.iter_mut().filter(move |system| system.descriptor.stage == stage)
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        self.systems.iter().map(System::path).collect()
    }

    /// Puts the systems in order. The new order is taken over only when there is one.
    fn sort(&mut self) -> Result<(), EngineError> {
        let rank: BTreeMap<usize, (String, usize)> = self
            .systems
            .iter()
            .enumerate()
            .map(|(index, system)| (index, (system.module.name().to_owned(), index)))
            .collect();
        let mut waits_for = self.edges();
        let mut ready: BTreeSet<(&(String, usize), usize)> = BTreeSet::new();
        ready.extend(
            waits_for.iter().filter(|(_, on)| on.is_empty()).map(|(index, _)| (&rank[index], *index)),
        );
        let mut order = Vec::with_capacity(self.systems.len());
        while let Some((_, done)) = ready.pop_first() {
            order.push(done);
            waits_for.remove(&done);
            for (index, on) in &mut waits_for {
                if on.remove(&done) && on.is_empty() {
                    ready.insert((&rank[index], *index));
                }
            }
        }
        if !waits_for.is_empty() {
            return Err(EngineError::OrderCycle { cycle: self.cycle(&waits_for) });
        }
        let mut systems: Vec<_> = self.systems.drain(..).map(Some).collect();
        self.systems = order.into_iter().filter_map(|index| systems[index].take()).collect();
        Ok(())
    }

    /// For each system, those that must run before it.
    fn edges(&self) -> BTreeMap<usize, BTreeSet<usize>> {
        let mut waits_for: BTreeMap<usize, BTreeSet<usize>> =
            (0..self.systems.len()).map(|index| (index, BTreeSet::new())).collect();
        let named = |reference: &str, of: usize| {
            let module = self.systems[of].module.clone();
            let reference = reference.to_owned();
            let others = self.systems.iter().enumerate().filter(move |(index, _)| *index != of);
            others.filter(move |(_, system)| system.is_named(&reference, &module)).map(|(index, _)| index)
        };
        for (index, system) in self.systems.iter().enumerate() {
            for reference in &system.descriptor.after {
                let earlier: Vec<_> = named(reference, index).collect();
                waits_for.entry(index).or_default().extend(earlier);
            }
            for reference in &system.descriptor.before {
                for later in named(reference, index) {
                    waits_for.entry(later).or_default().insert(index);
                }
            }
        }
        let place = |name: &str| self.systems.iter().position(|system| system.path() == name);
        for (first, then) in &self.order {
            if let (Some(first), Some(then)) = (place(first), place(then)) {
                waits_for.entry(then).or_default().insert(first);
            }
        }
        waits_for
    }

    /// Follows one wait after the other until a system comes again.
    fn cycle(&self, waits_for: &BTreeMap<usize, BTreeSet<usize>>) -> String {
        let mut path: Vec<usize> = waits_for.keys().take(1).copied().collect();
        while let Some(next) = path.last().and_then(|last| waits_for.get(last)?.first()).copied() {
            if let Some(start) = path.iter().position(|index| *index == next) {
                path = path.split_off(start);
                path.push(next);
                break;
            }
            path.push(next);
        }
        let names: Vec<_> = path.into_iter().rev().map(|index| self.systems[index].path()).collect();
        names.join(" -> ")
    }
}
