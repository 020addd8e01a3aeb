//! Conditions: functions of parameters that only read, and that say whether a system runs.

use keel_ecs::{Event, Resource, Tracked};
use parking_lot::Mutex;

use super::{OfParams, SystemFunction};
use crate::param::{LastRun, ParamUses, SystemContext, SystemParam, VisitKept};
use crate::{EventReader, Local, Res, Stage, States};

/// A condition's code. It is the module's, and so is what it keeps.
pub struct Condition {
    /// Locked by whoever asks it or looks at what it keeps.
    code: Mutex<Box<dyn ConditionCode>>,
    pub(crate) uses: ParamUses,
}

impl Condition {
    fn new(code: impl ConditionCode + 'static, uses: ParamUses) -> Self {
        Self { code: Mutex::new(Box::new(code)), uses }
    }

    fn of_params<P: SystemParam + 'static>(
        holds: impl for<'a> FnMut(P::Item<'a>) -> bool + Send + 'static,
    ) -> Self {
        let uses = ParamUses::of(P::declare);
        let last_run = LastRun::of(&uses);
        Self::new(FunctionCondition::<P, _> { state: P::state(), holds, last_run }, uses)
    }

    #[inline]
    pub(crate) fn holds(&mut self, context: &SystemContext<'_>) -> Result<bool, String> {
        self.code.get_mut().holds(context)
    }

    pub(crate) fn visit_kept(&self, visit: &mut VisitKept<'_>) {
        self.code.lock().visit_kept(visit);
    }
}

trait ConditionCode: Send {
    fn holds(&mut self, context: &SystemContext<'_>) -> Result<bool, String>;
    fn visit_kept(&mut self, visit: &mut VisitKept<'_>);
}

/// A function that can be a condition: of parameters that only read, up to 12, which returns whether the system runs.
/// [`every`], [`on_event`], [`in_state`] and [`resource_exists`] make some. `Marker` tells the kinds apart; the compiler
/// finds it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a condition",
    note = "a condition is a function of up to 12 parameters that only read, `Res`, `Query`, `EventReader`, `Local`, \
            `Time`, which returns `bool`"
)]
pub trait IntoCondition<Marker> {
    /// The condition's code, of unknown type.
    #[doc(hidden)]
    fn into_condition(self) -> Condition;
}

impl<F, M> IntoCondition<OfParams<M>> for F
where
    F: SystemFunction<M, Output = bool> + Send + 'static,
    F::Param: 'static,
{
    fn into_condition(mut self) -> Condition {
        Condition::of_params::<F::Param>(move |item| self.call(item))
    }
}

struct FunctionCondition<P: SystemParam, F> {
    state: P::State,
    holds: F,
    last_run: LastRun,
}

impl<P, F> ConditionCode for FunctionCondition<P, F>
where
    P: SystemParam,
    F: for<'a> FnMut(P::Item<'a>) -> bool + Send,
{
    fn holds(&mut self, context: &SystemContext<'_>) -> Result<bool, String> {
        let Self { state, holds, last_run } = self;
        last_run.run(context, |context| Ok(holds(P::fetch(state, context)?)))
    }

    fn visit_kept(&mut self, visit: &mut VisitKept<'_>) {
        P::visit_kept(&mut self.state, visit);
        self.last_run.visit_kept(false, visit);
    }
}

/// Holds in every `turns`-th step, or for what runs once in a frame in every `turns`-th frame, counted from the beginning
/// of the game; always for 0 and 1.
pub fn every(turns: u64) -> Every {
    Every { turns }
}

/// What [`every`] returns.
#[derive(Clone, Copy, Debug)]
pub struct Every {
    turns: u64,
}

impl IntoCondition<Every> for Every {
    fn into_condition(self) -> Condition {
        Condition::new(self, ParamUses::default())
    }
}

impl ConditionCode for Every {
    fn holds(&mut self, context: &SystemContext<'_>) -> Result<bool, String> {
        let turn = match context.stage {
            Stage::Frame | Stage::Idle => context.time.frame,
            _ => context.time.step,
        };
        Ok(turn.is_multiple_of(self.turns.max(1)))
    }

    fn visit_kept(&mut self, _: &mut VisitKept<'_>) {}
}

/// Holds when events of type `E` have come since it was asked last.
pub fn on_event<E: Event>() -> impl FnMut(EventReader<'_, E>) -> bool + Clone + Send + 'static {
    |mut events: EventReader<'_, E>| {
        let have_come = !events.is_empty();
        events.clear();
        have_come
    }
}

/// Holds while the state `S` is `value`.
pub fn in_state<S: States>(value: S) -> impl FnMut(Option<Res<'_, S>>) -> bool + Send + 'static {
    move |state: Option<Res<'_, S>>| state.is_some_and(|state| *state == value)
}

/// Holds when a tracked `T` was put into the world since it was asked last.
pub fn resource_added<T: Resource + Tracked>()
-> impl FnMut(Option<Res<'_, T>>) -> bool + Clone + Send + 'static {
    |resource: Option<Res<'_, T>>| resource.is_some_and(|resource| resource.is_added())
}

/// Holds when a tracked `T` was put into the world or changed since it was asked last.
pub fn resource_changed<T: Resource + Tracked>()
-> impl FnMut(Option<Res<'_, T>>) -> bool + Clone + Send + 'static {
    |resource: Option<Res<'_, T>>| resource.is_some_and(|resource| resource.is_changed())
}

/// Holds when the world had a `T` the last time it was asked, and has none now.
pub fn resource_removed<T: Resource>()
-> impl FnMut(Option<Res<'_, T>>, Local<'_, bool>) -> bool + Clone + Send + 'static {
    |resource: Option<Res<'_, T>>, mut was_there: Local<'_, bool>| {
        let is_there = resource.is_some();
        std::mem::replace(&mut *was_there, is_there) && !is_there
    }
}

/// Holds while the world has a `T`.
pub fn resource_exists<T: Resource>() -> impl FnMut(Option<Res<'_, T>>) -> bool + Clone + Send + 'static {
    |resource: Option<Res<'_, T>>| resource.is_some()
}
