//! `keel run --resume`: supervisor and engine are killed together, and the game goes on from the disk.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::game::{Game, message, signal};
use crate::workspace::{Workspace, text};

/// Snapshots as often as they go, so that whatever happens mostly happens while one is taken, sent or written.
const BUSY: [&str; 5] = ["--no-watch", "--snapshots", "0.05", "--snapshots-on-disk", "0.05"];

/// Where the workspace keeps snapshots.
pub(crate) const BASE: &str = "target/keel/recovery";

/// A game that is killed, and gone on with.
fn start(workspace: Workspace, arguments: &[&str]) -> Game {
    Game::start_with(workspace, &[BUSY.as_slice(), arguments].concat())
}

/// A workspace in which no run was killed.
pub(crate) fn fresh() -> Workspace {
    let workspace = Workspace::take();
    let _ = fs::remove_dir_all(workspace.path(BASE));
    let _ = fs::remove_file(workspace.path(BASE));
    workspace
}

/// Kills the supervisor and its engine.
pub(crate) fn kill(mut game: Game) -> Workspace {
    let (supervisor, engine) = (game.pid(), game.engine_pid());
    signal(supervisor, "KILL");
    // It may have seen that its supervisor has gone, and have ended.
    let _ = Command::new("kill").args(["-s", "KILL", &engine.to_string()]).status();
    game.end();
    game.into_workspace()
}

/// The snapshots that lie on disk, newest first.
pub(crate) fn files(workspace: &Workspace) -> Vec<PathBuf> {
    let below = |path: PathBuf| fs::read_dir(path).into_iter().flatten().map(|entry| entry.unwrap().path());
    let files = below(workspace.path(BASE)).filter(|path| path.is_dir()).flat_map(below);
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|it| it == "keel")).collect();
    files.sort_by(|one, other| other.file_name().cmp(&one.file_name()));
    files
}

/// The frame that the game was said to go on from.
pub(crate) fn gone_on_from(game: &Game) -> u64 {
    let lines = game.history().iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let frame = |event: Value| {
        message(&event).strip_prefix("the game goes on at frame ")?.split(',').next()?.parse().ok()
    };
    lines.filter_map(frame).next_back().unwrap_or_else(|| panic!("{:?}", game.history()))
}

