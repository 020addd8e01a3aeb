//! A module that fails in each of its calls: what is told, and that the game goes on.

use crate::game::{Game, message};
use crate::workspace::Workspace;

pub(crate) const SOURCE: &str = "systems/unlucky/src/lib.rs";

pub(crate) const MODULE: &str = r#"//! A module that fails where it is told to.

use keel::prelude::*;
use keel::state::{Change, SavedValue, StateError};

/// The module's own fields.
#[data]
#[derive(Default)]
pub struct Unlucky {
    /// How many steps this module has seen.
    pub steps: u64,
}

#[view_model]
impl ViewModel for Unlucky {
    async fn load(&mut self, _context: &ModuleContext) -> ModuleResult {
        /*load*/
        Ok(())
    }

    fn register(&mut self, _setup: &mut Setup) -> ModuleResult {
        /*register*/
        Ok(())
    }

    async fn start(&mut self, _frame: &mut Frame<'_>) -> ModuleResult {
        /*start*/
        Ok(())
    }

    fn update(&mut self, _frame: &mut Frame<'_>) -> ModuleResult {
        self.steps += 1;
        /*update*/
        Ok(())
    }

    fn save_state(&self) -> Result<SavedValue, StateError> {
        /*save_state*/
        SavedValue::of(self)
    }

    fn restore_state(&mut self, saved: &SavedValue, accept_loss: bool) -> Result<Vec<Change>, StateError> {
        /*restore_state*/
        let (restored, changes) = saved.restore::<Self>(accept_loss)?;
        *self = restored;
        Ok(changes)
    }
}

keel::export_module! { view_model: Unlucky }
"#;

const HOWS: [How; 2] = [How::Panic, How::Error];

#[derive(Clone, Copy, Debug, PartialEq)]
enum How {
    Panic,
    Error,
}

/// The module, failing in `call`.
fn failing(call: &str, how: How) -> String {
    let error = if call.ends_with("_state") { "StateError::Refused" } else { "ModuleError::new" };
    let line = match how {
        How::Panic => format!("if self.steps < u64::MAX {{ panic!(\"no luck in {call}\") }}"),
        How::Error => {
            format!("if self.steps < u64::MAX {{ return Err({error}(\"no luck in {call}\".to_owned())); }}")
        }
    };
    let place = format!("/*{call}*/");
    assert!(MODULE.contains(&place));
    MODULE.replace(&place, &line)
}

/// The module, failing nowhere, different from all that were built before it.
pub(crate) fn fixed(version: u32) -> String {
    format!("{MODULE}\n/// The version.\npub const VERSION: u32 = {version};\n")
}

/// A game with the module in it, failing nowhere yet.
pub(crate) fn start() -> Game {
    start_with(&[])
}

/// Such a game with more arguments.
pub(crate) fn start_with(arguments: &[&str]) -> Game {
    let mut game = Game::start_with(Workspace::take(), arguments);
    game.workspace.new_system("unlucky");
    game.wait_swap("unlucky");
    std::fs::remove_dir_all(game.workspace.path("systems/unlucky/tests")).unwrap();
    game.workspace.write(SOURCE, MODULE);
    game.wait_swap("unlucky");
    game
}

#[test]
fn a_limit_of_the_command_line_ends_a_loop_and_names_itself() {
    let limit = ["--limit", "entities=200000", "--trial", "off", "--probation", "off"];
    let mut game = start_with(&limit);
    let endless = MODULE
        .replace("fn update(&mut self, _frame", "fn update(&mut self, frame")
        .replace("/*update*/", "while self.steps > 0 { frame.world.spawn((Name::new(\"another\"),)); }");
    game.workspace.write(SOURCE, &endless);
    game.wait_swap("unlucky");
    let fault = game.wait_fault("unlucky");
    assert!(message(&fault).contains("the limit `entities` of 200000 is reached"), "{fault}");
    let entities = game.stats()["entities"].as_u64();
    assert!(entities.is_some_and(|entities| entities <= 200_000), "{entities:?}");
    game.assert_goes_on();
    game.quit();
}

/// How many steps the module has seen.
pub(crate) fn steps(game: &mut Game) -> u64 {
    let (_, values) = game.save();
    let fields = values.get("module unlucky").to_owned();
    fields.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap()
}

#[test]
fn what_fails_before_it_is_live_is_refused_and_the_old_code_runs_on() {
    let mut game = start();
    let mut version = 0;
    for call in ["load", "register", "restore_state"] {
        for how in HOWS {
            let before = steps(&mut game);
            game.workspace.write(SOURCE, &failing(call, how));
            let rejected = game.wait_rejected("unlucky");
            check(&rejected, call, how);
            game.assert_goes_on();
            assert!(steps(&mut game) > before, "the old code runs on");
        }
        version += 1;
        game.workspace.write(SOURCE, &fixed(version));
        assert_eq!(game.wait_swap("unlucky").line["generation"], 1 + version);
    }
    game.quit();
}

