//! A trial beside the game: what it leaves alone, and what ends it. What it refuses is in the gallery.

use serde_json::Value;

use crate::gallery::{Place, SOURCE, fault, rogue, sound, start};
use crate::game::Game;

fn told(game: &Game, name: &str) -> usize {
    let events = game.history().iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    events.filter(|event| event["event"] == name).count()
}

/// The module, panicking in `update`.
fn panicking() -> String {
    rogue(fault("panic"), Place::Update).0
}

#[test]
fn a_game_that_stands_still_is_the_same_after_a_trial() {
    let mut game = start(&[]);
    game.pause();
    let before = game.still();
    game.workspace.write(SOURCE, &panicking());
    game.wait_rejected("rogue");
    let after = game.still();
    assert_eq!((&after.hash, after.entities), (&before.hash, before.entities));
    after.values.assert_same(&before.values);
    game.quit();
}

#[test]
fn without_trials_new_code_runs_at_once() {
    let mut game = start(&["--trial", "off", "--probation", "off"]);
    game.workspace.write(SOURCE, &panicking());
    let swap = game.wait_swap("rogue");
    assert_eq!(swap.line["stages_ms"]["trial"], 0.0, "{}", swap.line);
    game.wait_fault("rogue");
    game.assert_goes_on();
    game.quit();
}

#[test]
fn a_newer_save_ends_the_trial_of_an_older_one() {
    let mut game = start(&[]);
    // From now on the compiler alone is called, which takes less than a trial.
    game.workspace.write(SOURCE, &sound(1));
    game.wait_swap("rogue");
    game.workspace.write(SOURCE, &rogue(fault("endless_loop"), Place::Update).0);
    game.wait("the trial of the endless loop", |event| {
        event["event"] == "log" && event["message"].as_str().is_some_and(|text| text.contains("is tried out"))
    });
    game.workspace.write(SOURCE, &sound(2));
    game.wait_swap("rogue");
    assert_eq!(told(&game, "rejected"), 0, "what was given up is told no more");
    game.quit();
}
