//! New code is tried out on a copy of the game: whatever it does there, the game never notices.

use serde_json::Value;

use crate::faults::{MODULE, SOURCE, fixed, start};
use crate::game::{Game, message};
use crate::rogues::{ROGUES, Rogue, source};

/// New code that goes wrong, and what is told of it.
struct Bad {
    source: String,
    code: &'static str,
    kind: &'static str,
    /// A part of the message.
    says: &'static str,
    /// What of the module was running.
    system: Option<&'static str>,
}

/// The module with this line in `place`.
fn with(place: &str, line: &str) -> String {
    let place = format!("/*{place}*/");
    assert!(MODULE.contains(&place));
    MODULE.replace(&place, line)
}

fn panics() -> Bad {
    let source = with("update", "if self.steps < u64::MAX { panic!(\"no luck\") }");
    Bad {
        source,
        code: "trial-panic",
        kind: "panic",
        says: "unlucky/update failed: panicked",
        system: Some("update"),
    }
}

fn hangs() -> Vec<Bad> {
    let endless = with("update", "loop { std::hint::black_box(self.steps); }");
    let deadlock = with(
        "update",
        "let both = std::sync::Mutex::new(self.steps);\n        let first = both.lock();\n        \
         let second = both.lock();\n        drop((first, second));",
    );
    let bad = |source| Bad {
        source,
        code: "trial-hang",
        kind: "hang",
        says: "unlucky/update had not returned after",
        system: Some("update"),
    };
    [endless, deadlock].into_iter().map(bad).collect()
}

/// An engine's process that would take all memory there is.
fn hoards() -> Bad {
    let source = with(
        "update",
        "let mut hoard = Vec::new();\n        while self.steps < u64::MAX { hoard.push(vec![1_u8; 1 << 26]); }",
    );
    Bad {
        source,
        code: "trial-crash",
        kind: "memory",
        says: "memory allocation of 67108864 bytes failed",
        system: Some("update"),
    }
}

fn check(game: &mut Game, bad: &Bad) {
    let engine = game.engine_pid();
    game.workspace.write(SOURCE, &bad.source);
    let rejected = game.wait_rejected("unlucky");
    assert_eq!((&rejected["stage"], &rejected["code"]), (&"trial".into(), &bad.code.into()), "{rejected}");
    assert_eq!(rejected["trial"]["kind"], bad.kind, "{rejected}");
    assert!(message(&rejected).contains(bad.says), "{rejected}");
    assert!(
        message(&rejected).ends_with("the game runs on with the code before. Correct it, and save"),
        "{rejected}"
    );
    if let Some(system) = bad.system {
        assert_eq!(rejected["trial"]["system"], system, "{rejected}");
    }
    game.assert_goes_on();
    assert_eq!(game.engine_pid(), engine, "the game's own process goes on");
}

fn told(game: &Game, name: &str) -> usize {
    let events = game.history().iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    events.filter(|event| event["event"] == name).count()
}

#[test]
fn whatever_new_code_does_it_does_to_a_copy() {
    let mut game = start();
    for Rogue { code, kind, .. } in ROGUES {
        let (source, line) = source(code);
        let line = if code.contains("Deep") { line - 1 } else { line };
        let bad = Bad { source, code: "trial-crash", kind, says: "unlucky/update: ", system: Some("update") };
        check(&mut game, &bad);
        let rejected = game.history().iter().rev().find(|line| line.contains("trial-crash")).unwrap().clone();
        assert!(rejected.contains(&format!("rogue at {SOURCE}:{line}")), "{rejected}");
    }
    check(&mut game, &panics());
    check(&mut game, &hoards());
    hangs().iter().for_each(|bad| check(&mut game, bad));
    crate::keys::check_events(&game, &["rejected"]);
    game.workspace.write(SOURCE, &fixed(1));
    let swap = game.wait_swap("unlucky");
    assert_eq!(swap.line["generation"], 2, "none of the others was ever live");
    assert!(swap.line["stages_ms"]["trial"].as_f64().unwrap() > 0.0, "{}", swap.line);
    for name in ["fault", "crash", "hang", "resumed", "rolled_back"] {
        assert_eq!(told(&game, name), 0, "{name}: nothing happened to the game");
    }
    game.quit();
}

#[test]
fn what_fails_only_at_the_next_swap_is_found_now() {
    let mut game = start();
    let panic = "if self.steps < u64::MAX { panic!(\"no luck\") }";
    let module = MODULE.to_owned()
        + "\nimpl Drop for Unlucky {\n    fn drop(&mut self) {\n        /*drop*/\n    }\n}\n";
    for (source, stage, says) in [
        (with("save_state", panic), "trial", "failed in `save_state`: panicked"),
        (with("restore_state", panic), "swap", "failed in `restore_state`: panicked"),
        (with("load", panic), "check", "failed in `load`: panicked"),
        (with("start", "let none: Option<u8> = None; none.unwrap();"), "", ""),
        (module.replace("/*drop*/", "std::process::abort();"), "trial", "abort"),
    ] {
        game.workspace.write(SOURCE, &source);
        if stage.is_empty() {
            // What is swapped is not started again.
            game.wait_swap("unlucky");
            continue;
        }
        let rejected = game.wait_rejected("unlucky");
        assert_eq!(rejected["stage"], stage, "{rejected}");
        assert!(message(&rejected).contains(says), "{rejected}");
        game.assert_goes_on();
    }
    game.quit();
}

#[test]
fn a_game_that_stands_still_is_the_same_after_a_trial() {
    let mut game = start();
    game.pause();
    let before = game.still();
    check_rejected(&mut game, &panics().source);
    let after = game.still();
    assert_eq!((&after.hash, after.entities), (&before.hash, before.entities));
    after.values.assert_same(&before.values);
    game.quit();
}

fn check_rejected(game: &mut Game, source: &str) {
    game.workspace.write(SOURCE, source);
    game.wait_rejected("unlucky");
}

#[test]
fn without_trials_new_code_runs_at_once() {
    let mut game = crate::faults::start_with(&["--trial", "off", "--probation", "off"]);
    game.workspace.write(SOURCE, &panics().source);
    let swap = game.wait_swap("unlucky");
    assert_eq!(swap.line["stages_ms"]["trial"], 0.0, "{}", swap.line);
    game.wait_fault("unlucky");
    game.assert_goes_on();
    game.quit();
}

#[test]
fn a_newer_save_ends_the_trial_of_an_older_one() {
    let mut game = start();
    game.workspace.write(SOURCE, &hangs()[0].source);
    game.wait("the trial of the endless loop", |event| {
        event["event"] == "log" && event["message"].as_str().is_some_and(|text| text.contains("is tried out"))
    });
    game.workspace.write(SOURCE, &fixed(2));
    game.wait_swap("unlucky");
    assert_eq!(told(&game, "rejected"), 0, "what was given up is told no more");
    game.quit();
}
