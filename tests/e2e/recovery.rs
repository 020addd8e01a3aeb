//! The engine process ends by itself, and the game goes on in another one with the code that ran before.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::faults;
use crate::gallery::{self, Place, SOURCE, fault, rogue, rogue_with, sound};
use crate::game::{Game, poll, signal};
use crate::rollback::{check_refused, check_rolled_back, hash_of_the_plain_game};
use crate::workspace::{Workspace, text};

/// A game with a sound module in it, and without trials.
fn start() -> Game {
    let mut game = gallery::start(&["--trial", "off"]);
    game.assert_goes_on();
    game
}

/// The module, ending the process in `update`.
fn segfault() -> String {
    rogue(fault("segfault"), Place::Update).0
}

/// How many steps the module has seen.
fn steps(game: &mut Game) -> u64 {
    let (_, values) = game.save();
    let fields = values.get("module rogue").to_owned();
    fields.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap()
}

/// Checks that the rogue was put back, and that all else goes on.
#[track_caller]
fn check_put_back(game: &mut Game, before: u64, how: &str, put_back: &Value) {
    let resumed = game.wait_resumed();
    assert!(resumed["why"].as_str().unwrap().contains(how), "{resumed}");
    assert_eq!(&resumed["put_back"], put_back, "{resumed}");
    let lost = resumed["frames_lost"].as_u64().unwrap();
    assert!(lost < 120, "a snapshot comes each second: {resumed}");
    game.assert_goes_on();
    assert_eq!(game.stats()["entities"].as_u64().unwrap() / 1000, 10, "all are there");
    let after = steps(game);
    assert!(after > before.saturating_sub(lost), "its fields go on: {before} steps, then {after}");
}

fn from_to(from: impl Into<Option<u64>>, to: impl Into<Option<u64>>) -> Value {
    json!([{ "module": "rogue", "from": from.into(), "to": to.into() }])
}

#[test]
fn an_engine_that_hangs_does_not_outlive_its_supervisor() {
    let mut game = start();
    game.workspace.write(SOURCE, &rogue(fault("endless_loop"), Place::Update).0);
    game.wait("a hang", |event| event["event"] == "hang" && event["module"] == "rogue");
    let engine = game.engine_pid();
    signal(game.pid(), "KILL");
    game.end();
    // One that has ended and that nobody has waited for has no command line any more.
    let line = || std::fs::read(format!("/proc/{engine}/cmdline")).unwrap_or_default();
    poll("the engine's end", || line().is_empty().then_some(()));
}

#[test]
fn what_only_the_code_that_is_put_back_knew_is_lost_and_told() {
    let mut game = start();
    let before = steps(&mut game);
    let with_more = rogue(fault("abort"), Place::Update)
        .0
        .replace(
            "pub steps: u64,",
            "pub steps: u64,\n    /// What the code before does not know.\n    pub more: u64,",
        )
        .replace(
            "self.pass(\"update\")",
            "self.more += 1;\n        if self.more > 150 { self.pass(\"update\") }",
        );
    game.workspace.write(SOURCE, &with_more);
    let told = game.wait_log("the game has lost what no code knows any more");
    assert!(told.contains("Rogue.more"), "{told}");
    check_put_back(&mut game, before, "signal 6 (abort)", &from_to(1, 0));
    assert!(steps(&mut game) > before + 60, "a snapshot of the new code is gone on with");
    game.quit();
}

#[test]
fn a_process_that_the_engine_has_started_holds_nothing_up() {
    let mut game = start();
    // It holds all that the engine had open, and tells when it has ended.
    let leaves = r#"pub fn go_wrong(_: u64) {
        let wait = "sleep 20; echo > systems/rogue/src/ended.txt";
        std::process::Command::new("sh").args(["-c", wait]).spawn().map(drop).ok();
        std::process::abort(); // here
    }
"#;
    game.workspace.write(SOURCE, &rogue_with(leaves, Place::Update).0);
    let resumed = game.wait_resumed();
    assert_eq!(resumed["put_back"], from_to(1, 0));
    let ended = game.workspace.path("systems/rogue/src/ended.txt");
    assert!(!ended.exists(), "nobody has waited for it");
    game.assert_goes_on();
    // So that it leaves nothing behind either.
    crate::game::poll("its end", || ended.exists().then_some(()));
    game.quit();
}

