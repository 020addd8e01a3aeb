//! What the dashboard is told, and what it has drawn.

use std::sync::Arc;
use std::time::{Duration, Instant};

use keel::binding::ModelPool;
use keel::console::{
    Build, Dashboard, LogLevel, ModuleLine, ModuleState, StageTime, SwapReport, Terminal, TerminalKind,
};
use keel::ecs::World;
use keel_loader::Census;
use keel_registry::{ModuleStatus, State};

use super::input::FrameInput;
use crate::event::{Event, SwapLine};
use crate::protocol::BuildState;

/// Fills in the [`Terminal`] of this process and the resource [`Dashboard`]. They describe what is outside of the game,
/// so they are kept when its world is exchanged.
pub(crate) struct DashboardLink {
    terminals: Arc<ModelPool<Terminal>>,
    began: Instant,
    size: Option<(u16, u16)>,
    is_watching: bool,
    last_work: Duration,
}

/// The dashboard, while the world it belongs to is being exchanged.
pub(crate) struct Outside {
    dashboard: Option<Dashboard>,
}

/// What came out of the terminal in a frame.
pub(crate) enum Drawn {
    /// Bytes for the screen.
    Screen(Vec<u8>),
    /// What modules have written, where there is none.
    Lines(Vec<String>),
}

impl DashboardLink {
    /// For a terminal of so many columns and rows, or for lines when nobody watches. `is_watching` says whether saved
    /// sources are swapped by themselves.
    pub(crate) fn new(
        size: Option<(u16, u16)>,
        is_watching: bool,
        terminals: Arc<ModelPool<Terminal>>,
    ) -> Self {
        let link = Self { terminals, began: Instant::now(), size, is_watching, last_work: Duration::ZERO };
        // A module may ask for it before the first frame.
        link.attach();
        link
    }

    fn attach(&self) {
        let (kind, (columns, rows)) = match self.size {
            Some(size) => (TerminalKind::Screen, size),
            None => (TerminalKind::Lines, (0, 0)),
        };
        self.with_terminal(|terminal| terminal.attach(kind, columns, rows));
    }

    /// Real time since the host's start.
    pub(crate) fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// Puts a dashboard into a world that has none.
    pub(crate) fn install(world: &mut World) {
        if let Err(error) = keel::console::install(world) {
            keel::log::error!("there will be no dashboard: {error}");
        }
    }

    /// Takes the dashboard out of a world that is about to be exchanged.
    pub(crate) fn take_outside(world: &mut World) -> Outside {
        Outside { dashboard: world.remove_resource() }
    }

    /// Puts it into the world that is there now, and has all of it drawn again.
    pub(crate) fn put_back(&self, world: &mut World, outside: Outside) {
        Self::install(world);
        self.with_terminal(Terminal::redraw);
        let put = outside.dashboard.map_or(Ok(()), |it| world.insert_resource(it).map(drop));
        if let Err(error) = put {
            keel::log::error!("the dashboard has forgotten what it showed: {error}");
        }
    }

    /// Before a frame.
    pub(crate) fn before_frame(&mut self, world: &World, input: &FrameInput) {
        self.size = input.terminal;
        self.attach();
        self.with_terminal(|terminal| input.keys.iter().for_each(|key| terminal.press(*key)));
        with(world, |dashboard| {
            dashboard.begin_frame(input.now, self.last_work.as_secs_f32() * 1e3);
            dashboard.is_paused = input.paused;
            dashboard.is_watching = self.is_watching;
            dashboard.is_told_elsewhere = self.size.is_none();
        });
    }

    /// After a frame that took so long: what came out of the terminal.
    pub(crate) fn after_frame(&mut self, work: Duration) -> Drawn {
        self.last_work = work;
        let bytes = self.with_terminal(Terminal::take_output).unwrap_or_default();
        match self.size {
            Some(_) => Drawn::Screen(bytes),
            None => Drawn::Lines(String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()),
        }
    }

    /// The module that the person in front of the dashboard wants to be reloaded; asked once.
    pub(crate) fn take_reload(world: &World) -> Option<String> {
        world.resource_mut::<Dashboard>().ok().and_then(|mut dashboard| dashboard.reload.take())
    }

    /// The module that the person in front of the dashboard wants to run again what it ran before; asked once.
    pub(crate) fn take_rollback(world: &World) -> Option<String> {
        world.resource_mut::<Dashboard>().ok().and_then(|mut dashboard| dashboard.rollback.take())
    }

