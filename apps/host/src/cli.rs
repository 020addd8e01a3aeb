//! The command line.

mod examples;
mod limit;
mod memory;
mod seconds;
mod span;
mod trial;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, value_parser};
use crossbeam_channel::Sender;
use serde::Serialize;

use crate::event::Event;
pub(crate) use limit::{Limit, limits};
pub(crate) use memory::{MemoryLimit, memory_limit, size};
pub(crate) use seconds::Seconds;
pub(crate) use span::Span;
pub(crate) use trial::TrialFrames;

/// Something went wrong; standard error says what.
pub(crate) const EXIT_FAILURE: u8 = 1;
/// Two snapshots differ, as diff(1) says it.
pub(crate) const EXIT_DIFFER: u8 = 1;
/// Two snapshots could not be compared, as diff(1) says it.
pub(crate) const EXIT_TROUBLE: u8 = 2;
/// The modules don't fit together, or one was refused.
pub(crate) const EXIT_REFUSED: u8 = 3;
/// The engine process ended by itself.
pub(crate) const EXIT_ENGINE_DIED: u8 = 4;

/// More frames a second are none that anyone sees, and their steps would be shorter than timers are exact.
const FPS_MAX: i64 = 1000;

/// Enough for a system that runs every second frame.
const TRIAL: TrialFrames = TrialFrames(3);

/// How often the game is kept in memory.
const SNAPSHOTS: Span = Span::seconds(1);

/// More threads than that are nobody's processors.
const THREADS_MAX: i64 = 1024;

/// How often the newest of them goes to disk.
const SNAPSHOTS_ON_DISK: Span = Span::seconds(10);

/// How long code of a module may take to return before that is told, with what finding its calls takes, within a second.
const WATCHDOG: Span = Span::millis(800);

/// For how long after its swap a module's panic puts back what it ran before.
const PROBATION: Span = Span::seconds(5);

/// How many generations of a module that were replaced are kept.
pub(crate) const RING: u8 = 4;

/// More are more memory than going back is worth.
const RING_MAX: i64 = 64;

/// What the world can be compared with.
const ENGINES: [&str; 8] = ["hecs", "bevy", "flecs", "shipyard", "legion", "sparsey", "floor", "none"];

/// How to call it; clap's own line would not say what it does without a command.
const USAGE: &str = "keel              start the game, as `keel run` does
       keel <COMMAND>";

/// A game engine that you rebuild while it runs. Without a command it starts the game, as `keel run` does.
#[derive(Parser)]
#[command(name = "keel", version, override_usage = USAGE)]
#[command(after_help = examples::KEEL, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Runs the game, and swaps each module when its source is saved.
    #[command(after_help = examples::RUN)]
    Run(RunArgs),
    /// Builds modules as `keel run` does, all of them if none is named.
    #[command(after_help = examples::BUILD)]
    Build(BuildArgs),
    /// Lists the modules of the workspace, and how they were built last.
    #[command(after_help = examples::MODULES)]
    Modules(FormatArgs),
    /// Checks that the modules fit together and can be loaded. Nothing of the game runs.
    #[command(after_help = examples::CHECK)]
    Check(FormatArgs),
    /// Runs a recording of `keel run --record` again, as fast as it goes, with the modules as they are now. Exit status: 0
    /// the same came of it, 1 something else, 2 the recording can't be read.
    #[command(after_help = examples::REPLAY)]
    Replay(ReplayArgs),
    /// Takes the running game back in time, to the exact frame. The code stays what it is now.
    #[command(after_help = examples::REWIND)]
    Rewind(BackArgs),
    /// Runs the last seconds of the running game once more with the code that is live, beside it, and tells what came of it.
    #[command(after_help = examples::RETRY)]
    Retry(BackArgs),
    /// Puts back what a module of the running game ran before. The game goes on as it is.
    #[command(after_help = examples::ROLLBACK)]
    Rollback(RollbackArgs),
    /// Saves, shows or compares snapshots of games.
    #[command(subcommand, after_help = examples::SNAPSHOT)]
    Snapshot(SnapshotCommand),
    /// Makes a new crate.
    #[command(subcommand, after_help = examples::NEW)]
    New(NewCommand),
    /// Measures what Keel costs on this machine.
    #[command(subcommand, after_help = examples::BENCH)]
    Bench(BenchCommand),
    /// The engine process. `keel run` starts it; one that tries new code out by its other name, so that a list of processes
    /// tells them apart.
    #[command(hide = true, alias = "trial", after_help = examples::ENGINE)]
    Engine(EngineArgs),
}

