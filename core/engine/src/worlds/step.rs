//! Stepping worlds side by side.

use std::collections::BTreeSet;
use std::fmt;
use std::time::{Duration, Instant};

use keel_core_types::{ModelId, ModuleId};
use parking_lot::Mutex;

use super::instance::Instance;
use super::{Slot, WorldSchedule, WorldSchedules, WorldSource};
use crate::schedule::{Failure, Outcome, WorldStep};
use crate::threads::Threads;
use crate::{EngineError, Fault, Frame};

/// A thread takes so many worlds at once, if there are enough for all.
const AT_ONCE: usize = 32;

/// What has come of a step of worlds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorldsStepped {
    /// How many worlds made a step.
    pub stepped: usize,
    /// What went wrong, world by world in the order in which they were given. The engine tells it as well, as faults of
    /// the systems' modules.
    pub faults: Vec<WorldFault>,
    /// The worlds that stand still because a system panicked in them, now or before: until they are reset, or a module
    /// of the schedule is swapped.
    pub halted: Vec<ModelId>,
}

/// What went wrong in one world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorldFault {
    /// The world.
    pub world: ModelId,
    /// The system, as `module/system`; the schedule's name for what is no system's.
    pub system: String,
    /// What it said.
    pub message: String,
}

impl fmt::Display for WorldFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "world {}: `{}`: {}", self.world, self.system, self.message)
    }
}

/// The schedules of worlds as a frame lends them.
pub(crate) struct WorldsAccess<'a> {
    pub(crate) schedules: &'a mut WorldSchedules,
    pub(crate) threads: &'a Threads,
    pub(crate) suspended: &'a BTreeSet<ModuleId>,
    pub(crate) step: Duration,
}

impl WorldsAccess<'_> {
    /// The same, for a call within the call that has this one.
    pub(crate) fn reborrow(&mut self) -> WorldsAccess<'_> {
        WorldsAccess { schedules: &mut *self.schedules, ..*self }
    }
}

/// One world of a call.
struct Job {
    instance: Box<Instance>,
    failures: Vec<Failure>,
}

impl Frame<'_> {
    /// Makes one step of each of `worlds`, which `source` lends, with the systems of the schedule of worlds called
    /// `schedule`; side by side, on the engine's threads. What comes of it is what comes of stepping each alone, in any
    /// order: a world shares nothing with another one.
    ///
    /// A system that fails, and a panic, ends nothing but the step of its own world.
    ///
    /// # Errors
    /// [`EngineError::NoSuchWorldSchedule`]; [`EngineError::NoSuchWorld`] for a world that `source` does not have, or that
    /// is named twice. No world was stepped then.
    pub fn step_worlds_of(
        &mut self,
        source: &dyn WorldSource,
        schedule: &str,
        worlds: &[ModelId],
    ) -> Result<WorldsStepped, EngineError> {
        let WorldsAccess { schedules, threads, suspended, step } = self.worlds.reborrow();
        let known = schedules.by_name.keys().cloned().collect::<Vec<_>>().join(", ");
        let Some(of) = schedules.by_name.get_mut(schedule) else {
            return Err(EngineError::NoSuchWorldSchedule { schedule: schedule.to_owned(), known });
        };
        let runs: Vec<_> =
            of.schedule.iter().map(|system| !suspended.contains(&system.module.id())).collect();
        let lent = WorldStep { limits: self.world.limits(), views: self.views, threads, step, runs: &runs };
        let mut jobs = of.begin(source, worlds)?;
        of.run(&mut jobs, source, lent);
        let stepped = of.end(jobs, schedule, self.time.frame, &mut schedules.faults);
        Ok(stepped)
    }
}

impl WorldSchedule {
    /// Takes out what is kept of the worlds.
    fn begin(&mut self, source: &dyn WorldSource, worlds: &[ModelId]) -> Result<Vec<Job>, EngineError> {
        let refused = |world: &ModelId, because| EngineError::NoSuchWorld { world: *world, because };
        for world in worlds {
            source.check(*world).map_err(|because| refused(world, because))?;
        }
        let mut jobs = Vec::with_capacity(worlds.len());
        for world in worlds {
            let place = world.index() as usize;
            let instances = self.instances.get_mut();
            if place >= instances.len() {
                instances.resize_with(place + 1, Slot::default);
            }
            let instance = match std::mem::replace(&mut instances[place], Slot::Lent) {
                Slot::Here(instance) if instance.world == *world => instance,
                Slot::Here(_) | Slot::Empty => Box::new(Instance::new(*world)),
                Slot::Lent => {
                    jobs.into_iter().for_each(|job| self.put_back(job));
                    return Err(refused(world, "it is named twice in one step".to_owned()));
                }
            };
            jobs.push(Job { instance, failures: Vec::new() });
        }
        Ok(jobs)
    }

