//! A developer who edits at random, and much of it wrong, while processes are killed: the game goes on, and nothing is
//! lost. What must be in the game is computed here, from its steps and from which versions were told to be live.
//!
//! `KEEL_SOAK=SECONDS` says how long it goes, `KEEL_SOAK_SEED=N` where chance begins, `KEEL_SOAK_JSON=FILE` where the
//! figures go: see docs/soak.md.

#![allow(clippy::print_stdout, reason = "who runs it for an hour wants to see how far it is")]

mod books;
mod code;
mod dice;
mod figures;
mod steps;

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::game::{Game, message, signal};
use crate::snapshot::Values;
use crate::workspace::Workspace;
use books::Books;
use code::{Code, Shape};
use dice::Dice;
use figures::{Figures, Row, resident_kib};
use steps::Step;

/// How long it goes if nothing is said.
const SECONDS: u64 = 40;

/// An engine that ends sooner than the supervisor's five seconds after it has begun counts as one that ends again and
/// again, which is another scenario's.
const STABLE_AFTER: Duration = Duration::from_millis(5500);

/// The frames that a kill may cost: a snapshot comes each second, and less often where the machine is busy.
const FRAMES_LOST_MAX: u64 = 400;

/// How often the figures get a row, at most.
const ROWS: u32 = 30;

struct Soak {
    /// `None` only while it is killed and begun again.
    game: Option<Game>,
    has_trials: bool,
    dice: Dice,
    books: Books,
    figures: Figures,
    /// What runs.
    live: Code,
    /// The version of each generation of the module, by the generation's number.
    generations: BTreeMap<u64, u64>,
    /// The last version that was written.
    written: u64,
    /// Whether the sources on disk are those that run.
    is_written_live: bool,
    /// How far the game had come when it was last looked at.
    steps: u64,
    /// Since when the engine runs.
    running_since: Instant,
    /// How many lines of what was told have been looked at.
    heard: usize,
    libraries: u64,
    begun: Instant,
    ways: Vec<steps::Way>,
}

fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

#[test]
fn a_game_outlives_whoever_edits_it_and_nothing_is_lost() {
    let length = Duration::from_secs(variable("KEEL_SOAK").unwrap_or(SECONDS));
    let seed = variable("KEEL_SOAK_SEED").unwrap_or(1);
    println!("KEEL_SOAK_SEED={seed}");
    let mut soak = Soak::begin(seed);
    let mut row_at = Duration::ZERO;
    while soak.begun.elapsed() < length {
        for step in soak.deal() {
            if soak.begun.elapsed() >= row_at {
                soak.note_row();
                row_at += length / ROWS;
            }
            soak.make(step);
        }
    }
    soak.end();
}

impl Soak {
    fn begin(seed: u64) -> Self {
        let mut workspace = Workspace::take();
        let _ = fs::remove_dir_all(workspace.path("target/keel/recovery"));
        let live = Code { version: 1, shape: Shape::default(), systems: 0, has_more: false, wrong: None };
        let data = live.shape.source();
        workspace.new_crate(
            "systems/soak-data",
            &[
                ("Cargo.toml", code::TYPES_MANIFEST),
                ("src/lib.rs", &data),
                ("module/Cargo.toml", code::MODEL_MANIFEST),
                ("module/src/lib.rs", code::MODEL_SOURCE),
            ],
        );
        let module = live.source();
        workspace
            .new_crate("systems/soak", &[("Cargo.toml", code::MODULE_MANIFEST), ("src/lib.rs", &module)]);
        let mut books = Books::default();
        books.note(&live);
        let game = Game::start_with(workspace, &arguments(true, false));
        Self {
            game: Some(game),
            has_trials: true,
            dice: Dice(seed),
            books,
            figures: Figures { seed, ..Figures::default() },
            generations: [(0, 1)].into(),
            written: 1,
            is_written_live: true,
            live,
            steps: 0,
            running_since: Instant::now(),
            heard: 0,
            libraries: 0,
            begun: Instant::now(),
            ways: Vec::new(),
        }
    }

    fn game(&mut self) -> &mut Game {
        self.game.as_mut().unwrap()
    }

    /// Does one thing, and looks at what has become of the game.
    fn make(&mut self, step: Step) {
        println!("{:.1} s: {step:?}", self.begun.elapsed().as_secs_f64());
        let lost = self.take(step);
        self.check(lost);
        self.figures.count(step.name());
    }

