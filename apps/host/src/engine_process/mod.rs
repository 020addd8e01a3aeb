//! The engine process: worlds, frames and modules. It does what the supervisor says, and tells what happens.

mod ambiguities;
mod dashboard;
mod figures;
mod link;
mod logger;
mod pace;
mod statics;
mod swapper;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use crossbeam_channel::{Receiver, select};
use keel::binding::{AnyPool, Binding};
use keel::engine::{Engine, EngineConfig, Fault, install_panic_hook};
use keel::types::ViewId;
use keel_registry::{
    BoundViews, Candidate, Code, Consent, Event as LifeEvent, ModuleStatus, Registry, RegistryConfig,
    Rejection, State, SwapReport, terminals,
};

use crate::cli::EngineArgs;
use crate::event::{Event, LEVEL_OUTPUT, ModuleLine, Stage, code_name};
use crate::os;
use crate::protocol::{BuildState, FromEngine, Library, ToEngine};
use crate::refusal::unread_game;
use dashboard::{DashboardLink, Drawn};
use figures::FrameFigures;
use link::Link;
use pace::Pace;
use statics::ToldStatics;
use swapper::{Checked, Swapper};

/// Runs the engine until the supervisor ends it, or the last frame has run.
pub(crate) fn run(args: &EngineArgs) -> anyhow::Result<()> {
    let stream = os::own_stream().context("this is the engine process; start it by `keel run`")?;
    let (link, orders) = Link::start(stream)?;
    logger::install(&link);
    install_panic_hook(keel_loader::backtrace);
    let mut host = Host::new(args, link);
    host.run(&orders)
}

struct Host {
    args: EngineArgs,
    link: Link,
    engine: Engine,
    registry: Registry,
    swapper: Swapper,
    pace: Pace,
    dashboard: DashboardLink,
    paused: bool,
    running: bool,
    /// The game that was to be gone on with could not be.
    failed: bool,
    /// Modules that were refused at the start.
    refused: BTreeSet<String>,
    /// The game's frame at which this run began.
    first_frame: u64,
    told_statics: ToldStatics,
    figures: FrameFigures,
}

impl Host {
    fn new(args: &EngineArgs, link: Link) -> Self {
        let binding = Arc::new(Binding::new());
        let step = Duration::from_secs(1) / if args.fps == 0 { 60 } else { args.fps };
        let config = EngineConfig { step, seed: args.seed, ..EngineConfig::default() };
        let engine = Engine::with_views(config, Box::new(BoundViews::new(&binding)));
        let mut own_types = Engine::own_types();
        own_types.extend(keel::console::own_types().map(Arc::new));
        let terminals = terminals();
        let own_pools: Vec<Arc<dyn AnyPool>> = vec![terminals.clone()];
        let registry = RegistryConfig { own_types, own_pools, ..RegistryConfig::default() };
        let registry = Registry::new(registry, binding);
        let size = (args.columns > 0).then_some((args.columns, args.rows));
        Self {
            args: args.clone(),
            link,
            engine,
            swapper: Swapper::new(registry.checker()),
            registry,
            pace: Pace::new(args.fps, step, args.fixed),
            dashboard: DashboardLink::new(size, !args.no_watch, terminals),
            paused: false,
            running: true,
            failed: false,
            refused: BTreeSet::new(),
            first_frame: 0,
            told_statics: ToldStatics::default(),
            figures: FrameFigures::new(Instant::now()),
        }
    }

    fn run(&mut self, orders: &Receiver<ToEngine>) -> anyhow::Result<()> {
        // What comes before the modules is not to be seen in a frame.
        let mut is_loaded = false;
        while self.running && !is_loaded {
            let order = orders.recv().context("the supervisor has gone")?;
            is_loaded = matches!(order, ToEngine::Load { .. });
            self.obey(order);
        }
        // What it took to load the modules is no frame's time.
        self.figures = FrameFigures::new(Instant::now());
        while self.running {
            self.between_frames(orders);
            if !self.running || self.is_last_frame_done() {
                break;
            }
            self.frame();
        }
        self.tell_stats();
        if let Some(file) = self.args.save_to.clone() {
            self.save_game(file);
        }
        let live = self.registry.modules();
        let is_missing = |refused: &String| !live.iter().any(|status| status.name == *refused);
        let refused = self.refused.iter().any(is_missing);
        self.link.send(&FromEngine::Done { failed: self.failed, refused });
        Ok(())
    }

