//! The pool of worlds: those that a game has beside the one that its engine runs.
//!
//! The pool is the facade's, so its code is never swapped; what the worlds know of types is.

use std::any::Any;
use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use keel_binding::{AnyPool, ModelPool, PoolError, PoolImage};
use keel_core_types::{Model, ModelId, Shared, TypedModel};
use keel_ecs::{ModelTypeInfo, PrefabUpdate, RestoreReport, SharedTypes, World, WorldSnapshot};
use keel_engine::{Engine, contain};
use keel_module_types::hash_of_model;
use keel_state::{Snapshot, SnapshotWriter};
use serde::{Deserialize, Serialize};

use crate::next_world::fits;
use crate::{Code, Consent, Rejection};

type Types = Vec<Arc<ModelTypeInfo>>;

/// The pool of worlds, and what a world that it makes knows.
pub(crate) struct WorldPool {
    pool: Arc<ModelPool<World>>,
    first: Shared<First>,
}

/// A world that is nobody's: those that the pool makes are like it, and share what they know of types and prefabs.
struct First {
    types: Types,
    /// Made when it is needed: a swap is over sooner in a game that has no other worlds.
    world: Option<World>,
}

/// The worlds of the pool as they are saved: each as a snapshot of its own.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct SavedWorlds {
    slots: u32,
    made: u64,
    free: Vec<ModelId>,
    worlds: Vec<(ModelId, Vec<u8>)>,
}

/// The worlds, out of their pool while something is prepared for them. Dropped, they go back.
pub(crate) struct WorldsOut {
    pool: Arc<ModelPool<World>>,
    image: PoolImage,
}

/// What is to take the place of the worlds that are out.
pub(crate) enum NextWorlds {
    /// The same worlds, but for those that were built anew because a type's shape has changed.
    Converted(Vec<Option<World>>),
    /// Others.
    Restored(PoolImage),
}

impl WorldPool {
    pub(crate) fn new(types: Types) -> Self {
        let first = Shared::new(First { types, world: None });
        let known = first.clone();
        let make = move || known.write().world().alike();
        Self { pool: Arc::new(ModelPool::new(World::LIMIT, make)), first }
    }

    pub(crate) fn pool(&self) -> Arc<dyn AnyPool> {
        Arc::clone(&self.pool) as Arc<dyn AnyPool>
    }

    /// What a world that the pool makes knows.
    pub(crate) fn types(&self) -> Types {
        self.first.read().types.clone()
    }

    /// Takes the worlds out, and drops those that wait to be recycled: they know the types of long ago.
    pub(crate) fn take_out(&self) -> Result<WorldsOut, Rejection> {
        let image = self.pool.take_objects().map_err(|error| in_use(&error))?;
        Ok(WorldsOut { pool: Arc::clone(&self.pool), image })
    }

    /// Puts worlds in the place of those that are out. They, and those that the pool makes from now on, know `types`.
    pub(crate) fn install(&self, mut out: WorldsOut, next: NextWorlds, types: &[Arc<ModelTypeInfo>]) {
        self.first.write().know(types);
        let shared = SharedTypes::new(types.iter().map(Arc::clone));
        let old = match next {
            NextWorlds::Restored(image) => std::mem::replace(&mut out.image, image).objects,
            NextWorlds::Converted(worlds) => {
                let mut old = Vec::new();
                for ((_, object), converted) in out.image.objects.iter_mut().zip(worlds) {
                    match (converted, world_mut(&mut **object)) {
                        (Some(world), _) => {
                            old.push((World::RUNNING, std::mem::replace(object, Box::new(world))))
                        }
                        (None, Some(world)) => register(world, &shared),
                        (None, None) => {}
                    }
                }
                old
            }
        };
        // Their columns are dropped by code of modules.
        if let Err(message) = contain(|| drop(old)) {
            log::warn!("worlds of the pool were replaced, though the `drop` of something in them {message}");
        }
    }