/// The length of a step of simulation time, at so many frames a second.
pub(crate) fn step_of(fps: u32) -> Duration {
    Duration::from_secs(1) / if fps == 0 { 60 } else { fps }
}

#[derive(Args, Clone)]
pub(crate) struct RunArgs {
    /// No terminal: plain lines instead.
    #[arg(long)]
    pub(crate) headless: bool,
    /// One JSON object a line on standard output; implies --headless.
    #[arg(long)]
    pub(crate) json: bool,
    /// Ends after so many frames of this run.
    #[arg(long, value_name = "N")]
    pub(crate) frames: Option<u64>,
    /// Frames a second, 1000 at most; 0 for as many as go. Each simulates 1/N of a second, or 1/60 for 0.
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = value_parser!(u32).range(..=FPS_MAX))]
    pub(crate) fps: u32,
    /// Don't watch the sources; reload by key or command only.
    #[arg(long)]
    pub(crate) no_watch: bool,
    /// Where the game's random numbers start.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Goes on with the game in this snapshot.
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
    /// Goes on with the last run that has not ended well: with its newest snapshot on disk, or with this one.
    #[arg(long, value_name = "FILE", num_args = 0..=1, conflicts_with = "from")]
    pub(crate) resume: Option<Option<PathBuf>>,
    /// Saves the game into this snapshot when it ends.
    #[arg(long, value_name = "FILE")]
    pub(crate) save_to: Option<PathBuf>,
    /// Accepts swaps that lose data, without asking.
    #[arg(long)]
    pub(crate) accept_loss: bool,
    /// The most that the world may hold: `entities`, `bytes`, `events`, `commands` or `tasks`. Can be repeated.
    #[arg(long = "limit", value_name = "NAME=N")]
    pub(crate) limits: Vec<Limit>,
    /// The most memory that the engine process may have: bytes, `512M`, `8G`. Else three quarters of the machine's, or of its
    /// control group's. `off`: all there is. Linux only.
    #[arg(long, value_name = "SIZE|off")]
    pub(crate) memory: Option<MemoryLimit>,
    /// How often the game is kept in memory, to go on from there when the engine process has ended by itself; less often
    /// where that would take more than 1 % of the time. `off`: such an end is the run's end.
    #[arg(long, value_name = "SECONDS|off", default_value_t = SNAPSHOTS)]
    pub(crate) snapshots: Span,
    /// New code runs so many frames on a copy of the game, in a process of its own, before it runs in the game. `off`: in the
    /// game at once.
    #[arg(long, value_name = "FRAMES|off", default_value_t = TRIAL)]
    pub(crate) trial: TrialFrames,
    /// Records the run into this file, for `keel replay`.
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// The recording has the state's hashes after every so many frames.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u32).range(1..))]
    pub(crate) hash_every: u32,
    /// So many seconds are kept in memory, to go back to; 0 for none.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub(crate) history: u32,
    /// After each swap, runs the last so many seconds again with the new code, beside the game, and tells what came of it.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) retry: Option<u32>,
    /// New code is tried out, instead of a run of its own.
    #[arg(skip)]
    pub(crate) is_trial: bool,
    /// Instead of a run of its own.
    #[arg(skip)]
    pub(crate) replay: Option<ReplayArgs>,
    /// How often the newest of them goes to disk, for `keel run --resume`.
    #[arg(long, value_name = "SECONDS|off", default_value_t = SNAPSHOTS_ON_DISK)]
    pub(crate) snapshots_on_disk: Span,
    /// For how many seconds of the game after its swap a module's panic puts back what it ran before, and the game with it;
    /// `off` for none: a panic suspends the module.
    #[arg(long, value_name = "SECONDS|off", default_value_t = PROBATION)]
    pub(crate) probation: Span,
    /// So many generations of each module are kept after they were replaced, to go back to, 64 at most. Each takes the memory of
    /// its library; 0 for none.
    #[arg(long, value_name = "N", default_value_t = RING, value_parser = value_parser!(u8).range(..=RING_MAX))]
    pub(crate) ring: u8,
    /// Tells of code that does not return within so long; `off` for never.
    #[arg(long, value_name = "SECONDS|off", default_value_t = WATCHDOG)]
    pub(crate) watchdog: Span,
    /// Who takes the events. Standard output is then somebody else's, and people read on standard error.
    #[arg(skip)]
    pub(crate) told: Option<Sender<Event>>,
}

