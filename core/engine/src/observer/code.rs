//! An observer's code, of unknown type.

use std::fmt;
use std::marker::PhantomData;

use keel_core_types::ComponentId;
use keel_ecs::{Occasion, World};
use parking_lot::Mutex;

use super::{Observed, ObserverFunction};
use crate::SystemOutput;
use crate::param::{LastRun, ParamUses, SystemContext, SystemParam, VisitKept};
use crate::system::ParamCode;

/// An observer's code, what it observes and what it uses. The code is the module's, and so is what it keeps from run to
/// run.
pub struct ObserverCode {
    pub(crate) target: (Occasion, ComponentId),
    /// What it observes, as its author writes it.
    pub(crate) observes: String,
    pub(crate) uses: ParamUses,
    /// Locked by whoever runs it or looks at what it keeps.
    pub(crate) code: Mutex<ObserverRun>,
}

/// The function itself, and when it ran last.
pub(crate) struct ObserverRun {
    pub(crate) code: Box<dyn ParamCode>,
    pub(crate) last_run: LastRun,
}

impl ObserverRun {
    pub(crate) fn visit_kept(&mut self, visit: &mut VisitKept<'_>) {
        self.code.visit_kept(visit);
        self.last_run.visit_kept(false, visit);
    }
}

impl ObserverCode {
    /// Code that is called for what `O` observes, and has what the parameters `P` hand out.
    pub fn of_params<O: Observed + 'static, P: SystemParam + 'static>(
        run: impl for<'a> FnMut(O::Item<'a>, P::Item<'a>) -> Result<(), String> + Send + 'static,
    ) -> Self {
        let uses = ParamUses::of(|uses| {
            O::declare(uses);
            P::declare(uses);
        });
        let code = FunctionCode::<O, P, _> { state: P::state(), run, observed: PhantomData };
        let code = ObserverRun { code: Box::new(code), last_run: LastRun::of(&uses) };
        Self { target: O::target(), observes: O::name(), uses, code: Mutex::new(code) }
    }
}

impl fmt::Debug for ObserverCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = out.debug_struct("ObserverCode");
        shown.field("observes", &self.observes).field("uses", &self.uses).finish_non_exhaustive()
    }
}

struct FunctionCode<O, P: SystemParam, F> {
    state: P::State,
    run: F,
    observed: PhantomData<fn(O)>,
}

impl<O, P, F> ParamCode for FunctionCode<O, P, F>
where
    O: Observed,
    P: SystemParam,
    F: for<'a> FnMut(O::Item<'a>, P::Item<'a>) -> Result<(), String> + Send,
{
    fn run(&mut self, context: &SystemContext<'_>, last_run: &mut LastRun) -> Result<(), String> {
        let Some(occurrence) = context.occurrence else { return Ok(()) };
        let Some(on) = O::fetch(occurrence, context.world)? else { return Ok(()) };
        let Self { state, run, .. } = self;
        // What failed has run all the same, once it has begun.
        last_run.run(context, |context| Ok(run(on, P::fetch(state, context)?)))?
    }

    fn apply(&mut self, world: &mut World) -> Result<(), String> {
        P::apply(&mut self.state, world)
    }

    fn discard(&mut self) {
        P::discard(&mut self.state);
    }

    fn visit_kept(&mut self, visit: &mut VisitKept<'_>) {
        P::visit_kept(&mut self.state, visit);
    }
}

/// A function that can be an observer: of [`On`](super::On) and up to 11 [parameters](SystemParam). It returns nothing, or
/// a result whose error can be shown. `Marker` is found by the compiler.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an observer",
    note = "an observer is a function of `On<Insert, T>`, `On<Replace, T>`, `On<Remove, T>`, `On<Despawn, T>` or \
            `On<Sent, E>`, and of up to 11 parameters as those of systems; not of `&mut Frame<'_>`",
    note = "it returns nothing, or a `Result<(), E>` whose `E` can be shown"
)]
pub trait IntoObserver<Marker> {
    /// The observer's code, of unknown type.
    fn into_observer(self) -> ObserverCode;
}

impl<F, M> IntoObserver<M> for F
where
    F: ObserverFunction<M> + Send + 'static,
    F::On: 'static,
    F::Param: 'static,
    F::Output: SystemOutput,
{
    fn into_observer(mut self) -> ObserverCode {
        ObserverCode::of_params::<F::On, F::Param>(move |on, item| self.call(on, item).into_result())
    }
}
