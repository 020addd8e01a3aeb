//! What a system may ask for: its parameters say what it reads and writes, so that systems which don't get in each
//! other's way can run side by side.

mod access;
mod commands;
mod event;
mod kept;
mod local;
mod lookup;
mod query;
mod relation;
mod removed;
mod resource;
mod tuple;
mod workers;

use std::time::Instant;

use keel_core_types::ViewSource;
use keel_ecs::{ChangeMark, ChangeWindow, Occurrence, World};

use crate::threads::Threads;
use crate::{Stage, Time};

pub use self::access::ParamUses;
pub use self::event::{EventReader, EventWriter};
pub use self::kept::{KeptParam, KeptValue, SavedLocal, SavedLocals, VisitKept};
pub use self::local::Local;
pub use self::lookup::{Entities, IdleTime, Names, Views};
pub use self::relation::Relations;
pub use self::removed::Removed;
pub use self::resource::{Res, ResMut};
pub use self::workers::Workers;
pub use keel_ecs::Query;

/// What a system can ask for: [`Query`], [`Res`], [`ResMut`] and `Option` of these two, [`EventReader`],
/// [`EventWriter`], [`Removed`], `&mut Commands`, [`Local`], [`Time`], [`Entities`], [`Names`], [`Relations`], [`Views`],
/// [`NextState`](crate::NextState), [`IdleTime`], [`Workers`], and tuples of up to 12.
///
/// It is implemented here alone: the schedule relies on what a parameter declares.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a parameter of a system",
    note = "a system takes `&mut Frame<'_>` alone, or `Query`, `Res`, `ResMut`, `Option` of these two, `EventReader`, \
            `EventWriter`, `Removed`, `&mut Commands`, `Local`, `Time`, `Entities`, `Views`, and tuples of these"
)]
pub trait SystemParam: sealed::Sealed + Sized {
    /// What it keeps from run to run.
    #[doc(hidden)]
    type State: Send + 'static;
    /// What the system is handed.
    type Item<'a>;

    #[doc(hidden)]
    fn state() -> Self::State;

    /// Says what it is called, and what it reads and writes.
    #[doc(hidden)]
    fn declare(uses: &mut ParamUses);

    /// Borrows what was asked for; the error says what is missing.
    #[doc(hidden)]
    fn fetch<'a>(state: &'a mut Self::State, context: &SystemContext<'a>) -> Result<Self::Item<'a>, String>;

    /// Does what the system has put off.
    #[doc(hidden)]
    fn apply(_: &mut Self::State, _: &mut World) -> Result<(), String> {
        Ok(())
    }

    /// Forgets what the system has put off: it panicked.
    #[doc(hidden)]
    fn discard(_: &mut Self::State) {}

    /// Shows what outlives a swap.
    #[doc(hidden)]
    fn visit_kept(_: &mut Self::State, _: &mut VisitKept<'_>) {}
}

/// What the parameters of one run are fetched from. Only the engine makes one.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct SystemContext<'a> {
    pub(crate) world: &'a World,
    pub(crate) views: &'a dyn ViewSource,
    pub(crate) threads: &'a Threads,
    pub(crate) time: Time,
    pub(crate) stage: Stage,
    /// When work that can wait is to end.
    pub(crate) deadline: Option<Instant>,
    /// What an observer is called for.
    pub(crate) occurrence: Option<&'a Occurrence>,
    /// What is new to the system that runs, and the tick of what it writes.
    pub(crate) changes: ChangeWindow,
}

/// When a system ran last that asks what has changed since.
#[derive(Default)]
pub(crate) struct LastRun {
    pub(crate) mark: ChangeMark,
    is_asked: bool,
}

impl LastRun {
    pub(crate) fn of(uses: &ParamUses) -> Self {
        Self { mark: ChangeMark::default(), is_asked: uses.uses_ticks() }
    }

    /// Calls `run` with what is new since the run before. One that panics, or that did not begin, is none.
    #[inline]
    pub(crate) fn run<'a, R>(
        &mut self,
        context: &SystemContext<'a>,
        run: impl FnOnce(&SystemContext<'a>) -> Result<R, String>,
    ) -> Result<R, String> {
        if !self.is_asked {
            return run(context);
        }
        let context = SystemContext { changes: context.changes.since(self.mark), ..*context };
        let outcome = run(&context)?;
        self.mark = context.changes.mark();
        Ok(outcome)
    }

    /// Shows when it was. Code that has the whole frame asks its world, which nobody knows before it does.
    pub(crate) fn visit_kept(&mut self, may_ask: bool, visit: &mut VisitKept<'_>) {
        if self.is_asked || may_ask {
            let (is_saved, value) = (self.is_asked || self.mark != ChangeMark::default(), &mut self.mark);
            visit(KeptParam { name: LAST_RUN.to_owned(), is_position: true, is_saved, value });
        }
    }
}

/// What a system's last run is kept as, beside its parameters.
const LAST_RUN: &str = "last run";

pub(crate) mod sealed {
    /// Nobody else implements it.
    pub trait Sealed {}
}

/// A type's name without the paths in it, as its author writes it.
pub(crate) fn short_name<T: ?Sized>() -> String {
    shorten(std::any::type_name::<T>())
}

pub(crate) fn shorten(full: &str) -> String {
    let mut short = String::with_capacity(full.len());
    // Where the name that is being read begins.
    let mut begin = 0;
    let mut chars = full.chars().peekable();
    while let Some(next) = chars.next() {
        if next == ':' && chars.peek() == Some(&':') {
            chars.next();
            short.truncate(begin);
            continue;
        }
        short.push(next);
        if !(next.is_alphanumeric() || next == '_') {
            begin = short.len();
        }
    }
    short
}

#[cfg(test)]
mod tests {
    use super::shorten;

    #[test]
    fn names_are_the_authors_words() {
        assert_eq!(shorten("u32"), "u32");
        assert_eq!(shorten("&mut shoal_model::fish::Position"), "&mut Position");
        assert_eq!(
            shorten("(&a::b::Position, core::option::Option<&mut a::Velocity>)"),
            "(&Position, Option<&mut Velocity>)"
        );
        assert_eq!(shorten("[alloc::vec::Vec<a::B>; 3]"), "[Vec<B>; 3]");
    }
}
