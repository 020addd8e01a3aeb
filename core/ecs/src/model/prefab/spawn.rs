//! Spawning instances.

use std::collections::HashMap;

use keel_state::Value;

use super::{Definition, PART_BYTES, PrefabPart};
use crate::{Bundle, Commands, ComponentValue, EcsError, Entity, World};

impl World {
    /// Spawns an instance of prefab `name`: an entity with its components and children. `overrides` takes the place of the
    /// prefab's components, or is added to them: `world.spawn_prefab("ship", (Position { x: 1.0 },))`.
    ///
    /// # Errors
    /// [`EcsError::NoSuchPrefab`], and [`EcsError::Prefab`] for a value that is no more of its component's type. The world
    /// is then unchanged.
    ///
    /// # Panics
    /// As [`World::spawn`], for what is in `overrides`.
    pub fn spawn_prefab<B: Bundle>(&mut self, name: &str, overrides: B) -> Result<Entity, EcsError> {
        let prefab = self.prefab(name)?;
        let mut is_given = Vec::new();
        B::visit_names(&mut |component| is_given.push(component));
        self.check_bundle::<B>();
        let is_given = |component: &str| is_given.contains(&component);
        let entity = self.spawn_parts(name, &prefab, size_of::<B>(), &is_given)?;
        self.put(entity, overrides)?;
        Ok(entity)
    }

    /// [`World::spawn_prefab`] with overrides by name:
    /// `world.spawn_prefab_named("ship", &[("Position", &[("x", 1.0.into())])])`.
    ///
    /// # Errors
    /// As [`World::spawn_prefab`], and as [`World::spawn_named`]. The world is then unchanged.
    pub fn spawn_prefab_named(
        &mut self,
        name: &str,
        overrides: &[(&str, &[(&str, Value)])],
    ) -> Result<Entity, EcsError> {
        let prefab = self.prefab(name)?;
        let mut values = Vec::new();
        for (component, fields) in overrides {
            let value = Value::named(fields.iter().map(|(name, value)| (*name, value.clone())));
            values.push(ComponentValue::new(*component, self.value_of(component, &value)?));
        }
        let bundle = self.bundle_of(&values)?;
        let is_given = |component: &str| overrides.iter().any(|(name, _)| *name == component);
        let given = bundle.bytes(self);
        let entity = self.spawn_parts(name, &prefab, given, &is_given)?;
        self.insert_bundle(entity, bundle);
        Ok(entity)
    }

    /// Spawns all of them, or none when there is no room for them and the `given` bytes.
    fn spawn_parts(
        &mut self,
        name: &str,
        prefab: &Definition,
        given: usize,
        is_given: &dyn Fn(&str) -> bool,
    ) -> Result<Entity, EcsError> {
        // All are made, and have room, before one is spawned.
        let mut bundles = Vec::new();
        for part in &prefab.parts {
            let is_left_out = |component: &str| part.path.is_empty() && is_given(component);
            bundles.push(self.bundle_of_part(name, part, &is_left_out)?);
        }
        self.check_room(0, given)?;
        self.check_room_for(bundles.iter(), PART_BYTES)?;
        let mut spawned: HashMap<&str, Entity> = HashMap::new();
        let mut root = None;
        for (part, bundle) in prefab.parts.iter().zip(bundles) {
            let entity = self.spawn_bundle(bundle);
            self.put(entity, (PrefabPart::of(name, &part.path),))?;
            if let Some(parent) = part.parent().and_then(|parent| spawned.get(parent)) {
                self.put_parent(entity, *parent)?;
            }
            root.get_or_insert(entity);
            spawned.insert(&part.path, entity);
        }
        match root {
            Some(root) => Ok(root),
            // A definition has a part for the entity itself; one that was read from a damaged file may not.
            None => Ok(self.spawn((PrefabPart::of(name, ""),))),
        }
    }
}

impl Commands {
    /// Spawns an instance of prefab `name`, as [`World::spawn_prefab`] does.
    pub fn spawn_prefab<B: Bundle>(&mut self, name: &str, overrides: B) {
        let name = name.to_owned();
        self.add(move |world| world.spawn_prefab(&name, overrides).map(drop));
    }
}
