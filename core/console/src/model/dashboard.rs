//! What the host tells of itself, to be shown.

use std::fmt;
use std::time::Duration;

use keel_ecs::resource;

use crate::{FrameTimes, Log, LogLevel, SwapReport};

/// What the host tells the dashboard to show. The host fills it in; whoever draws only reads it.
///
/// It describes what is outside, as a [`Terminal`](crate::Terminal) does, and no field of it counts in a snapshot or in
/// [`World::hash`](keel_ecs::World::hash). Where a world takes another's place, the host takes it over.
#[resource(crate = keel_console, name = "keel.Dashboard")]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dashboard {
    /// Real time since the host's start. Drawing is paced by it; see [`Dashboard::begin_frame`].
    #[keel(skip)]
    pub now: Duration,
    /// The modules, in the order in which they were loaded.
    #[keel(skip)]
    pub modules: Vec<ModuleLine>,
    /// How long the last frames took.
    #[keel(skip)]
    pub frames: FrameTimes,
    /// What has happened.
    #[keel(skip)]
    pub log: Log,
    /// What is being built, or could not be.
    #[keel(skip)]
    pub build: Build,
    /// The last swap that came to an end.
    #[keel(skip)]
    pub last_swap: Option<SwapReport>,
    /// How many libraries of modules are mapped, old generations included.
    #[keel(skip)]
    pub libraries: u64,
    /// How many of them stay mapped for good, because unmapping them would not be safe.
    #[keel(skip)]
    pub libraries_kept: u64,
    /// The sizes of the files of those, in bytes.
    #[keel(skip)]
    pub libraries_kept_bytes: u64,
    /// The engine process's resident memory, in bytes.
    #[keel(skip)]
    pub memory_bytes: u64,
    /// Whether saved sources are built and swapped by themselves.
    #[keel(skip)]
    pub is_watching: bool,
    /// Whether the host prints itself what it does. Then only what modules write leaves where there is no screen.
    #[keel(skip)]
    pub is_told_elsewhere: bool,
    /// The module that the person in front of it wants to be built and swapped; the host takes it.
    #[keel(skip)]
    pub reload: Option<String>,
    /// The module that the person in front of it wants to run again what it ran before; the host takes it.
    #[keel(skip)]
    pub rollback: Option<String>,
    /// Whether simulation time stands still.
    #[keel(skip)]
    pub is_paused: bool,
    /// What the person in front of it should decide or know now; empty for nothing.
    #[keel(skip)]
    pub notice: String,
}

/// One module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModuleLine {
    /// The package's name.
    pub name: String,
    /// `model`, `view` or `view-model`.
    pub kind: String,
    /// The package's version.
    pub version: String,
    /// How often it was swapped.
    pub generation: u64,
    /// Where it stands.
    pub state: ModuleState,
    /// The views that it provides.
    pub views: Vec<String>,
}

/// Where a module stands in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ModuleState {
    /// It runs.
    #[default]
    Live,
    /// It runs, and its next generation is being compiled.
    Building,
    /// It runs, and its next generation is being compared with it.
    Checking,
    /// It runs, and its next generation is being tried out on a copy of the world.
    Trial,
    /// It was swapped just now; a panic puts back the generation before.
    Probation,
    /// It runs; its next generation was refused.
    Rejected,
    /// A fault has stopped it.
    Suspended,
}

impl fmt::Display for ModuleState {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Live => "live",
            Self::Building => "building",
            Self::Checking => "checking",
            Self::Trial => "trial",
            Self::Probation => "probation",
            Self::Rejected => "rejected",
            Self::Suspended => "suspended",
        })
    }
}

/// What is being built, or could not be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Build {
    /// Nothing is being built; the last build went well.
    #[default]
    Idle,
    /// The compiler is at work.
    Building {
        /// For these modules.
        modules: Vec<String>,
        /// Since then, in real time since the host's start.
        since: Duration,
    },
    /// The compiler has refused the sources.
    Failed {
        /// Of these modules.
        modules: Vec<String>,
        /// What it said, with its colours as escape codes.
        message: String,
        /// When, in real time since the host's start. It tells one failure from the next.
        at: Duration,
    },
}

impl Dashboard {
    /// Begins a frame, `now` after the host's start, and records that the one before took `work_ms`. To be called
    /// before every frame: drawing is paced by it.
    pub fn begin_frame(&mut self, now: Duration, work_ms: f32) {
        self.frames.record(now, work_ms);
        self.now = now;
    }

    /// Adds to the log, now.
    pub fn log(&mut self, level: LogLevel, text: &str) {
        self.log.add(self.now, level, text);
    }

    /// Takes in the report of a swap, and logs it.
    pub fn swapped(&mut self, report: SwapReport) {
        self.log(LogLevel::Success, &report.to_string());
        self.last_swap = Some(report);
    }
}