    /// Defines the modules' prefabs in all worlds, and in those that the pool makes from now on. What has become of their
    /// instances is added to `updates`.
    pub(crate) fn define_prefabs(&self, engine: &Engine, updates: &mut Vec<PrefabUpdate>) {
        let mut first = self.first.write();
        if !engine.defines_prefabs() {
            // None were ever defined, so there are none to be taken back either.
            return;
        }
        let first = first.world();
        engine.define_prefabs_in(first);
        for id in self.pool.ids() {
            let followed = match self.pool.get_mut(id) {
                Ok(mut world) => world.follow_prefabs_of(first).map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            };
            match followed {
                Ok(of_world) => of_world.iter().for_each(|update| add_update(updates, update)),
                Err(error) => log::error!("world {id} does not follow the prefabs: {error}"),
            }
        }
    }

    /// The sum of the hashes of all worlds; 0 when there is none.
    pub(crate) fn hash(&self) -> Result<u64, Rejection> {
        let mut sum = 0_u64;
        for id in self.pool.ids() {
            let world = self.pool.get(id).map_err(|error| in_use(&error))?;
            let hash = world.hash().map_err(|error| Rejection::save("", &error))?;
            sum = sum.wrapping_add(hash_of_model(World::TYPE, id, &hash.to_le_bytes()));
        }
        Ok(sum)
    }
}

impl First {
    fn world(&mut self) -> &mut World {
        self.world.get_or_insert_with(|| first_of(&self.types))
    }

    /// Knows these types from now on, and the same prefabs.
    fn know(&mut self, types: &[Arc<ModelTypeInfo>]) {
        types.clone_into(&mut self.types);
        let before = self.world.take().filter(World::knows_prefabs);
        if let Some(before) = before {
            let followed = self.world().follow_prefabs_of(&before);
            debug_assert!(followed.is_ok(), "nothing is spawned in it");
        }
    }
}

impl SavedWorlds {
    /// Whether the pool was never used.
    pub(crate) fn is_empty(&self) -> bool {
        self.slots == 0
    }

    /// Every value in the worlds as text, by what it belongs to.
    pub(crate) fn describe(&self) -> Result<BTreeMap<String, String>, Rejection> {
        let mut lines = BTreeMap::new();
        for (id, bytes) in &self.worlds {
            let values = read(bytes)?.describe().map_err(|error| Rejection::restore("", &error))?;
            lines.extend(values.into_iter().map(|(what, value)| (format!("world {id} {what}"), value)));
        }
        Ok(lines)
    }

    /// Worlds of `types`, made of what was saved.
    pub(crate) fn restore(
        &self,
        types: &[Arc<ModelTypeInfo>],
        consent: Consent,
        report: &mut RestoreReport,
    ) -> Result<NextWorlds, Rejection> {
        let mut image = empty_image();
        (image.slots, image.made, image.free) = (self.slots, self.made, self.free.clone());
        let first = first_of(types);
        for (id, bytes) in &self.worlds {
            let world = build(&first, &read(bytes)?, consent, report)?;
            image.objects.push((*id, Box::new(world)));
        }
        Ok(NextWorlds::Restored(image))
    }
}

impl WorldsOut {
    pub(crate) fn save(&self) -> Result<SavedWorlds, Rejection> {
        let PoolImage { slots, made, free, .. } = &self.image;
        let mut saved = SavedWorlds { slots: *slots, made: *made, free: free.clone(), worlds: Vec::new() };
        let mut snapshot = WorldSnapshot::new();
        for (id, world) in self.worlds() {
            let failed = |error: &dyn std::error::Error| Rejection::save("", error);
            world.save(&mut snapshot).map_err(|error| failed(&error))?;
            let mut file = SnapshotWriter::new(Vec::new());
            snapshot.write(&mut file).map_err(|error| failed(&error))?;
            saved.worlds.push((id, file.finish()));
        }
        Ok(saved)
    }

