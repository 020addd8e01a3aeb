//! Binds views to model types and their pools, sharded and read without a lock.
//!
//! `ViewId -> ModelType -> ModelPool`: a [`Binding`] knows which module provides each view, on which type of
//! models the view works, and where the objects of that type are. A frame reads it through a [`Pinned`] picture;
//! a swap publishes the next picture in one step.
//!
//! | level | its shards |
//! |---|---|
//! | views and model types | the tables of a picture: a rebind copies the shards it touches, and readers share what never changes |
//! | pinning | one hazard slot for each thread (`arc_swap`): readers write to no cache line of others |
//! | pools | free slots by thread, stolen by others only when their own are used up |
//!
//! ```
//! use std::sync::Arc;
//! use keel_binding::{Binding, ModelPool, Offer, PoolError};
//! use keel_core_types::{Contract, Model, ModelType, Provided, TypedModel, View, ViewId, ViewSource};
//!
//! // A model, and a view on it. The attributes `#[model]` and `#[view]` write most of this.
//! #[derive(Default)]
//! struct Tide { level: f32 }
//! impl TypedModel for Tide {
//!     const NAME: &'static str = "Tide";
//!     const LAYOUT: u64 = 1;
//! }
//! impl Model for Tide {
//!     fn model_type(&self) -> ModelType { Self::TYPE }
//!     fn reset(&mut self) { *self = Self::default(); }
//! }
//!
//! trait TideView: View {
//!     fn rise(&self, tide: &mut Tide);
//! }
//! impl Contract for dyn TideView {
//!     const NAME: &'static str = "TideView";
//!     const HASH: u64 = 7;
//!     fn as_view(&self) -> &dyn View { self }
//! }
//!
//! struct SpringTide;
//! impl TideView for SpringTide {
//!     fn rise(&self, tide: &mut Tide) { tide.level += 2.0; }
//! }
//!
//! let binding = Binding::new();
//! binding.bind(
//!     Offer::new("tide")
//!         .provides_on(Tide::TYPE, Provided::new::<dyn TideView>(Box::new(SpringTide)))
//!         .pool(Arc::new(ModelPool::new(2, Tide::default))),
//! )?;
//!
//! let frame = binding.pin();
//! let tides = frame.pool_of::<Tide>()?;
//! let id = tides.take()?;
//!
//! let views: &dyn ViewSource = &frame;
//! views.get::<dyn TideView>()?.rise(&mut *tides.get_mut(id)?);
//! assert_eq!(tides.get(id)?.level, 2.0);
//!
//! tides.release(id)?;
//! assert!(matches!(tides.get(id), Err(PoolError::Stale { .. })));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod binding;
mod error;
mod guard;
mod image;
mod offer;
mod pinned;
mod pool;
mod shard;
mod slots;
mod table;

pub use binding::{Binding, Released};
pub use error::{BindError, PoolError};
pub use guard::{ModelMut, ModelRef};
pub use image::{AnyPool, PoolImage};
pub use offer::{BoundPool, Offer};
pub use pinned::{Pinned, PoolGuard, ViewGuard, pool_in};
pub use pool::{ModelPool, PoolCounts};
