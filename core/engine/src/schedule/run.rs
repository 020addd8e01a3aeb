//! Running the systems of a stage, on one thread or on several.

use std::collections::BTreeSet;
use std::time::Instant;

use keel_core_types::{ModuleId, ViewSource};
use keel_crash::Thread;
use rayon_core::ThreadPool;

use super::atomic::Lent;
use super::pace::WORTH_SEVERAL;
use super::plan::{Node, Segment};
use super::several::{Left, SharedWork};
use super::{Outcome, Schedule, Set, Stage, System, SystemDescriptor};
use crate::fault::catch;
use crate::param::{Names, SystemContext};
use crate::runtime::Runtime;
use crate::system::CodeKind;
use crate::threads::Threads;

/// Where observers run: what their parameters are fetched from, beside the world.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) views: &'a dyn ViewSource,
    pub(crate) threads: &'a Threads,
    pub(crate) stage: Stage,
    pub(crate) deadline: Option<Instant>,
}

impl<'a> Place<'a> {
    /// Beside what runs in steps.
    pub(crate) fn of_step(views: &'a dyn ViewSource, threads: &'a Threads) -> Self {
        Self { views, threads, stage: Stage::Step, deadline: None }
    }

    pub(crate) fn context<'c>(&'c self, runtime: &'c Runtime) -> SystemContext<'c> {
        let Self { views, threads, stage, deadline } = *self;
        let (world, time) = (&runtime.world, runtime.time);
        let changes = world.change_window();
        SystemContext { world, views, threads, time, stage, deadline, occurrence: None, changes }
    }
}

/// One run of a stage.
pub(crate) struct Turn<'a> {
    pub(crate) stage: Stage,
    pub(crate) views: &'a dyn ViewSource,
    /// Modules whose systems don't run.
    pub(crate) left_out: Option<&'a BTreeSet<ModuleId>>,
    pub(crate) deadline: Option<Instant>,
}

impl Turn<'_> {
    fn context<'c>(&'c self, runtime: &'c Runtime, threads: &'c Threads) -> SystemContext<'c> {
        let Self { stage, views, deadline, .. } = *self;
        let (world, time) = (&runtime.world, runtime.time);
        let changes = world.change_window();
        SystemContext { world, views, threads, time, stage, deadline, occurrence: None, changes }
    }

    fn place<'c>(&'c self, threads: &'c Threads) -> Place<'c> {
        let Self { stage, views, deadline, .. } = *self;
        Place { views, threads, stage, deadline }
    }

    fn runs(&self, system: &System, sets: &[Set], suspended: &BTreeSet<ModuleId>) -> bool {
        system.enabled
            && system.gates.iter().all(|set| sets[*set].passes)
            && (suspended.is_empty() || !suspended.contains(&system.module.id()))
            && self.left_out.is_none_or(|modules| !modules.contains(&system.module.id()))
    }
}

impl Schedule {
    /// Runs all systems of the stage whose turn it is.
    pub(crate) fn run(&mut self, turn: &Turn<'_>, runtime: &mut Runtime, threads: &Threads) {
        if !self.has_stage(turn.stage) {
            return;
        }
        self.ask_sets(turn, runtime, threads);
        let Self { systems, sets, plans, left, .. } = self;
        let mut clock = Instant::now();
        for segment in &mut plans[turn.stage as usize].segments {
            let mut run = Run { turn, systems: &mut *systems, sets: &*sets, runtime: &mut *runtime, clock };
            run.segment(segment, threads, left);
            clock = run.clock;
        }
    }

    /// Runs idle systems, beginning with the one that was not reached in the frame before, as long as there is time; one at
    /// least.
    pub(crate) fn run_idle(&mut self, turn: &Turn<'_>, runtime: &mut Runtime, threads: &Threads) {
        if !self.has_stage(turn.stage) {
            return;
        }
        self.ask_sets(turn, runtime, threads);
        let Self { systems, sets, plans, left, next_idle, .. } = self;
        let segments = &mut plans[turn.stage as usize].segments;
        for _ in 0..segments.len() {
            *next_idle %= segments.len();
            let clock = Instant::now();
            let mut run = Run { turn, systems: &mut *systems, sets: &*sets, runtime: &mut *runtime, clock };
            run.segment(&mut segments[*next_idle], threads, left);
            *next_idle += 1;
            if turn.deadline.is_none_or(|deadline| Instant::now() >= deadline) {
                return;
            }
        }
    }

