//! Code that does not return: it is named while it hangs, and what becomes of the game is the user's choice.

use serde_json::Value;

use crate::data::{FISH, wait_all};
use crate::gallery::{
    Place, SOURCE, check_backtrace, fault, rogue, rogue_with, sound, start, swaps_told, wait_swaps,
};
use crate::game::{Game, poll};
use crate::workspace::Workspace;

/// New code runs at once, and the game ends with its engine.
const ALONE: [&str; 4] = ["--trial", "off", "--snapshots", "off"];

/// Waits for `update` of the module to be told as hanging at `line` of its source.
#[track_caller]
fn wait_hang(game: &mut Game, line: usize) {
    let hang = game.wait("a hang", |event| event["event"] == "hang");
    assert_eq!((&hang["module"], &hang["system"]), (&"rogue".into(), &"update".into()), "{hang}");
    // As the watchdog counts, which is within a second.
    assert!((800.0..1000.0).contains(&hang["lasted_ms"].as_f64().unwrap()), "{hang}");
    check_backtrace(&hang["backtrace"], line);
}

#[test]
fn a_loop_is_named_while_it_hangs_and_the_game_goes_on_when_it_ends() {
    let mut game = start(&ALONE);
    let go_on = game.workspace.scratch("go-on");
    let (hanging, line) = rogue_with(
        &format!(
            "pub fn go_wrong(steps: u64) {{\n    \
             while steps < u64::MAX && !std::path::Path::new({:?}).exists() {{}} // here\n}}\n",
            go_on.display().to_string()
        ),
        Place::Update,
    );
    game.workspace.write(SOURCE, &hanging);
    wait_hang(&mut game, line);
    game.command("restart now");
    game.wait_log("`restart now` is no command");
    std::fs::write(&go_on, "").unwrap();
    let ended = game.wait("its end", |event| event["event"] == "hang_ended");
    assert_eq!((&ended["module"], &ended["system"]), (&"rogue".into(), &"update".into()), "{ended}");
    game.assert_goes_on();
    assert_eq!(
        game.history().iter().filter(|line| line.contains("\"event\":\"hang\"")).count(),
        1,
        "told once"
    );
    crate::keys::check_events(&game, &["hang", "hang_ended"]);
    game.command("restart");
    game.wait_log("nothing hangs");

    // One that never ends must not keep the user from leaving.
    let (endless, line) = rogue(fault("endless_loop"), Place::Update);
    game.workspace.write(SOURCE, &endless);
    wait_hang(&mut game, line);
    game.quit();
}

#[test]
fn a_deadlock_is_named_and_the_user_ends_it() {
    let mut game = start(&ALONE);
    let (source, line) = rogue(fault("deadlock"), Place::Update);
    game.workspace.write(SOURCE, &source);
    wait_hang(&mut game, line);
    game.command("restart");
    let status = game.end();
    let told = game.history().join("\n");
    assert_eq!(status.code(), Some(4), "{told}");
    assert!(
        told.contains("the engine process ended: it was ended, as rogue/update has not returned for"),
        "{told}"
    );
    assert!(!told.contains("\"event\":\"crash\""), "nobody's fault has ended it: {told}");
    assert!(!told.contains('\u{1b}'), "{told:?}");
}

#[test]
fn a_fix_that_is_saved_while_its_code_hangs_runs_when_the_user_has_ended_that() {
    let mut game = start(&["--trial", "off"]);
    game.assert_goes_on();
    let (hanging, line) = rogue(fault("endless_loop"), Place::Update);
    game.workspace.write(SOURCE, &hanging);
    wait_hang(&mut game, line);
    let (built, swaps) = (game.copies_of("rogue"), swaps_told(&game).count());
    game.workspace.write(SOURCE, &sound(1));
    poll("the fix to be built", || (game.copies_of("rogue") > built).then_some(()));
    game.command("restart");
    let resumed = game.wait_resumed();
    let put_back = resumed["put_back"].as_array().unwrap();
    let [rogue] = put_back.as_slice() else { panic!("{resumed}") };
    assert_eq!((rogue["module"].as_str(), rogue["to"].as_u64()), (Some("rogue"), Some(0)), "{resumed}");
    let swap = wait_swaps(&mut game, swaps + 1);
    assert!(game.history().iter().filter(|line| line.contains("\"event\":\"hang\"")).count() == 1, "{swap}");
    game.assert_goes_on();
    game.quit();
}

