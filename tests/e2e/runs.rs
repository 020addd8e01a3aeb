//! Whole runs: the same seed makes the same game, and a run ends well when it is told to.

use serde_json::Value;

use crate::game::Game;
use crate::workspace::{Workspace, text};

#[test]
fn the_same_seed_makes_the_same_game_and_another_another() {
    let workspace = Workspace::take();
    let first = last_stats(&workspace, "7");
    assert_eq!((&first["frame"], &first["step"]), (&120.into(), &120.into()));
    let again = last_stats(&workspace, "7");
    assert_eq!((&first["world_hash"], &first["entities"]), (&again["world_hash"], &again["entities"]));
    assert_ne!(first["world_hash"], last_stats(&workspace, "8")["world_hash"]);
}

#[track_caller]
fn last_stats(workspace: &Workspace, seed: &str) -> Value {
    let output = workspace.keel(&["run", "--frames", "120", "--fps", "0", "--seed", seed, "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let lines = String::from_utf8(output.stdout).unwrap();
    let mut events = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.rfind(|event| event["event"] == "stats").unwrap()
}

#[cfg(unix)]
#[test]
fn signals_end_a_run_well() {
    for name in ["INT", "TERM"] {
        let mut game = Game::start();
        crate::game::signal(game.pid(), name);
        let status = game.end();
        assert_eq!(status.code(), Some(0), "SIG{name}: {:?}", game.history());
    }
}

#[test]
fn a_saved_game_goes_on_in_another_run() {
    let mut game = Game::start();
    game.assert_goes_on();
    game.pause();
    let before = game.still();
    let file = before.file.to_str().unwrap().to_owned();
    let workspace = game.quit();
    let mut game = Game::start_with(workspace, &["--from", &file, "--no-watch"]);
    let steps = game.stats()["step"].as_u64().unwrap();
    assert!(steps >= 60, "it goes on where it was saved: {steps}");
    game.assert_goes_on();
    let workspace = game.quit();

    // So many frames of the run, not of the game.
    let run = ["run", "--from", &file, "--no-watch", "--frames", "5", "--fps", "0", "--json"];
    let output = workspace.keel(&run);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let lines = String::from_utf8(output.stdout).unwrap();
    let mut events = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let last = events.rfind(|event| event["event"] == "stats").unwrap();
    assert_eq!(last["step"].as_u64(), Some(before.step + 5));
}
