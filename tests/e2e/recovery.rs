//! The engine process ends by itself, and the game goes on in another one with the code that ran before.

use serde_json::{Value, json};

use crate::game::{Game, poll, signal};
use crate::keys::check_events;
use crate::workspace::{Workspace, text};

const SOURCE: &str = "systems/rogue/src/lib.rs";

/// A module that counts the steps it has seen, and each of whose calls can be made to end the process.
const MODULE: &str = r#"//! A module that ends the process where it is told to.

use keel::prelude::*;
use keel::state::{Change, SavedValue, StateError};

/// The module's own fields.
#[data]
#[derive(Default)]
pub struct Rogue {
    /// How many steps this module has seen.
    pub steps: u64,
}

#[allow(dead_code, reason = "one of them is called")]
mod ends {
    /// Writes to the page at 0, but not to 0 itself: std aborts at that, instead of trying it.
    #[allow(unsafe_code, reason = "it is to crash")]
    pub fn segfault() {
        // SAFETY: none; nothing is mapped there.
        unsafe { std::ptr::without_provenance_mut::<u64>(std::hint::black_box(64)).write_volatile(1) };
    }

    /// As a failed allocation does.
    pub fn abort() {
        std::process::abort();
    }

    /// With a process left behind that holds all that this one had open, and tells when it has ended.
    pub fn abort_and_leave() {
        let wait = "sleep 20; echo > systems/rogue/src/ended.txt";
        std::process::Command::new("sh").args(["-c", wait]).spawn().map(drop).ok();
        std::process::abort();
    }

    /// Takes the host along.
    pub fn exit() {
        std::process::exit(3);
    }
}

#[view_model]
impl ViewModel for Rogue {
    async fn load(&mut self, _context: &ModuleContext) -> ModuleResult {
        /*load*/
        Ok(())
    }

    fn register(&mut self, _setup: &mut Setup) -> ModuleResult {
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
        let (restored, changes) = saved.restore::<Self>(accept_loss)?;
        *self = restored;
        /*restore_state*/
        Ok(changes)
    }
}

impl Drop for Rogue {
    fn drop(&mut self) {
        /*drop*/
    }
}

keel::export_module! { view_model: Rogue }
"#;

/// The module, ending the process by `how` in `call`.
fn ending(call: &str, how: &str) -> String {
    let place = format!("/*{call}*/");
    assert!(MODULE.contains(&place));
    MODULE.replace(&place, &format!("ends::{how}();"))
}

/// The module, ending nothing, different from all that were built before it.
fn sound(version: u32) -> String {
    format!("{MODULE}\n/// The version.\npub const VERSION: u32 = {version};\n")
}

