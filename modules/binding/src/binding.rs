//! Writing: modules are bound, exchanged and taken out, each time in one step for all readers.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use arc_swap::ArcSwap;
use crossbeam_utils::CachePadded;
use keel_core_types::{IdTable, ModelType, ModuleId, Provided, ViewId};
use parking_lot::Mutex;

use crate::offer::{Bound, BoundPool, Offer, refill};
use crate::pinned::{Picture, Pinned, PoolGuard, SharedPicture, ViewGuard};
use crate::table::{Changes, Table};
use crate::{BindError, PoolImage};

/// `ViewId -> ModelType -> ModelPool`: which module provides each view, what models it works on, where they are.
///
/// Reading takes no lock and waits for nobody. Writing waits for other writers.
pub struct Binding {
    picture: CachePadded<ArcSwap<CachePadded<Picture>>>,
    modules: Mutex<Modules>,
}

/// What was let go. Readers that pinned it before may still use it.
#[derive(Default)]
pub struct Released {
    /// The views that were exchanged or taken out.
    pub views: Vec<Arc<Provided>>,
    /// The pools that were exchanged or taken out.
    pub pools: Vec<BoundPool>,
}

impl Released {
    /// Whether no reader is left that could use any of it. Keep it until then: whoever drops the last
    /// reference runs the module's code.
    pub fn is_unused(&self) -> bool {
        self.views.iter().all(|view| Arc::strong_count(view) == 1)
            && self.pools.iter().all(|pool| pool.holders() == 1)
    }
}

impl Binding {
    /// A binding without modules.
    pub fn new() -> Self {
        let picture = Picture { views: Table::new(), pools: Table::new() };
        Self {
            picture: CachePadded::new(ArcSwap::from_pointee(CachePadded::new(picture))),
            modules: Mutex::default(),
        }
    }

    /// Binds a module that is not bound yet.
    ///
    /// # Errors
    /// [`BindError`]; nothing is changed then.
    pub fn bind(&self, offer: Offer) -> Result<(), BindError> {
        let mut modules = self.modules.lock();
        if let Some(bound) = modules.bound.get(&offer.module_id()) {
            // Two names with one id are a collision, and `with` says so.
            if bound.module == offer.module {
                return Err(BindError::AlreadyBound { module: offer.module });
            }
        }
        let next = modules.with([offer])?;
        self.publish(&mut modules, next);
        Ok(())
    }

    /// Binds modules, and exchanges those that are bound already: all views and pools of all of them in one step,
    /// so that a reader sees each of these modules as it was or as it will be, and never a mix.
    ///
    /// # Errors
    /// [`BindError`]; nothing is changed then.
    pub fn rebind(&self, offers: impl IntoIterator<Item = Offer>) -> Result<Released, BindError> {
        let mut modules = self.modules.lock();
        let next = modules.with(offers)?;
        Ok(self.publish(&mut modules, next))
    }

    /// Takes out all that the module provides.
    ///
    /// # Errors
    /// [`BindError::NotBound`]
    pub fn unbind(&self, module: ModuleId) -> Result<Released, BindError> {
        let mut modules = self.modules.lock();
        let mut next = modules.clone();
        next.bound.remove(&module).ok_or_else(|| not_bound(module))?;
        Ok(self.publish(&mut modules, next))
    }

    /// Takes out the module's views and what it requires. Its pools stay: what is in them is the game's.
    ///
    /// # Errors
    /// [`BindError::NotBound`]
    pub fn withdraw_views(&self, module: ModuleId) -> Result<Released, BindError> {
        let mut modules = self.modules.lock();
        let bound = modules.bound.get(&module).ok_or_else(|| not_bound(module))?;
        let pools = Offer { pools: bound.pools.clone(), ..Offer::new(&bound.module) };
        let next = modules.with([pools])?;
        Ok(self.publish(&mut modules, next))
    }

    /// Takes the objects out of all pools of the module, so that its code can be exchanged.
    ///
    /// # Errors
    /// [`BindError::NotBound`], and as [`AnyPool::take_objects`](crate::AnyPool::take_objects); all objects are in their pools then.
    pub fn drain(&self, module: ModuleId) -> Result<Vec<PoolImage>, BindError> {
        let pools = self.pools_of_module(module)?;
        let mut images = Vec::new();
        for pool in &pools {
            match pool.take_objects() {
                Ok(image) => images.push(image),
                Err(error) => {
                    refill(&pools, &mut images)?;
                    return Err(error.into());
                }
            }
        }
        Ok(images)
    }

    /// Puts objects back into the pools of the module, the same or those it has now, and leaves the images that
    /// fit none.
    ///
    /// # Errors
    /// [`BindError::NotBound`], and as [`AnyPool::put_objects`](crate::AnyPool::put_objects); what was not put is in `images` then.
    pub fn refill(&self, module: ModuleId, images: &mut Vec<PoolImage>) -> Result<(), BindError> {
        Ok(refill(&self.pools_of_module(module)?, images)?)
    }

    /// A picture of all bindings as they are now, for one frame.
    #[inline]
    pub fn pin(&self) -> Pinned {
        Pinned { picture: self.picture.load() }
    }

    /// What is bound to `id` now, for a thread that has no frame.
    pub fn lookup(&self, id: ViewId) -> Option<ViewGuard> {
        ViewGuard::new(self.pin(), id)
    }

    /// The type of the models that the view works on, if it is bound and works on any.
    pub fn model_type_of(&self, id: ViewId) -> Option<ModelType> {
        self.pin().model_type_of(id)
    }

