//! Reading: pictures of all bindings that never change, and guards on single entries of one.

use std::any::Any;
use std::ops::Deref;
use std::sync::Arc;

use arc_swap::Guard;
use crossbeam_utils::CachePadded;
use keel_core_types::{Contract, ModelType, Provided, TypedModel, ViewError, ViewId, ViewSource};

use crate::image::AnyPool;
use crate::offer::{Bound, BoundPool};
use crate::table::Table;
use crate::{ModelPool, PoolError};

/// All bindings at one moment.
pub(crate) struct Picture {
    pub(crate) views: Table<Bound>,
    pub(crate) pools: Table<BoundPool>,
}

// Padded, so that the reference count next to it, which a swap changes, is in a cache line of its own.
pub(crate) type SharedPicture = Arc<CachePadded<Picture>>;

/// An immutable picture of all bindings, for one frame or one task.
///
/// What it hands out is borrowed from it. It keeps the modules of its moment from being unmapped, so let go
/// of it at the end of the frame.
pub struct Pinned {
    pub(crate) picture: Guard<SharedPicture>,
}

impl Pinned {
    /// The view with contract `V`.
    ///
    /// # Errors
    /// [`ViewError`] when nobody provides it, or a module compiled from other sources does.
    #[inline]
    pub fn get<V: Contract + ?Sized>(&self) -> Result<&V, ViewError> {
        (self as &dyn ViewSource).get::<V>()
    }

    /// The type of the models that the view works on, if it is bound and works on any.
    pub fn model_type_of(&self, id: ViewId) -> Option<ModelType> {
        self.picture.views.get(id.bits())?.model_type
    }

    /// The pool of `model_type`, if a bound module has one.
    #[inline]
    pub fn pool(&self, model_type: ModelType) -> Option<&dyn AnyPool> {
        self.picture.pools.get(model_type.bits()).map(|pool| &**pool)
    }

    /// The pool of `T`.
    ///
    /// # Errors
    /// [`PoolError::NoPool`], and as [`typed`](trait.AnyPool.html#method.typed).
    #[inline]
    pub fn pool_of<T: TypedModel>(&self) -> Result<&ModelPool<T>, PoolError> {
        self.pool(T::TYPE).ok_or_else(|| PoolError::NoPool { pool: T::NAME.to_owned() })?.typed()
    }
}

impl ViewSource for Pinned {
    #[inline]
    fn provided(&self, id: ViewId) -> Option<&Provided> {
        self.picture.views.get(id.bits()).map(|bound| &*bound.provided)
    }

    fn model_type(&self, id: ViewId) -> Option<ModelType> {
        self.model_type_of(id)
    }

    #[inline]
    fn model_pool(&self, model_type: ModelType) -> Option<&dyn Any> {
        self.picture.pools.get(model_type.bits()).map(|pool| pool as &dyn Any)
    }
}

/// The pool of `model_type` in `source`, which is a [`Pinned`] picture, or something that passes on to one.
///
/// # Errors
/// [`PoolError::NoPool`], with the type's id: its name is not known here.
#[inline]
pub fn pool_in(source: &dyn ViewSource, model_type: ModelType) -> Result<&dyn AnyPool, PoolError> {
    let pool = source.model_pool(model_type).and_then(<dyn Any>::downcast_ref::<BoundPool>);
    pool.map(|pool| &**pool).ok_or_else(|| PoolError::NoPool { pool: model_type.to_string() })
}

const CHECKED: &str = "a guard is made only of an entry that is in its picture, which never changes";

/// One bound view, for a thread that has no frame.
pub struct ViewGuard {
    pinned: Pinned,
    id: ViewId,
}

impl ViewGuard {
    pub(crate) fn new(pinned: Pinned, id: ViewId) -> Option<Self> {
        pinned.provided(id)?;
        Some(Self { pinned, id })
    }
}

impl Deref for ViewGuard {
    type Target = Provided;

    fn deref(&self) -> &Provided {
        self.pinned.provided(self.id).expect(CHECKED)
    }
}

/// One pool whose type is not known here, for a thread that has no frame.
pub struct PoolGuard {
    pinned: Pinned,
    model_type: ModelType,
}

impl PoolGuard {
    pub(crate) fn new(pinned: Pinned, model_type: ModelType) -> Option<Self> {
        pinned.pool(model_type)?;
        Some(Self { pinned, model_type })
    }
}

impl Deref for PoolGuard {
    type Target = dyn AnyPool;

    fn deref(&self) -> &dyn AnyPool {
        self.pinned.pool(self.model_type).expect(CHECKED)
    }
}
