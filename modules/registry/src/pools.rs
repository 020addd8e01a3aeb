//! The pools of models across a swap, a reset and a saved game.
//!
//! What is in a pool is data, and its code is a module's: at a swap of the module that brings the pool its objects are
//! saved by the old code, migrated, and restored by the new, each with its id. The old objects wait beside them until
//! nothing can fail any more.

use std::collections::BTreeMap;
use std::sync::Arc;

use keel_binding::{AnyPool, BindError, Binding, ModelPool, Offer, PoolError, PoolImage};
use keel_console::Terminal;
use keel_core_types::{ModelType, ModuleId, TypedModel};
use keel_ecs::{ModelTypeInfo, PrefabUpdate, RestoreReport, World};
use keel_engine::{Engine, ModuleTag, contain};
use keel_module_types::{PooledTypeInfo, SavedPool};
use keel_state::StateError;

use crate::registry::Generation;
use crate::worlds::{NextWorlds, SavedWorlds, WorldPool, WorldsOut, add_report};
use crate::{Candidate, Code, Consent, Registry, Rejection};

/// Who brings the pools that are the facade's.
const FACADE: &str = "keel";

type Infos = Vec<Arc<PooledTypeInfo>>;
type ByName = BTreeMap<String, SavedPool>;

/// What a registry keeps of pools.
pub(crate) struct Pools {
    worlds: WorldPool,
    /// What was in pools that no module brings now. It is saved with the game, and comes back with its type.
    kept: ByName,
    /// The pools at the point that a module's `start` goes back to.
    point: SavedPools,
}

/// The pools of a game as they are saved.
#[derive(Clone, Default)]
pub(crate) struct SavedPools {
    pub(crate) pools: ByName,
    pub(crate) worlds: SavedWorlds,
}

/// What a candidate brings, which outlives the candidate.
pub(crate) struct Coming {
    tag: ModuleTag,
    brings: Infos,
}

/// All that is ready to go live with the candidates. Dropped, everything is as it was.
pub(crate) struct PreparedPools {
    /// The pools of the old generations: their objects go.
    replaced: Drained,
    /// Pools whose module stays, where another game goes on in them.
    staying: Drained,
    next_staying: Vec<Vec<PoolImage>>,
    worlds: WorldsOut,
    next_worlds: NextWorlds,
    kept: ByName,
    report: RestoreReport,
}

/// Objects, out of their pools while something is prepared for them. Dropped, they go back.
struct Drained {
    binding: Arc<Binding>,
    modules: Vec<DrainedModule>,
}

struct DrainedModule {
    tag: ModuleTag,
    // Dropped before the types, which hold the library of their code.
    images: Vec<PoolImage>,
    infos: Infos,
}

/// The terminals of an engine, for [`RegistryConfig::own_pools`](crate::RegistryConfig::own_pools). One is handed out:
/// [`Terminal::MAIN`], that of the process which runs the engine.
pub fn terminals() -> Arc<ModelPool<Terminal>> {
    let pool = ModelPool::new(Terminal::LIMIT, Terminal::default);
    // The first id of a new pool.
    let main = pool.take();
    debug_assert_eq!(main, Ok(Terminal::MAIN));
    Arc::new(pool)
}

impl Pools {
    pub(crate) fn new(types: Vec<Arc<ModelTypeInfo>>) -> Self {
        Self { worlds: WorldPool::new(types), kept: ByName::new(), point: SavedPools::default() }
    }

    /// What the facade itself brings: the pool of worlds, and the host's own.
    pub(crate) fn offer(&self, own: &[Arc<dyn AnyPool>]) -> Offer {
        own.iter().map(Arc::clone).fold(Offer::new(FACADE).pool(self.worlds.pool()), Offer::pool)
    }
}

/// What these candidates bring.
pub(crate) fn brought_by(candidates: &[Candidate]) -> Vec<Coming> {
    let coming = candidates.iter();
    coming.map(|candidate| Coming { tag: candidate.tag.clone(), brings: candidate.brings.clone() }).collect()
}

