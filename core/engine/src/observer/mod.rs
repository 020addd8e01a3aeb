//! Observers: functions of typed parameters that a module has called for what happens to components and events.

mod code;
mod descriptor;
mod function;
mod list;
mod on;
mod order;
mod run;

pub use self::code::{IntoObserver, ObserverCode};
pub use self::descriptor::ObserverDescriptor;
pub use self::function::{ObserverFunction, ObserverFunctionOf};
pub(crate) use self::list::{Observer, Observers};
pub use self::on::{Despawn, Insert, Observed, OccasionKind, On, Remove, Replace, Sent};
