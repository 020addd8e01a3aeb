//! What can't be swapped: the engine process is replaced, and the game goes on in the new one.

use crate::game::Game;
use crate::workspace::Workspace;

#[test]
fn a_change_in_core_replaces_the_engine_and_keeps_the_world() {
    let mut game = Game::start();
    game.assert_goes_on();
    game.pause();
    let (before, pid) = (game.still(), game.engine_pid());
    let source = game.workspace.read("core/console/src/lib.rs");
    let spare = "#[allow(dead_code, reason = \"a test has added it\")]\nfn spare() -> u32 {\n    7\n}\n";
    game.workspace
        .write("core/console/src/lib.rs", &format!("{source}\n// Nothing that anyone uses.\n{spare}"));
    let restarted = game.wait("a restart", |event| event["event"] == "restarted");
    assert!(restarted["reason"].as_str().unwrap().contains("`keel-console`"), "{restarted}");
    assert!(restarted["restart_ms"].as_f64().unwrap() > 0.0);
    game.wait("the new engine", |event| event["event"] == "ready");
    assert_ne!(game.engine_pid(), pid);
    let after = game.still();
    after.values.assert_same(&before.values);
    assert_eq!((&after.hash, after.entities), (&before.hash, before.entities));

    game.pause();
    game.assert_goes_on();
    game.edit("systems/shoal-tide/src/lib.rs", "BUBBLE_SPEED: f32 = 9.0", "BUBBLE_SPEED: f32 = 8.0");
    assert_eq!(game.wait_swap("shoal-tide").line["generation"], 1);
    assert!(!game.history().iter().any(|line| line.contains("\"fault\"")), "no module has failed");
    crate::keys::check_events(&game, &["ready", "restarted"]);
    game.quit();
}

#[test]
fn an_engine_that_is_killed_is_told_with_its_signal() {
    let mut game = Game::start_with(Workspace::take(), &["--snapshots", "off"]);
    crate::game::signal(game.engine_pid(), "KILL");
    let status = game.end();
    assert_eq!(status.code(), Some(4), "{:?}", game.history());
    assert!(game.history().iter().any(|line| line.contains("signal 9 (killed)")), "{:?}", game.history());
}