impl Registry {
    /// Refuses candidates that were compiled with another shape of a pool's type than others have.
    pub(crate) fn check_pooled_types(&self, candidates: &[Candidate]) -> Result<(), Rejection> {
        let is_replaced = |tag: &ModuleTag| candidates.iter().any(|candidate| candidate.tag == *tag);
        let staying = self.live().filter(|(tag, _)| !is_replaced(tag));
        let staying = staying.map(|(tag, live)| (tag.name(), &live.pools));
        let coming = candidates.iter().map(|candidate| (candidate.name(), &candidate.pools));
        let mut agreed: BTreeMap<ModelType, (&str, &Arc<PooledTypeInfo>)> = BTreeMap::new();
        for (module, pools) in staying.chain(coming) {
            for info in pools {
                let (other, known) = *agreed.entry(info.model_type()).or_insert((module, info));
                if known.fingerprint() != info.fingerprint() || known.name() != info.name() {
                    return Err(disagreement(module, other, info));
                }
            }
        }
        Ok(())
    }

    /// Fills the pools that `offers` bring with what the old generations' pools hold, or with a saved game's.
    pub(crate) fn prepare_pools(
        &self,
        coming: &[Coming],
        offers: &[Offer],
        types: &[Arc<ModelTypeInfo>],
        consent: Consent,
        saved: Option<&SavedPools>,
    ) -> Result<PreparedPools, Rejection> {
        let is_coming = |tag: &ModuleTag| coming.iter().any(|coming| coming.tag == *tag);
        let replaced = self.drain(is_coming)?;
        let staying = self.drain(|tag| saved.is_some() && !is_coming(tag))?;
        let worlds = self.pools.worlds.take_out()?;
        let mut report = RestoreReport::default();
        let mut pools = match saved {
            Some(saved) => saved.pools.clone(),
            None => replaced.save_and(self.pools.kept.clone(), consent)?,
        };
        for (coming, offer) in coming.iter().zip(offers) {
            let name = coming.tag.name();
            let mut images = restore_all(name, &coming.brings, &mut pools, consent, &mut report)?;
            offer.refill(&mut images).map_err(|error| pool_refused(name, &error))?;
        }
        let next_staying = staying.restore(&mut pools, consent, &mut report)?;
        let next_staying = staying.check(next_staying)?;
        let next_worlds = match saved {
            Some(saved) => saved.worlds.restore(types, consent, &mut report)?.checked()?,
            None => worlds.convert(types, consent, &mut report)?,
        };
        report.kept.extend(pools.keys().cloned());
        Ok(PreparedPools { replaced, staying, next_staying, worlds, next_worlds, kept: pools, report })
    }

    /// Lets the old objects go. The new ones are in the pools that were just bound.
    pub(crate) fn install_pools(
        &mut self,
        prepared: PreparedPools,
        types: &[Arc<ModelTypeInfo>],
    ) -> RestoreReport {
        let PreparedPools { mut replaced, staying, next_staying, worlds, next_worlds, kept, report } =
            prepared;
        let_go(std::mem::take(&mut replaced.modules));
        staying.exchange(next_staying);
        self.pools.worlds.install(worlds, next_worlds, types);
        self.pools.kept = kept;
        report
    }

    /// All pools as they are now.
    pub(crate) fn save_pools(&self) -> Result<SavedPools, Rejection> {
        let drained = self.drain(|_| true)?;
        let pools = drained.save_and(self.pools.kept.clone(), Consent::Lossless)?;
        Ok(SavedPools { pools, worlds: self.pools.worlds.take_out()?.save()? })
    }

    /// Remembers the pools, for [`Registry::put_pools_back`].
    pub(crate) fn remember_pools(&mut self) -> Result<(), Rejection> {
        self.pools.point = self.save_pools()?;
        Ok(())
    }

    /// Forgets what [`Registry::remember_pools`] has remembered: it may be large.
    pub(crate) fn forget_pools(&mut self) {
        self.pools.point = SavedPools::default();
    }