    /// The worlds, with those built anew that can't stay as they are once the modules have `types`.
    pub(crate) fn convert(
        &self,
        types: &[Arc<ModelTypeInfo>],
        consent: Consent,
        report: &mut RestoreReport,
    ) -> Result<NextWorlds, Rejection> {
        let mut snapshot = WorldSnapshot::new();
        // Most swaps need none: worlds stay, and most games have none in their pool.
        let (first, mut converted) = (LazyCell::new(|| first_of(types)), Vec::new());
        let mut asked: Option<(&World, bool)> = None;
        for (_, world) in self.worlds() {
            // Most worlds share what they know: it is looked through once.
            let fits = match asked.filter(|(other, _)| other.is_alike(world)) {
                Some((_, fits)) => fits,
                None => fits(world, types),
            };
            asked = Some((world, fits));
            if fits {
                report.carried += world.value_count();
                converted.push(None);
                continue;
            }
            world.save(&mut snapshot).map_err(|error| Rejection::save("", &error))?;
            converted.push(Some(build(&first, &snapshot, consent, report)?));
        }
        Ok(NextWorlds::Converted(converted))
    }

    fn worlds(&self) -> impl Iterator<Item = (ModelId, &World)> {
        let worlds = self.image.objects.iter();
        worlds.filter_map(|(id, object)| {
            let any: &dyn Any = &**object;
            Some((*id, any.downcast_ref()?))
        })
    }
}

impl Drop for WorldsOut {
    fn drop(&mut self) {
        if let Err(error) = self.pool.put_objects(&mut self.image) {
            log::error!("the worlds of the pool are lost: {error}");
        }
    }
}

impl NextWorlds {
    /// No world at all, as in a new game.
    pub(crate) fn none() -> Self {
        Self::Restored(empty_image())
    }

    /// Makes sure that putting the worlds in can't fail: what was read from a file may contradict itself.
    pub(crate) fn checked(self) -> Result<Self, Rejection> {
        let Self::Restored(mut image) = self else { return Ok(self) };
        let trial = ModelPool::new(World::LIMIT, World::new);
        let checked = trial.put_objects(&mut image).and_then(|()| trial.take_objects());
        let refuse = |error: PoolError| Rejection::new("", Code::RestoreFailed, error.to_string());
        Ok(Self::Restored(checked.map_err(refuse)?))
    }
}

fn empty_image() -> PoolImage {
    PoolImage { name: World::NAME.to_owned(), layout: World::LAYOUT, ..PoolImage::default() }
}

fn read(bytes: &[u8]) -> Result<WorldSnapshot, Rejection> {
    let file = Snapshot::parse(bytes).map_err(|error| Rejection::state("", &error))?;
    WorldSnapshot::read(&file).map_err(|error| Rejection::restore("", &error))
}

fn build(
    first: &World,
    snapshot: &WorldSnapshot,
    consent: Consent,
    report: &mut RestoreReport,
) -> Result<World, Rejection> {
    let built = first.alike_from(snapshot, consent.accepts_loss());
    let (world, of_world) = built.map_err(|error| Rejection::restore("", &error))?;
    add_report(report, of_world);
    Ok(world)
}

/// A world that those of the pool are like.
pub(crate) fn first_of(types: &[Arc<ModelTypeInfo>]) -> World {
    let mut world = World::new();
    register(&mut world, &SharedTypes::new(types.iter().map(Arc::clone)));
    world
}

fn register(world: &mut World, types: &SharedTypes) {
    // The modules agree on all types, and the world fits them.
    if let Err(error) = world.register_shared(types) {
        log::error!("a world of the pool does not know all types of the modules: {error}");
    }
}

fn world_mut(object: &mut dyn Model) -> Option<&mut World> {
    let any: &mut dyn Any = object;
    any.downcast_mut()
}

/// Adds one report to another, with each change once.
pub(crate) fn add_report(report: &mut RestoreReport, other: RestoreReport) {
    report.carried += other.carried;
    report.converted += other.converted;
    for change in other.changes {
        if !report.changes.contains(&change) {
            report.changes.push(change);
        }
    }
    for kept in other.kept {
        if !report.kept.contains(&kept) {
            report.kept.push(kept);
        }
    }
}

/// Adds what became of a prefab in one more world.
fn add_update(updates: &mut Vec<PrefabUpdate>, update: &PrefabUpdate) {
    match updates.iter_mut().find(|known| known.prefab == update.prefab) {
        Some(known) => known.merge(update),
        None => updates.push(update.clone()),
    }
}

fn in_use(error: &PoolError) -> Rejection {
    Rejection::new("", Code::SaveFailed, error.to_string())
}
