//! A system's code, of unknown type.

use std::fmt;

use keel_ecs::World;

use crate::Frame;
use crate::param::{LastRun, ParamUses, SystemContext, SystemParam, VisitKept};

/// A system's code, and what it uses. The code is the module's, and so is what it keeps from run to run.
pub struct SystemCode {
    pub(crate) kind: CodeKind,
    pub(crate) uses: ParamUses,
    /// Beside the code, not in it: most code keeps nothing, and its box is empty.
    pub(crate) last_run: LastRun,
}

/// Code that has the whole frame.
type FrameCode = Box<dyn FnMut(&mut Frame<'_>) -> Result<(), String> + Send>;

pub(crate) enum CodeKind {
    /// Has the whole frame, and runs alone.
    OfFrame(FrameCode),
    /// Has what its parameters say.
    OfParams(Box<dyn ParamCode>),
}

/// A function with what its parameters keep.
pub(crate) trait ParamCode: Send {
    fn run(&mut self, context: &SystemContext<'_>, last_run: &mut LastRun) -> Result<(), String>;
    /// Does what was put off.
    fn apply(&mut self, world: &mut World) -> Result<(), String>;
    /// Forgets what was put off.
    fn discard(&mut self);
    fn visit_kept(&mut self, visit: &mut VisitKept<'_>);
}

impl SystemCode {
    /// Code that has the whole frame to itself.
    pub fn of_frame(run: impl FnMut(&mut Frame<'_>) -> Result<(), String> + Send + 'static) -> Self {
        Self::new(CodeKind::OfFrame(Box::new(run)), ParamUses::default())
    }

    fn new(kind: CodeKind, uses: ParamUses) -> Self {
        let last_run = LastRun::of(&uses);
        Self { kind, uses, last_run }
    }

    /// Code that has what the parameters `P` hand out.
    pub fn of_params<P: SystemParam + 'static>(
        run: impl for<'a> FnMut(P::Item<'a>) -> Result<(), String> + Send + 'static,
    ) -> Self {
        let code = FunctionCode::<P, _> { state: P::state(), run };
        Self::new(CodeKind::OfParams(Box::new(code)), ParamUses::of(P::declare))
    }

    /// The same code, which never runs beside other code that has `word`: `parameter` is what the two are told of.
    #[must_use]
    pub fn excluding(mut self, parameter: &str, word: &str) -> Self {
        self.uses.add_exclusion(parameter.to_owned(), word);
        self
    }

    /// The declared names of the components, resources and events that its parameters read, and of those that they
    /// write; `None` for code that has the whole frame.
    pub fn access(&self) -> Option<(Vec<String>, Vec<String>)> {
        let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
        let (reads, writes) = self.uses.names();
        matches!(self.kind, CodeKind::OfParams(_)).then(|| (owned(reads), owned(writes)))
    }

    pub(crate) fn visit_kept(&mut self, visit: &mut VisitKept<'_>) {
        if let CodeKind::OfParams(code) = &mut self.kind {
            code.visit_kept(visit);
        }
        self.last_run.visit_kept(matches!(self.kind, CodeKind::OfFrame(_)), visit);
    }
}

impl fmt::Debug for SystemCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SystemCode").field("uses", &self.uses).finish_non_exhaustive()
    }
}

struct FunctionCode<P: SystemParam, F> {
    state: P::State,
    run: F,
}

impl<P, F> ParamCode for FunctionCode<P, F>
where
    P: SystemParam,
    F: for<'a> FnMut(P::Item<'a>) -> Result<(), String> + Send,
{
    fn run(&mut self, context: &SystemContext<'_>, last_run: &mut LastRun) -> Result<(), String> {
        let Self { state, run } = self;
        // What failed has run all the same, once it has begun.
        last_run.run(context, |context| Ok(run(P::fetch(state, context)?)))?
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