#[test]
fn a_panic_in_update_suspends_the_module_until_its_next_swap_and_an_error_does_not() {
    let mut game = start_with(&["--trial", "off", "--probation", "off"]);
    game.workspace.write(SOURCE, &failing("update", How::Error));
    game.wait_swap("unlucky");
    for _ in 0..2 {
        let fault = game.wait_fault("unlucky");
        assert_eq!((&fault["system"], &fault["suspended"]), (&"update".into(), &false.into()));
        assert_eq!(message(&fault), "no luck in update");
    }
    let before = steps(&mut game);
    game.workspace.write(SOURCE, &failing("update", How::Panic));
    game.wait_swap("unlucky");
    let fault = game.wait("a panic", |event| event["event"] == "fault" && event["suspended"] == true);
    assert_eq!((&fault["module"], &fault["system"]), (&"unlucky".into(), &"update".into()));
    let told = message(&fault);
    assert!(told.contains("no luck in update") && told.contains("systems/unlucky/src/lib.rs:"), "{told}");
    // The live build inlines what it likes; file and line stay right.
    let backtrace = fault["backtrace"].as_str().unwrap();
    let line = backtrace.lines().find(|line| line.contains("update")).unwrap();
    assert!(line.contains(" at systems/unlucky/src/lib.rs:"), "{backtrace}");
    assert!(["core/", "modules/", "/rustc/"].iter().all(|it| !backtrace.contains(it)), "{backtrace}");
    game.assert_goes_on();
    let stopped = steps(&mut game);
    assert!(stopped > before, "the erring code counted: {stopped} > {before}");
    game.assert_goes_on();
    assert_eq!(steps(&mut game), stopped, "nothing of it is called");

    game.workspace.write(SOURCE, &fixed(1));
    game.wait_swap("unlucky");
    game.assert_goes_on();
    assert!(steps(&mut game) > stopped, "it runs again, from where it stopped");
    crate::keys::check_events(&game, &["fault"]);
    game.quit();
}

#[test]
fn a_start_that_fails_takes_the_module_out_and_a_fixed_one_comes_back() {
    let mut game = start();
    for (version, how) in (1..).zip(HOWS) {
        game.workspace.write(SOURCE, &failing("start", how));
        game.wait_swap("unlucky");
        game.assert_goes_on();
        game.command("reset");
        let rejected = game.wait_rejected("unlucky");
        check(&rejected, "start", how);
        game.wait_log("the game was started afresh");
        game.assert_goes_on();
        assert_eq!(game.stats()["entities"].as_u64().unwrap() / 1000, 10, "the others have begun");
        game.workspace.write(SOURCE, &fixed(version));
        game.wait_swap("unlucky");
        game.assert_goes_on();
        assert!(steps(&mut game) > 0);
    }
    game.quit();
}

#[test]
fn a_state_that_cannot_be_saved_refuses_the_swap_and_the_game_goes_on() {
    // Its trial would find that out before.
    let mut game = start_with(&["--trial", "off"]);
    for (version, how) in (1..).zip(HOWS) {
        game.workspace.write(SOURCE, &failing("save_state", how));
        game.wait_swap("unlucky");
        game.workspace.write(SOURCE, &fixed(version));
        let rejected = game.wait_rejected("unlucky");
        check(&rejected, "save_state", how);
        game.assert_goes_on();
        // What can't be saved is given up only with consent.
        game.command("accept");
        game.wait_swap("unlucky");
        game.assert_goes_on();
        assert!(steps(&mut game) > 0);
    }
    game.quit();
}

#[track_caller]
fn check(rejected: &serde_json::Value, call: &str, how: How) {
    let text = message(rejected);
    assert!(text.contains(&format!("no luck in {call}")), "{text}");
    assert!(text.contains("unlucky"), "{text}");
    assert_eq!(text.contains("panicked at systems/unlucky/src/lib.rs:"), how == How::Panic, "{text}");
    let code = match call {
        "save_state" => "save-failed",
        "restore_state" => "restore-failed",
        _ => "load-failed",
    };
    assert_eq!(rejected["code"], code, "{rejected}");
}

#[cfg(unix)]
#[test]
fn what_a_module_logs_is_told_with_the_module_and_its_generation() {
    let mut game = start();
    let mut generation = 1;
    for (update, text) in [
        ("keel::log::warn!(\"step {}\", self.steps);", "unlucky: step "),
        ("keel::log::warn!(target: \"luck\", \"none\");", "luck: none"),
        // After two swaps, and from a thread of somebody else.
        (
            "_frame.tasks.spawn(\"tell\", async { keel::log::warn!(\"from a task\") });",
            "unlucky: from a task",
        ),
    ] {
        generation += 1;
        game.workspace.write(SOURCE, &MODULE.replace("/*update*/", update));
        assert_eq!(game.wait_swap("unlucky").line["generation"], generation);
        let log = game.wait(text, |event| event["event"] == "log" && message(event).starts_with(text));
        assert_eq!((&log["module"], &log["generation"]), (&"unlucky".into(), &generation.into()), "{log}");
    }
    crate::keys::check_events(&game, &["log"]);
    game.quit();
}