    /// Makes the pools what they were at [`Registry::remember_pools`]. What a module held that is gone is kept aside.
    pub(crate) fn put_pools_back(&mut self, types: &[Arc<ModelTypeInfo>]) {
        let point = std::mem::take(&mut self.pools.point);
        if let Err(rejection) = self.replace_pools(point, types) {
            log::error!("the pools could not be put back: {rejection}");
        }
    }

    fn replace_pools(&mut self, saved: SavedPools, types: &[Arc<ModelTypeInfo>]) -> Result<(), Rejection> {
        let SavedPools { mut pools, worlds } = saved;
        let mut report = RestoreReport::default();
        let out = self.pools.worlds.take_out()?;
        let next = worlds.restore(types, Consent::Lossless, &mut report)?;
        let drained = self.drain(|_| true)?;
        let images = drained.restore(&mut pools, Consent::Lossless, &mut report)?;
        drained.exchange(images);
        self.pools.worlds.install(out, next, types);
        self.pools.kept = pools;
        Ok(())
    }

    /// The worlds of the pool, out of it: the only pool that a reset does not make anew.
    pub(crate) fn take_worlds_out(&self) -> Result<WorldsOut, Rejection> {
        self.pools.worlds.take_out()
    }

    /// Starts the pools afresh. Those of modules are new already.
    pub(crate) fn reset_pools(&mut self, worlds: WorldsOut) {
        let types = self.pools.worlds.types();
        self.pools.worlds.install(worlds, NextWorlds::none(), &types);
        self.pools.kept.clear();
    }

    /// Keeps what is in the pools of a module that is removed: it comes back with the types.
    pub(crate) fn keep_pools_of(&mut self, tag: &ModuleTag, live: &Generation) {
        let drained = self.drain_module(tag, live);
        let saved = drained.and_then(|drained| drained.save_and(ByName::new(), Consent::Lossless));
        match saved {
            Ok(saved) => self.pools.kept.extend(saved),
            Err(rejection) => log::warn!("the models of `{}` are gone with it: {rejection}", tag.name()),
        }
    }

    /// Defines the modules' prefabs in all worlds, and says what has become of their instances.
    pub(crate) fn define_prefabs(&self, engine: &mut Engine) -> Vec<PrefabUpdate> {
        let mut updates = engine.define_prefabs();
        self.pools.worlds.define_prefabs(engine, &mut updates);
        updates.iter().for_each(|update| log::info!("{update}"));
        updates
    }

    /// Lets go of all that the facade's pools hold of modules.
    pub(crate) fn close_pools(&mut self) {
        match self.pools.worlds.take_out() {
            Ok(worlds) => self.pools.worlds.install(worlds, NextWorlds::none(), &[]),
            Err(rejection) => log::warn!("a world of the pool is still in use: {rejection}"),
        }
        if let Ok(released) = self.binding.unbind(ModuleId::of(FACADE)) {
            self.ring.release(released);
        }
    }

    /// A hash of the game's state: the world's, and that of each model in a pool. Without such models it is the
    /// world's alone. The host's own pools, which describe what is outside, are no part of it.
    ///
    /// # Errors
    /// [`Rejection`] when a value can't be saved, or a model is being changed.
    pub fn state_hash(&self, engine: &Engine) -> Result<u64, Rejection> {
        let sum = engine.world().hash().map_err(|error| Rejection::save("", &error))?;
        Ok(self.pool_hashes()?.into_values().fold(sum, u64::wrapping_add))
    }

    /// [`Registry::state_hash`] in parts that add up to it, wrapping: those of the world by the names of their types, as in
    /// [`World::hash_parts`], and each pool as `pool NAME`.
    ///
    /// # Errors
    /// As [`Registry::state_hash`].
    pub fn state_hash_parts(&self, engine: &Engine) -> Result<BTreeMap<String, u64>, Rejection> {
        let mut parts = engine.world().hash_parts().map_err(|error| Rejection::save("", &error))?;
        parts.extend(self.pool_hashes()?);
        Ok(parts)
    }

