//! Swaps without end, through all of the host: supervisor, engine, and a process for each trial. What is left out is the
//! build: two libraries of each of two modules were built before, and take turns by `load`.
//!
//! `KEEL_SWAPS=N` says how many, `KEEL_SWAPS_JSON=FILE` where the figures go: see docs/soak.md.

#![allow(clippy::print_stdout, reason = "who runs ten thousand of them wants to see how far it is")]

mod figures;
mod process;

use std::path::PathBuf;
use std::time::Instant;

use serde_json::Value;

use crate::gallery::{self, Place, SOURCE, fault, rogue, sound};
use crate::game::{Game, poll, signal};
use crate::workspace::Workspace;
use figures::{Figures, Row};
use process::{Process, files_in, processes_of};

/// How many if nothing is said.
const SWAPS: u64 = 100;

/// By then the ring of old generations is full: what grows is counted from here.
const WARM_SWAPS: u64 = 20;

/// How often the figures get a row, at most.
const ROWS: u64 = 20;

/// So often the game runs on until its new code is not on probation any more.
const REST_EVERY: u64 = 250;

/// More than the five seconds of a probation, in lines that come each second.
const REST: usize = 7;

/// Old generations of one module that are mapped or have a file: those of the ring, and those that somebody still holds
/// or that are on their way.
const OLD_MAX: u64 = 16;

/// What lies in the folder of a run: the copies, the host, the facade and std, and what the run needs for itself.
const FILES_MAX: u64 = 8 + 2 * OLD_MAX + 16;

/// What a process grows by whatever is done with it: a game that is left alone fills its history and its snapshots. A
/// library, or a copy of the world, that each of a hundred swaps leaves behind is more.
const NOISE_KIB: u64 = 24 * 1024;

/// So many old generations of a module can be gone back to, and don't count as kept.
const RING: u64 = 4;

/// A module of Shoal, and what is different in the other library of it.
const SWIM: &str = "systems/shoal-swim/src/lib.rs";

/// The libraries that take turns, each with its module's name.
fn libraries(game: &mut Game) -> Vec<(&'static str, PathBuf)> {
    let other = sound(1)
        .replace("pub steps: u64,", "pub steps: u64,\n    /// Of one version only.\n    pub more: u64,");
    let swim = game.workspace.read(SWIM);
    let edits = [
        (SOURCE, "rogue", other),
        (SWIM, "shoal-swim", format!("{swim}\n/// Other code.\npub const OTHER: u64 = 1;\n")),
    ];
    let mut libraries = Vec::new();
    for (file, module, source) in edits {
        libraries.push((module, keep(&game.workspace, module, 0)));
        game.workspace.write(file, &source);
        game.wait_swap(module);
        libraries.push((module, keep(&game.workspace, module, 1)));
    }
    // Each swap is of the other module.
    libraries.swap(1, 2);
    libraries
}

/// Copies what was built.
fn keep(workspace: &Workspace, module: &str, version: u64) -> PathBuf {
    let name = format!(
        "{}{}{}",
        std::env::consts::DLL_PREFIX,
        module.replace('-', "_"),
        std::env::consts::DLL_SUFFIX
    );
    let kept = workspace.scratch(&format!("{module}-{version}{}", std::env::consts::DLL_SUFFIX));
    std::fs::copy(workspace.path("target/live/live").join(name), &kept).unwrap();
    kept
}

fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

#[test]
fn swaps_without_end_leave_nothing_behind() {
    let swaps = variable("KEEL_SWAPS").unwrap_or(SWAPS);
    let mut game = gallery::start(&["--accept-loss"]);
    let libraries = libraries(&mut game);
    let begun = Instant::now();
    let mut figures = Figures::default();
    let row_every = (swaps / ROWS).max(WARM_SWAPS);
    for swap in 1..=swaps {
        let (module, library) = &libraries[(swap % 4) as usize];
        game.command(&format!("load {module} {}", library.display()));
        let line = game.wait_swap(module).line;
        assert!(line["stages_ms"]["trial"].as_f64() > Some(0.0), "{line}");
        if swap.is_multiple_of(REST_EVERY) {
            (0..REST).for_each(|_| drop(game.stats()));
        }
        if swap == WARM_SWAPS || swap.is_multiple_of(row_every) {
            let row = look(&mut game, swap, begun.elapsed().as_secs_f64());
            println!("{row}");
            figures.rows.push(row);
        }
    }
    println!("{figures}");
    if let Ok(path) = std::env::var("KEEL_SWAPS_JSON") {
        std::fs::write(path, format!("{:#}\n", figures.json())).unwrap();
    }
    assert_nothing_went_wrong(&game);
    figures.rows.iter().for_each(assert_bounded);
    assert_memory(&figures, 0);
    game.assert_goes_on();
    game.quit();
}

/// What there is of the game's processes now.
fn look(game: &mut Game, swaps: u64, seconds: f64) -> Row {
    // Figures of after the swap.
    game.stats();
    let stats = game.stats();
    let (supervisor, engine) = (game.pid(), game.engine_pid());
    // A trial that has just ended is waited for beside everything else.
    poll("the trials' processes to be gone", || (processes_of(supervisor) == [engine]).then_some(()));
    let files = files_in(&run_folder(game));
    Row {
        swaps,
        seconds,
        supervisor: Process::of(supervisor),
        engine: Process::of(engine),
        libraries: stats["libraries"].as_u64().unwrap(),
        libraries_kept: stats["libraries_kept"].as_u64().unwrap(),
        files: files.0,
        files_kib: files.1,
    }
}