#[test]
fn code_that_the_engine_runs_by_itself_is_named_when_it_does_not_return() {
    let mut game = Game::start_with(Workspace::take(), &["--trial", "off"]);
    game.assert_goes_on();
    let fish = game.workspace.read(FISH);
    // How a component of the old shape becomes one of the new one is code of the model.
    let stalls = fish.replace("    pub age: u8,", "    #[keel(convert_from(u8, stall))]\n    pub age: Age,");
    assert_ne!(stalls, fish);
    let stalls = stalls
        .replace("age: 0 }", "age: Age(0) }")
        .replace("self.age += 1", "self.age.0 += 1")
        .replace("self.age >=", "self.age.0 >=")
        .replace("self.age = 0", "self.age.0 = 0")
        .replace("trail.age)", "trail.age.0)");
    let more = r"
/// It was a number.
#[keel::data]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Age(pub u8);

impl From<Age> for f32 {
    fn from(age: Age) -> Self {
        age.0.into()
    }
}

fn stall(_: u8) -> Age {
    loop {
        std::hint::spin_loop();
    }
}
";
    game.workspace.write(FISH, &format!("{stalls}{more}"));
    let hang = game.wait("a hang", |event| event["event"] == "hang");
    assert_eq!(hang["system"], "swap", "{hang}");
    assert!(hang["module"].as_str().unwrap().starts_with("shoal-"), "{hang}");
    assert!(
        hang["backtrace"].as_str().unwrap().contains("stall at systems/shoal-model/src/fish.rs:"),
        "{hang}"
    );
    game.command("restart");
    let resumed = game.wait_resumed();
    let put_back = resumed["put_back"].as_array().unwrap();
    assert!(!put_back.is_empty() && put_back.iter().all(|it| it["from"].is_null()), "{resumed}");
    game.assert_goes_on();
    game.workspace.write(FISH, &format!("{fish}\n/// Mended.\npub const MENDED: bool = true;\n"));
    wait_all(&mut game);
    game.assert_goes_on();
    game.quit();
}

/// A module that has a task which never returns, and the line that goes wrong.
fn with_stuck_task() -> (String, usize) {
    let (source, line) = rogue(fault("endless_loop"), Place::Update);
    let passes = "        self.pass(\"update\");\n";
    let spawns = "        if frame.tasks.running() == 0 {\n            \
                  frame.tasks.spawn(\"dream\", async { fault::go_wrong(std::hint::black_box(1)) });\n        }\n";
    let stuck = source.replace(passes, spawns).replace("_frame: &mut", "frame: &mut");
    assert!(stuck.contains(spawns) && stuck != source);
    (stuck, line + 2)
}

/// Waits for the task to be told as hanging at `line`, `beside` the game or not.
#[track_caller]
fn wait_stuck(game: &mut Game, line: usize, beside: bool) -> Value {
    let hang = game.wait("a hang", |event| event["event"] == "hang" && event["beside"] == beside);
    assert_eq!((&hang["module"], &hang["system"]), (&"rogue".into(), &"task dream".into()), "{hang}");
    check_backtrace(&hang["backtrace"], line);
    hang
}

#[test]
fn a_task_that_never_returns_is_named_and_its_fix_runs_when_the_user_has_ended_it() {
    let mut game = start(&["--trial", "off", "--watchdog", "0.5"]);
    game.assert_goes_on();
    let (stuck, line) = with_stuck_task();
    game.workspace.write(SOURCE, &stuck);
    wait_stuck(&mut game, line, true);
    game.assert_goes_on();
    let swaps = swaps_told(&game).count();
    // It waits for the task.
    game.workspace.write(SOURCE, &sound(1));
    wait_stuck(&mut game, line, false);
    assert_eq!(swaps_told(&game).count(), swaps, "it hangs");
    game.command("restart");
    let resumed = game.wait_resumed();
    let put_back = resumed["put_back"].as_array().unwrap();
    let [rogue] = put_back.as_slice() else { panic!("{resumed}") };
    assert_eq!((rogue["module"].as_str(), rogue["to"].as_u64()), (Some("rogue"), Some(0)), "{resumed}");
    wait_swaps(&mut game, swaps + 1);
    game.assert_goes_on();
    game.quit();
}

#[test]
fn a_task_that_never_returns_is_refused_by_its_trial_and_ended_by_the_user_where_it_runs() {
    let mut game = start(&["--watchdog", "0.5"]);
    let (stuck, line) = with_stuck_task();
    game.workspace.write(SOURCE, &stuck);
    let rejected = game.wait_rejected("rogue");
    assert_eq!(rejected["code"], "trial-hang", "{rejected}");
    assert_eq!(rejected["failure"]["system"], "task dream", "{rejected}");
    check_backtrace(&rejected["failure"]["backtrace"], line);
    game.assert_goes_on();
    game.quit();

    // With nothing else at work, the game can be ended or gone on with.
    let mut game = start(&["--trial", "off", "--watchdog", "0.5"]);
    game.workspace.write(SOURCE, &stuck);
    wait_stuck(&mut game, line, true);
    game.command("restart");
    game.wait_resumed();
    game.assert_goes_on();
    game.workspace.write(SOURCE, &format!("{stuck}\n// Once more.\n"));
    wait_stuck(&mut game, line, true);
    game.quit();
}
