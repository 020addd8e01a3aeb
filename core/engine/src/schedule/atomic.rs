//! Systems that take effect whole or not at all.

use std::time::Instant;

use keel_core_types::ViewSource;
use keel_ecs::{ChangeWindow, World};
use keel_state::{SavedValue, StateError};

use super::system::Work;
use super::{Outcome, Stage};
use crate::SystemCode;
use crate::Time;
use crate::fault::catch;
use crate::param::{ParamUses, SystemContext};
use crate::system::CodeKind;
use crate::threads::Threads;

/// What a system is lent beside the world.
#[derive(Clone, Copy)]
pub(super) struct Lent<'a> {
    pub(super) views: &'a dyn ViewSource,
    pub(super) threads: &'a Threads,
    pub(super) time: Time,
    pub(super) stage: Stage,
    pub(super) deadline: Option<Instant>,
}

impl Lent<'_> {
    fn context<'c>(&'c self, world: &'c World, changes: ChangeWindow) -> SystemContext<'c> {
        let Self { views, threads, time, stage, deadline } = *self;
        SystemContext { world, views, threads, time, stage, deadline, occurrence: None, changes }
    }
}

impl Work {
    /// Runs a system of parameters, if its conditions hold, and does at once what it puts off. After an error or a panic, of
    /// the system or of one of its commands, the world and what the system keeps are as they were.
    pub(super) fn run_atomic(&mut self, uses: &ParamUses, world: &mut World, lent: Lent<'_>) -> Outcome {
        let changes = world.reserve_changes(1);
        match self.holds(&lent.context(world, changes)) {
            Ok(true) => {}
            Ok(false) => return Outcome::NotRun,
            Err(outcome) => return outcome,
        }
        let kept = match catch(|| self.save_kept()) {
            Ok(Ok(kept)) => kept,
            Ok(Err(error)) => {
                return Outcome::Failed(format!("it did not run, for what it keeps can't be saved: {error}"));
            }
            Err(panic) => return Outcome::Panicked(panic),
        };
        let SystemCode { kind: CodeKind::OfParams(code), last_run, .. } = &mut self.code else {
            return Outcome::NotRun;
        };
        world.begin_transaction();
        let ran = catch(|| {
            world.keep_written(uses.written());
            code.run(&lent.context(world, changes), last_run)?;
            code.apply(world)
        });
        let outcome = Outcome::from(ran);
        if matches!(outcome, Outcome::Done) {
            world.commit();
            return outcome;
        }
        // Whatever panics once more there has no more to say.
        let _ = catch(|| code.discard());
        let _ = catch(|| world.roll_back());
        let _ = catch(|| self.restore_kept(kept));
        outcome
    }

    fn save_kept(&mut self) -> Result<Vec<SavedValue>, StateError> {
        let (mut kept, mut failed) = (Vec::new(), Ok(()));
        self.code.visit_kept(&mut |param| match param.value.save() {
            Ok(value) => kept.push(value),
            Err(error) => failed = Err(error),
        });
        failed.map(|()| kept)
    }

    /// Gives each parameter what [`Work::save_kept`] has saved of it.
    fn restore_kept(&mut self, kept: Vec<SavedValue>) {
        let mut kept = kept.into_iter();
        self.code.visit_kept(&mut |param| {
            if let Some(Err(error)) = kept.next().map(|value| param.value.restore(&value, true)) {
                log::error!("`{}` of an atomic system could not be undone: {error}", param.name);
            }
        });
    }
}
