//! Whole runs: the same seed makes the same game, and a run ends well when it is told to.

use serde_json::Value;

use crate::game::Game;
use crate::workspace::{Workspace, text};

#[test]
fn the_same_seed_makes_the_same_game_and_another_another() {
    let workspace = Workspace::take();
    let first = last_stats(&workspace, "7");
    assert_eq!((&first["frame"], &first["step"]), (&120.into(), &120.into()));
    // The frames take part of the time, and the run is never a second to the nanosecond.
    let (fps, frame_ms) = (first["fps"].as_f64().unwrap(), first["frame_ms"].as_f64().unwrap());
    assert!(fps * frame_ms <= 1000.0 && fps != 120.0, "{first}");
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
    for command in [["build", "shoal-swim"].as_slice(), &["check"]] {
        let output = workspace.keel(command);
        assert!(text(&output).contains("shoal-swim"), "{}", text(&output));
        assert!(!text(&output).contains('\u{1b}'), "no escape codes without a terminal: {:?}", text(&output));
    }
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

#[test]
fn a_damaged_game_is_refused_by_name_and_shown_to_nobody() {
    let workspace = Workspace::take();
    let whole = workspace.scratch("whole.keel");
    let path = whole.to_str().unwrap();
    let saved = workspace.keel(&["snapshot", "save", path, "--frames", "3"]);
    assert!(saved.status.success(), "{}", text(&saved));
    let bytes = std::fs::read(&whole).unwrap();
    let flipped = |at: usize, bit: u8| {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1 << bit;
        bytes
    };
    let length = bytes.len();
    let damaged = [
        ("cut at nothing", vec![]),
        ("cut in the head", bytes[..11].to_vec()),
        ("cut in the middle", bytes[..length / 2].to_vec()),
        ("cut at the end", bytes[..length - 1].to_vec()),
        ("a flipped bit of the head", flipped(3, 0)),
        ("a flipped bit of a value", flipped(length / 3, 5)),
        ("a flipped bit of the table", flipped(length - 20, 7)),
    ];
    for (what, bytes) in damaged {
        let file = workspace.scratch("damaged.keel");
        std::fs::write(&file, bytes).unwrap();
        let damaged = file.to_str().unwrap();
        let run = ["run", "--headless", "--from", damaged, "--frames", "1", "--fps", "0", "--no-watch"];
        let output = workspace.keel(&run);
        assert_eq!(output.status.code(), Some(3), "{what}: {}", text(&output));
        assert!(text(&output).contains("damaged.keel"), "{what}: {}", text(&output));
        for shown in [&["show", damaged][..], &["diff", path, damaged], &["diff", damaged, path]] {
            let output = workspace.keel(&[&["snapshot"], shown].concat());
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            // As diff(1): 1 would say that they differ.
            let code = if shown[0] == "diff" { 2 } else { 1 };
            assert_eq!(output.status.code(), Some(code), "{what}: {told}");
            assert!(told.contains("damaged.keel") && output.stdout.is_empty(), "{what}: {told}");
        }
    }

    let missing = workspace.scratch("missing.keel");
    let missing = missing.to_str().unwrap();
    for (command, code) in [
        (&["snapshot", "show", missing][..], 1),
        (&["snapshot", "diff", path, missing], 2),
        (&["run", "--headless", "--from", missing, "--frames", "1"], 3),
    ] {
        let output = workspace.keel(command);
        let told = text(&output);
        assert_eq!(output.status.code(), Some(code), "{told}");
        assert!(told.starts_with(&format!("error [no-snapshot]: {missing} can't be read: ")), "{told}");
        // It is all that is told: nothing was built.
        assert_eq!((told.lines().count(), told.matches("missing.keel").count()), (1, 1), "{told}");
        assert!(told.ends_with("; name a file that Keel has saved, and that may be read\n"), "{told}");
    }
}

/// What the manifests of the crates that are made here have in common.
const PACKAGE: &str = "version.workspace = true\nedition.workspace = true\nrust-version.workspace = true\n\
    license.workspace = true\npublish = false\n\n[lints]\nworkspace = true\n\n[dependencies]\nkeel = { workspace = true }\n";

/// The types crate and the module of a reef; nothing else in the workspace knows them.
fn make_reef(workspace: &mut Workspace) {
    let types =
        format!("[package]\nname = \"reef-types\"\n{PACKAGE}\n[package.metadata.keel]\nkind = \"types\"\n");
    let module = format!(
        "[package]\nname = \"reef\"\n{PACKAGE}reef-types = {{ path = \"../reef-types\" }}\n\n\
         [lib]\ncrate-type = [\"dylib\", \"rlib\"]\n\n[package.metadata.keel]\nkind = \"view-model\"\n"
    );
    let data = "//! A reef.\n\n/// It grows.\n#[keel::component]\n#[derive(Clone, Debug)]\npub struct Coral {\n    \
        /// In metres.\n    pub height: f32,\n    /// Its name.\n    pub name: String,\n}\n\n\
        keel::model! { components: [Coral], resources: [], events: [] }\n";
    let source = r#"//! A reef.

use keel::prelude::*;
use reef_types::Coral;

/// No fields.
#[data]
#[derive(Default)]
pub struct Reef {}

#[view_model]
impl ViewModel for Reef {
    fn register(&mut self, _: &mut Setup) -> ModuleResult {
        Ok(())
    }

    async fn start(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        for (height, name) in [(1.5, "brain"), (0.25, "fan")] {
            frame.world.spawn((Coral { height, name: name.to_owned() },));
        }
        Ok(())
    }
}

keel::export_module! { view_model: Reef, models: [reef_types] }
"#;
    workspace.new_crate("systems/reef-types", &[("Cargo.toml", &types), ("src/lib.rs", data)]);
    workspace.new_crate("systems/reef", &[("Cargo.toml", &module), ("src/lib.rs", source)]);
}

#[test]
fn values_of_a_type_that_nobody_knows_any_more_wait_in_the_file_for_their_crate() {
    let mut workspace = Workspace::take();
    make_reef(&mut workspace);
    let files = ["one.keel", "two.keel", "three.keel"].map(|name| workspace.scratch(name));
    let [one, two, three] = files.each_ref().map(|file| file.to_str().unwrap());
    let saved = workspace.keel(&["snapshot", "save", one, "--frames", "3"]);
    assert!(saved.status.success(), "{}", text(&saved));
    let corals = |workspace: &Workspace, file: &str| {
        let values = crate::snapshot::Values::of(workspace, file.as_ref());
        let corals = values.0.into_iter().filter(|(what, _)| what.ends_with(" Coral"));
        corals.collect::<std::collections::BTreeMap<_, _>>()
    };
    let planted = corals(&workspace, one);
    assert_eq!(planted.len(), 2, "{planted:?}");
    assert!(planted.values().any(|it| it == "Coral { height: 1.5, name: \"brain\" }"), "{planted:?}");

    workspace.remove_folder("systems/reef");
    workspace.remove_folder("systems/reef-types");
    let go_on = |workspace: &Workspace, from: &str, to: &str| {
        let run = ["run", "--json", "--no-watch", "--frames", "2", "--fps", "0"];
        let output = workspace.keel(&[&run[..], &["--from", from, "--save-to", to]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
        let lines = String::from_utf8(output.stdout).unwrap();
        let mut events = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        events.find(|event| event["event"] == "ready").unwrap()
    };
    let ready = go_on(&workspace, one, two);
    assert_eq!(ready["kept"], serde_json::json!(["Coral"]), "{ready}");

    make_reef(&mut workspace);
    let ready = go_on(&workspace, two, three);
    assert_eq!(ready["kept"], serde_json::json!([]), "{ready}");
    assert!(ready["modules"].as_array().unwrap().iter().any(|module| module["name"] == "reef"), "{ready}");
    // The module itself begins anew, and plants two more.
    let corals = corals(&workspace, three);
    assert_eq!(corals.len(), 4, "{corals:?}");
    let stayed: std::collections::BTreeMap<_, _> =
        corals.into_iter().filter(|(what, _)| planted.contains_key(what)).collect();
    assert_eq!(stayed, planted, "under the same ids");
}

/// `anchor` requires a view of `zebra`, so it is started after it, though its name comes first. What each `start` leaves
/// in the world depends on that.
fn make_two_whose_start_depends_on_order(workspace: &mut Workspace) {
    let types =
        format!("[package]\nname = \"stripe-types\"\n{PACKAGE}\n[package.metadata.keel]\nkind = \"types\"\n");
    let view = "//! A view.\n\nuse keel::prelude::*;\n\n/// Stripes.\n#[view]\npub trait StripeView: View {}\n\n\
        keel::model! { components: [], resources: [], events: [] }\n";
    workspace.new_crate("systems/stripe-types", &[("Cargo.toml", &types), ("src/lib.rs", view)]);
    for (name, word, register) in [
        ("anchor", "requires", ""),
        ("zebra", "provides", "setup.provide::<dyn StripeView>(Box::new(Stripes));"),
    ] {
        let manifest = format!(
            "[package]\nname = \"{name}\"\n{PACKAGE}stripe-types = {{ path = \"../stripe-types\" }}\n\n\
             [lib]\ncrate-type = [\"dylib\", \"rlib\"]\n\n[package.metadata.keel]\nkind = \"view-model\"\n\
             {word} = [\"stripe-types.StripeView\"]\n"
        );
        let source = format!(
            r#"//! A module.

use keel::prelude::*;
use stripe_types::StripeView;

/// No fields.
#[data]
#[derive(Default)]
pub struct Module {{}}

/// Provided by one of the two.
pub struct Stripes;

impl StripeView for Stripes {{}}

#[view_model]
impl ViewModel for Module {{
    fn register(&mut self, setup: &mut Setup) -> ModuleResult {{
        let _ = &setup;
        {register}
        Ok(())
    }}

    async fn start(&mut self, frame: &mut Frame<'_>) -> ModuleResult {{
        let saw = frame.world.find("zebra").is_some();
        frame.world.spawn((Name::new("{name}"),));
        frame.world.spawn((Name::new(format!("{name} saw zebra: {{saw}}")),));
        Ok(())
    }}
}}

keel::export_module! {{ view_model: Module, {word}: [dyn StripeView] }}
"#
        );
        workspace
            .new_crate(&format!("systems/{name}"), &[("Cargo.toml", &manifest), ("src/lib.rs", &source)]);
    }
}

#[test]
fn a_fresh_start_a_reset_and_another_driver_start_modules_in_one_order() {
    let mut workspace = Workspace::take();
    make_two_whose_start_depends_on_order(&mut workspace);
    let output = workspace.keel(&["run", "--json", "--no-watch", "--frames", "0", "--fps", "0"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let lines = String::from_utf8(output.stdout).unwrap();
    let mut events = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let fresh = events.rfind(|event| event["event"] == "stats").unwrap();
    assert_eq!(fresh["step"], 0, "{fresh}");
    let fresh = fresh["world_hash"].as_str().unwrap().to_owned();

    let mut cargo = workspace.command("cargo");
    cargo.args(["run", "--quiet", "--offline", "--profile", "live", "--target-dir", "target/live"]);
    let driven = cargo.args(["-p", "keel-embed", "--example", "play", "--", "0"]).output().unwrap();
    assert!(driven.status.success(), "{}", text(&driven));
    assert_eq!(String::from_utf8_lossy(&driven.stdout).trim(), fresh, "driven by another program");

    let mut game = Game::start_in(workspace);
    game.pause();
    game.command("reset");
    game.wait_log("the game was started afresh");
    let after = game.still();
    assert_eq!(after.step, 0);
    let names = after.values.of_component("Name");
    assert!(names.iter().any(|name| name.contains("anchor saw zebra: true")), "{names:?}");
    assert_eq!(after.hash, fresh, "after a reset");
    game.quit();
}