impl Default for RunArgs {
    /// What `keel run` without arguments means.
    fn default() -> Self {
        Self {
            headless: false,
            json: false,
            frames: None,
            fps: 60,
            no_watch: false,
            seed: 0,
            from: None,
            save_to: None,
            accept_loss: false,
            limits: Vec::new(),
            memory: None,
            snapshots: SNAPSHOTS,
            trial: TRIAL,
            is_trial: false,
            record: None,
            hash_every: 1,
            history: 30,
            retry: None,
            replay: None,
            snapshots_on_disk: SNAPSHOTS_ON_DISK,
            resume: None,
            probation: PROBATION,
            ring: RING,
            watchdog: WATCHDOG,
            told: None,
        }
    }
}

#[derive(Args, Clone)]
pub(crate) struct ReplayArgs {
    /// The recording.
    pub(crate) file: PathBuf,
    /// Ends after this frame of the game.
    #[arg(long, value_name = "FRAME")]
    pub(crate) until: Option<u64>,
    /// How many threads systems run on, also where one would be faster; 0 for as many as is fastest.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = value_parser!(u32).range(..=THREADS_MAX))]
    pub(crate) threads: u32,
    /// JSON on standard output.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct BuildArgs {
    /// The modules' names.
    pub(crate) modules: Vec<String>,
    /// JSON on standard output.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct BackArgs {
    /// How much simulated time: `5s`, `2.5`.
    pub(crate) back: Seconds,
    /// Which run, if there are several of this workspace.
    #[arg(long, value_name = "NAME")]
    pub(crate) run: Option<String>,
}

#[derive(Args, Clone)]
pub(crate) struct RollbackArgs {
    /// The module's name. What was swapped together with it goes back, too.
    pub(crate) module: String,
    /// The generation to go back to, or forward again; else what ran before this one.
    #[arg(long, value_name = "N")]
    pub(crate) to: Option<u64>,
    /// Gives up what the older code has no place for.
    #[arg(long)]
    pub(crate) accept_loss: bool,
    /// Which run, if there are several of this workspace.
    #[arg(long, value_name = "NAME")]
    pub(crate) run: Option<String>,
}

#[derive(Args)]
pub(crate) struct FormatArgs {
    /// JSON on standard output.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Subcommand)]
pub(crate) enum SnapshotCommand {
    /// Runs the game without a terminal for some frames, and saves it.
    #[command(after_help = examples::SNAPSHOT_SAVE)]
    Save(SaveArgs),
    /// Prints what a snapshot holds, value by value.
    #[command(after_help = examples::SNAPSHOT_SHOW)]
    Show {
        /// The snapshot.
        file: PathBuf,
        /// JSON on standard output.
        #[arg(long)]
        json: bool,
    },
    /// Prints what differs between two snapshots. Exit status as diff(1): 0 nothing, 1 something, 2 one can't be read.
    #[command(after_help = examples::SNAPSHOT_DIFF)]
    Diff {
        /// The first snapshot.
        before: PathBuf,
        /// The second snapshot.
        after: PathBuf,
        /// JSON on standard output.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Args)]
pub(crate) struct SaveArgs {
    /// The file to write.
    pub(crate) file: PathBuf,
    /// After so many frames.
    #[arg(long, value_name = "N", default_value_t = 60)]
    pub(crate) frames: u64,
    /// Where the game's random numbers start.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// JSON on standard output.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Subcommand)]
pub(crate) enum NewCommand {
    /// A view-model module under systems/, which builds, loads and is tested at once.
    #[command(after_help = examples::NEW_SYSTEM)]
    System {
        /// The name of its package: lower-case letters, digits and dashes.
        name: String,
    },
}

/// The benchmarks take it as JSON, by the names of the options.
#[derive(Subcommand, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BenchCommand {
    /// A swap: from a saved file to its first frame, the pause of the game, calls between modules, memory over 10,000
    /// swaps. Edits a source file of systems/shoal-swim, and puts it back.
    #[command(after_help = examples::BENCH_SWAP)]
    Swap(SwapBenchArgs),
    /// Memory and mapped libraries over many swaps in one process; `bench swap` has this, too.
    #[command(after_help = examples::BENCH_SOAK)]
    Soak(SoakBenchArgs),
    /// The world: the cases of all modules of benchmarks, and the same done by other engines, in turn. Builds those when
    /// they are asked for, in `target/peers`.
    #[command(after_help = examples::BENCH_ECS)]
    Ecs(EcsBenchArgs),
}

#[derive(Args, Serialize)]
pub(crate) struct SwapBenchArgs {
    /// Writes the figures into this file, too.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// A look within a minute, instead of figures to be quoted.
    #[arg(long)]
    pub(crate) quick: bool,
    /// How many edits; else 20, with --quick 5.
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    pub(crate) edits: Option<u32>,
    /// The pause in worlds of up to so many entities, 1000 at least; else 1000000.
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1000..))]
    pub(crate) entities: Option<u32>,
    /// How many swaps in one process; else 10000, with --quick 500.
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    pub(crate) swaps: Option<u64>,
    /// A row of that table after so many swaps; else 500, with --quick 100.
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    pub(crate) every: Option<u64>,
}

