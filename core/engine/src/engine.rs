//! One engine: a world and all that moves it on.

mod owned;
mod timers;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use keel_core_types::{ModuleId, Provided, ViewId, ViewSource};
use keel_crash::{Mark, Thread, set_frame};
use keel_ecs::{FramePart, Limits, ModelTypeInfo, World};
use parking_lot::Mutex;

use crate::call::{Call, Handlers};
use crate::frame::TimerQueue;
use crate::prefabs::ModulePrefabs;
use crate::runtime::Runtime;
use crate::schedule::{Place, System, Turn};
use crate::snapshot::{Clock, SavedTime};
use crate::state::{Coming, StateChanges};
use crate::threads::Threads;
use crate::trace::Trace;
use crate::worlds::WorldClock;
use crate::{
    EngineError, EngineSnapshot, Fault, Frame, ModuleTag, Random, Schedule, Stage, Time, TracedCall,
};

/// How an engine runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EngineConfig {
    /// The length of a step of simulation time.
    pub step: Duration,
    /// At most so many steps are made in one frame; time beyond that is dropped, so that a slow frame does not make
    /// the next one slower still.
    pub steps_per_frame_max: u32,
    /// Where the world's random numbers start.
    pub seed: u64,
    /// How many threads systems run on; 0 for as many as the machine has processors. What comes of them is the same on any
    /// number.
    pub threads: usize,
    /// Runs all systems on these threads that may run side by side, also where that is slower: for tests.
    pub always_parallel: bool,
    /// The most that the world may hold, and its systems may put off.
    pub limits: Limits,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            step: Duration::from_nanos(1_000_000_000 / 60),
            steps_per_frame_max: 8,
            seed: 0,
            threads: 0,
            always_parallel: false,
            limits: Limits::default(),
        }
    }
}

/// Where an engine gets its views from: asked once a frame, for a picture that holds for that frame.
pub trait PinViews: Send {
    /// All views as they are bound now.
    fn pin(&self) -> Box<dyn ViewSource + '_>;
}

struct NoViews;

impl PinViews for NoViews {
    fn pin(&self) -> Box<dyn ViewSource + '_> {
        Box::new(Self)
    }
}

impl ViewSource for NoViews {
    fn provided(&self, _: ViewId) -> Option<&Provided> {
        None
    }
}

/// A world and all that moves it on.
pub struct Engine {
    config: EngineConfig,
    /// Real time that was not yet simulated.
    unspent: Duration,
    pub(crate) runtime: Runtime,
    schedule: Schedule,
    handlers: Handlers,
    views: Box<dyn PinViews>,
    threads: Arc<Threads>,
    pub(crate) prefabs: ModulePrefabs,
    /// Modules whose startup is over.
    started: BTreeSet<ModuleId>,
    /// Whether there may be one whose startup is not.
    may_start: bool,
}

impl Engine {
    /// An engine with an empty world, and no views.
    pub fn new(config: EngineConfig) -> Self {
        Self::with_views(config, Box::new(NoViews))
    }

    /// An engine with an empty world, whose modules find their views in `views`.
    pub fn with_views(config: EngineConfig, views: Box<dyn PinViews>) -> Self {
        let threads = Arc::new(Threads::new(config.threads, config.always_parallel));
        let mut engine = Self {
            config,
            unspent: Duration::ZERO,
            runtime: Runtime::new(config.step, &threads, config.limits),
            schedule: Schedule::default(),
            handlers: Handlers::default(),
            views,
            threads,
            prefabs: ModulePrefabs::default(),
            started: BTreeSet::new(),
            may_start: true,
        };
        engine.install_own_state();
        engine
    }

    /// The types that every engine's world knows, beside the world's own.
    pub fn own_types() -> Vec<Arc<ModelTypeInfo>> {
        let engines = [
            ModelTypeInfo::resource::<Random>(),
            ModelTypeInfo::resource::<StateChanges>(),
            ModelTypeInfo::resource::<WorldClock>(),
        ];
        World::own_types().chain(engines.into_iter().map(Arc::new)).collect()
    }

    /// Runs one frame: as many steps as `dt` of real time calls for, then presentation, then the first idle system whose
    /// turn it is.
    ///
    /// A panic in a module's code is contained: the module is suspended, a [`Fault`] is kept for
    /// [`Engine::take_faults`], and the frame goes on.
    pub fn update(&mut self, dt: Duration) {
        self.update_until(dt, None);
    }

    /// [`Engine::update`], with more idle systems as long as less than `budget` has passed since it was called.
    pub fn update_with(&mut self, dt: Duration, budget: Duration) {
        self.update_until(dt, Instant::now().checked_add(budget));
    }

    /// [`Engine::update`] on one thread, looked at call by call: every call of a module's code that changed the world, in
    /// order. It hashes the world after each call, and so is slow; what comes of the frame is the same.
    pub fn update_traced(&mut self, dt: Duration) -> Vec<TracedCall> {
        self.runtime.trace = Some(Mutex::new(Trace::new(&self.runtime.world)));
        self.update(dt);
        self.runtime.trace.take().map(|trace| trace.into_inner().into_calls()).unwrap_or_default()
    }