/// The folder with the copies of this run.
fn run_folder(game: &Game) -> PathBuf {
    let runs =
        std::fs::read_dir(game.workspace.path("target/live/run")).unwrap().map(|entry| entry.unwrap().path());
    let name = format!("run-{}-", game.pid());
    let is_own = |path: &PathBuf| path.file_name().is_some_and(|it| it.to_string_lossy().starts_with(&name));
    runs.into_iter().find(is_own).unwrap()
}

fn assert_nothing_went_wrong(game: &Game) {
    const TROUBLE: [&str; 6] = ["rejected", "fault", "crash", "hang", "resumed", "rolled_back"];
    let told = game.history().iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let wrong: Vec<_> = told.filter(|event| TROUBLE.iter().any(|name| event["event"] == *name)).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// No row shows more than a game of any length needs.
fn assert_bounded(row: &Row) {
    assert_eq!(row.libraries_kept, 0, "{row}");
    assert_libraries(row);
    assert!(row.files <= FILES_MAX, "files of the run: {row}");
    for process in [&row.supervisor, &row.engine] {
        assert!(process.files <= 64, "open files: {row}");
        assert!(process.threads <= 48, "threads: {row}");
    }
}

fn assert_libraries(row: &Row) {
    const MODULES: u64 = 8;
    assert!(row.libraries <= row.libraries_kept + MODULES + 2 * OLD_MAX, "libraries mapped: {row}");
}

/// Neither process has grown by more than noise, and the engine by what of the libraries had to stay.
fn assert_memory(figures: &Figures, kept_kib: u64) {
    let [first, .., last] = figures.rows.as_slice() else { return };
    for (name, before, after, may) in [
        ("engine", &first.engine, &last.engine, kept_kib),
        ("supervisor", &first.supervisor, &last.supervisor, 0),
    ] {
        let grown = after.rss_kib.saturating_sub(before.rss_kib);
        println!("{name}: {grown} KiB more after {} swaps more", last.swaps - first.swaps);
        assert!(grown <= may + NOISE_KIB, "the {name} has grown by {grown} KiB\n{figures}");
    }
}

/// The module with a thread-local, whose destructor runs when its thread ends: its library may not be gone then.
fn with_thread_local(version: u64) -> String {
    let source = "    thread_local! {
        static SEEN: std::cell::RefCell<Vec<u64>> = const { std::cell::RefCell::new(Vec::new()) };
    }

    pub fn go_wrong(step: u64) {
        SEEN.replace(vec![step]); // here
    }
";
    let (module, _) = gallery::rogue_with(source, Place::Update);
    format!("{module}\n/// The version.\npub const VERSION: u64 = {version};\n")
}

#[test]
fn libraries_that_have_to_stay_take_no_more_memory_than_their_files() {
    let mut game = gallery::start_with(&with_thread_local(0), &[]);
    let mut libraries = vec![keep(&game.workspace, "rogue", 0)];
    game.workspace.write(SOURCE, &with_thread_local(1));
    game.wait_swap("rogue");
    libraries.push(keep(&game.workspace, "rogue", 1));
    let (begun, mut figures) = (Instant::now(), Figures::default());
    for swap in 1..=8 * WARM_SWAPS {
        game.command(&format!("load rogue {}", libraries[(swap % 2) as usize].display()));
        game.wait_swap("rogue");
        if swap.is_multiple_of(WARM_SWAPS) {
            // One swap more, of an edit.
            let kept = swap + 1 - RING;
            game.wait("all old libraries to be kept", |event| event["libraries_kept"] == kept);
            figures.rows.push(look(&mut game, swap, begun.elapsed().as_secs_f64()));
        }
    }
    println!("{figures}");
    assert_nothing_went_wrong(&game);
    figures.rows.iter().for_each(assert_libraries);
    let largest = libraries.iter().map(|path| path.metadata().unwrap().len()).max().unwrap();
    assert_memory(&figures, 7 * WARM_SWAPS * largest / 1024);
    println!("the file of one: {} KiB", largest / 1024);
    game.assert_goes_on();
    game.quit();
}

#[test]
fn what_is_gone_back_to_is_there_however_much_was_refused_since() {
    let mut game = gallery::start(&[]);
    for version in [1, 2] {
        game.workspace.write(SOURCE, &sound(version));
        game.wait_swap("rogue");
    }
    game.workspace.write(SOURCE, &rogue(fault("panic"), Place::Update).0);
    game.wait_rejected("rogue");
    let refused = keep(&game.workspace, "rogue", 3);
    for _ in 0..2 * OLD_MAX {
        game.command(&format!("load rogue {}", refused.display()));
        game.wait_rejected("rogue");
    }
    game.command("rollback rogue");
    game.wait("the code before", |event| event["event"] == "rolled_back");
    game.assert_goes_on();
    signal(game.engine_pid(), "KILL");
    game.wait_resumed();
    game.assert_goes_on();
    assert!(files_in(&run_folder(&game)).0 <= FILES_MAX);
    let (_, values) = game.save();
    assert!(values.0.contains_key("module rogue"), "its library was there");
    game.quit();
}