    /// Has all of it drawn again.
    pub(crate) fn redraw(&self) {
        self.with_terminal(Terminal::redraw);
    }

    pub(crate) fn modules(world: &World, modules: Vec<ModuleStatus>, census: Census, rss_kib: u64) {
        with(world, |dashboard| {
            dashboard.modules = modules.into_iter().map(module_line).collect();
            dashboard.libraries = census.mapped();
            dashboard.libraries_kept = census.kept;
            dashboard.libraries_kept_bytes = census.kept_bytes;
            dashboard.memory_bytes = rss_kib * 1024;
        });
    }

    pub(crate) fn build(&self, world: &World, state: BuildState) {
        let now = self.now();
        with(world, |dashboard| {
            dashboard.build = match state {
                BuildState::Done { .. } | BuildState::Trying { .. } | BuildState::Refused { .. } => {
                    Build::Idle
                }
                BuildState::Building { modules } => Build::Building { modules, since: now },
                BuildState::Failed { modules, rendered } => {
                    Build::Failed { modules, message: rendered, at: now }
                }
            };
        });
    }

    /// Shows an event in the log.
    pub(crate) fn event(world: &World, event: &Event) {
        let level = match event {
            Event::Stats { .. } => return,
            Event::Swap(line) => {
                with(world, |dashboard| dashboard.swapped(swap_report(line)));
                return;
            }
            Event::Ready { .. } => LogLevel::Success,
            Event::Rejected { .. } | Event::Fault { .. } | Event::Crash(_) | Event::Hang(_) => {
                LogLevel::Error
            }
            Event::RolledBack(line) if line.fault.is_some() => LogLevel::Warning,
            Event::Restarted { .. }
            | Event::Rewound(_)
            | Event::Replayed(_)
            | Event::RolledBack(_)
            | Event::HangEnded(_) => LogLevel::Info,
            Event::Resumed { .. } => LogLevel::Warning,
            Event::Log { level, .. } => match level.as_str() {
                "error" => LogLevel::Error,
                "warn" => LogLevel::Warning,
                _ => LogLevel::Info,
            },
        };
        with(world, |dashboard| dashboard.log(level, &event.text()));
    }

    fn with_terminal<T>(&self, change: impl FnOnce(&mut Terminal) -> T) -> Option<T> {
        match self.terminals.get_mut(Terminal::MAIN) {
            Ok(mut terminal) => Some(change(&mut terminal)),
            Err(error) => {
                keel::log::debug!("the terminal is left alone: {error}");
                None
            }
        }
    }

    /// Tells the person at the terminal what they may decide.
    pub(crate) fn notice(world: &World, notice: &str) {
        with(world, |dashboard| notice.clone_into(&mut dashboard.notice));
    }
}

fn with(world: &World, change: impl FnOnce(&mut Dashboard)) {
    if let Ok(mut dashboard) = world.resource_mut::<Dashboard>() {
        change(&mut dashboard);
    }
}

fn module_line(status: ModuleStatus) -> ModuleLine {
    ModuleLine {
        name: status.name,
        kind: status.kind.name().to_owned(),
        version: status.version,
        generation: status.generation,
        state: match status.state {
            State::Watching | State::Live | State::Swapping => ModuleState::Live,
            State::Building => ModuleState::Building,
            State::Checking => ModuleState::Checking,
            State::Trial => ModuleState::Trial,
            State::Probation => ModuleState::Probation,
            State::Rejected => ModuleState::Rejected,
            State::Suspended => ModuleState::Suspended,
        },
        views: status.views,
    }
}

fn swap_report(line: &SwapLine) -> SwapReport {
    let stages = [
        ("detect", line.stages_ms.detect),
        ("build", line.stages_ms.build),
        ("trial", line.stages_ms.trial),
        ("check", line.stages_ms.check),
        ("swap", line.stages_ms.swap),
    ];
    SwapReport {
        module: line.module.clone(),
        generation: line.generation,
        stages: stages
            .map(|(stage, ms)| StageTime { stage: stage.to_owned(), time: Duration::from_secs_f64(ms / 1e3) })
            .into(),
        carried: line.carried as u64,
        converted: line.converted as u64,
        defaulted: line.defaulted.len() as u64,
        dropped: line.dropped.len() as u64,
    }
}
