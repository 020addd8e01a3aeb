//! The observers of all modules, in the order in which they run.

use std::collections::{BTreeMap, BTreeSet};

use keel_core_types::{ComponentId, ModuleId};
use keel_crash::Mark;
use keel_ecs::Occasion;
use keel_state::StateError;

use super::{ObserverCode, ObserverDescriptor, order};
use crate::param::SavedLocals;
use crate::{EngineError, ModuleTag, contain};

/// One observer of one module.
pub(crate) struct Observer {
    pub(crate) module: ModuleTag,
    pub(crate) descriptor: ObserverDescriptor,
    /// What a thread that runs it is marked with.
    pub(super) mark: Mark,
    /// How many were registered before it.
    turn: u64,
    pub(crate) code: ObserverCode,
}

impl Observer {
    /// # Errors
    /// [`EngineError::ParameterConflict`], [`EngineError::ParameterUsesTwice`]
    pub(crate) fn new(
        module: &ModuleTag,
        descriptor: ObserverDescriptor,
        code: ObserverCode,
    ) -> Result<Self, EngineError> {
        let mark = Mark::of(module.name(), &Self::local_name(&descriptor.name));
        let observer = Self { module: module.clone(), descriptor, mark, turn: 0, code };
        observer.code.uses.check(&observer.path())?;
        Ok(observer)
    }

    /// `module/observer`
    pub(crate) fn path(&self) -> String {
        format!("{}/{}", self.module.name(), self.descriptor.name)
    }

    /// What it keeps is kept under this name, and its faults are told under it.
    pub(crate) fn local_name(name: &str) -> String {
        format!("observer {name}")
    }
}

/// The observers of all modules: by the names of the modules, and within one as it registered them.
#[derive(Default)]
pub(crate) struct Observers {
    pub(super) all: Vec<Observer>,
    /// Who observes what, by number.
    pub(super) by_target: BTreeMap<(Occasion, ComponentId), Vec<usize>>,
    /// How many were registered so far.
    turns: u64,
}

/// The order in which observers are to run, once some are exchanged.
pub(crate) struct Arranged {
    order: Vec<usize>,
}

impl Observers {
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Observer> {
        self.all.iter()
    }

    /// What is observed.
    pub(crate) fn targets(&self) -> impl Iterator<Item = (Occasion, ComponentId)> {
        self.by_target.keys().copied()
    }

    /// Puts those in order that there are once `modules` have `new` instead of what they have; nothing is changed yet.
    ///
    /// # Errors
    /// [`EngineError::DuplicateObserver`], [`EngineError::ObserverCycle`]
    pub(crate) fn arrange(&self, modules: &[ModuleId], new: &[Observer]) -> Result<Arranged, EngineError> {
        let kept = self.all.iter().filter(|observer| !modules.contains(&observer.module.id()));
        let all: Vec<_> = kept.chain(new).collect();
        let mut names = BTreeSet::new();
        if let Some(twice) = all.iter().find(|observer| !names.insert(observer.path())) {
            let (module, observer) = (twice.module.name().to_owned(), twice.descriptor.name.clone());
            return Err(EngineError::DuplicateObserver { module, observer });
        }
        let mut places: Vec<_> = (0..all.len()).collect();
        // Those that are new come after all others of their module, in their order.
        let is_new = |place: usize| place + new.len() >= all.len();
        places.sort_by_key(|place| (all[*place].module.name(), is_new(*place), all[*place].turn));
        let by_module: Vec<_> = places.iter().map(|place| all[*place]).collect();
        let order = order::sorted(&by_module)?;
        Ok(Arranged { order: order.into_iter().map(|place| places[place]).collect() })
    }

    /// Puts `new` in the place of all that `modules` have brought, which is returned. `arranged` is of the same two.
    pub(crate) fn exchange(
        &mut self,
        modules: &[ModuleId],
        new: Vec<Observer>,
        arranged: &Arranged,
    ) -> Vec<Observer> {
        let mut old: Vec<_> =
            self.all.extract_if(.., |observer| modules.contains(&observer.module.id())).collect();
        old.sort_by_key(|observer| observer.turn);
        let turns = self.turns..;
        self.turns += new.len() as u64;
        let new = new.into_iter().zip(turns).map(|(observer, turn)| Observer { turn, ..observer });
        let mut all: Vec<_> = self.all.drain(..).chain(new).map(Some).collect();
        self.all = arranged.order.iter().filter_map(|place| all.get_mut(*place)?.take()).collect();
        self.by_target.clear();
        for (number, observer) in self.all.iter().enumerate() {
            self.by_target.entry(observer.code.target).or_default().push(number);
        }
        old
    }

    /// Adds what the observers of a module keep.
    pub(crate) fn save_locals(&self, module: &ModuleTag, saved: &mut SavedLocals) -> Result<(), StateError> {
        self.all.iter().filter(|observer| observer.module == *module).try_for_each(|observer| {
            let mut code = observer.code.code.lock();
            saved.add(&Observer::local_name(&observer.descriptor.name), |visit| code.visit_kept(visit))
        })
    }

    /// Forgets what all of them keep.
    pub(crate) fn reset_locals(&mut self) {
        for observer in &mut self.all {
            let path = observer.path();
            let code = observer.code.code.get_mut();
            if let Err(message) = contain(|| code.visit_kept(&mut |param| param.value.reset())) {
                log::warn!("observer `{path}` goes on with what it kept, because its default {message}");
            }
        }
    }
}
