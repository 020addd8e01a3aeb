//! One engine: a world and all that moves it on.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use keel_core_types::{ModuleId, Provided, ViewId, ViewSource};
use keel_ecs::{FramePart, ModelTypeInfo, World};
use keel_state::Change;

use crate::call::{Call, Handler, Handlers, IntoHandler};
use crate::frame::TimerQueue;
use crate::runtime::Runtime;
use crate::schedule::System;
use crate::snapshot::{Clock, SavedTime};
use crate::{
    DrainReport, EngineError, EngineSnapshot, Fault, Frame, IntoSystem, ModuleTag, Random, SavedLocals,
    Schedule, Stage, SystemCode, SystemDescriptor, Time,
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
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self { step: Duration::from_nanos(1_000_000_000 / 60), steps_per_frame_max: 8, seed: 0 }
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

/// The code of one module: what is exchanged at a swap.
pub struct ModuleCode {
    /// The owner.
    pub module: ModuleTag,
    /// Its systems.
    pub systems: Vec<(SystemDescriptor, SystemCode)>,
    /// Its handlers of calls and timers.
    pub handlers: Vec<(String, Handler)>,
    /// A fault has stopped it, and it is stopped again when it is put back.
    pub suspended: bool,
}

impl ModuleCode {
    /// A module without any code.
    pub fn new(module: &ModuleTag) -> Self {
        Self { module: module.clone(), systems: Vec::new(), handlers: Vec::new(), suspended: false }
    }

    /// Takes over what the generation before has kept of its systems: [`Engine::save_locals`] saved it. What has changed
    /// is returned.
    ///
    /// # Errors
    /// [`EngineError::Locals`] when something of it would be lost and `accept_loss` is not set, or when it is damaged.
    pub fn restore_locals(
        &mut self,
        saved: SavedLocals,
        accept_loss: bool,
    ) -> Result<Vec<Change>, EngineError> {
        let systems = self.systems.iter_mut().map(|(descriptor, code)| (descriptor.name(), code));
        saved
            .restore_all(systems, accept_loss)
            .map_err(|source| EngineError::Locals { module: self.module.name().to_owned(), source })
    }

    fn check_handlers(&self) -> Result<(), EngineError> {
        let mut names = BTreeSet::new();
        let twice = self.handlers.iter().find(|(name, _)| !names.insert(name));
        twice.map_or(Ok(()), |(name, _)| {
            Err(EngineError::DuplicateHandler {
                module: self.module.name().to_owned(),
                handler: name.clone(),
            })
        })
    }
}

/// A world and all that moves it on.
pub struct Engine {
    config: EngineConfig,
    /// Real time that was not yet simulated.
    unspent: Duration,
    runtime: Runtime,
    schedule: Schedule,
    handlers: Handlers,
    views: Box<dyn PinViews>,
}

impl Engine {
    /// An engine with an empty world, and no views.
    pub fn new(config: EngineConfig) -> Self {
        Self::with_views(config, Box::new(NoViews))
    }

    /// An engine with an empty world, whose modules find their views in `views`.
    pub fn with_views(config: EngineConfig, views: Box<dyn PinViews>) -> Self {
        let mut engine = Self {
            config,
            unspent: Duration::ZERO,
            runtime: Runtime::new(config.step),
            schedule: Schedule::default(),
            handlers: Handlers::default(),
            views,
        };
        engine.install_own_state();
        engine
    }

    /// The types that every engine's world knows, beside the world's own.
    pub fn own_types() -> Vec<Arc<ModelTypeInfo>> {
        let own = World::own_types().into_iter().chain([ModelTypeInfo::resource::<Random>()]);
        own.map(Arc::new).collect()
    }

    /// Runs one frame: as many steps as `dt` of real time calls for, then presentation.
    ///
    /// A panic in a module's code is contained: the module is suspended, a [`Fault`] is kept for
    /// [`Engine::take_faults`], and the frame goes on.
    pub fn update(&mut self, dt: Duration) {
        self.runtime.time.frame += 1;
        let longest = self.config.step * self.config.steps_per_frame_max;
        self.unspent = (self.unspent + dt).min(longest);
        self.runtime.world.enter(FramePart::Steps);
        while self.unspent >= self.config.step {
            self.unspent -= self.config.step;
            self.step();
        }
        self.runtime.time.alpha = self.unspent.as_secs_f32() / self.config.step.as_secs_f32();
        self.runtime.world.enter(FramePart::End);
        self.run_stage(Stage::Frame);
        self.runtime.world.enter(FramePart::Between);
        let mut faults = self.runtime.executor.take_faults();
        faults.iter_mut().for_each(|fault| fault.frame = self.runtime.time.frame);
        self.runtime.faults.append(&mut faults);
    }

    fn step(&mut self) {
        self.runtime.time.step += 1;
        let end = self.runtime.time.now + self.config.step;
        let waiting = std::mem::take(&mut *self.runtime.calls.lock());
        waiting.iter().for_each(|call| self.run_call(call));
        while let Some((due, call)) = self.runtime.timers.next_due(end) {
            self.runtime.time.now = due;
            self.run_call(&call);
        }
        self.runtime.time.now = end;
        self.run_stage(Stage::Step);
        self.runtime.world.end_step();
    }

    fn run_stage(&mut self, stage: Stage) {
        let views = self.views.pin();
        for System { module, descriptor, code, times, .. } in
            self.schedule.stage_mut(stage).filter(|system| system.enabled)
        {
            let start = Instant::now();
            if self.runtime.run_system(&*views, module, descriptor.name(), code.get_mut()) {
                times.add(start.elapsed());
            }
        }
    }

    fn run_call(&mut self, call: &Call) {
        let views = self.views.pin();
        let name = format!("call {}", call.handler);
        match self.handlers.find_mut(call) {
            None => {
                log::warn!("a call of `{}` is dropped: its module is gone, or handles no calls", call.handler)
            }
            Some((module, Some(handler))) => {
                self.runtime.run(&*views, module, &name, |frame| handler(frame, &call.argument));
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
        self.runtime.call(&*views, module, call).map_err(|panic| panic.message)?
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
        self.runtime.run(&*views, module, name, call);
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
    pub fn replace_world(&mut self, world: World) -> World {
        std::mem::replace(&mut self.runtime.world, world)
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
        self.runtime.suspended.clear();
        self.schedule.reset_locals();
        self.install_own_state();
    }

    fn install_own_state(&mut self) {
        for info in Self::own_types() {
            // A new world has none of these names.
            let _ = self.runtime.world.register(info);
        }
        let _ = self.runtime.world.insert_resource(Random::new(self.config.seed));
    }

    // State.

    /// Saves world, time, timers and waiting calls into `snapshot`, whose buffers are reused.
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
    }

    // What modules own.

    /// Adds a system of `module`.
    ///
    /// # Errors
    /// [`EngineError::DuplicateSystem`], [`EngineError::OrderCycle`], [`EngineError::ParameterConflict`] and
    /// [`EngineError::ParameterUsesTwice`]; the schedule is then unchanged.
    pub fn add_system<M>(
        &mut self,
        module: &ModuleTag,
        descriptor: SystemDescriptor,
        system: impl IntoSystem<M>,
    ) -> Result<(), EngineError> {
        self.schedule.add(System::new(module, descriptor, system.into_system()))
    }

    /// Removes one system; false when there was none.
    pub fn remove_system(&mut self, module: ModuleId, name: &str) -> bool {
        self.schedule.remove(module, name)
    }

    /// Lets a system run, or not.
    ///
    /// # Errors
    /// [`EngineError::NoSuchSystem`] for a path that is none; it is written `module/system`.
    pub fn enable_system(&mut self, path: &str, enabled: bool) -> Result<(), EngineError> {
        self.schedule.enable_system(path, enabled)
    }

    /// Which systems run, and in which order.
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// The schedule, between two frames.
    pub fn schedule_mut(&mut self) -> &mut Schedule {
        &mut self.schedule
    }

    /// All systems as `module/system`, in the order in which they run.
    pub fn systems(&self) -> Vec<String> {
        self.schedule.paths()
    }

    /// Adds a handler for calls and timers of `module`.
    ///
    /// # Errors
    /// [`EngineError::DuplicateHandler`].
    pub fn add_handler<A, R>(
        &mut self,
        module: &ModuleTag,
        name: &str,
        handler: impl IntoHandler<A, R>,
    ) -> Result<(), EngineError> {
        self.handlers.add(module, name, handler.into_handler())
    }

    /// Puts new code in the place of what these modules have, all at once, and returns the old code. Their timers and
    /// waiting calls stay: they are data. A suspended module runs again, unless its new code says that it is suspended.
    ///
    /// # Errors
    /// [`EngineError`] when names or orders collide; nothing has changed then, and the new code is dropped.
    pub fn exchange(&mut self, new: Vec<ModuleCode>) -> Result<Vec<ModuleCode>, EngineError> {
        new.iter().try_for_each(ModuleCode::check_handlers)?;
        let tags: Vec<_> = new.iter().map(|code| code.module.clone()).collect();
        let mut names = BTreeSet::new();
        if let Some(twice) = tags.iter().find(|tag| !names.insert(tag.name())) {
            return Err(EngineError::DuplicateModule { module: twice.name().to_owned() });
        }
        let ids: Vec<_> = tags.iter().map(ModuleTag::id).collect();
        let mut systems = Vec::new();
        let mut handlers = Vec::new();
        let mut suspended = Vec::new();
        for ModuleCode { module, systems: of_module, handlers: named, suspended: stays } in new {
            suspended.extend(stays.then(|| module.id()));
            let of_module = of_module.into_iter();
            systems.extend(of_module.map(|(descriptor, code)| System::new(&module, descriptor, code)));
            handlers.push((module, named));
        }
        let old_systems = self.schedule.exchange(&ids, systems)?;
        let mut old: Vec<_> = tags.iter().map(ModuleCode::new).collect();
        for System { module, descriptor, code, .. } in old_systems {
            let position = old.iter().position(|old| old.module == module);
            if let Some(position) = position {
                old[position].systems.push((descriptor, code.into_inner()));
            }
        }
        for of_module in &mut old {
            of_module.handlers = self.handlers.take_module(of_module.module.id());
            of_module.suspended = self.runtime.suspended.remove(&of_module.module.id());
        }
        self.runtime.suspended.extend(suspended);
        for (module, named) in handlers {
            for (name, handler) in named {
                self.handlers.add(&module, &name, handler)?;
            }
        }
        Ok(old)
    }

    /// Ends all that a removed module owned, and returns its code.
    pub fn remove_module(&mut self, module: &ModuleTag) -> ModuleCode {
        let removed = self.exchange(vec![ModuleCode::new(module)]).ok().and_then(|mut old| old.pop());
        self.runtime.timers.remove_module(module.id());
        self.runtime.calls.lock().retain(|call| call.module != module.id());
        removed.unwrap_or_else(|| ModuleCode::new(module))
    }

    /// Waits for a module's background tasks, at most `deadline`, and cancels the rest.
    pub fn drain_tasks(&self, module: ModuleId, deadline: Duration) -> DrainReport {
        self.runtime.executor.drain(module, deadline)
    }

    /// What the systems of `module` keep from run to run: each [`Local`](crate::Local), and where each
    /// [`EventReader`](crate::EventReader) stands.
    ///
    /// # Errors
    /// [`EngineError::Locals`] when a type's `Serialize` fails.
    pub fn save_locals(&self, module: &ModuleTag) -> Result<SavedLocals, EngineError> {
        let mut saved = SavedLocals::default();
        let systems = self.schedule.iter().filter(|system| system.module == *module);
        for system in systems {
            saved
                .add(system.descriptor.name(), &mut system.code.lock())
                .map_err(|source| EngineError::Locals { module: module.name().to_owned(), source })?;
        }
        Ok(saved)
    }

    /// Whether a fault has suspended the module.
    pub fn is_suspended(&self, module: ModuleId) -> bool {
        self.runtime.suspended.contains(&module)
    }

    // What drivers ask.

    /// The time of the last step.
    pub fn time(&self) -> Time {
        self.runtime.time
    }

    /// Faults of modules since the last time this was asked.
    pub fn take_faults(&mut self) -> Vec<Fault> {
        std::mem::take(&mut self.runtime.faults)
    }

    /// Whether a driver must go on calling [`Engine::update`]: something is scheduled, due later, or running.
    pub fn has_pending_work(&self) -> bool {
        self.schedule
            .iter()
            .any(|system| system.enabled && !self.runtime.suspended.contains(&system.module.id()))
            || self.runtime.timers.len() > 0
            || !self.runtime.calls.lock().is_empty()
            || self.runtime.executor.total_running() > 0
    }
}
