//! Definitions, and what becomes of instances when one takes the place of another.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use keel_state::{SavedValue, Value};

use super::{Definition, Given, PART_BYTES, Part, Place, Prefab, PrefabPart, Prefabs, SavedComponent};
use crate::model::values::ValueBundle;
use crate::{ComponentValue, EcsError, Entity, ModelTypeInfo, World};

/// What has become of the instances of a prefab that was defined anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrefabUpdate {
    /// Its name.
    pub prefab: String,
    /// How many instances the world has.
    pub instances: usize,
    /// How many components took another value, for they were as the prefab had them.
    pub updated: usize,
    /// How many components that the prefab has got came to instances.
    pub added: usize,
    /// How many components that the prefab has lost went from instances.
    pub removed: usize,
    /// How many children that the prefab has got came to instances.
    pub spawned: usize,
    /// How many children that the prefab has lost went from instances.
    pub despawned: usize,
    /// How many components the prefab has changed stayed as they are, for the instances had changed them.
    pub kept: usize,
}

impl PrefabUpdate {
    /// Whether no instance has changed.
    pub fn is_empty(&self) -> bool {
        let Self { updated, added, removed, spawned, despawned, .. } = self;
        updated + added + removed + spawned + despawned == 0
    }

    /// Adds what became of the same prefab in another world.
    pub fn merge(&mut self, other: &Self) {
        self.instances += other.instances;
        self.updated += other.updated;
        self.added += other.added;
        self.removed += other.removed;
        self.spawned += other.spawned;
        self.despawned += other.despawned;
        self.kept += other.kept;
    }
}

impl fmt::Display for PrefabUpdate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { prefab, instances, updated, added, removed, spawned, despawned, kept } = self;
        write!(
            out,
            "prefab `{prefab}` in {instances} instances: {updated} components updated, {added} added, {removed} removed, \
             {kept} kept as they were changed; {spawned} children added, {despawned} removed"
        )
    }
}

impl World {
    /// Defines prefab `name`. If it was defined before, its instances follow: a component that is as the old definition had
    /// it takes the new value, and one that was overridden or changed stays. Components and children that the prefab has
    /// got or lost come and go with it, but for what was changed in an instance.
    ///
    /// # Errors
    /// [`EcsError::Prefab`], which names the component, for one that the world does not know, or for a value that can't be
    /// one. Nothing has changed then.
    pub fn define_prefab(&mut self, name: &str, prefab: &Prefab) -> Result<PrefabUpdate, EcsError> {
        let mut new = Definition::default();
        self.add_parts(name, String::new(), prefab, &mut new.parts)?;
        let mut all = self.prefab_table();
        let old = all.get(name).cloned();
        if old.as_ref() == Some(&new) {
            return Ok(PrefabUpdate::of(name, self.prefab_instances(name).len()));
        }
        let update = match &old {
            Some(old) => self.follow(name, old, &new)?,
            None => PrefabUpdate::of(name, 0),
        };
        Arc::make_mut(&mut all).insert(name.to_owned(), new);
        self.insert_resource(Prefabs { by_name: all })?;
        Ok(update)
    }

    /// Ends the definition of prefab `name`: nothing is spawned of it any more. Its instances stay, and follow it again when
    /// it is defined again. Whether there was one.
    pub fn remove_prefab(&mut self, name: &str) -> bool {
        let mut all = self.prefab_table();
        if all.get(name).is_none_or(|definition| definition.is_retired) {
            return false;
        }
        if let Some(definition) = Arc::make_mut(&mut all).get_mut(name) {
            definition.is_retired = true;
        }
        self.insert_resource(Prefabs { by_name: all }).is_ok()
    }

    /// Takes over the prefabs of `other`, a world that knows the same types: those that were defined anew, or ended, are so
    /// here as well. What only this world defines stays. What has become of instances is returned.
    ///
    /// # Errors
    /// As [`World::define_prefab`]; prefabs before the one that is refused are taken over then.
    pub fn follow_prefabs_of(&mut self, other: &Self) -> Result<Vec<PrefabUpdate>, EcsError> {
        let (theirs, mut own) = (other.prefab_table(), self.prefab_table());
        let mut updates = Vec::new();
        if Arc::ptr_eq(&theirs, &own) || theirs.is_empty() {
            return Ok(updates);
        }
        for (name, new) in theirs.iter() {
            if let Some(old) = own.get(name).filter(|old| *old != new && !new.is_retired) {
                updates.push(self.follow(name, old, new)?);
            }
        }
        if own.keys().all(|name| theirs.contains_key(name)) {
            own = theirs;
        } else {
            Arc::make_mut(&mut own).extend(theirs.iter().map(|(name, new)| (name.clone(), new.clone())));
        }
        self.insert_resource(Prefabs { by_name: own })?;
        Ok(updates)
    }

