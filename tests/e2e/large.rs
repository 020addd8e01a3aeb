//! A large game: its trials take nothing from it, and its supervisor answers while a copy is made.
//!
//! `KEEL_LARGE=N` says how many entities it has. What is measured is printed, and never judged.

#![allow(clippy::print_stdout, reason = "who measures a large game wants to see the figures")]

use std::fmt;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::gallery::{Ends, Place, SOURCE, fault, rogue, sound};
use crate::game::{Game, child_of, message};
use crate::workspace::Workspace;

/// How many entities if nothing is said: more than a connection takes while nobody reads it.
const ENTITIES: u64 = 50_000;

/// How often each is measured.
const EDITS: u64 = 5;

/// How often it is asked whether the supervisor answers.
const ASKED_EVERY: Duration = Duration::from_millis(2);

const MANIFEST: &str = r#"[package]
name = "NAME"
version.workspace = true
edition.workspace = true
publish = false

LIBRARY

[dependencies]
keel = { workspace = true }
DATA

[package.metadata.keel]
kind = "KIND"
"#;

const DATA: &str = r#"//! The data of a herd.

use keel::component;

/// Where an animal is, and where it goes.
#[component]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Animal {
    pub at: [f32; 3],
    pub to: [f32; 3],
}

/// How it is.
#[component]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Health {
    pub now: u32,
}

keel::model! { components: [Animal, Health] }
"#;

/// A frame that begins late is told on standard output.
const HERD: &str = r#"//! A large herd on its way.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use herd_data::{Animal, Health};
use keel::prelude::*;

#[data]
#[derive(Default)]
pub struct Herd {
    pub steps: u64,
}

/// When the last frame began. This module is never swapped.
static LAST: Mutex<Option<Instant>> = Mutex::new(None);

#[view_model]
impl ViewModel for Herd {
    fn register(&mut self, _setup: &mut Setup) -> ModuleResult {
        Ok(())
    }

    async fn start(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        for number in 0..COUNT {
            frame.world.spawn((Animal { at: [number as f32; 3], to: [1.0; 3] }, Health { now: 7 }));
        }
        Ok(())
    }

    fn update(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        self.steps += 1;
        let now = Instant::now();
        let passed = LAST.lock().ok().and_then(|mut last| last.replace(now)).map(|last| now - last);
        if let Some(passed) = passed.filter(|passed| *passed > Duration::from_millis(20)) {
            println!("late {passed:.1?}");
        }
        frame.world.query::<&mut Animal>().for_each(|animal| {
            animal.at.iter_mut().zip(animal.to).for_each(|(at, to)| *at += to);
        });
        Ok(())
    }
}

keel::export_module! { view_model: Herd, models: [herd_data] }
"#;

/// A game with a herd, and the module that is edited.
fn start(entities: u64, arguments: &[&str]) -> Game {
    let mut workspace = Workspace::take();
    let manifest = |name: &str, kind: &str, library: &str, data: &str| {
        let text = MANIFEST.replace("NAME", name).replace("KIND", kind);
        text.replace("LIBRARY", library).replace("DATA", data)
    };
    let dylib = "[lib]\ncrate-type = [\"dylib\", \"rlib\"]";
    workspace.new_crate(
        "systems/herd-data",
        &[
            ("Cargo.toml", &manifest("herd-data", "types", "", "")),
            ("src/lib.rs", DATA),
            (
                "module/Cargo.toml",
                &manifest("herd-data-module", "model", dylib, "herd-data = { path = \"..\" }"),
            ),
            (
                "module/src/lib.rs",
                "//! Exports the data of a herd.\n\nkeel::export_module! { model: herd_data }\n",
            ),
        ],
    );
    let herd = HERD.replace("COUNT", &entities.to_string());
    let of_herd = manifest("herd", "view-model", dylib, "herd-data = { path = \"../herd-data\" }");
    workspace.new_crate("systems/herd", &[("Cargo.toml", &of_herd), ("src/lib.rs", &herd)]);
    workspace.new_system("rogue");
    std::fs::remove_dir_all(workspace.path("systems/rogue/tests")).unwrap();
    workspace.write(SOURCE, &sound(0));
    Game::start_with(workspace, arguments)
}

/// What an edit was like.
struct Measured {
    swap: Value,
    /// The longest that the supervisor has not answered.
    busy: Duration,
    answers: u64,
    /// Peak memory of the trial's process in KiB, as far as it was seen.
    trial_kib: u64,
}

