//! The observers of all modules, in the order in which they run.

use std::collections::{BTreeMap, BTreeSet};

use keel_core_types::{ComponentId, ModuleId};
use keel_ecs::Occasion;
use keel_state::StateError;

use super::ObserverCode;
use crate::param::SavedLocals;
use crate::{EngineError, ModuleTag, contain};

/// One observer of one module.
pub(crate) struct Observer {
    pub(crate) module: ModuleTag,
    pub(crate) name: String,
    pub(crate) code: ObserverCode,
}

impl Observer {
    /// # Errors
    /// [`EngineError::ParameterConflict`], [`EngineError::ParameterUsesTwice`]
    pub(crate) fn new(module: &ModuleTag, name: &str, code: ObserverCode) -> Result<Self, EngineError> {
        let observer = Self { module: module.clone(), name: name.to_owned(), code };
        observer.code.uses.check(&observer.path())?;
        Ok(observer)
    }

    /// `module/observer`
    pub(crate) fn path(&self) -> String {
        format!("{}/{}", self.module.name(), self.name)
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

    /// Checks that no two observers of one module have one name.
    pub(crate) fn check(new: &[Observer]) -> Result<(), EngineError> {
        let mut seen = BTreeSet::new();
        match new.iter().find(|observer| !seen.insert(observer.path())) {
            None => Ok(()),
            Some(twice) => Err(EngineError::DuplicateObserver {
                module: twice.module.name().to_owned(),
                observer: twice.name.clone(),
            }),
        }
    }

    /// Puts `new` in the place of all that `modules` have brought, which is returned.
    pub(crate) fn exchange(&mut self, modules: &[ModuleId], new: Vec<Observer>) -> Vec<Observer> {
        let old = self.all.extract_if(.., |observer| modules.contains(&observer.module.id())).collect();
        self.all.extend(new);
        self.all.sort_by(|a, b| a.module.name().cmp(b.module.name()));
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
            saved.add(&Observer::local_name(&observer.name), |visit| code.visit_kept(visit))
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