    fn add_parts(
        &self,
        name: &str,
        path: String,
        prefab: &Prefab,
        parts: &mut Vec<Part>,
    ) -> Result<(), EcsError> {
        let place = Place { prefab: name, path: &path };
        let mut part = Part { path: path.clone(), components: Vec::new() };
        for given in &prefab.components {
            let value = self.given_value(&place, given)?;
            part.components.push(SavedComponent { name: given.name().to_owned(), value });
        }
        // Makes sure that all of it can be spawned.
        self.bundle_of_part(name, &part, &|_| false)?;
        parts.push(part);
        for (child, prefab) in &prefab.children {
            if child.is_empty() || child.contains('/') {
                let because = "a child is found by its name, which is not empty and has no `/`".to_owned();
                return Err(failed(&place, child, because));
            }
            let path = if path.is_empty() { child.clone() } else { format!("{path}/{child}") };
            self.add_parts(name, path, prefab, parts)?;
        }
        Ok(())
    }

    fn given_value(&self, place: &Place<'_>, given: &Given) -> Result<SavedValue, EcsError> {
        match given {
            Given::Value(component) => Ok(component.value.clone()),
            Given::Named(name, value) => {
                self.value_of(name, value).map_err(|error| failed(place, name, error.to_string()))
            }
            Given::Failed(name, because) => Err(failed(place, name, because.clone())),
        }
    }

    /// The components of a part, but for some.
    pub(super) fn bundle_of_part(
        &self,
        name: &str,
        part: &Part,
        is_left_out: &dyn Fn(&str) -> bool,
    ) -> Result<ValueBundle, EcsError> {
        let mut bundle = ValueBundle::default();
        for SavedComponent { name: component, value } in &part.components {
            if !is_left_out(component) {
                let added = self.add_to_bundle(&mut bundle, component, value);
                let place = Place { prefab: name, path: &part.path };
                added.map_err(|error| failed(&place, component, error.to_string()))?;
            }
        }
        Ok(bundle)
    }

    /// Lets the instances follow. What can fail is done before the first of them is changed; the parts of `new` can be
    /// spawned, as was seen when they were added.
    fn follow(&mut self, name: &str, old: &Definition, new: &Definition) -> Result<PrefabUpdate, EcsError> {
        let instances = self.parts_of(name);
        let mut update = PrefabUpdate::of(name, instances.get(&super::part_id("")).map_or(0, Vec::len));
        let mut edits = Edits::default();
        for part in &old.parts {
            let entities = instances.get(&part.id()).map_or(&[][..], Vec::as_slice);
            let changes = PartChanges::between(self, part, new.part(&part.path));
            for entity in entities {
                self.plan(*entity, &changes, &mut edits, &mut update)?;
            }
        }
        self.apply(edits, &mut update);
        self.spawn_new_parts(name, old, new, &mut update)?;
        Ok(update)
    }

    /// The entities of a prefab, by part.
    fn parts_of(&self, name: &str) -> HashMap<u64, Vec<Entity>> {
        let mut parts: HashMap<u64, Vec<Entity>> = HashMap::new();
        self.query::<(Entity, &PrefabPart)>().for_each(|(entity, part)| {
            if part.is_of(name) {
                parts.entry(part.part()).or_default().push(entity);
            }
        });
        parts
    }

    /// Sees what becomes of one entity.
    fn plan(
        &self,
        entity: Entity,
        changes: &PartChanges<'_>,
        edits: &mut Edits,
        update: &mut PrefabUpdate,
    ) -> Result<(), EcsError> {
        let mut bytes = Vec::new();
        let mut is_untouched = true;
        for ComponentChange { info, old, new } in &changes.components {
            bytes.clear();
            let is_there = self.encode_component(entity, info, &mut bytes)?;
            let is_as_before = match old {
                Some(old) => is_there && is_equal(info, &bytes, old),
                None => !is_there,
            };
            is_untouched &= is_as_before;
            if !is_as_before {
                update.kept += 1;
            } else if let Some(new) = new {
                edits.insert.push((entity, ComponentValue::new(info.name(), (*new).clone())));
                *if old.is_some() { &mut update.updated } else { &mut update.added } += 1;
            } else if !changes.is_gone {
                edits.remove.push((entity, info.name().to_owned()));
                update.removed += 1;
            }
        }
        if changes.is_gone && is_untouched {
            edits.despawn.push(entity);
        }
        Ok(())
    }