    fn update_until(&mut self, dt: Duration, deadline: Option<Instant>) {
        // Taken out for as long as the frame borrows from it. The other one takes no memory.
        let source = std::mem::replace(&mut self.views, Box::new(NoViews));
        let views = source.pin();
        self.runtime.time.frame += 1;
        // The world may be another one than in the frame before.
        self.runtime.world.set_limits(self.config.limits);
        set_frame(self.runtime.time.frame);
        let longest = self.config.step * self.config.steps_per_frame_max;
        self.unspent = self.unspent.saturating_add(dt).min(longest);
        self.runtime.world.enter(FramePart::Steps);
        while self.unspent >= self.config.step {
            self.unspent -= self.config.step;
            self.step(&*views);
        }
        self.runtime.time.alpha = self.unspent.as_secs_f32() / self.config.step.as_secs_f32();
        self.runtime.world.enter(FramePart::End);
        self.run_stage(Stage::Frame, &*views);
        let idle = Turn { stage: Stage::Idle, views: &*views, left_out: None, deadline };
        self.schedule.run_idle(&idle, &mut self.runtime, &self.threads);
        self.runtime.world.enter(FramePart::Between);
        drop(views);
        self.views = source;
    }

    fn step(&mut self, views: &dyn ViewSource) {
        // What the driver has changed between two frames.
        self.react(views);
        self.start_modules(views);
        self.runtime.time.step += 1;
        let end = self.runtime.time.now + self.config.step;
        self.change_states(views);
        let waiting = std::mem::take(&mut *self.runtime.calls.lock());
        waiting.iter().for_each(|call| self.run_call(call, views));
        self.run_timers(end, views);
        self.run_stage(Stage::Step, views);
        self.runtime.world.end_step();
        self.runtime.trace_from_here();
    }

    /// Calls observers for what was done beside the schedule.
    fn react(&mut self, views: &dyn ViewSource) {
        self.runtime.react(&Place::of_step(views, &self.threads));
    }

    fn run_stage(&mut self, stage: Stage, views: &dyn ViewSource) {
        let turn = Turn { stage, views, left_out: None, deadline: None };
        self.schedule.run(&turn, &mut self.runtime, &self.threads);
    }

    /// Runs the startup of modules that are new to the game.
    fn start_modules(&mut self, views: &dyn ViewSource) {
        if !std::mem::take(&mut self.may_start) {
            return;
        }
        let turn = Turn { stage: Stage::Startup, views, left_out: Some(&self.started), deadline: None };
        self.schedule.run(&turn, &mut self.runtime, &self.threads);
        self.started.extend(self.schedule.iter().map(|system| system.module.id()));
    }

    /// Changes the states that are to change, between their exits and their entries.
    fn change_states(&mut self, views: &dyn ViewSource) {
        let step = self.runtime.time.step;
        let (mut change, mut enter) = (Vec::new(), false);
        for (module, state) in self.schedule.states() {
            match self.runtime.on_state(module, state, |world| (state.prepare)(world, step)) {
                Some(Coming::Change) => change.push((module.clone(), state.clone())),
                Some(Coming::Begin) => enter = true,
                Some(Coming::Nothing) | None => {}
            }
        }
        if change.is_empty() && !enter {
            return;
        }
        self.run_stage(Stage::Exit, views);
        for (module, state) in &change {
            self.runtime.on_state(module, state, |world| (state.change)(world, step));
        }
        self.react(views);
        self.run_stage(Stage::Enter, views);
    }

    fn run_call(&mut self, call: &Call, views: &dyn ViewSource) {
        let name = call.local_name();
        match self.handlers.find_mut(call) {
            None => {
                log::warn!("a call of `{}` is dropped: its module is gone, or handles no calls", call.handler)
            }
            Some((module, Some(handler))) => {
                let running = Thread::current().enter(Mark::of(module.name(), &name));
                self.runtime.run(views, module, &name, |frame| handler(frame, &call.argument));
                drop(running);
                self.react(views);
            }
            Some((module, None)) => self.runtime.faults.push(Fault {
                module: module.name().to_owned(),
                system: name,
                message: format!("there is no handler `{}`; register it, or stop calling it", call.handler),
                backtrace: None,
                frame: self.runtime.time.frame,
                suspended: false,
            }),
        }
    }