    /// What is in the game is what must be in it, and it has gone on since it was last looked at, but for `lost` frames.
    fn check(&mut self, lost: Option<u64>) {
        let values = self.save();
        let steps = self.books.check(&values, &self.live);
        let steps = steps.unwrap_or_else(|wrong| self.fail(&wrong));
        let least = match lost {
            None => self.steps + 1,
            // What the engine reaches is told every 10 ms.
            Some(lost) => self.steps.saturating_sub(lost + 5),
        };
        if steps < least {
            self.fail(&format!("{steps} steps instead of {least} at least"));
        }
        self.steps = steps;
        self.figures.checks += 1;
        if lost.is_some() {
            // That it goes on from there has to be seen yet.
            self.check(None);
        }
    }

    /// What the game is saved as, without those whom nobody here keeps books of.
    fn save(&mut self) -> Values {
        let game = self.game();
        let file = game.save_file();
        let is_kept = |line: &str| {
            line.contains(" Thing ") || line.starts_with("resource Ledger") || line.starts_with("module soak")
        };
        let values = Values::of_lines(&game.workspace, &file, is_kept);
        let _ = fs::remove_file(file);
        values
    }

    /// What was told since this was asked last.
    fn hear(&mut self) -> Vec<Value> {
        let heard = self.heard;
        let lines = &self.game.as_ref().unwrap().history()[heard..];
        let count = lines.len();
        let told: Vec<Value> = lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
        self.heard += count;
        for stats in told.iter().filter(|event| event["event"] == "stats") {
            self.libraries = stats["libraries"].as_u64().unwrap_or_default();
        }
        told
    }

    /// Nothing else may have been told of what goes wrong than these events.
    fn expect_told(&mut self, expected: &[&str]) -> Vec<Value> {
        const TROUBLE: [&str; 6] = ["rejected", "fault", "crash", "hang", "resumed", "rolled_back"];
        let told = self.hear();
        for event in &told {
            let name = event["event"].as_str().unwrap_or_default();
            if TROUBLE.contains(&name) && !expected.contains(&name) {
                self.fail(&format!("this was not to come: {event}"));
            }
        }
        for name in expected {
            if !told.iter().any(|event| event["event"] == *name) {
                self.fail(&format!("no `{name}` was told"));
            }
        }
        told
    }

    fn note_row(&mut self) {
        self.hear();
        let game = self.game.as_ref().unwrap();
        let row = Row {
            seconds: self.begun.elapsed().as_secs_f64(),
            swaps: self.figures.swaps,
            faults: self.figures.faults(),
            kills: self.figures.kills(),
            steps: self.steps,
            supervisor_kib: resident_kib(game.pid()),
            engine_kib: resident_kib(game.engine_pid()),
            libraries: self.libraries,
        };
        self.figures.rows.push(row);
    }

    fn end(mut self) {
        self.note_row();
        self.figures.seconds = self.begun.elapsed().as_secs_f64();
        println!("{}", self.figures);
        if let Ok(path) = std::env::var("KEEL_SOAK_JSON") {
            fs::write(path, format!("{:#}\n", self.figures.json())).unwrap();
        }
        self.game.take().unwrap().quit();
    }

    #[track_caller]
    fn fail(&self, why: &str) -> ! {
        let history = self.game.as_ref().unwrap().history();
        let tail = history.len().saturating_sub(30);
        let (seed, seconds) = (self.figures.seed, self.begun.elapsed().as_secs_f64());
        panic!("seed {seed}, after {seconds:.1} s: {why}\nThe game told:\n{}", history[tail..].join("\n"))
    }
}

/// What the host is started with.
fn arguments(has_trials: bool, resumes: bool) -> Vec<&'static str> {
    // What takes all memory has little to take.
    let mut arguments = vec!["--accept-loss", "--snapshots-on-disk", "1", "--memory", "1G"];
    if !has_trials {
        arguments.extend(["--trial", "off"]);
    }
    if resumes {
        arguments.push("--resume");
    }
    arguments
}

/// Kills the supervisor and its engine at once.
fn kill_all(mut game: Game) -> Workspace {
    let (supervisor, engine) = (game.pid(), game.engine_pid());
    signal(supervisor, "KILL");
    // It may have seen that its supervisor has gone, and have ended.
    let _ = std::process::Command::new("kill").args(["-s", "KILL", &engine.to_string()]).status();
    game.end();
    game.into_workspace()
}

/// The frame that the game was said to go on from.
fn gone_on_from(game: &Game) -> Option<u64> {
    let lines = game.history().iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let frame = |event: Value| {
        message(&event).strip_prefix("the game goes on at frame ")?.split(',').next()?.parse().ok()
    };
    lines.filter_map(frame).next_back()
}
