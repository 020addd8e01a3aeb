//! The world of Keel: entities, components, resources and events, over [hecs].
//!
//! ```
//! use keel_ecs::{Component, ModelTypeInfo, World, component};
//!
//! #[component(crate = keel_ecs)]
//! struct Position { x: f32, y: f32 }
//!
//! #[component(crate = keel_ecs)]
//! struct Velocity { x: f32, y: f32 }
//!
//! let mut world = World::new();
//! world.register(ModelTypeInfo::component::<Position>())?;
//! world.register(ModelTypeInfo::component::<Velocity>())?;
//!
//! let ship = world.spawn((Position { x: 0.0, y: 0.0 }, Velocity { x: 1.0, y: 2.0 }));
//! world.query::<(&mut Position, &Velocity)>().for_each(|(position, velocity)| {
//!     position.x += velocity.x;
//!     position.y += velocity.y;
//! });
//! assert_eq!(world.get::<Position>(ship)?.y, 2.0);
//! # Ok::<(), keel_ecs::EcsError>(())
//! ```
//!
//! hecs stays private: no `hecs::World` leaves this crate, so that nothing can leave a module's pointers in it
//! behind Keel's back.

#[allow(unused_extern_crates, reason = "the attributes' output names this crate from outside and inside")]
extern crate self as keel_ecs;

mod error;
pub mod model;
pub mod view;

pub use error::EcsError;
pub use keel_module_macros::{component, event, relation, resource};
pub use keel_state::{ReflectError, TypeFingerprint};
pub use model::access::Access;
pub use model::bundle::Bundle;
pub use model::change::{ChangeTracker, Changes};
pub use model::commands::Commands;
pub use model::component::{
    Component, ComponentAccess, Data, Event, ModelTypeInfo, ModelTypeKind, Resource, StorageKind, TypeSummary,
};
#[doc(hidden)]
pub use model::conflict::take_borrow_conflict;
pub use model::define::ComponentDefinition;
pub use model::dynamic::{ComponentValue, EventCount};
pub use model::entity::Entity;
pub use model::event::{EventCursor, Events, FramePart};
pub use model::hierarchy::{Children, Parent};
pub use model::limits::Limits;
pub use model::name::Name;
pub use model::prefab::{Prefab, PrefabPart, PrefabUpdate};
pub use model::query::{
    Added, Changed, Or, PreparedQuery, Query, QueryBorrow, QueryData, QueryFilter, QueryIter, QueryPiece,
    QueryPieces, ReadOnlyQueryData, With, Without,
};
pub use model::reaction::{Hook, Hooks, Occasion, Occurrence, SentEvent};
pub use model::reflect::{
    FieldReflection, NamedReflection, PathQuery, PathRow, PreparedPath, TypeReflection, VariantReflection,
};
pub use model::relation::{Cascade, Related, Relation, RelationOperations, RelationRules, Sources, Targets};
pub use model::resource::{ResourceMut, ResourceRef};
pub use model::snapshot::{ReplacedWorld, RestoreReport, WorldConversion, WorldDifference, WorldSnapshot};
pub use model::statistics::{ArchetypeStatistics, SparseStatistics, WorldStatistics};
pub use model::terms::{PreparedTerms, QueryRow, QueryTerms};
pub use model::ticks::{
    ByTicks, ChangeMark, ChangeWindow, Mut, Ref, RemovalCursor, Removals, Tracked, Tracking, Untracked,
};
pub use model::world::{SharedTypes, World};
pub use view::component::ComponentView;
pub use view::entity::EntityView;
pub use view::event::{EventPosition, EventView};
pub use view::query::{QueryView, ShownRow};
pub use view::reflection::{PathValues, ReflectionView};
pub use view::storage::StorageView;
pub use view::world::WorldView;

/// What the attributes expand to. Not for people.
#[doc(hidden)]
pub mod __private {
    pub use crate::{
        ByTicks, Cascade, Component, Event, Hooks, Relation, RelationRules, Resource, StorageKind, Tracked,
        Untracked,
    };
    pub use keel_core_types::{Contract, View};
    pub use keel_state::__private::*;
}