    /// Calls `call` as code of `module`, now, with its fault contained and reported as `name`'s.
    ///
    /// # Errors
    /// The message of the error or panic.
    pub fn run_as<T>(
        &mut self,
        module: &ModuleTag,
        call: impl FnOnce(&mut Frame<'_>) -> Result<T, String>,
    ) -> Result<T, String> {
        let views = self.views.pin();
        let called = self.runtime.call(&*views, module, call).map_err(|panic| panic.message);
        self.runtime.react(&Place::of_step(&*views, &self.threads));
        called?
    }

    /// Calls `call` as code of `module`, now, as one of its systems is called: what fails is a fault of `name`, and a
    /// panic suspends the module.
    pub fn run_contained(
        &mut self,
        module: &ModuleTag,
        name: &str,
        call: impl FnOnce(&mut Frame<'_>) -> Result<(), String>,
    ) {
        let views = self.views.pin();
        let running = Thread::current().enter(Mark::of(module.name(), name));
        self.runtime.run(&*views, module, name, call);
        drop(running);
        self.runtime.react(&Place::of_step(&*views, &self.threads));
    }

    // The world.

    /// The running world.
    pub fn world(&self) -> &World {
        &self.runtime.world
    }

    /// The running world, between two frames.
    pub fn world_mut(&mut self) -> &mut World {
        &mut self.runtime.world
    }

    /// Puts `world` in the place of the running one, which is returned whole.
    ///
    /// What has happened to its components and was not observed yet goes with it.
    pub fn replace_world(&mut self, world: World) -> World {
        let replaced = std::mem::replace(&mut self.runtime.world, world);
        self.runtime.watch();
        replaced
    }

    /// Starts the state afresh: an empty world of the same types, time 0, no timers, no calls, no suspension, and nothing
    /// that systems have kept.
    pub fn reset(&mut self) {
        let types: Vec<_> = self.runtime.world.types().map(Arc::clone).collect();
        let mut world = World::new();
        for info in types {
            // They were registered together before.
            let _ = world.register(info);
        }
        let old = std::mem::replace(&mut self.runtime.world, world);
        if let Err(message) = crate::contain(|| drop(old)) {
            log::warn!(
                "the world was started afresh, though the `drop` of something in the old one {message}"
            );
        }
        self.runtime.time = Time { delta: self.runtime.time.delta, ..Time::default() };
        self.unspent = Duration::ZERO;
        self.runtime.timers = TimerQueue::default();
        self.runtime.calls.lock().clear();
        let resumed = std::mem::take(&mut self.runtime.suspended);
        resumed.iter().for_each(|module| self.runtime.functions.set_suspended(*module, false));
        self.schedule.reset_locals();
        self.runtime.worlds.reset();
        self.runtime.observers.reset_locals();
        self.runtime.watch();
        self.started.clear();
        self.may_start = true;
        self.install_own_state();
        self.define_prefabs();
    }

    fn install_own_state(&mut self) {
        for info in Self::own_types() {
            // A new world has none of these names.
            let _ = self.runtime.world.register(info);
        }
        let _ = self.runtime.world.insert_resource(Random::new(self.config.seed));
    }

    // State.

    /// Saves world, time, timers and waiting calls into `snapshot`, whose buffers are reused. What a driver has changed
    /// since the last frame is saved, but not that observers are still to be told of it.
    ///
    /// # Errors
    /// When a type's `Serialize` fails.
    pub fn save(&self, snapshot: &mut EngineSnapshot) -> Result<(), EngineError> {
        self.runtime.world.save(&mut snapshot.world)?;
        snapshot.clock = Clock {
            time: SavedTime::of(&self.runtime.time),
            unspent_ns: self.unspent.as_nanos() as u64,
            timers: self.runtime.timers.clone(),
            calls: self.runtime.calls.lock().iter().cloned().collect(),
            started: self.started.iter().copied().collect(),
        };
        Ok(())
    }

    /// Takes over the snapshot's time, timers and calls; its world is put in place by [`Engine::replace_world`].
    pub fn restore_clock(&mut self, snapshot: &EngineSnapshot) {
        let clock = &snapshot.clock;
        clock.time.restore(&mut self.runtime.time);
        self.unspent = Duration::from_nanos(clock.unspent_ns);
        self.runtime.timers = clock.timers.clone();
        *self.runtime.calls.lock() = clock.calls.iter().cloned().collect();
        self.started = clock.started.iter().copied().collect();
        self.may_start = true;
    }

    // What drivers ask.

    /// The time of the last step.
    pub fn time(&self) -> Time {
        self.runtime.time
    }

    /// Faults of modules, and of their background tasks, since the last time this was asked.
    pub fn take_faults(&mut self) -> Vec<Fault> {
        let (mut faults, frame) = (std::mem::take(&mut self.runtime.faults), self.runtime.time.frame);
        let of_tasks = self.runtime.executor.take_faults().into_iter();
        faults.extend(of_tasks.map(|fault| Fault { frame, ..fault }));
        faults
    }

    /// Whether a driver must go on calling [`Engine::update`]: something is scheduled, due later, or running.
    pub fn has_pending_work(&self) -> bool {
        self.schedule.iter().any(|system| self.is_pending(system))
            || self.runtime.timers.len() > 0
            || !self.runtime.calls.lock().is_empty()
            || self.runtime.executor.total_running() > 0
            || (!self.runtime.observers.is_empty() && self.runtime.world.has_occurrences())
    }

    /// Whether the system runs in each frame, or is still to start.
    fn is_pending(&self, system: &System) -> bool {
        let module = system.module.id();
        let has_turn = match system.descriptor.stage {
            Stage::Startup => !self.started.contains(&module),
            // The game begins with a state, and enters it.
            Stage::Exit | Stage::Enter => self.runtime.time.step == 0,
            Stage::Step | Stage::Frame | Stage::Idle => true,
        };
        has_turn && system.enabled && !self.runtime.suspended.contains(&module)
    }
}
