//! Keel: a game engine that you rebuild while it runs.
//!
//! This is the facade: the one library that the host and all modules link, so that there is exactly one world type,
//! one allocator, one logger, one of every static. A module's author needs nothing else:
//!
//! ```
//! use keel::prelude::*;
//!
//! #[data]
//! #[derive(Default)]
//! struct Counter {
//!     steps: u64,
//! }
//!
//! #[view_model]
//! impl ViewModel for Counter {
//!     fn register(&mut self, _setup: &mut Setup) -> ModuleResult {
//!         Ok(())
//!     }
//!
//!     fn update(&mut self, _frame: &mut Frame<'_>) -> ModuleResult {
//!         self.steps += 1;
//!         Ok(())
//!     }
//! }
//!
//! keel::export_module! { view_model: Counter }
//! # fn main() {}
//! ```
//!
//! The guide in `docs/guide` begins where this example ends.

pub use keel_binding as binding;
pub use keel_console as console;
pub use keel_core_types as types;
pub use keel_crash as crash;
pub use keel_ecs as ecs;
pub use keel_engine as engine;
pub use keel_module_types as module;
pub use keel_state as state;
pub use log;

pub use keel_ecs::{component, event, relation, resource};
pub use keel_module_macros::{data, model, view, view_model};
pub use keel_module_types::export_module;

/// Benchmark cases: what `keel bench ecs` measures.
pub mod bench {
    pub use keel_module_types::{BenchCase, BenchRoutine, CheckedRoutine};
}

/// What most modules use.
pub mod prelude {
    pub use keel_core_types::{
        Atomic, Contract, Handle, Model, ModelId, Once, Shared, TypedModel, View, ViewId, ViewSource, model,
    };
    pub use keel_ecs::{
        Added, Bundle, ChangeMark, ChangeTracker, Changed, Children, Commands, Component, EcsError, Entity,
        Event, EventCursor, Mut, Name, Or, Parent, Prefab, PrefabPart, PreparedQuery, QueryData, Ref,
        Related, Relation, Resource, Sources, Targets, With, Without, World, component, event, relation,
        resource,
    };
    pub use keel_engine::{
        Caller, Despawn, Entities, EventReader, EventWriter, Frame, IdleTime, Insert, Local, Names,
        NextState, ObserverDescriptor, On, Query, Random, Relations, Remove, Removed, Replace, Res, ResMut,
        Sent, SetDescriptor, Stage, SystemDescriptor, Time, Views, Workers, WorldSetup, WorldsStepped, every,
        in_state, on_event, resource_added, resource_changed, resource_exists, resource_removed, sleep,
    };
    pub use keel_module_macros::{data, view, view_model};
    pub use keel_module_types::{Models, ModuleContext, ModuleError, ModuleResult, Setup, ViewModel, Worlds};
}

/// What the attributes and macros expand to. Not for people.
#[doc(hidden)]
pub mod __private {
    pub use keel_ecs::__private::*;
    pub use keel_module_types::__private::*;
}

/// The code in README and guide, compiled and run by `cargo test --doc`.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../../../README.md")]
    struct Readme;
    #[doc = include_str!("../../../docs/guide/01-first-module.md")]
    struct FirstModule;
    #[doc = include_str!("../../../docs/guide/02-model.md")]
    struct Model;
    #[doc = include_str!("../../../docs/guide/03-views.md")]
    struct Views;
    #[doc = include_str!("../../../docs/guide/04-what-machines-read.md")]
    struct Machines;
    #[doc = include_str!("../../../docs/guide/05-determinism.md")]
    struct Determinism;
    #[doc = include_str!("../../../docs/guide/06-benchmarks.md")]
    struct Benchmarks;
    #[doc = include_str!("../../../docs/guide/07-systems.md")]
    struct Systems;
    #[doc = include_str!("../../../docs/guide/08-reflection.md")]
    struct Reflection;
    #[doc = include_str!("../../../docs/guide/09-many-worlds.md")]
    struct ManyWorlds;
    #[doc = include_str!("../../../docs/guide/10-prefabs.md")]
    struct Prefabs;
    #[doc = include_str!("../../../docs/guide/11-observers-and-relations.md")]
    struct ObserversAndRelations;
    #[doc = include_str!("../../../docs/guide/12-transactions.md")]
    struct Transactions;
    #[doc = include_str!("../../../docs/guide/ecs.md")]
    struct Areas;
}
