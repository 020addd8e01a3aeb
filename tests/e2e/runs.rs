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

#[test]
fn more_frames_a_second_than_make_sense_are_refused() {
    let workspace = Workspace::take();
    for fps in ["1001", "4000000000", "-1"] {
        let output = workspace.keel(&["run", "--headless", "--frames", "1", &format!("--fps={fps}")]);
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        assert!(text(&output).contains("--fps"), "{}", text(&output));
    }
}

#[test]
fn a_run_of_some_frames_whose_first_build_fails_ends() {
    let mut workspace = Workspace::take();
    let speed = "const SPEED: f32 = 12.0;";
    workspace.edit("systems/shoal-swim/src/lib.rs", speed, "const SPEED: f32 = fast;");
    let output = workspace.keel(&["run", "--headless", "--frames", "3", "--fps", "0"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("cannot find value `fast`"), "{}", text(&output));
}

#[test]
fn what_modules_write_is_printed_once_and_without_escape_codes() {
    const SOURCE: &str = r#"//! A module that writes to the console.

use keel::console::{ConsoleView, Terminal};
use keel::prelude::*;

/// The module.
#[data]
#[derive(Default)]
pub struct Crier {}

#[view_model]
impl ViewModel for Crier {
    fn register(&mut self, _: &mut Setup) -> ModuleResult {
        Ok(())
    }

    fn update(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        if frame.time.step == 2 {
            keel::log::info!("\u{1b}[31mred\u{1b}[0m and \u{1b}]0;a title\u{7}loud\u{9b}");
            let console = frame.views.get::<dyn ConsoleView>()?;
            let mut terminal = frame.models::<Terminal>()?.get_mut(Terminal::MAIN)?;
            let kind = console.kind(&terminal);
            console.write_line(&mut terminal, &format!("land \u{1b}[1mahoy\u{1b}[0m on {kind:?}"));
        }
        Ok(())
    }
}

keel::export_module! { view_model: Crier, requires: [dyn ConsoleView] }
"#;
    let mut workspace = Workspace::take();
    workspace.new_system("crier");
    std::fs::remove_dir_all(workspace.path("systems/crier/tests")).unwrap();
    workspace.write("systems/crier/src/lib.rs", SOURCE);
    let kind = "kind = \"view-model\"\n";
    let requires = format!("{kind}requires = [\"keel.ConsoleView\"]\n");
    workspace.edit("systems/crier/Cargo.toml", kind, &requires);

    let run = ["run", "--headless", "--frames", "5", "--fps", "0", "--no-watch"];
    let output = workspace.keel(&run);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let lines = String::from_utf8(output.stdout.clone()).unwrap();
    let count = |line: &str| lines.lines().filter(|it| *it == line).count();
    assert_eq!(count("info: crier: red and loud"), 1, "{lines}");
    assert_eq!(count("land ahoy on Lines"), 1, "{lines}");
    assert_eq!(lines.matches("modules are live").count(), 1, "{lines}");
    let is_control = |letter: char| letter.is_control() && letter != '\n';
    assert!(!text(&output).contains(is_control), "{:?}", text(&output));

    let output = workspace.keel(&[run.as_slice(), &["--json"]].concat());
    let lines = String::from_utf8(output.stdout).unwrap();
    assert!(!lines.contains('\u{1b}'), "{lines:?}");
    let events: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let written: Vec<_> = events.iter().filter(|event| event["level"] == "output").collect();
    assert_eq!(written.len(), 1, "{written:?}");
    assert_eq!(written[0]["message"], "land ahoy on Lines");
}
