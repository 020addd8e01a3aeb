//! The engine process: worlds, frames and modules. It does what the supervisor says, and tells what happens.

mod ambiguities;
mod crash;
mod dashboard;
pub(crate) mod driver;
mod figures;
mod history;
pub(crate) mod input;
mod link;
mod logger;
mod memory;
mod orders;
mod pace;
mod record;
mod recorder;
mod replay;
mod rollback;
mod snapshots;
mod statics;
mod swapper;
mod tell;
mod trial;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::Context;
use crossbeam_channel::{Receiver, select};
use keel::console::Key;
use keel::engine::{EngineConfig, install_panic_hook};

use crate::cli::{EngineArgs, limits, step_of};
use crate::event::{Event, LEVEL_OUTPUT};
use crate::os;
use crate::protocol::{FromEngine, RollbackRequest, ToEngine};
use crate::recording::Record;
use crash::Work;
use dashboard::{DashboardLink, Drawn};
use driver::Driver;
use figures::FrameFigures;
use history::History;
use input::FrameInput;
use link::Link;
use pace::Pace;
use record::Libraries;
use recorder::Recorder;
use snapshots::Snapshots;
use statics::ToldStatics;
use swapper::Swapper;
use tell::ToldLive;

/// Runs the engine until the supervisor ends it, or the last frame has run.
pub(crate) fn run(args: &EngineArgs) -> anyhow::Result<()> {
    os::end_me_first();
    let stream = os::own_stream().context("this is the engine process; start it by `keel run`")?;
    let (link, orders) = Link::start(stream)?;
    logger::install(&link);
    memory::limit(args, &link);
    memory::limit_own_stack(&link);
    crash::leave_reports(args);
    install_panic_hook(keel_loader::backtrace);
    let _watchdog = args.watchdog.0.map(|limit| crash::watch(limit, &link)).transpose()?;
    if let Some(file) = &args.replay {
        return replay::run(args, file, &link, &orders);
    }
    let mut host = Host::new(args, link);
    if args.trial > 0 {
        host.trial(&orders);
        return Ok(());
    }
    host.run(&orders)
}

struct Host {
    args: EngineArgs,
    link: Link,
    driver: Driver,
    swapper: Swapper,
    /// The length of a step of simulation time.
    step: Duration,
    pace: Pace,
    history: History,
    recorder: Option<Recorder>,
    libraries: Libraries,
    /// The keys that were pressed since the last frame.
    keys: Vec<Key>,
    /// The columns and rows of the terminal, if it is a screen.
    terminal: Option<(u16, u16)>,
    paused: bool,
    running: bool,
    /// The game that was to be gone on with could not be.
    failed: bool,
    /// Modules that were refused at the start.
    refused: BTreeSet<String>,
    /// Another engine has begun this run.
    goes_on: bool,
    /// The game's frame at which this run began.
    first_frame: u64,
    told_statics: ToldStatics,
    told_live: ToldLive,
    figures: FrameFigures,
    snapshots: Snapshots,
}

impl Host {
    /// One that tells nobody, with a step of a 60th of a second, and these options more.
    #[cfg(all(test, unix))]
    fn alone(options: &[&str]) -> Self {
        use clap::{Args, Command, FromArgMatches};
        let words = ["engine", "--fps", "60", "--seed", "0", "--crash-report", "none"];
        let command = EngineArgs::augment_args(Command::new("engine"));
        let matches = command.get_matches_from(words.iter().chain(options));
        let args = EngineArgs::from_arg_matches(&matches).expect("these are all");
        Self::new(&args, Link::to_nobody().expect("a connection"))
    }

