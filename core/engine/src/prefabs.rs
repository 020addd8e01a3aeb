//! The prefabs that modules define, and the worlds that they are defined in.

use std::collections::{BTreeMap, BTreeSet};

use keel_core_types::ModuleId;
use keel_ecs::{EcsError, Prefab, PrefabUpdate, World};

use crate::{Engine, EngineError, ModuleCode, ModuleTag};

/// Prefabs by name, each with the module that defines it. They are data, and hold nothing of it.
#[derive(Default)]
pub(crate) struct ModulePrefabs {
    by_name: BTreeMap<String, (ModuleTag, Prefab)>,
    /// Those that a module has defined, and none defines any more.
    ended: BTreeSet<String>,
}

impl ModulePrefabs {
    /// Refuses code that defines what another module defines, but for `replaced`.
    pub(crate) fn check(&self, replaced: &[ModuleId], new: &[ModuleCode]) -> Result<(), EngineError> {
        let staying = self.by_name.iter().filter(|(_, (module, _))| !replaced.contains(&module.id()));
        let mut owners: BTreeMap<&str, &ModuleTag> =
            staying.map(|(name, (module, _))| (name.as_str(), module)).collect();
        for code in new {
            for (name, _) in &code.prefabs {
                if let Some(other) = owners.insert(name, &code.module) {
                    return Err(EngineError::DuplicatePrefab {
                        prefab: name.clone(),
                        first: other.name().to_owned(),
                        second: code.module.name().to_owned(),
                    });
                }
            }
        }
        Ok(())
    }

    pub(crate) fn take_module(&mut self, module: ModuleId) -> Vec<(String, Prefab)> {
        let taken: Vec<_> = self.by_name.extract_if(.., |_, (owner, _)| owner.id() == module).collect();
        self.ended.extend(taken.iter().map(|(name, _)| name.clone()));
        taken.into_iter().map(|(name, (_, prefab))| (name, prefab)).collect()
    }

    fn define_in(&self, world: &mut World) -> Vec<PrefabUpdate> {
        let mut updates = Vec::new();
        for name in &self.ended {
            world.remove_prefab(name);
        }
        for (name, (module, prefab)) in &self.by_name {
            match crate::contain(|| world.define_prefab(name, prefab)) {
                Ok(Ok(update)) if update.is_empty() && update.kept == 0 => {}
                Ok(Ok(update)) => updates.push(update),
                Ok(Err(error)) => log::error!("module `{}`: {error}", module.name()),
                Err(panic) => log::error!("module `{}`, prefab `{name}` {panic}", module.name()),
            }
        }
        updates
    }

    pub(crate) fn add_module(&mut self, module: &ModuleTag, prefabs: Vec<(String, Prefab)>) {
        for (name, prefab) in prefabs {
            self.ended.remove(&name);
            self.by_name.insert(name, (module.clone(), prefab));
        }
    }
}

impl ModuleCode {
    /// Makes sure that its prefabs can be defined in `world`, which knows the types of the game; they are defined in it
    /// then.
    ///
    /// # Errors
    /// [`EcsError::Prefab`]
    pub fn check_prefabs(&self, world: &mut World) -> Result<(), EcsError> {
        self.prefabs.iter().try_for_each(|(name, prefab)| world.define_prefab(name, prefab).map(drop))
    }
}

impl Engine {
    /// Defines the modules' prefabs in the running world, anew where their code was exchanged, and says what has become of
    /// their instances. It is called once the world knows the types of the new code.
    pub fn define_prefabs(&mut self) -> Vec<PrefabUpdate> {
        self.prefabs.define_in(&mut self.runtime.world)
    }

    /// Whether any module defines a prefab, or has defined one.
    pub fn defines_prefabs(&self) -> bool {
        !self.prefabs.by_name.is_empty() || !self.prefabs.ended.is_empty()
    }

    /// [`Engine::define_prefabs`] in another world.
    pub fn define_prefabs_in(&self, world: &mut World) -> Vec<PrefabUpdate> {
        self.prefabs.define_in(world)
    }
}