    fn apply(&mut self, edits: Edits, update: &mut PrefabUpdate) {
        let told = |outcome: Result<(), EcsError>| {
            if let Err(error) = outcome {
                log::error!("an instance does not follow prefab `{}`: {error}", update.prefab);
            }
        };
        for (entity, component) in &edits.remove {
            told(self.remove_value(*entity, component).map(drop));
        }
        for (entity, component) in &edits.insert {
            told(self.insert_values(*entity, std::slice::from_ref(component)));
        }
        // Children before their parents: one that stays, and whatever else was put below, keeps what is above it.
        for entity in edits.despawn.into_iter().rev() {
            if self.children(entity).is_empty() {
                update.despawned += usize::from(self.despawn(entity).is_ok());
            }
        }
    }

    /// Spawns the children that the prefab has got below each entity that is what they are children of.
    fn spawn_new_parts(
        &mut self,
        name: &str,
        old: &Definition,
        new: &Definition,
        update: &mut PrefabUpdate,
    ) -> Result<(), EcsError> {
        for part in new.parts.iter().filter(|part| old.part(&part.path).is_none()) {
            let Some(parent) = part.parent() else { continue };
            let parents = self.parts_of(name).remove(&super::part_id(parent)).unwrap_or_default();
            for parent in parents {
                let bundle = self.bundle_of_part(name, part, &|_| false)?;
                self.check_room_for([&bundle].into_iter(), PART_BYTES)?;
                let child = self.spawn_bundle(bundle);
                self.put(child, (PrefabPart::of(name, &part.path),))?;
                self.put_parent(child, parent)?;
                update.spawned += 1;
            }
        }
        Ok(())
    }
}

impl PrefabUpdate {
    fn of(prefab: &str, instances: usize) -> Self {
        Self { prefab: prefab.to_owned(), instances, ..Self::default() }
    }
}

/// What is to be done to instances.
#[derive(Default)]
struct Edits {
    insert: Vec<(Entity, ComponentValue)>,
    remove: Vec<(Entity, String)>,
    despawn: Vec<Entity>,
}

/// What a new definition changes in one part.
struct PartChanges<'d> {
    components: Vec<ComponentChange<'d>>,
    /// The prefab has no such part any more.
    is_gone: bool,
}

/// A component that the definitions disagree on; all of them, where the part is gone.
struct ComponentChange<'d> {
    info: Arc<ModelTypeInfo>,
    /// The old value as it is encoded today. A value that can't become one of today is none that an instance still has.
    old: Option<Cow<'d, [u8]>>,
    new: Option<&'d SavedValue>,
}

impl<'d> PartChanges<'d> {
    fn between(world: &World, old: &'d Part, new: Option<&'d Part>) -> Self {
        let mut values: BTreeMap<&str, [Option<&SavedValue>; 2]> = BTreeMap::new();
        for SavedComponent { name, value } in &old.components {
            values.entry(name).or_default()[0] = Some(value);
        }
        for SavedComponent { name, value } in new.into_iter().flat_map(|part| &part.components) {
            values.entry(name).or_default()[1] = Some(value);
        }
        let is_gone = new.is_none();
        let change = |(name, [old, new]): (&'d str, [Option<&'d SavedValue>; 2])| {
            // A component whose type is gone is nobody's to change.
            let info = Arc::clone(world.component_named(name).ok()?);
            let bytes = |value: &'d SavedValue| info.bytes_of(value).ok();
            let (old_bytes, new_bytes) = (old.and_then(bytes), new.and_then(bytes));
            if old.is_some() && old_bytes.is_none() {
                return None;
            }
            let is_same = match (&old_bytes, &new_bytes) {
                (Some(old), Some(new)) => is_equal(&info, old, new),
                _ => false,
            };
            (is_gone || !is_same).then_some(ComponentChange { info, old: old_bytes, new })
        };
        Self { components: values.into_iter().filter_map(change).collect(), is_gone }
    }
}

/// Whether both are the same value: a hashed map may be written in another order each time.
fn is_equal(info: &ModelTypeInfo, one: &[u8], other: &[u8]) -> bool {
    if one == other || !info.is_unordered {
        return one == other;
    }
    let value = |bytes: &[u8]| Value::decode(info.schema(), &mut &*bytes).ok();
    matches!((value(one), value(other)), (Some(one), Some(other)) if one == other)
}

fn failed(place: &Place<'_>, component: &str, because: String) -> EcsError {
    EcsError::Prefab { prefab: place.to_string(), component: component.to_owned(), because }
}