/// A game with the sound module in it.
fn start() -> Game {
    let mut game = Game::start_with(Workspace::take(), &["--trial", "off"]);
    game.workspace.new_system("rogue");
    game.wait_swap("rogue");
    std::fs::remove_dir_all(game.workspace.path("systems/rogue/tests")).unwrap();
    game.workspace.write(SOURCE, MODULE);
    game.wait_swap("rogue");
    game.assert_goes_on();
    game
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
fn code_that_ends_the_engine_while_it_runs_is_put_back() {
    let mut game = start();
    for (version, (call, how, told)) in (1..).zip([
        ("update", "segfault", "signal 11 (segmentation fault)"),
        ("update", "exit", "exit status: 3"),
        ("save_state", "abort", "signal 6 (abort)"),
    ]) {
        let before = steps(&mut game);
        game.workspace.write(SOURCE, &ending(call, how));
        check_put_back(&mut game, before, told, &from_to(version * 2, version * 2 - 1));
        game.workspace.write(SOURCE, &sound(version as u32));
        let swap = game.wait_swap("rogue");
        assert_eq!(swap.line["generation"], version * 2);
        game.assert_goes_on();
        game.workspace.write(SOURCE, &sound(version as u32 + 100));
        assert_eq!(game.wait_swap("rogue").line["generation"], version * 2 + 1);
    }
    check_events(&game, &["resumed"]);
    game.quit();
}

#[test]
fn code_that_does_not_return_is_put_back_when_the_user_wants_that() {
    let mut game = start();
    let before = steps(&mut game);
    let endless = MODULE.replace("/*update*/", "loop { std::hint::black_box(self.steps); }");
    game.workspace.write(SOURCE, &endless);
    game.wait("a hang", |event| event["event"] == "hang" && event["module"] == "rogue");
    game.command("restart");
    check_put_back(&mut game, before, "it was ended, as rogue/update has not returned for", &from_to(2, 1));
    game.quit();
}

#[test]
fn an_engine_that_hangs_does_not_outlive_its_supervisor() {
    let mut game = start();
    game.workspace.write(SOURCE, &MODULE.replace("/*update*/", "loop { std::hint::black_box(self.steps); }"));
    game.wait("a hang", |event| event["event"] == "hang" && event["module"] == "rogue");
    let engine = game.engine_pid();
    signal(game.pid(), "KILL");
    game.end();
    // One that has ended and that nobody has waited for has no command line any more.
    let line = || std::fs::read(format!("/proc/{engine}/cmdline")).unwrap_or_default();
    poll("the engine's end", || line().is_empty().then_some(()));
}

#[test]
fn code_that_ends_the_engine_before_it_is_live_never_gets_there() {
    let mut game = start();
    for (version, (call, how, told)) in (1..).zip([
        ("load", "abort", "signal 6 (abort)"),
        ("restore_state", "segfault", "signal 11 (segmentation fault)"),
    ]) {
        let before = steps(&mut game);
        game.workspace.write(SOURCE, &ending(call, how));
        check_put_back(&mut game, before, told, &from_to(None, version));
        game.workspace.write(SOURCE, &sound(version as u32));
        assert_eq!(game.wait_swap("rogue").line["generation"], version + 1);
    }
    game.quit();
}

#[test]
fn what_only_the_code_that_is_put_back_knew_is_lost_and_told() {
    let mut game = start();
    let before = steps(&mut game);
    let with_more = MODULE
        .replace(
            "pub steps: u64,",
            "pub steps: u64,\n    /// What the code before does not know.\n    pub more: u64,",
        )
        .replace("/*update*/", "self.more += 1;\n        if self.more > 150 { ends::abort() }");
    game.workspace.write(SOURCE, &with_more);
    let told = game.wait_log("the game has lost what no code knows any more");
    assert!(told.contains("Rogue.more"), "{told}");
    check_put_back(&mut game, before, "signal 6 (abort)", &from_to(2, 1));
    assert!(steps(&mut game) > before + 60, "a snapshot of the new code is gone on with");
    game.quit();
}

#[test]
fn a_process_that_the_engine_has_started_holds_nothing_up() {
    let mut game = start();
    game.workspace.write(SOURCE, &ending("update", "abort_and_leave"));
    let resumed = game.wait_resumed();
    assert_eq!(resumed["put_back"], from_to(2, 1));
    let ended = game.workspace.path("systems/rogue/src/ended.txt");
    assert!(!ended.exists(), "nobody has waited for it");
    game.assert_goes_on();
    // So that it leaves nothing behind either.
    crate::game::poll("its end", || ended.exists().then_some(()));
    game.quit();
}

#[test]
fn old_code_that_ends_the_engine_when_it_goes_costs_the_game_no_more_than_a_second() {
    let mut game = start();
    // Not what is made to be filled with what was saved.
    let source = MODULE.replace("/*drop*/", "if self.steps > 0 { ends::abort() }");
    game.workspace.write(SOURCE, &source);
    game.wait_swap("rogue");
    // Four generations before the live one stay; the fifth that comes lets it go.
    for version in 1..=4 {
        game.workspace.write(SOURCE, &sound(version));
        game.wait_swap("rogue");
    }
    let before = steps(&mut game);
    game.workspace.write(SOURCE, &sound(5));
    let resumed = game.wait_resumed();
    assert!(resumed["why"].as_str().unwrap().contains("signal 6 (abort)"), "{resumed}");
    assert_eq!(resumed["put_back"][0]["module"], "rogue", "{resumed}");
    game.assert_goes_on();
    let lost = resumed["frames_lost"].as_u64().unwrap();
    assert!(steps(&mut game) > before.saturating_sub(lost));
    game.workspace.write(SOURCE, &sound(6));
    game.wait_swap("rogue");
    game.quit();
}

#[test]
fn a_new_module_that_ends_the_engine_is_left_out_and_comes_back_mended() {
    // Unwatched, so that what `keel new system` writes is never built.
    let mut game = Game::start_with(Workspace::take(), &["--no-watch", "--trial", "off"]);
    game.workspace.new_system("rogue");
    std::fs::remove_dir_all(game.workspace.path("systems/rogue/tests")).unwrap();
    game.workspace.write(SOURCE, &ending("update", "segfault"));
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
    workspace.write(SOURCE, &ending("update", "segfault"));
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
    let mut game = Game::start_with(Workspace::take(), &["--snapshots", "0.1", "--trial", "off"]);
    game.workspace.new_system("rogue");
    game.wait_swap("rogue");
    std::fs::remove_dir_all(game.workspace.path("systems/rogue/tests")).unwrap();
    game.workspace
        .write(SOURCE, &MODULE.replace("/*save_state*/", "if self.steps > 0 { panic!(\"no luck\") }"));
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