    /// The pool of `model_type`, if a bound module has one, for a thread that has no frame. For its type, call
    /// [`typed`](trait.AnyPool.html#method.typed) on it, or [`Pinned::pool_of`] on a picture.
    pub fn pool(&self, model_type: ModelType) -> Option<PoolGuard> {
        PoolGuard::new(self.pin(), model_type)
    }

    fn pools_of_module(&self, module: ModuleId) -> Result<Vec<BoundPool>, BindError> {
        let modules = self.modules.lock();
        Ok(modules.bound.get(&module).ok_or_else(|| not_bound(module))?.pools.clone())
    }

    fn publish(&self, modules: &mut Modules, next: Modules) -> Released {
        let views =
            changes(modules.views(), next.views(), |old, new| Arc::ptr_eq(&old.provided, &new.provided));
        let pools = changes(modules.pools(), next.pools(), BoundPool::is);
        let current = self.picture.load();
        let released = Released {
            views: replaced(&current.views, &views).map(|bound| Arc::clone(&bound.provided)).collect(),
            pools: replaced(&current.pools, &pools).cloned().collect(),
        };
        let picture =
            Picture { views: current.views.with_changes(&views), pools: current.pools.with_changes(&pools) };
        self.picture.store(SharedPicture::new(CachePadded::new(picture)));
        *modules = next;
        released
    }
}

impl Default for Binding {
    fn default() -> Self {
        Self::new()
    }
}

/// What every module brought, and the names of all ids.
#[derive(Clone, Default)]
struct Modules {
    bound: BTreeMap<ModuleId, Arc<Offer>>,
    module_names: IdTable,
    view_names: IdTable,
    pool_names: IdTable,
}

impl Modules {
    fn with(&self, offers: impl IntoIterator<Item = Offer>) -> Result<Self, BindError> {
        let mut next = self.clone();
        for offer in offers {
            next.register_names(&offer)?;
            next.bound.insert(offer.module_id(), Arc::new(offer));
        }
        next.check_views()?;
        next.check_pools()?;
        Ok(next)
    }

    fn register_names(&mut self, offer: &Offer) -> Result<(), BindError> {
        self.module_names.register(offer.module_id().bits(), &offer.module)?;
        let provided = offer.provides.iter().map(|bound| bound.provided.declaration());
        for view in provided.chain(&offer.requires) {
            self.view_names.register(view.id().bits(), &view.name)?;
        }
        for pool in &offer.pools {
            self.pool_names.register(ModelType::of(pool.name()).bits(), pool.name())?;
        }
        Ok(())
    }

    fn check_views(&self) -> Result<(), BindError> {
        let mut providers = BTreeMap::new();
        for (offer, bound) in self.provided() {
            let declaration = bound.provided.declaration();
            match providers.entry(declaration.id()) {
                Entry::Vacant(entry) => entry.insert((offer, declaration.hash)),
                Entry::Occupied(entry) => {
                    let (view, provider) = (declaration.name.clone(), entry.get().0.module.clone());
                    return Err(BindError::AlreadyProvided { view, provider, module: offer.module.clone() });
                }
            };
        }
        for user in self.bound.values() {
            for required in &user.requires {
                let Some((provider, found)) = providers.get(&required.id()) else { continue };
                if *found != required.hash {
                    return Err(BindError::ContractMismatch {
                        view: required.name.clone(),
                        provider: provider.module.clone(),
                        found: *found,
                        user: user.module.clone(),
                        expected: required.hash,
                    });
                }
            }
        }
        Ok(())
    }

    fn check_pools(&self) -> Result<(), BindError> {
        let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
        for offer in self.bound.values() {
            for pool in &offer.pools {
                if let Some(owner) = owners.insert(pool.name(), &offer.module) {
                    let (pool, owner) = (pool.name().to_owned(), owner.to_owned());
                    return Err(BindError::PoolExists { pool, owner, module: offer.module.clone() });
                }
            }
        }
        Ok(())
    }

    fn provided(&self) -> impl Iterator<Item = (&Offer, &Bound)> {
        self.bound.values().flat_map(|offer| offer.provides.iter().map(move |bound| (&**offer, bound)))
    }

    fn views(&self) -> BTreeMap<u64, &Bound> {
        self.provided().map(|(_, bound)| (bound.provided.declaration().id().bits(), bound)).collect()
    }

    fn pools(&self) -> BTreeMap<u64, &BoundPool> {
        let pools = self.bound.values().flat_map(|offer| &offer.pools);
        pools.map(|pool| (ModelType::of(pool.name()).bits(), pool)).collect()
    }
}

fn changes<V: Clone>(
    old: BTreeMap<u64, &V>,
    new: BTreeMap<u64, &V>,
    same: impl Fn(&V, &V) -> bool,
) -> Changes<V> {
    let removed = old.keys().filter(|id| !new.contains_key(id)).map(|id| (*id, None));
    let is_new = |(id, value): &(&u64, &&V)| old.get(id).is_none_or(|old| !same(old, value));
    let set = new.iter().filter(is_new).map(|(id, value)| (*id, Some((*value).clone())));
    removed.chain(set).collect()
}

fn replaced<'a, V: Clone>(table: &'a Table<V>, changes: &'a Changes<V>) -> impl Iterator<Item = &'a V> {
    changes.keys().filter_map(|id| table.get(*id))
}

fn not_bound(module: ModuleId) -> BindError {
    BindError::NotBound { module: module.to_string() }
}