    fn put_back(&mut self, job: Job) {
        let place = job.instance.world.index() as usize;
        self.instances.get_mut()[place] = Slot::Here(job.instance);
    }

    /// Steps the worlds, on several threads where that was faster.
    fn run(&mut self, jobs: &mut [Job], source: &dyn WorldSource, lent: WorldStep<'_>) {
        let (threads, worlds, begun) = (lent.threads, jobs.len(), Instant::now());
        let wants_several =
            threads.count() > 1 && worlds > 1 && (threads.always || self.pace.wants_several());
        let (took, this) = (Mutex::new(Duration::ZERO), &*self);
        let step_all = |piece: &mut [Job]| {
            let begun = Instant::now();
            piece.iter_mut().for_each(|job| job.run(this, source, lent));
            *took.lock() += begun.elapsed();
        };
        if wants_several {
            let at_once = AT_ONCE.min(worlds.div_ceil(threads.count()));
            let pieces = Mutex::new(jobs.chunks_mut(at_once));
            let next = || pieces.lock().next();
            threads.run(&|| {
                while let Some(piece) = next() {
                    step_all(piece);
                }
            });
        } else {
            step_all(jobs);
        }
        // Calls of more worlds and of fewer are compared by what a thousand take.
        let of_thousand = begun.elapsed().mul_f64(1000.0 / worlds.max(1) as f64);
        match wants_several {
            true => self.pace.note_several(of_thousand),
            false => self.pace.note_alone(of_thousand),
        }
        self.pace.see_even_gain(took.into_inner(), threads.count());
    }

    /// Puts back what is kept of the worlds, and tells what has come of them.
    fn end(&mut self, jobs: Vec<Job>, name: &str, frame: u64, faults: &mut Vec<Fault>) -> WorldsStepped {
        let mut stepped = WorldsStepped::default();
        for mut job in jobs {
            let world = job.instance.world;
            let failures = std::mem::take(&mut job.failures);
            if job.instance.is_halted {
                stepped.halted.push(world);
            }
            stepped.stepped += usize::from(!job.instance.is_halted || !failures.is_empty());
            for (place, outcome) in failures {
                let fault = self.fault(world, place, outcome, name, frame);
                let system = match place {
                    Some(_) => format!("{}/{}", fault.module, fault.system),
                    None => name.to_owned(),
                };
                let message = fault.message.clone();
                stepped.faults.push(WorldFault { world, system, message });
                faults.push(Fault { message: format!("in world {world}: {}", fault.message), ..fault });
            }
            self.put_back(job);
        }
        stepped
    }

    fn fault(&self, world: ModelId, place: Option<usize>, outcome: Outcome, name: &str, frame: u64) -> Fault {
        let system = place.and_then(|place| self.schedule.iter().nth(place));
        let module = system.map(|system| &system.module).or(self.parts.first().map(|part| &part.module));
        let (message, backtrace) = match outcome {
            Outcome::Panicked(panic) => (
                format!(
                    "{}; the world stands still until it is reset, or a module of `{name}` is swapped",
                    panic.message
                ),
                panic.backtrace,
            ),
            Outcome::Failed(message) => (message, None),
            Outcome::NotRun | Outcome::Done => (format!("world {world} did not run"), None),
        };
        Fault {
            module: module.map(|module| module.name().to_owned()).unwrap_or_default(),
            system: system.map_or_else(|| name.to_owned(), |system| system.descriptor.name().to_owned()),
            message,
            backtrace,
            frame,
            suspended: false,
        }
    }
}

impl Job {
    fn run(&mut self, of: &WorldSchedule, source: &dyn WorldSource, lent: WorldStep<'_>) {
        let Self { instance, failures } = self;
        let world = instance.world;
        // What is no system's own may panic too: a module's `declare`.
        let outcome = crate::fault::catch(|| {
            source.lend(world, &mut |world| {
                world.set_limits(lent.limits);
                *failures = instance.step(of, lent, world);
            })
        });
        match outcome {
            Ok(Ok(())) => {}
            Ok(Err(message)) => failures.push((None, Outcome::Failed(message))),
            Err(panic) => {
                instance.is_halted = true;
                failures.push((None, Outcome::Panicked(panic)));
            }
        }
    }
}