    fn is_last_frame_done(&self) -> bool {
        let run = self.engine.time().frame.saturating_sub(self.first_frame);
        self.args.frames.is_some_and(|frames| run >= frames)
    }

    /// Waits for the next frame's time; orders and checked modules are taken up as they come.
    fn between_frames(&mut self, orders: &Receiver<ToEngine>) {
        loop {
            let wait = self.pace.until_next();
            let checked = self.swapper.checked().clone();
            select! {
                recv(orders) -> order => match order {
                    Ok(order) => self.obey(order),
                    // The supervisor is gone, and with it everyone who could see this.
                    Err(_) => self.running = false,
                },
                recv(checked) -> checked => {
                    if let Ok(checked) = checked {
                        self.finish_swap(checked);
                    }
                }
                default(wait) => return,
            }
            if !self.running {
                return;
            }
        }
    }

    fn frame(&mut self) {
        let dt = self.pace.begin();
        // While the game stands still, frames without steps keep the dashboard alive.
        let dt = if self.paused { Duration::ZERO } else { dt };
        self.dashboard.before_frame(self.engine.world(), self.paused);
        let (begin, step) = (Instant::now(), self.engine.time().step);
        self.engine.update_with(dt, self.pace.for_frame());
        let work = begin.elapsed();
        self.figures.add(work);
        self.send_drawn(work);
        let has_stepped = self.engine.time().step > step;
        for line in self.swapper.after_frame(has_stepped, self.paused) {
            self.tell(Event::Swap(Box::new(line)));
        }
        let faults = self.engine.take_faults();
        self.registry.note_faults(&faults);
        faults.into_iter().for_each(|fault| self.tell_fault(fault));
        if self.figures.is_due(Instant::now()) {
            self.tell_stats();
        }
        self.tidy();
    }

    fn send_drawn(&mut self, work: Duration) {
        match self.dashboard.after_frame(work) {
            Drawn::Screen(bytes) if bytes.is_empty() => {}
            Drawn::Screen(bytes) => self.link.send_screen(&bytes),
            Drawn::Lines(lines) => {
                for message in lines {
                    let level = LEVEL_OUTPUT.to_owned();
                    self.link.send(&FromEngine::Event(Event::Log { level, message }));
                }
            }
        }
        if let Some(module) = DashboardLink::take_reload(self.engine.world()) {
            self.link.send(&FromEngine::Reload { module });
        }
    }

    /// Retires old generations, if that is wanted at all, between two frames.
    fn tidy(&mut self) {
        for kept in self.registry.tidy().kept {
            self.tell_log("debug", format!("stays mapped: {kept}"));
        }
    }

    fn obey(&mut self, order: ToEngine) {
        match order {
            ToEngine::Load { modules, game, accept_loss, first_frame } => {
                self.load(modules, game.as_deref(), accept_loss);
                self.first_frame = first_frame.unwrap_or(self.engine.time().frame);
                self.link.send(&FromEngine::Begun { frame: self.first_frame });
            }
            ToEngine::Swap(request) => self.swapper.check(request, &self.registry),
            ToEngine::Remove { modules } => self.remove(&modules),
            ToEngine::Plan { views } => {
                self.registry.plan_views(views.iter().map(|view| ViewId::of(view)));
            }
            ToEngine::Reset => self.reset(),
            ToEngine::Pause { paused } => {
                self.paused = paused;
                self.pace.restart();
            }
            ToEngine::SaveGame { path } => self.save_game(path),
            ToEngine::Build(state) => {
                self.note_build(&state);
                self.dashboard.build(self.engine.world(), state);
                self.show_modules();
            }
            ToEngine::Notice { text } => DashboardLink::notice(self.engine.world(), &text),
            ToEngine::Log { level, message } => self.tell_log(&level, message),
            ToEngine::Key(key) => self.dashboard.key(key),
            ToEngine::Resize { columns, rows } => self.dashboard.resize(columns, rows),
            ToEngine::Stop => self.running = false,
        }
    }