    /// Asks the conditions of the sets that have systems in the stage.
    fn ask_sets(&mut self, turn: &Turn<'_>, runtime: &mut Runtime, threads: &Threads) {
        for index in &self.plans[turn.stage as usize].gates {
            let set = &mut self.sets[*index];
            if runtime.suspended.contains(&set.module.id()) {
                // Nobody can be asked; what held last holds.
                continue;
            }
            set.passes = true;
            let changes = runtime.world.reserve_changes(1);
            let mut conditions = set.conditions.iter_mut();
            while set.passes
                && let Some(condition) = conditions.next()
            {
                let context = SystemContext { changes, ..turn.context(runtime, threads) };
                let _running = Thread::current().enter(set.mark);
                let asked = catch(|| condition.holds(&context));
                set.passes = matches!(asked, Ok(Ok(true)));
                let outcome = asked.map(|asked| asked.map(drop)).into();
                runtime.note(&set.module, &Set::local_name(&set.name), outcome);
            }
        }
    }
}

/// Where the run of a stage stands.
struct Run<'r, 't> {
    turn: &'r Turn<'t>,
    systems: &'r mut [System],
    sets: &'r [Set],
    runtime: &'r mut Runtime,
    /// When the last system ended: the next one begins then.
    clock: Instant,
}

impl Run<'_, '_> {
    fn segment(&mut self, segment: &mut Segment, threads: &Threads, left: &mut Left) {
        if segment.finds_names {
            Names::prepare(&mut self.runtime.world);
        }
        if segment.is_atomic && !segment.is_exclusive {
            return self.atomic(segment.nodes[0].system, threads);
        }
        if segment.is_exclusive {
            return self.exclusive(segment.nodes[0].system, threads);
        }
        let may_several = threads.count() > 1 && segment.nodes.len() > 1 && self.runtime.trace.is_none();
        let needs_care = if may_several
            && (threads.always || segment.pace.wants_several())
            && let Some(pool) = threads.pool()
        {
            self.on_several(segment, threads, pool, left);
            true
        } else {
            self.on_one(segment, threads)
        };
        if segment.defers || needs_care {
            self.finish(&segment.nodes);
            self.react(threads);
        }
    }

    /// Runs a system that has the whole frame.
    fn exclusive(&mut self, index: usize, threads: &Threads) {
        let system = &mut self.systems[index];
        if !self.turn.runs(system, self.sets, &self.runtime.suspended) {
            return;
        }
        let running = Thread::current().enter(system.mark);
        let work = system.work.get_mut();
        if !work.conditions.is_empty() {
            let changes = self.runtime.world.reserve_changes(1);
            match work.holds(&SystemContext { changes, ..self.turn.context(self.runtime, threads) }) {
                Ok(true) => {}
                Ok(false) => return,
                Err(outcome) => {
                    return self.runtime.note(&system.module, system.descriptor.name(), outcome);
                }
            }
        }
        if let CodeKind::OfFrame(run) = &mut work.code.kind {
            let before = self.runtime.world.begin_asking(work.code.last_run.mark);
            let SystemDescriptor { name, is_atomic, .. } = &system.descriptor;
            let counts = match is_atomic {
                // What was undone has seen nothing.
                true => self.runtime.run_atomic(self.turn.views, &system.module, name, run),
                false => self.runtime.run(self.turn.views, &system.module, name, run),
            };
            let asked = self.runtime.world.end_asking(before);
            let last_run = &mut work.code.last_run;
            last_run.mark = asked.filter(|_| counts).unwrap_or(last_run.mark);
        }
        drop(running);
        let begun = std::mem::replace(&mut self.clock, Instant::now());
        work.times.add(self.clock - begun);
        self.react(threads);
    }

    /// Calls observers; their time is nobody's.
    fn react(&mut self, threads: &Threads) {
        if self.runtime.observers.is_empty() {
            return;
        }
        self.runtime.react(&self.turn.place(threads));
        self.clock = Instant::now();
    }

