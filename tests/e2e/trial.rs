//! A trial beside the game: what it leaves alone, and what ends it. What it refuses is in the gallery.

use serde_json::Value;

use crate::gallery::{Place, SOURCE, fault, rogue, sound, start, start_with};
use crate::game::{Game, message, signal};

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

#[test]
fn without_snapshots_a_trial_has_a_copy_of_the_game_too() {
    for history in ["30", "0"] {
        let mut game = start(&["--snapshots", "off", "--history", history]);
        (0..2).for_each(|_| drop(game.stats()));
        // In a game that has just begun it would be sound: the first steps of a trial are few.
        let goes_wrong = "if self.steps > 20 { panic!(\"it has run for long\"); }\n        self.steps += 1;";
        let late = sound(1).replace("self.steps += 1;", goes_wrong);
        game.workspace.write(SOURCE, &late);
        let refused = game.wait_rejected("rogue");
        assert_eq!(refused["code"], "trial-panic", "{refused}");
        assert!(message(&refused).contains("it has run for long"), "{refused}");
        game.workspace.write(SOURCE, &sound(2));
        game.wait_swap("rogue");
        game.assert_goes_on();
        game.quit();
    }
}

#[test]
fn what_can_not_be_saved_is_told_with_the_trial_that_has_another_game() {
    for snapshots in ["1", "off"] {
        let mut game = start_with(&unsaved(), &["--snapshots", snapshots, "--accept-loss"]);
        (0..2).for_each(|_| drop(game.stats()));
        game.workspace.write(SOURCE, &sound(1));
        game.wait_log("the new code is tried on a game that has just begun, as this one can't be saved");
        game.quit();
    }
}

#[test]
fn a_copy_that_is_never_made_is_not_the_new_codes_doing() {
    const RESTORE: &str = "let (restored, changes) = saved.restore::<Self>(accept_loss)?;";
    // A copy is there when it has run a frame with the code before.
    const UPDATE: &str = "self.steps += 1;";
    let abort = "std::process::abort()";
    for (place, ends) in [(RESTORE, "loop { std::thread::park(); }"), (RESTORE, abort), (UPDATE, abort)] {
        let in_trial =
            format!("if std::env::args().nth(1).is_some_and(|it| it == \"trial\") {{ {ends} }}\n{place}");
        let mut game = start_with(&sound(0).replace(place, &in_trial), &[]);
        (0..2).for_each(|_| drop(game.stats()));
        game.workspace.write(SOURCE, &sound(1));
        game.wait_swap("rogue");
        let is_told = |line: &String| line.contains("the new code runs without a trial");
        assert!(game.history().iter().any(is_told), "that it was not tried");
        game.assert_goes_on();
        game.quit();
    }
}

#[test]
fn a_module_that_is_removed_during_its_trial_does_not_come_back() {
    // So many frames have more time than it takes to remove it.
    let mut game = start(&["--trial", "1000"]);
    let go_on = game.workspace.scratch("go-on");
    game.workspace.write(SOURCE, &waiting(1, &go_on));
    game.wait_log("is tried out");
    game.workspace.remove_folder("systems/rogue");
    // `new` has listed it for the one binary.
    game.workspace.put_back("apps/static/Cargo.toml");
    game.wait_log("module `rogue` was removed");
    let removed = told(&game, "swap");
    std::fs::write(&go_on, "").unwrap();
    // Its trial would come after that of the other.
    game.edit("systems/shoal-tide/src/lib.rs", "BUBBLE_SPEED: f32 = 9.0", "BUBBLE_SPEED: f32 = 8.0");
    game.wait_swap("shoal-tide");
    game.assert_goes_on();
    assert_eq!(told(&game, "swap"), removed + 1, "that of the other alone");
    assert_eq!(told(&game, "rejected"), 0);
    game.quit();
}

#[test]
fn what_is_tried_when_the_engine_ends_is_tried_again_in_the_next() {
    let mut game = start(&[]);
    (0..2).for_each(|_| drop(game.stats()));
    let go_on = game.workspace.scratch("go-on");
    game.workspace.write(SOURCE, &waiting(1, &go_on));
    game.wait_log("is tried out");
    signal(game.engine_pid(), "KILL");
    game.wait_resumed();
    std::fs::write(&go_on, "").unwrap();
    let swap = game.wait_swap("rogue");
    assert_eq!(swap.line["generation"], 1, "{}", swap.line);
    assert!(swap.line["stages_ms"]["trial"].as_f64().unwrap() > 0.0, "{}", swap.line);
    game.assert_goes_on();
    game.quit();
}

#[test]
fn a_trial_whose_process_has_left_another_behind_is_over_when_it_ends() {
    let mut game = start(&[]);
    // It holds all that the trial had open.
    let leave = "std::process::Command::new(\"sleep\").arg(\"30\").spawn().unwrap(); std::process::abort();";
    game.workspace.write(SOURCE, &sound(1).replace("self.steps += 1;", leave));
    let refused = game.wait_rejected("rogue");
    assert_eq!(refused["code"], "trial-crash", "{refused}");
    game.assert_goes_on();
    game.quit();
}

/// The module, which waits in each step until there is this file.
fn waiting(version: u64, go_on: &std::path::Path) -> String {
    let file = go_on.display().to_string();
    let waits = format!(
        "while !std::path::Path::new({file:?}).exists() {{ std::thread::yield_now(); }}\n        self.steps += 1;"
    );
    sound(version).replace("self.steps += 1;", &waits)
}

/// The module, whose state can't be saved once it has run.
fn unsaved() -> String {
    let save = "SavedValue::of(self)";
    sound(0)
        .replace(save, "if self.steps > 0 { panic!(\"no way to save it\"); }\n        SavedValue::of(self)")
}