#[derive(Args, Serialize)]
pub(crate) struct SoakBenchArgs {
    /// How many swaps.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub(crate) swaps: u64,
    /// A row of the table after so many swaps.
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = value_parser!(u64).range(1..))]
    pub(crate) every: u64,
    /// Writes the figures into this file, too.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

#[derive(Args, Serialize)]
pub(crate) struct EcsBenchArgs {
    /// A case by its name, all that begin with it, or a pattern with `*`; else all. Can be repeated.
    #[arg(long, value_name = "NAME")]
    pub(crate) case: Vec<String>,
    /// An engine to compare with; else all. Plain arrays are always measured, but for `none`. Can be repeated.
    #[arg(long, value_name = "ENGINE", value_parser = ENGINES)]
    pub(crate) against: Vec<String>,
    /// A look within a minute, instead of figures to be quoted.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Measures nothing, and says which cases there are.
    #[arg(long)]
    pub(crate) list: bool,
    /// Writes the figures into this file, too.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Writes a page with plots into this file, too.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Writes one picture of all cases into this file, too.
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
}

#[derive(Args, Clone)]
pub(crate) struct EngineArgs {
    /// Frames a second; 0 for as many as go.
    #[arg(long, value_parser = value_parser!(u32).range(..=FPS_MAX))]
    pub(crate) fps: u32,
    /// Ends after so many frames.
    #[arg(long)]
    pub(crate) frames: Option<u64>,
    /// Where the game's random numbers start.
    #[arg(long)]
    pub(crate) seed: u64,
    /// Simulates a fixed time in each frame, however long it took.
    #[arg(long)]
    pub(crate) fixed: bool,
    /// Nobody watches the sources.
    #[arg(long)]
    pub(crate) no_watch: bool,
    /// Computes the world's hash each second.
    #[arg(long)]
    pub(crate) hash: bool,
    /// Saves the game into this file when it ends.
    #[arg(long)]
    pub(crate) save_to: Option<PathBuf>,
    /// The most that the world may hold.
    #[arg(long = "limit")]
    pub(crate) limits: Vec<Limit>,
    /// The most memory that this process may have.
    #[arg(long)]
    pub(crate) memory: Option<MemoryLimit>,
    /// How often a snapshot is handed over.
    #[arg(long, default_value_t = Span(None))]
    pub(crate) snapshots: Span,
    /// Records the run into this file.
    #[arg(long)]
    pub(crate) record: Option<PathBuf>,
    /// The recording has the state's hashes after every so many frames.
    #[arg(long, default_value_t = 1)]
    pub(crate) hash_every: u32,
    /// So many seconds are kept in memory.
    #[arg(long, default_value_t = 0)]
    pub(crate) history: u32,
    /// Tries new code out for so many frames instead.
    #[arg(long, default_value_t = 0)]
    pub(crate) trial: u32,
    /// Runs this recording again instead.
    #[arg(long)]
    pub(crate) replay: Option<PathBuf>,
    /// The replay ends after this frame.
    #[arg(long)]
    pub(crate) until: Option<u64>,
    /// How many threads systems run on in the replay.
    #[arg(long, default_value_t = 0)]
    pub(crate) threads: usize,
    /// Accepts what loses data.
    #[arg(long)]
    pub(crate) accept_loss: bool,
    /// How long a probation is.
    #[arg(long, default_value_t = Span(None))]
    pub(crate) probation: Span,
    /// So many generations of each module are kept after they were replaced.
    #[arg(long, default_value_t = RING)]
    pub(crate) ring: u8,
    /// What a fault leaves of this process goes into this file.
    #[arg(long)]
    pub(crate) crash_report: PathBuf,
    /// How long code may take to return before that is told.
    #[arg(long, default_value_t = Span(None))]
    pub(crate) watchdog: Span,
    /// The columns of the terminal; 0 for none.
    #[arg(long, default_value_t = 0)]
    pub(crate) columns: u16,
    /// The rows of the terminal.
    #[arg(long, default_value_t = 0)]
    pub(crate) rows: u16,
}