#[test]
fn a_new_module_that_ends_the_engine_is_left_out_and_comes_back_mended() {
    // Unwatched, so that what `keel new system` writes is never built.
    let mut game = Game::start_with(Workspace::take(), &["--no-watch", "--trial", "off"]);
    game.workspace.new_system("rogue");
    std::fs::remove_dir_all(game.workspace.path("systems/rogue/tests")).unwrap();
    game.workspace.write(SOURCE, &segfault());
    game.command("reload");
    let resumed = game.wait_resumed();
    assert_eq!(resumed["put_back"], from_to(0, None));
    game.assert_goes_on();
    let (_, values) = game.save();
    assert!(!values.0.contains_key("module rogue"));
    game.workspace.write(SOURCE, &sound(1));
    game.command("reload rogue");
    game.wait_swap("rogue");
    game.assert_goes_on();
    assert!(steps(&mut game) > 0);
    game.quit();
}

#[test]
fn a_module_that_ends_the_engine_at_its_first_step_is_left_out() {
    let mut workspace = Workspace::take();
    workspace.new_system("rogue");
    std::fs::remove_dir_all(workspace.path("systems/rogue/tests")).unwrap();
    workspace.write(SOURCE, &segfault());
    let mut game = Game::start_in(workspace);
    // It may have met with something rare, once.
    let resumed = game.wait_resumed();
    let put_back = json!([{ "module": "rogue", "from": 0, "to": null }]);
    let resumed = if resumed["put_back"] == put_back { resumed } else { game.wait_resumed() };
    assert_eq!(resumed["put_back"], put_back, "{resumed}");
    game.assert_goes_on();
    assert_eq!(game.stats()["entities"].as_u64().unwrap() / 1000, 10, "the others have begun");
    game.quit();
}

#[test]
fn a_module_that_ends_each_engine_as_it_is_loaded_is_left_out_until_it_is_mended() {
    let (source, line) = rogue(fault("segfault"), Place::Load);
    let mut game = gallery::start_with(&source, &[]);
    let resumed = game.wait_resumed();
    assert_eq!(resumed["put_back"], json!([{ "module": "rogue", "from": null, "to": null }]), "{resumed}");
    game.assert_goes_on();
    let told = game.history().join("\n");
    assert_eq!(told.lines().filter(|line| line.contains("\"event\":\"crash\"")).count(), 2, "{told}");
    assert!(told.contains(&format!("go_wrong at {SOURCE}:{line}")), "{told}");
    game.workspace.write(SOURCE, &sound(1));
    game.wait_swap("rogue");
    game.assert_goes_on();
    game.quit();
}

#[test]
fn an_engine_that_ends_again_and_again_is_given_up() {
    let mut game = Game::start_with(Workspace::take(), &["--no-watch"]);
    for _ in 0..3 {
        signal(game.engine_pid(), "SEGV");
        game.wait_resumed();
    }
    signal(game.engine_pid(), "SEGV");
    let status = game.end();
    let told = game.history().join("\n");
    assert_eq!(status.code(), Some(4), "{told}");
    assert!(told.contains("error: the engine process ended: signal 11 (segmentation fault)"), "{told}");
    let begun = told.lines().filter(|line| line.contains("\"event\":\"ready\"")).count();
    assert_eq!(begun, 4, "once, and three times more: {told}");
}

#[test]
fn a_module_whose_state_can_not_be_saved_is_told_once_and_the_game_runs_on() {
    let mut game = gallery::start(&["--snapshots", "0.1", "--trial", "off"]);
    game.workspace.write(SOURCE, &rogue(fault("panic"), Place::SaveState).0);
    let told = game.wait_log("the game is not kept against a crash");
    assert!(told.contains("rogue") && told.contains("no luck"), "{told}");
    game.assert_goes_on();
    game.assert_goes_on();
    // Its fields can't be saved for a swap either; they are given up only with consent.
    game.workspace.write(SOURCE, &sound(1));
    game.wait_rejected("rogue");
    game.command("accept");
    game.wait_log("the game is kept against a crash again");
    let told = game.history().join("\n");
    assert_eq!(told.matches("is not kept against a crash").count(), 1, "{told}");
    game.quit();
}

#[test]
fn a_game_that_was_gone_on_with_is_the_game_that_it_would_have_been() {
    let run = ["--frames", "500", "--fps", "120", "--seed", "7", "--no-watch"];
    let workspace = Workspace::take();
    let output = workspace.keel(&[["run", "--json"].as_slice(), &run].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let lines = String::from_utf8(output.stdout).unwrap();
    let expected = last_stats(lines.lines());
    let mut game = Game::start_with(workspace, &run);
    game.wait("a snapshot", |event| event["event"] == "stats" && event["frame"].as_u64() > Some(100));
    signal(game.engine_pid(), "KILL");
    let resumed = game.wait_resumed();
    assert_eq!(resumed["put_back"], json!([]), "nobody is to blame for a kill");
    assert!(resumed["frame"].as_u64() > Some(0), "{resumed}");
    let status = game.end();
    let told = last_stats(game.history().iter().map(String::as_str));
    for what in ["frame", "step", "entities", "world_hash"] {
        assert_eq!(told[what], expected[what], "{what}");
    }
    assert_eq!(status.code(), Some(4), "who runs so many frames is told by the exit code, too");
}

fn last_stats<'a>(lines: impl Iterator<Item = &'a str>) -> Value {
    let events = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    events.filter(|event| event["event"] == "stats").last().unwrap()
}