impl fmt::Display for Measured {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { swap, busy, answers, trial_kib } = self;
        let (stages, ms) = (&swap["stages_ms"], busy.as_secs_f64() * 1e3);
        write!(
            out,
            "edit to running {:.0} ms, build {:.0}, trial {:.0}, pause {:.3}; supervisor busy {ms:.1} ms at most \
             ({answers} answers); trial {trial_kib} KiB",
            swap["edit_to_running_ms"].as_f64().unwrap(),
            stages["build"].as_f64().unwrap(),
            stages["trial"].as_f64().unwrap(),
            swap["pause_ms"].as_f64().unwrap(),
        )
    }
}

/// Edits the module, and asks the supervisor again and again until the new code runs.
fn edit(game: &mut Game, version: u64) -> Measured {
    game.workspace.write(SOURCE, &sound(version));
    let mut measured = Measured { swap: Value::Null, busy: Duration::ZERO, answers: 0, trial_kib: 0 };
    let mut heard = game.history().len();
    while measured.swap.is_null() {
        let asked = Instant::now();
        game.command(&format!("ask {version} {}", measured.answers));
        game.wait_log(&format!("`ask {version} {}` is no command", measured.answers));
        measured.busy = measured.busy.max(asked.elapsed());
        measured.answers += 1;
        if measured.answers.is_multiple_of(8) {
            let trial = child_of(game.pid(), "trial").map_or(0, peak_kib);
            measured.trial_kib = measured.trial_kib.max(trial);
        }
        let events =
            game.history()[heard..].iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let swap = events.into_iter().find(|event| event["event"] == "swap");
        measured.swap = swap.unwrap_or_default();
        heard = game.history().len();
        std::thread::sleep(ASKED_EVERY);
    }
    measured
}

/// New code ends the engine, or hangs and is ended: the game goes on with the code before.
fn go_on(game: &mut Game, name: &str) {
    game.workspace.write(SOURCE, &rogue(fault(name), Place::Update).0);
    if fault(name).ends == Ends::Never {
        game.wait("a hang", |event| event["event"] == "hang");
        game.command("restart");
    }
    let resumed = game.wait_resumed();
    let (ms, lost) = (resumed["resume_ms"].as_f64().unwrap(), resumed["frames_lost"].as_u64().unwrap());
    println!("  after {name}: {ms:.0} ms, {lost} frames lost");
    game.assert_goes_on();
}

/// proc(5), `VmHWM`.
fn peak_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// What of the game's figures is told: frames that began late, and how many there were a second.
fn frames(game: &Game, from: usize) -> String {
    let events = game.history()[from..].iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut told = Vec::new();
    for event in events {
        if event["event"] == "stats" {
            told.push(format!("{:.1} fps", event["fps"].as_f64().unwrap()));
        } else if message(&event).starts_with("late ") {
            told.push(message(&event).to_owned());
        }
    }
    told.join(", ")
}

#[test]
fn the_supervisor_answers_while_a_large_game_is_tried() {
    let entities = std::env::var("KEEL_LARGE").map_or(ENTITIES, |text| text.parse().unwrap());
    for arguments in [["--trial", "off"], ["--trial", "3"], ["--snapshots", "off"]] {
        println!("{entities} entities, {}:", arguments.join(" "));
        let mut game = start(entities, &arguments);
        (0..4).for_each(|_| drop(game.stats()));
        let from = game.history().len();
        (0..4).for_each(|_| drop(game.stats()));
        println!("  left alone: {}", frames(&game, from));
        // The first is built by cargo, which takes longer.
        for version in 1..=EDITS + 1 {
            let from = game.history().len();
            let measured = edit(&mut game, version);
            (0..2).for_each(|_| drop(game.stats()));
            println!("  {measured}\n    {}", frames(&game, from));
            let has_trial = measured.swap["stages_ms"]["trial"] != 0.0;
            assert_eq!(has_trial, arguments != ["--trial", "off"], "{}", measured.swap);
        }
        if arguments == ["--trial", "off"] {
            go_on(&mut game, "segfault");
            go_on(&mut game, "endless_loop");
        }
        assert!(game.stats()["entities"].as_u64().unwrap() >= entities);
        let (supervisor, engine) = (peak_kib(game.pid()), peak_kib(game.engine_pid()));
        println!("  peak memory: supervisor {supervisor} KiB, engine {engine} KiB");
        game.quit();
    }
}
