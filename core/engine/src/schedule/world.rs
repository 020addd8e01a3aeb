//! Running a schedule in a world beside the engine's: on one thread, with works of that world's own.

use std::time::Duration;

use keel_core_types::ViewSource;
use keel_crash::{Mark, Thread};
use keel_ecs::{Limits, World};

use super::atomic::Lent;
use super::plan::Segment;
use super::system::Work;
use super::{Outcome, Schedule, Stage};
use crate::fault::catch;
use crate::param::{Names, SystemContext};
use crate::runtime::apply_deferred;
use crate::system::CodeKind;
use crate::threads::Threads;
use crate::worlds::OwnWork;
use crate::{EngineError, StateCode, Time};

/// What the systems of one world are lent.
#[derive(Clone, Copy)]
pub(crate) struct WorldStep<'a> {
    /// The most that each may hold.
    pub(crate) limits: Limits,
    pub(crate) views: &'a dyn ViewSource,
    pub(crate) threads: &'a Threads,
    /// How long a step is.
    pub(crate) step: Duration,
    /// Whether the system of each place in the schedule runs: not where its module is suspended.
    pub(crate) runs: &'a [bool],
}

/// What went wrong in one system, by its place in the schedule; none for what is no system's.
pub(crate) type Failure = (Option<usize>, Outcome);

/// Where the step of one world stands.
pub(crate) struct WorldRun<'r> {
    pub(crate) schedule: &'r Schedule,
    /// One for each system of the schedule.
    pub(crate) works: &'r mut [OwnWork],
    pub(crate) world: &'r mut World,
    pub(crate) lent: WorldStep<'r>,
    pub(crate) time: Time,
    pub(crate) failures: Vec<Failure>,
}

impl WorldRun<'_> {
    /// Runs the systems of a stage in their order. What they put off is applied where it is in the running world. False
    /// once one has panicked: the world is to stand still.
    pub(crate) fn stage(&mut self, stage: Stage) -> bool {
        let schedule = self.schedule;
        schedule.plans[stage as usize].segments.iter().all(|segment| self.segment(segment, stage))
    }

    /// Calls `call` for each state of the schedule; none where that fails. False once one has panicked.
    pub(crate) fn states<T>(
        &mut self,
        mut call: impl FnMut(&StateCode, &mut World) -> Result<T, EngineError>,
    ) -> (Vec<Option<T>>, bool) {
        let (mut done, mut goes_on) = (Vec::new(), true);
        for (module, state) in self.schedule.states() {
            let _running = Thread::current().enter(Mark::of(module.name(), &state.local_name()));
            let outcome = match catch(|| call(state, self.world)) {
                Ok(Ok(value)) => {
                    done.push(Some(value));
                    continue;
                }
                Ok(Err(error)) => Outcome::Failed(format!("{}: {error}", state.local_name())),
                Err(panic) => Outcome::Panicked(panic),
            };
            goes_on &= !matches!(outcome, Outcome::Panicked(_));
            self.failures.push((None, outcome));
            done.push(None);
        }
        (done, goes_on)
    }

    fn segment(&mut self, segment: &Segment, stage: Stage) -> bool {
        if segment.finds_names {
            Names::prepare(self.world);
        }
        let WorldStep { views, threads, .. } = self.lent;
        if segment.is_atomic {
            let lent = Lent { views, threads, time: self.time, stage, deadline: None };
            return self.atomic(segment.nodes[0].system, lent);
        }
        let changes = self.world.reserve_changes(segment.nodes.len() as u64);
        let mut context = SystemContext {
            world: &*self.world,
            views,
            threads,
            time: self.time,
            stage,
            deadline: None,
            occurrence: None,
            changes,
        };
        let (mut is_all_well, thread) = (true, Thread::current());
        for (node, ticks) in segment.nodes.iter().zip(0..) {
            context.changes = changes.later(ticks);
            if !self.lent.runs[node.system] {
                continue;
            }
            let work = &mut self.works[node.system].work;
            let running = thread.enter(self.schedule.systems[node.system].mark);
            work.run(&context);
            drop(running);
            match work.outcome {
                Outcome::Done if !segment.defers => work.outcome = Outcome::NotRun,
                Outcome::NotRun | Outcome::Done => {}
                _ => is_all_well = false,
            }
        }
        if segment.defers || !is_all_well { self.finish(segment) } else { true }
    }

    /// Runs a system that takes effect whole or not at all.
    fn atomic(&mut self, place: usize, lent: Lent<'_>) -> bool {
        if !self.lent.runs[place] {
            return true;
        }
        let system = &self.schedule.systems[place];
        let running = Thread::current().enter(system.mark);
        let outcome = self.works[place].work.run_atomic(&system.uses, self.world, lent);
        drop(running);
        let goes_on = !matches!(outcome, Outcome::Panicked(_));
        if matches!(outcome, Outcome::Failed(_) | Outcome::Panicked(_)) {
            self.failures.push((Some(place), outcome));
        }
        goes_on
    }

    /// Does what the systems of a segment have put off, and takes up what has come of them.
    fn finish(&mut self, segment: &Segment) -> bool {
        let mut goes_on = true;
        for node in &segment.nodes {
            let Work { outcome, code, .. } = &mut self.works[node.system].work;
            let mut outcome = std::mem::take(outcome);
            if matches!(outcome, Outcome::NotRun) {
                continue;
            }
            let system = &self.schedule.systems[node.system];
            if system.uses.defers()
                && let CodeKind::OfParams(code) = &mut code.kind
            {
                let _running = Thread::current().enter(system.mark);
                outcome = apply_deferred(self.world, &mut **code, outcome);
            }
            goes_on &= !matches!(outcome, Outcome::Panicked(_));
            if !matches!(outcome, Outcome::Done) {
                self.failures.push((Some(node.system), outcome));
            }
        }
        goes_on
    }
}
