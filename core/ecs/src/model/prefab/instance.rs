//! What an entity knows of the prefab that it was spawned from.

use keel_module_macros::data;

use super::{part_id, prefab_id};
use crate::{Component, ComponentAccess, Entity, Untracked, World};

/// Says which part of which prefab an entity was spawned as. Without it, the entity follows the prefab no more:
/// `world.remove::<(PrefabPart,)>(entity)`.
#[data(crate = keel_ecs)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrefabPart {
    /// The hash of the prefab's name.
    prefab: u64,
    /// The hash of the path that leads to the part.
    part: u64,
}

impl Component for PrefabPart {
    const NAME: &'static str = "keel.PrefabPart";
    const ACCESS: ComponentAccess = ComponentAccess::Whole;
    type Tracking = Untracked;
}

impl PrefabPart {
    pub(super) fn of(prefab: &str, path: &str) -> Self {
        Self { prefab: prefab_id(prefab), part: part_id(path) }
    }

    pub(super) fn part(self) -> u64 {
        self.part
    }

    /// Whether the entity is one of prefab `name`, or a child in one.
    pub fn is_of(&self, name: &str) -> bool {
        self.prefab == prefab_id(name)
    }

    /// Whether the entity is an instance itself, and no child in one.
    pub fn is_root(&self) -> bool {
        self.part == part_id("")
    }
}

impl World {
    /// The prefab that `entity` was spawned from, and the names of the children that lead to it, with `/` between. None for
    /// what is of no prefab that the world knows.
    pub fn prefab_of(&self, entity: Entity) -> Option<(String, String)> {
        let part = *self.get::<PrefabPart>(entity).ok()?;
        let all = self.prefab_table();
        let (name, definition) = all.iter().find(|(name, _)| part.is_of(name))?;
        let found = definition.parts.iter().find(|known| known.id() == part.part)?;
        Some((name.clone(), found.path.clone()))
    }

    /// The instances of prefab `name`, archetype by archetype.
    pub fn prefab_instances(&self, name: &str) -> Vec<Entity> {
        let mut all = self.query::<(Entity, &PrefabPart)>();
        let own = all.iter().filter(|(_, part)| part.is_of(name) && part.is_root());
        own.map(|(entity, _)| entity).collect()
    }

    /// The child of `instance` that `path` leads to: names with `/` between. None where it was despawned or given to
    /// somebody else.
    pub fn prefab_part(&self, instance: Entity, path: &str) -> Option<Entity> {
        let own = *self.get::<PrefabPart>(instance).ok()?;
        let wanted = PrefabPart { part: part_id(path), ..own };
        let is_wanted = |entity: &Entity| self.get::<PrefabPart>(*entity).is_ok_and(|part| *part == wanted);
        [instance].into_iter().chain(self.descendants(instance)).find(is_wanted)
    }
}