    /// Loads all modules at once. Those that are refused are told and left out.
    fn load(&mut self, modules: Vec<Library>, game: Option<&Path>, accept_loss: bool) {
        let checker = self.registry.checker();
        let checked = swapper::check_all(&checker, modules, |_| 0);
        let (mut candidates, mut refused) = (Vec::new(), Vec::new());
        for (_, outcome) in checked {
            match outcome {
                Ok(candidate) => candidates.push(candidate),
                Err(rejection) => refused.push(rejection),
            }
        }
        let consent = if accept_loss { Consent::AcceptLoss } else { Consent::Lossless };
        let begun = match game {
            None => self.registry.swap(&mut self.engine, candidates, Consent::Lossless),
            Some(path) => self.go_on(candidates, path, consent),
        };
        DashboardLink::install(self.engine.world_mut());
        let mut kept = Vec::new();
        match begun {
            Ok(report) => {
                refused.extend(report.failed_starts);
                kept = report.world.kept;
            }
            Err(rejection) => {
                if game.is_some() {
                    // Without its game there is nothing to go on with; the file is still there.
                    (self.running, self.failed) = (false, true);
                }
                refused.push(rejection);
            }
        }
        self.refused = refused.iter().map(|rejection| rejection.module.clone()).collect();
        refused.into_iter().for_each(|rejection| self.tell_rejection(Stage::Check, rejection, None));
        self.show_modules();
        let ambiguities = self.swapper.ambiguities.news(self.engine.schedule());
        self.tell(Event::Ready { modules: self.module_lines(), kept, ambiguities });
        self.tell_statics();
        self.pace.restart();
    }

    /// Goes on with the game in a file.
    fn go_on(
        &mut self,
        candidates: Vec<Candidate>,
        path: &Path,
        consent: Consent,
    ) -> Result<SwapReport, Rejection> {
        let unread = |error| Rejection::new("", Code::NoSnapshot, unread_game(path, &error));
        let bytes = std::fs::read(path).map_err(unread)?;
        let begun = self.registry.resume_game(&mut self.engine, candidates, &bytes, consent);
        begun.map_err(|mut rejection| {
            rejection.message = format!("{}: {}", path.display(), rejection.message);
            rejection
        })
    }

    fn finish_swap(&mut self, checked: Checked) {
        let request = checked.request();
        let outside = DashboardLink::take_outside(self.engine.world_mut());
        let applied = self.swapper.apply(checked, &mut self.registry, &mut self.engine);
        self.dashboard.put_back(self.engine.world_mut(), outside);
        match applied {
            Ok(failed_starts) => {
                failed_starts
                    .into_iter()
                    .for_each(|rejection| self.tell_rejection(Stage::Swap, rejection, None));
                self.tell_statics();
                // The new code runs at once; its first frame is not kept waiting for the old one's time.
                self.pace.hurry();
            }
            Err((stage, rejection)) => self.tell_rejection(stage, rejection, Some(request)),
        }
        self.show_modules();
    }

    fn show_modules(&self) {
        let (modules, census) = (self.registry.modules(), self.registry.census());
        DashboardLink::modules(self.engine.world(), modules, census, os::resident_kib());
    }

    /// Takes out those that are live; a module that was refused is not.
    fn remove(&mut self, modules: &[String]) {
        let live = self.registry.modules();
        let is_live = |module: &&str| live.iter().any(|status| status.name == *module);
        let modules: Vec<_> = modules.iter().map(String::as_str).filter(is_live).collect();
        match self.registry.remove_together(&mut self.engine, &modules) {
            Ok(()) => {
                // Without it others may be in no order, of which the log has told.
                self.swapper.ambiguities.news(self.engine.schedule());
                modules
                    .iter()
                    .for_each(|module| self.tell_log("info", format!("module `{module}` was removed")));
            }
            Err(rejection) => self.tell_rejection(Stage::Swap, rejection, None),
        }
    }

