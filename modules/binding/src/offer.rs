//! What a module brings into the binding.

use std::any::Any;
use std::ops::Deref;
use std::sync::Arc;

use keel_core_types::{ModelType, ModuleId, Provided, ViewDeclaration};

use crate::image::AnyPool;
use crate::{PoolError, PoolImage};

/// All that one module provides and requires. It is bound as a whole.
pub struct Offer {
    pub(crate) module: String,
    pub(crate) provides: Vec<Bound>,
    pub(crate) requires: Vec<ViewDeclaration>,
    pub(crate) pools: Vec<BoundPool>,
}

/// A pool, and what keeps the library of its code mapped.
#[derive(Clone)]
pub struct BoundPool {
    // Dropped before the library, which has its code.
    pool: Arc<dyn AnyPool>,
    _library: Option<Arc<dyn Any + Send + Sync>>,
}

impl BoundPool {
    /// Whether it is the very same pool.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.pool, &other.pool)
    }

    /// How many there are of this one.
    pub(crate) fn holders(&self) -> usize {
        Arc::strong_count(&self.pool)
    }
}

impl Deref for BoundPool {
    type Target = dyn AnyPool;

    fn deref(&self) -> &Self::Target {
        &*self.pool
    }
}

/// A provided view, and the type of the models it works on.
#[derive(Clone)]
pub(crate) struct Bound {
    pub(crate) provided: Arc<Provided>,
    pub(crate) model_type: Option<ModelType>,
}

impl Offer {
    /// The offer of the module called `module`, which brings nothing yet.
    pub fn new(module: &str) -> Self {
        Self { module: module.to_owned(), provides: Vec::new(), requires: Vec::new(), pools: Vec::new() }
    }

    /// Provides a view that works on no pooled model.
    pub fn provides(mut self, provided: Provided) -> Self {
        self.provides.push(Bound { provided: Arc::new(provided), model_type: None });
        self
    }

    /// Provides a view that works on the models of `model_type`.
    pub fn provides_on(mut self, model_type: ModelType, provided: Provided) -> Self {
        self.provides.push(Bound { provided: Arc::new(provided), model_type: Some(model_type) });
        self
    }

    /// Requires a view: whoever provides it must have been compiled from the same sources.
    pub fn requires(mut self, view: ViewDeclaration) -> Self {
        self.requires.push(view);
        self
    }

    /// Brings a pool.
    pub fn pool(mut self, pool: Arc<dyn AnyPool>) -> Self {
        self.pools.push(BoundPool { pool, _library: None });
        self
    }

    /// Brings a pool that keeps `library`, which has its code, mapped for as long as anybody has the pool.
    pub fn pool_kept_by(mut self, pool: Arc<dyn AnyPool>, library: Arc<dyn Any + Send + Sync>) -> Self {
        self.pools.push(BoundPool { pool, _library: Some(library) });
        self
    }

    /// The pools that it brings.
    pub fn pools(&self) -> &[BoundPool] {
        &self.pools
    }

    /// Puts each of `images` into the offered pool of its type, and leaves those that fit none.
    ///
    /// # Errors
    /// As [`AnyPool::put_objects`]; the images not yet put are still in `images` then.
    pub fn refill(&self, images: &mut Vec<PoolImage>) -> Result<(), PoolError> {
        refill(&self.pools, images)
    }

    /// The module's id.
    pub fn module_id(&self) -> ModuleId {
        ModuleId::of(&self.module)
    }
}

pub(crate) fn refill(pools: &[BoundPool], images: &mut Vec<PoolImage>) -> Result<(), PoolError> {
    let mut at = 0;
    while let Some(image) = images.get_mut(at) {
        let Some(pool) = pools.iter().find(|pool| pool.name() == image.name) else {
            at += 1;
            continue;
        };
        pool.put_objects(image)?;
        images.remove(at);
    }
    Ok(())
}