#[test]
fn a_paused_game_goes_on_paused() {
    let mut game = Game::start_with(Workspace::take(), &["--trial", "off"]);
    game.assert_goes_on();
    game.pause();
    let before = game.still();
    // What a paused game has become is saved once more only if something has changed.
    signal(game.engine_pid(), "KILL");
    let resumed = game.wait_resumed();
    let lost = resumed["frames_lost"].as_u64().unwrap();
    let after = game.still();
    assert!(
        after.step <= before.step && after.step + lost + 120 >= before.step,
        "{} {}",
        before.step,
        after.step
    );
    assert_eq!(game.still().step, after.step, "it stands still");
    game.command("pause");
    game.assert_goes_on();
    game.quit();
}

/// The libraries of a module that a process has mapped.
pub(crate) fn mapped(pid: u32, module: &str) -> BTreeSet<PathBuf> {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let paths = maps.lines().filter_map(|line| line.split_whitespace().nth(5)).map(PathBuf::from);
    let is_of_it = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.strip_prefix(module).is_some_and(|rest| rest.starts_with('-'))
    };
    paths.filter(is_of_it).collect()
}

#[test]
fn a_module_is_taken_back_in_an_engine_that_goes_on_as_in_the_one_before() {
    // Its first two generations are those of `start_with`.
    let mut game = faults::start_with(&["--trial", "off"]);
    for version in [1, 2] {
        game.workspace.write(faults::SOURCE, &faults::fixed(version));
        game.wait_swap("unlucky");
    }
    game.assert_goes_on();
    let before = faults::steps(&mut game);
    signal(game.engine_pid(), "KILL");
    assert_eq!(game.wait_resumed()["put_back"], json!([]));
    let begun = game.history().iter().rfind(|line| line.contains("\"event\":\"ready\"")).unwrap();
    let begun: Value = serde_json::from_str(begun).unwrap();
    let unlucky = begun["modules"].as_array().unwrap().iter().find(|module| module["name"] == "unlucky");
    assert_eq!(unlucky.unwrap()["generation"], 3, "it is called as before");
    assert_eq!(mapped(game.engine_pid(), "unlucky").len(), 1, "nothing is opened before it is asked for");
    game.pause();
    let still = game.still();
    assert_eq!(still.hash, hash_of_the_plain_game(&game, still.step), "its world");
    for (to, generation) in [(2, 4), (1, 5), (0, 6)] {
        check_rolled_back(&mut game, &[], to, generation);
        assert_eq!(game.still().hash, still.hash, "goes on as it is");
    }
    assert_eq!(mapped(game.engine_pid(), "unlucky").len(), 4);
    let end = "module `unlucky` runs generation 6 and has nothing before it to go back to: kept are 3, 2, 1;";
    check_refused(&game, &["unlucky"], 3, end);
    check_rolled_back(&mut game, &["--to", "3"], 3, 7);
    game.pause();
    game.assert_goes_on();
    assert!(faults::steps(&mut game) + 120 > before, "its fields went with it");
    game.quit();
}

#[test]
fn what_has_ended_the_engine_is_not_gone_back_to_and_a_library_that_is_gone_is_told() {
    let mut game = faults::start_with(&["--trial", "off"]);
    game.assert_goes_on();
    game.workspace.write(faults::SOURCE, &faults::MODULE.replace("/*update*/", "std::process::abort();"));
    let put_back = json!([{ "module": "unlucky", "from": 2, "to": 1 }]);
    assert_eq!(game.wait_resumed()["put_back"], put_back);
    check_refused(&game, &["unlucky", "--to", "2"], 3, "no generation 2 to go back to: kept are 0;");
    let live = mapped(game.engine_pid(), "unlucky");
    let folder = live.first().unwrap().parent().unwrap();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_name().to_string_lossy().starts_with("unlucky-") && !live.contains(&entry.path()) {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
    let gone = "error[not-a-library]: generation 0 of module `unlucky` can't be gone back to: its library ";
    check_refused(&game, &["unlucky"], 3, gone);
    check_refused(&game, &["unlucky"], 3, "No such file or directory");
    game.assert_goes_on();
    // The mended one is swapped as ever, and gone back from.
    game.workspace.write(faults::SOURCE, &faults::fixed(1));
    game.wait_swap("unlucky");
    check_rolled_back(&mut game, &[], 1, 3);
    game.assert_goes_on();
    game.quit();
}