    fn reset(&mut self) {
        let outside = DashboardLink::take_outside(self.engine.world_mut());
        let reset = self.registry.reset(&mut self.engine);
        self.dashboard.put_back(self.engine.world_mut(), outside);
        match reset {
            Ok(failed) => {
                failed.into_iter().for_each(|rejection| self.tell_rejection(Stage::Swap, rejection, None));
                self.tell_log("info", "the game was started afresh".to_owned());
            }
            Err(rejection) => self.tell_rejection(Stage::Swap, rejection, None),
        }
    }

    fn save_game(&mut self, path: PathBuf) {
        let saved = self.registry.save_game(&self.engine, Vec::new()).map_err(anyhow::Error::from);
        let saved = saved.and_then(|bytes| Ok(keel::state::write_file(&path, &bytes)?));
        // With its causes: only they say that the disk is full.
        let error = saved.err().map(|error| format!("{error:#}"));
        self.link.send(&FromEngine::Saved { path, error });
    }

    fn note_build(&mut self, state: &BuildState) {
        for ModuleStatus { name, state: at, .. } in self.registry.modules() {
            let event = match state {
                BuildState::Building { modules } if modules.contains(&name) => LifeEvent::Saved,
                BuildState::Failed { modules, .. } if modules.contains(&name) => LifeEvent::Failed,
                BuildState::Done { rebuilt } if at == State::Building && rebuilt.contains(&name) => {
                    LifeEvent::Built
                }
                BuildState::Done { .. } if at == State::Building => LifeEvent::Unchanged,
                _ => continue,
            };
            self.registry.note(&name, event);
        }
    }

    // What is told.

    fn tell(&mut self, event: Event) {
        DashboardLink::event(self.engine.world(), &event);
        self.link.send(&FromEngine::Event(event));
    }

    fn tell_log(&mut self, level: &str, message: String) {
        self.tell(Event::Log { level: level.to_owned(), message });
    }

    fn tell_statics(&mut self) {
        let news = self.told_statics.news(&self.registry.modules());
        news.into_iter().for_each(|line| self.tell_log("warn", line));
    }

    fn tell_rejection(&mut self, stage: Stage, rejection: Rejection, request: Option<u64>) {
        let code = code_name(rejection.code);
        let Rejection { module, message, .. } = rejection;
        self.tell(Event::Rejected { module, stage, code, message, request });
    }

    fn tell_fault(&mut self, fault: Fault) {
        let Fault { module, system, message, backtrace, frame, suspended } = fault;
        self.tell(Event::Fault { module, system, message, backtrace, frame, suspended });
    }

    fn tell_stats(&mut self) {
        let world_hash = self.args.hash.then(|| self.registry.state_hash(&self.engine)).and_then(Result::ok);
        let (fps, frame_ms) = self.figures.take(Instant::now());
        let census = self.registry.census();
        let time = self.engine.time();
        self.tell(Event::Stats {
            frame: time.frame,
            step: time.step,
            fps,
            frame_ms,
            entities: self.engine.world().len(),
            world_hash: world_hash.map(|hash| format!("{hash:016x}")),
            rss_kib: os::resident_kib(),
            libraries: census.mapped(),
            libraries_kept: census.kept,
        });
        self.show_modules();
    }

    fn module_lines(&self) -> Vec<ModuleLine> {
        let modules = self.registry.modules().into_iter();
        let lines = modules.map(|status| ModuleLine {
            name: status.name,
            kind: status.kind.name().to_owned(),
            version: status.version,
            generation: status.generation,
            state: state_name(status.state).to_owned(),
            views: status.views.len(),
        });
        lines.collect()
    }
}

/// The state as people and machines read it.
fn state_name(state: State) -> &'static str {
    match state {
        State::Watching => "watching",
        State::Building => "building",
        State::Checking => "checking",
        State::Trial => "trial",
        State::Swapping => "swapping",
        State::Probation => "probation",
        State::Live => "live",
        State::Rejected => "rejected",
        State::Suspended => "suspended",
    }
}
