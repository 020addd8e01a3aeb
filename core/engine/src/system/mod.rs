//! Systems: functions of a frame, or of typed parameters.

mod code;
mod condition;
mod function;

use std::fmt::Display;
use std::marker::PhantomData;

pub use self::code::SystemCode;
pub(crate) use self::code::{CodeKind, ParamCode};
pub(crate) use self::condition::Condition;
pub use self::condition::{
    Every, IntoCondition, every, in_state, on_event, resource_added, resource_changed, resource_exists,
    resource_removed,
};
pub use self::function::{SystemFunction, SystemFunctionOf};
use crate::Frame;
use crate::param::SystemParam;

/// What a system may return: nothing, or a result whose error can be shown.
pub trait SystemOutput {
    #[doc(hidden)]
    fn into_result(self) -> Result<(), String>;
}

impl SystemOutput for () {
    fn into_result(self) -> Result<(), String> {
        Ok(())
    }
}

// The error becomes text here, in code of the module: what is left holds no pointer into it.
impl<E: Display> SystemOutput for Result<(), E> {
    fn into_result(self) -> Result<(), String> {
        self.map_err(|error| error.to_string())
    }
}

/// A function that can be a system: one of [parameters](SystemParam), up to 12, or one of `&mut Frame<'_>` alone. It
/// returns nothing, or a result whose error can be shown. `Marker` tells the kinds apart; the compiler finds it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a system",
    note = "a system is a function of `&mut Frame<'_>` alone, or of up to 12 parameters: `Query`, `Res`, `ResMut`, \
            `EventReader`, `EventWriter`, `Removed`, `&mut Commands`, `Local`, `Time`, `Entities`, `Names`, `Views`, `Workers`",
    note = "it returns nothing, or a `Result<(), E>` whose `E` can be shown"
)]
pub trait IntoSystem<Marker> {
    /// The system's code, of unknown type.
    fn into_system(self) -> SystemCode;
}

/// Marks functions of a frame.
#[doc(hidden)]
pub struct OfFrame<R>(PhantomData<fn() -> R>);

/// Marks functions of parameters.
#[doc(hidden)]
pub struct OfParams<M>(PhantomData<fn() -> M>);

impl<F, R> IntoSystem<OfFrame<R>> for F
where
    F: FnMut(&mut Frame<'_>) -> R + Send + 'static,
    R: SystemOutput,
{
    fn into_system(mut self) -> SystemCode {
        SystemCode::of_frame(move |frame| self(frame).into_result())
    }
}

impl<F, M> IntoSystem<OfParams<M>> for F
where
    F: SystemFunction<M> + Send + 'static,
    F::Param: 'static,
    F::Output: SystemOutput,
{
    fn into_system(mut self) -> SystemCode {
        SystemCode::of_params::<F::Param>(move |item| self.call(item).into_result())
    }
}

impl IntoSystem<SystemCode> for SystemCode {
    fn into_system(self) -> SystemCode {
        self
    }
}