    /// The sum of the hashes of the models in each pool.
    fn pool_hashes(&self) -> Result<BTreeMap<String, u64>, Rejection> {
        let mut sums = BTreeMap::new();
        sums.insert(format!("pool {}", World::NAME), self.pools.worlds.hash()?);
        let picture = self.binding.pin();
        for info in self.live().flat_map(|(_, live)| &live.brings) {
            let Some(pool) = picture.pool(info.model_type()) else { continue };
            let sum: &mut u64 = sums.entry(format!("pool {}", info.name())).or_default();
            for id in pool.live_ids() {
                let object = pool.get_model(id).map_err(|error| pool_in_use("", &error))?;
                *sum = sum.wrapping_add(contained(info.name(), || info.hash(id, &*object))?);
            }
        }
        sums.retain(|_, sum| *sum != 0);
        Ok(sums)
    }

    /// Takes the objects out of the pools of these modules.
    fn drain(&self, is_meant: impl Fn(&ModuleTag) -> bool) -> Result<Drained, Rejection> {
        let mut drained = Drained { binding: Arc::clone(&self.binding), modules: Vec::new() };
        for (tag, live) in self.live().filter(|(tag, _)| is_meant(tag)) {
            drained.add(tag, live)?;
        }
        Ok(drained)
    }

    fn drain_module(&self, tag: &ModuleTag, live: &Generation) -> Result<Drained, Rejection> {
        let mut drained = Drained { binding: Arc::clone(&self.binding), modules: Vec::new() };
        drained.add(tag, live)?;
        Ok(drained)
    }
}

impl Drained {
    fn add(&mut self, tag: &ModuleTag, live: &Generation) -> Result<(), Rejection> {
        if live.brings.is_empty() {
            return Ok(());
        }
        let images = self.binding.drain(tag.id()).map_err(|error| match error {
            BindError::Pool(error) => pool_in_use(tag.name(), &error),
            error => Rejection::bind(tag.name(), &error),
        })?;
        self.modules.push(DrainedModule { tag: tag.clone(), images, infos: live.brings.clone() });
        Ok(())
    }

    /// The objects as bytes, added to `saved`. With consent, a pool that can't be saved starts afresh.
    fn save_and(&self, mut saved: ByName, consent: Consent) -> Result<ByName, Rejection> {
        for DrainedModule { images, infos, .. } in &self.modules {
            for image in images {
                let Some(info) = infos.iter().find(|info| info.name() == image.name) else { continue };
                match contained(info.name(), || info.save(image)) {
                    Ok(pool) => drop(saved.insert(info.name().to_owned(), pool)),
                    Err(rejection) if consent.accepts_loss() => {
                        log::warn!("{rejection}; the pool starts afresh, as was accepted");
                    }
                    Err(rejection) => return Err(rejection),
                }
            }
        }
        Ok(saved)
    }

    /// What is in `saved`, for each of these pools; where there is nothing, an empty image.
    fn restore(
        &self,
        saved: &mut ByName,
        consent: Consent,
        report: &mut RestoreReport,
    ) -> Result<Vec<Vec<PoolImage>>, Rejection> {
        let mut restored = Vec::new();
        for DrainedModule { tag, infos, images } in &self.modules {
            let mut next = restore_all(tag.name(), infos, saved, consent, report)?;
            for image in images {
                if !next.iter().any(|next| next.name == image.name) {
                    let (name, layout) = (image.name.clone(), image.layout);
                    next.push(PoolImage { name, layout, ..PoolImage::default() });
                }
            }
            restored.push(next);
        }
        Ok(restored)
    }

    /// Makes sure that putting the images in can't fail: what was read from a file may contradict itself.
    fn check(&self, images: Vec<Vec<PoolImage>>) -> Result<Vec<Vec<PoolImage>>, Rejection> {
        let modules = self.modules.iter().zip(images);
        modules.map(|(module, images)| checked(module.tag.name(), &module.infos, images)).collect()
    }