#[test]
fn whenever_all_is_killed_the_game_goes_on_from_a_whole_snapshot() {
    let mut game = start(fresh(), &[]);
    game.assert_goes_on();
    let (mut before, mut moment) = (0, u64::from(std::process::id()));
    for _ in 0..12 {
        // Numerical Recipes' generator: moments that are the same in no two runs.
        moment = moment.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        thread::sleep(Duration::from_millis((moment >> 16) % 400));
        let workspace = kill(game);
        assert!(!files(&workspace).is_empty());
        game = start(workspace, &["--resume"]);
        let from = gone_on_from(&game);
        assert!(from >= before, "it never goes back: {before}, then {from}");
        before = from;
        let told = game.history().join("\n");
        assert!(!told.contains("is passed over"), "what has a name is whole: {told}");
    }
    assert!(before > 0);
    let entities = game.stats()["entities"].as_u64().unwrap();
    assert_eq!(entities / 1000, 10, "all are there: {entities}");
    let workspace = game.quit();
    assert_eq!(files(&workspace), Vec::<PathBuf>::new(), "it has ended well");
    let output = workspace.keel(&["run", "--headless", "--resume"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    assert!(text(&output).contains("error [no-snapshot]: there is nothing to resume"), "{}", text(&output));
}

#[test]
fn a_snapshot_that_is_damaged_is_passed_over_and_an_earlier_run_is_mentioned() {
    let mut game = start(fresh(), &[]);
    while files(&game.workspace).len() < 3 {
        game.assert_goes_on();
    }
    let workspace = kill(game);
    let damaged = files(&workspace);
    let length = damaged[0].metadata().unwrap().len();
    fs::File::options().write(true).open(&damaged[0]).unwrap().set_len(length - 1).unwrap();
    let mut bytes = fs::read(&damaged[1]).unwrap();
    bytes[length as usize / 2] ^= 1;
    fs::write(&damaged[1], bytes).unwrap();

    let named = damaged[0].to_str().unwrap();
    let output = workspace.keel(&["run", "--headless", "--resume", named]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    assert!(text(&output).contains("is nothing to go on with"), "{}", text(&output));

    // Whoever begins afresh is told, and nothing is lost by that.
    let mut game = Game::start_with(workspace, &["--no-watch"]);
    let told = game.history().join("\n");
    assert!(told.contains("an earlier run has not ended well"), "{told}");
    game.assert_goes_on();
    let workspace = game.quit();

    let mut game = start(workspace, &["--resume"]);
    let told = game.history().join("\n");
    assert_eq!(told.matches("is passed over").count(), 2, "{told}");
    assert!(damaged[2].to_str().unwrap().contains(&format!("-frame-{}.keel", gone_on_from(&game))), "{told}");
    game.assert_goes_on();
    let workspace = kill(game);

    for file in files(&workspace) {
        fs::write(file, "nothing").unwrap();
    }
    let output = workspace.keel(&["run", "--headless", "--resume"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    assert!(text(&output).contains("is passed over"), "{}", text(&output));
    let _ = fs::remove_dir_all(workspace.path(BASE));
}

#[test]
fn a_folder_that_can_not_be_written_is_told_once_and_the_game_runs_on() {
    let workspace = fresh();
    fs::create_dir_all(workspace.path("target/keel")).unwrap();
    fs::write(workspace.path(BASE), "no folder").unwrap();
    let mut game = start(workspace, &[]);
    game.wait_log("the game can't be kept on disk");
    game.assert_goes_on();
    fs::remove_file(game.workspace.path(BASE)).unwrap();
    game.wait_log("the game is kept on disk again");
    fs::remove_dir_all(game.workspace.path(BASE)).unwrap();
    game.assert_goes_on();
    assert!(!files(&game.workspace).is_empty(), "a folder that is gone is made again");
    let told = game.history().join("\n");
    assert_eq!(told.matches("can't be kept on disk").count(), 1, "{told}");
    game.quit();
}

#[test]
fn an_engine_that_can_leave_no_report_of_a_fault_says_so_and_the_game_goes_on() {
    let mut game = start(fresh(), &[]);
    game.assert_goes_on();
    let runs = fs::read_dir(game.workspace.path("target/live/run")).unwrap();
    let of_this = format!("run-{}-", game.pid());
    let folder = runs
        .map(|entry| entry.unwrap().path())
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&of_this)))
        .unwrap();
    // A folder is where the file is to be.
    (1..10).for_each(|number| fs::create_dir(folder.join(format!("crash-{number}.txt"))).unwrap());
    signal(game.engine_pid(), "KILL");
    game.wait_resumed();
    game.assert_goes_on();
    let told = game.history().join("\n");
    assert_eq!(told.matches("could not be made").count(), 1, "{told}");
    game.quit();
}

#[test]
fn a_disk_that_is_full_is_told_once_and_the_game_runs_on() {
    if !keel_fixture::has_program("prlimit") {
        return;
    }
    // A limit on the length of files stands for the end of the disk; the signal that comes with it is not wanted.
    let workspace = fresh();
    let mut command = workspace.command("sh");
    command.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_keel"), "run", "--headless"]);
    command.arg("--json").args(BUSY);
    let mut game = Game::spawn(workspace, command);
    game.wait_ready();
    game.assert_goes_on();
    let limit = |game: &Game, soft: &str| {
        let (pid, limit) = (game.pid().to_string(), format!("--fsize={soft}:unlimited"));
        let output = Command::new("prlimit").args(["--pid", &pid, &limit]).output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
    };
    limit(&game, "1000");
    let told = game.wait_log("the game can't be kept on disk");
    assert!(told.contains(".partial"), "it says what failed: {told}");
    let there = files(&game.workspace);
    game.assert_goes_on();
    assert_eq!(files(&game.workspace), there, "what was there is there");
    limit(&game, "unlimited");
    game.wait_log("the game is kept on disk again");
    let told = game.history().join("\n");
    assert_eq!(told.matches("can't be kept on disk").count(), 1, "{told}");
    game.quit();
}

#[test]
fn a_game_that_is_given_up_can_be_gone_on_with() {
    let mut game = start(fresh(), &[]);
    game.assert_goes_on();
    for _ in 0..3 {
        signal(game.engine_pid(), "SEGV");
        game.wait_resumed();
    }
    signal(game.engine_pid(), "SEGV");
    let status = game.end();
    let told = game.history().join("\n");
    assert_eq!(status.code(), Some(4), "{told}");
    assert!(
        told.contains("The newest snapshot of the game lies in ") && told.contains("`keel run --resume`"),
        "{told}"
    );
    let mut game = start(game.into_workspace(), &["--resume"]);
    let from = gone_on_from(&game);
    assert!(from > 0, "{from}");
    game.assert_goes_on();
    game.quit();
}