    fn new(args: &EngineArgs, link: Link) -> Self {
        let step = step_of(args.fps);
        let config =
            EngineConfig { step, seed: args.seed, limits: limits(&args.limits), ..EngineConfig::default() };
        let terminal = (args.columns > 0).then_some((args.columns, args.rows));
        let driver = Driver::new(config, args.probation.0, args.ring, terminal, !args.no_watch);
        Self {
            args: args.clone(),
            snapshots: Snapshots::start(args.snapshots.0, &link),
            link,
            swapper: Swapper::new(driver.registry.checker()),
            driver,
            step,
            history: History::new(Duration::from_secs(args.history.into())),
            recorder: None,
            libraries: Libraries::new(),
            pace: Pace::new(args.fps, step, args.fixed),
            keys: Vec::new(),
            terminal,
            paused: false,
            running: true,
            failed: false,
            refused: BTreeSet::new(),
            goes_on: false,
            first_frame: 0,
            told_statics: ToldStatics::default(),
            told_live: ToldLive::default(),
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
        if self.running {
            self.begin_recording();
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
            let _working = crash::work(Work::Save);
            self.save_game(file);
        }
        let live = self.driver.registry.modules();
        let is_missing = |refused: &String| !live.iter().any(|status| status.name == *refused);
        let refused = self.refused.iter().any(is_missing);
        self.link.send(&FromEngine::Done { failed: self.failed, refused });
        Ok(())
    }

    fn is_last_frame_done(&self) -> bool {
        let run = self.driver.engine.time().frame.saturating_sub(self.first_frame);
        self.args.frames.is_some_and(|frames| run >= frames)
    }

    /// Waits for the next frame's time; orders and checked modules are taken up as they come.
    fn between_frames(&mut self, orders: &Receiver<ToEngine>) {
        loop {
            let wait = self.pace.until_next();
            let checked = self.swapper.checked().clone();
            select! {
                recv(orders) -> order => match order {
                    Ok(order) => {
                        let _working = crash::work(Work::Order);
                        self.obey(order);
                    }
                    // The supervisor is gone, and with it everyone who could see this.
                    Err(_) => self.running = false,
                },
                recv(checked) -> checked => {
                    if let Ok(checked) = checked {
                        let _working = crash::work(Work::Swap);
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
        let _working = crash::work(Work::Frame);
        let begin = Instant::now();
        let input = self.frame_input();
        self.record(&Record::Frame(input.clone()));
        let framed = self.driver.frame(&input, self.pace.for_frame());
        self.figures.add(framed.work);
        self.tell_frame(begin);
        self.send_drawn(framed.drawn);
        for line in self.swapper.after_frame(framed.has_stepped, self.paused) {
            self.tell(Event::Swap(Box::new(line)));
        }
        self.end_frame(framed.faults, framed.taken_back);
        if self.figures.is_due(Instant::now()) {
            self.tell_stats();
        }
        self.tidy();
        self.recorded_frame();
        self.keep_snapshot();
    }

    /// Begins a frame: all that has come for it.
    fn frame_input(&mut self) -> FrameInput {
        let dt = self.pace.begin();
        FrameInput {
            // While the game stands still, frames without steps keep the dashboard alive.
            dt: if self.paused { Duration::ZERO } else { dt },
            paused: self.paused,
            now: self.driver.dashboard.now(),
            terminal: self.terminal,
            keys: std::mem::take(&mut self.keys),
        }
    }

    fn send_drawn(&mut self, drawn: Drawn) {
        match drawn {
            Drawn::Screen(bytes) if bytes.is_empty() => {}
            Drawn::Screen(bytes) => self.link.send_screen(&bytes),
            Drawn::Lines(lines) => {
                for message in lines {
                    self.link.send(&FromEngine::Event(Event::log(LEVEL_OUTPUT, message)));
                }
            }
        }
        if let Some(module) = DashboardLink::take_reload(self.driver.engine.world()) {
            self.link.send(&FromEngine::Reload { module });
        }
        if let Some(module) = DashboardLink::take_rollback(self.driver.engine.world()) {
            self.roll_back(&RollbackRequest { id: None, module, to: None, accept_loss: false });
        }
    }

    /// Retires old generations, if that is wanted at all, between two frames.
    fn tidy(&mut self) {
        let _working = crash::work(Work::Tidy);
        for kept in self.driver.registry.tidy().kept {
            self.tell_log("debug", format!("stays mapped: {kept}"));
        }
    }
}