    /// Puts what [`Drained::restore`] has made into the pools, and lets the objects go that were in them.
    fn exchange(mut self, images: Vec<Vec<PoolImage>>) {
        for (module, next) in self.modules.iter_mut().zip(images) {
            let_go(std::mem::replace(&mut module.images, next));
        }
    }
}

impl Drop for Drained {
    fn drop(&mut self) {
        for DrainedModule { tag, images, .. } in &mut self.modules {
            if let Err(error) = self.binding.refill(tag.id(), images) {
                log::error!("the models of `{}` are lost: {error}", tag.name());
            }
        }
    }
}

/// The objects of `infos` that are in `saved`, taken out of it and made by the code of `infos`.
fn restore_all(
    module: &str,
    infos: &[Arc<PooledTypeInfo>],
    saved: &mut ByName,
    consent: Consent,
    report: &mut RestoreReport,
) -> Result<Vec<PoolImage>, Rejection> {
    let mut images = Vec::new();
    for info in infos {
        let Some(pool) = saved.remove(info.name()) else { continue };
        let restored = contain(|| info.restore(&pool, consent.accepts_loss()));
        let restored = restored.map_err(|message| {
            let message = format!(
                "the models of pool `{}` can't be restored: {message}; correct the type's `Deserialize`, `Default` or \
                 `convert_from`, and save",
                info.name()
            );
            Rejection::new(module, Code::RestoreFailed, message)
        })?;
        let (image, of_pool) = restored.map_err(|error| restore_failed(module, info.name(), &error))?;
        add_report(report, of_pool);
        images.push(image);
    }
    Ok(images)
}

/// The images, once a pool that is made for it has taken them.
fn checked(
    module: &str,
    infos: &[Arc<PooledTypeInfo>],
    images: Vec<PoolImage>,
) -> Result<Vec<PoolImage>, Rejection> {
    let check = |mut image: PoolImage| {
        let Some(info) = infos.iter().find(|info| info.name() == image.name) else { return Ok(image) };
        let trial = info.make_pool();
        trial.put_objects(&mut image)?;
        trial.take_objects()
    };
    images.into_iter().map(check).collect::<Result<_, _>>().map_err(|error| pool_refused(module, &error))
}

/// Drops objects of a module, whose panic then ends nothing.
fn let_go<T>(objects: T) {
    if let Err(message) = contain(|| drop(objects)) {
        log::warn!("old models were let go, though the `drop` of one {message}");
    }
}

fn contained<T>(pool: &str, save: impl FnOnce() -> Result<T, StateError>) -> Result<T, Rejection> {
    let failed = |message: String| {
        let message = format!("the models of pool `{pool}` can't be saved: {message}");
        Rejection::new("", Code::SaveFailed, message)
    };
    let panicked = |panic: String| failed(format!("{panic}; correct the type's `Serialize`, and save"));
    contain(save).map_err(panicked)?.map_err(|error| failed(error.to_string()))
}

fn restore_failed(module: &str, pool: &str, error: &StateError) -> Rejection {
    let rejection = Rejection::state(module, error);
    let message = format!("the models of pool `{pool}` can't be restored: {}", rejection.message);
    Rejection { message, ..rejection }
}

fn pool_in_use(module: &str, error: &PoolError) -> Rejection {
    Rejection::new(module, Code::SaveFailed, error.to_string())
}

fn pool_refused(module: &str, error: &PoolError) -> Rejection {
    Rejection::new(module, Code::RestoreFailed, error.to_string())
}

fn disagreement(module: &str, other: &str, info: &PooledTypeInfo) -> Rejection {
    let message = format!(
        "modules `{module}` and `{other}` were compiled with different shapes of the model `{}`; build both again, \
         with the same sources and features of the crate that declares it",
        info.name()
    );
    Rejection::new(module, Code::TypesDisagree, message)
}