    /// Runs a system of parameters that takes effect whole or not at all.
    fn atomic(&mut self, index: usize, threads: &Threads) {
        let system = &mut self.systems[index];
        if !self.turn.runs(system, self.sets, &self.runtime.suspended) {
            return;
        }
        let Turn { stage, views, deadline, .. } = *self.turn;
        let lent = Lent { views, threads, time: self.runtime.time, stage, deadline };
        let work = system.work.get_mut();
        let running = Thread::current().enter(system.mark);
        let outcome = work.run_atomic(&system.uses, &mut self.runtime.world, lent);
        drop(running);
        let begun = std::mem::replace(&mut self.clock, Instant::now());
        if !matches!(outcome, Outcome::NotRun) {
            work.times.add(self.clock - begun);
        }
        self.runtime.note(&system.module, system.descriptor.name(), outcome);
        self.runtime.trace(&system.module, system.descriptor.name());
        self.react(threads);
    }

    /// Runs the systems of a segment one after the other. Whether anything is to be taken up.
    fn on_one(&mut self, segment: &mut Segment, threads: &Threads) -> bool {
        let (mut needs_care, begun) = (false, self.clock);
        let changes = self.runtime.world.reserve_changes(segment.nodes.len() as u64);
        let (mut context, thread) = (self.turn.context(self.runtime, threads), Thread::current());
        for (node, ticks) in segment.nodes.iter().zip(0..) {
            context.changes = changes.later(ticks);
            let system = &mut self.systems[node.system];
            if !self.turn.runs(system, self.sets, &self.runtime.suspended) {
                continue;
            }
            let work = system.work.get_mut();
            let running = thread.enter(system.mark);
            work.run(&context);
            drop(running);
            self.runtime.trace(&system.module, system.descriptor.name());
            let begun = std::mem::replace(&mut self.clock, Instant::now());
            match work.outcome {
                Outcome::NotRun => continue,
                Outcome::Done if !segment.defers => work.outcome = Outcome::NotRun,
                Outcome::Done => {}
                _ => needs_care = true,
            }
            work.times.add(self.clock - begun);
        }
        let took = self.clock - begun;
        if took > WORTH_SEVERAL && segment.nodes.len() > 1 && threads.count() > 1 {
            segment.pace.note_alone(took);
            segment.pace.see_gain(&segment.nodes, self.systems, threads.count());
        }
        needs_care
    }

    /// Runs the systems of a segment side by side, as far as they don't wait for each other.
    fn on_several(&mut self, segment: &mut Segment, threads: &Threads, pool: &ThreadPool, left: &mut Left) {
        let begun = Instant::now();
        let runs =
            |node: &Node| self.turn.runs(&self.systems[node.system], self.sets, &self.runtime.suspended);
        left.fill(&segment.nodes, runs);
        let changes = self.runtime.world.reserve_changes(segment.nodes.len() as u64);
        let work = SharedWork {
            systems: &*self.systems,
            nodes: &segment.nodes,
            context: SystemContext { changes, ..self.turn.context(self.runtime, threads) },
            left: &*left,
        };
        work.run_all(pool);
        self.clock = Instant::now();
        segment.pace.note_several(self.clock - begun);
        segment.pace.see_gain(&segment.nodes, self.systems, threads.count());
    }

    /// Does what the systems of a segment have put off, and takes up what has come of them, in their order.
    fn finish(&mut self, nodes: &[Node]) {
        for node in nodes {
            let system = &mut self.systems[node.system];
            let work = system.work.get_mut();
            let mut outcome = std::mem::take(&mut work.outcome);
            if matches!(outcome, Outcome::NotRun) {
                continue;
            }
            if system.uses.defers()
                && let CodeKind::OfParams(code) = &mut work.code.kind
            {
                let running = Thread::current().enter(system.mark);
                outcome = self.runtime.apply(&mut **code, outcome);
                drop(running);
                let begun = std::mem::replace(&mut self.clock, Instant::now());
                work.times.add_deferred(self.clock - begun);
            }
            self.runtime.note(&system.module, system.descriptor.name(), outcome);
            self.runtime.trace(&system.module, system.descriptor.name());
        }
    }
}
