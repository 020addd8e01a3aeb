//! The frame of Keel: fixed step, schedule, timers, deferred calls and background tasks.
//!
//! An [`Engine`] owns a world and everything that moves it on, but no loop: a driver (the terminal host, a window,
//! a test) calls [`Engine::update`] with the time that has passed, and swaps modules between two calls.
//!
//! ```
//! use std::time::Duration;
//! use keel_engine::{Engine, EngineConfig, Frame, ModuleTag, SystemDescriptor};
//!
//! let mut engine = Engine::new(EngineConfig::default());
//! let module = ModuleTag::new("clock");
//! engine.add_system(&module, SystemDescriptor::new("tick"), |frame: &mut Frame<'_>| {
//!     assert!(frame.time.delta > 0.0);
//! })?;
//! engine.update(Duration::from_millis(40));
//! assert_eq!(engine.time().step, 2);
//! # Ok::<(), keel_engine::EngineError>(())
//! ```
//!
//! Nothing here knows what a module is, beyond its name: systems, timers, calls and tasks have an owner, so that
//! they can be exchanged, kept or ended together.

#[allow(unused_extern_crates, reason = "the attributes' output names this crate from inside")]
extern crate self as keel_engine;

mod call;
mod engine;
mod error;
mod fault;
mod frame;
mod function;
mod module_code;
mod observer;
mod param;
mod prefabs;
mod random;
mod runtime;
mod schedule;
mod snapshot;
mod state;
mod system;
mod task;
mod threads;
mod time;
mod trace;
mod view;
mod worlds;

pub use call::{Caller, Handler, IntoHandler};
pub use engine::{Engine, EngineConfig, PinViews};
pub use error::EngineError;
pub use fault::{Fault, Panic, catch, contain, install_panic_hook};
pub use frame::{Frame, ModuleTag, Timers};
pub use function::{
    CALL_DEPTH_MAX, CallError, Function, FunctionDescriptor, FunctionSummary, IntoFunction, IntoFunctionOf,
    LendOwner, PreparedCall,
};
pub use module_code::ModuleCode;
pub use observer::{
    Despawn, Insert, IntoObserver, Observed, ObserverCode, ObserverDescriptor, ObserverFunction,
    ObserverFunctionOf, OccasionKind, On, Remove, Replace, Sent,
};
pub use param::{
    Entities, EventReader, EventWriter, IdleTime, KeptParam, KeptValue, Local, Names, ParamUses, Query,
    Relations, Removed, Res, ResMut, SavedLocal, SavedLocals, SystemContext, SystemParam, Views, VisitKept,
    Workers,
};
pub use random::Random;
pub use schedule::{
    Ambiguity, Schedule, SetDescriptor, Stage, SystemDescriptor, SystemId, SystemSummary, SystemTimes,
};
pub use snapshot::EngineSnapshot;
pub use state::{NextState, StateCode, States};
pub use system::{
    Every, IntoCondition, IntoSystem, OfFrame, OfParams, SystemCode, SystemFunction, SystemFunctionOf,
    SystemOutput, every, in_state, on_event, resource_added, resource_changed, resource_exists,
    resource_removed,
};
pub use task::{DrainReport, Tasks, sleep};
pub use threads::STACK_BYTES;
pub use time::Time;
pub use trace::TracedCall;
pub use view::system::SystemView;
pub use worlds::{WorldFault, WorldScheduleSummary, WorldSetup, WorldSource, WorldSystems, WorldsStepped};

/// What the attributes expand to. Not for people.
#[doc(hidden)]
pub mod __private {
    pub use keel_ecs::__private::*;
}
