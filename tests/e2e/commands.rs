//! What commands other than `run` answer to machines, and how they end.

use std::process::Output;

use serde_json::{Value, json};

use crate::game::{Game, message};
use crate::workspace::{Workspace, text};

const SWIM: &str = "systems/shoal-swim/src/lib.rs";
const SPEED: &str = "const SPEED: f32 = 12.0;";
const MANIFEST: &str = "systems/shoal-swim/Cargo.toml";
const FACADE: &str = "keel = { workspace = true }";
const SAILS: &str = "keel = { workspace = true, features = [\"sails\"] }";

/// The one value on standard output, and the exit code.
#[track_caller]
fn answer(output: &Output) -> (Value, Option<i32>) {
    let json = serde_json::from_slice(&output.stdout);
    (json.unwrap_or_else(|error| panic!("{error}: {}", text(output))), output.status.code())
}

#[test]
fn a_build_answers_with_its_libraries_or_the_code_of_what_went_wrong() {
    let mut workspace = Workspace::take();
    let build = |workspace: &Workspace| answer(&workspace.keel(&["build", "--json", "shoal-swim"]));
    let (built, code) = build(&workspace);
    assert_eq!((code, &built["built"], &built["code"]), (Some(0), &json!(true), &json!(null)), "{built}");
    let library = &built["libraries"][0];
    assert_eq!(library["module"], "shoal-swim");
    assert!(std::path::Path::new(library["path"].as_str().unwrap()).is_file(), "{built}");
    assert!(library["fresh"].is_boolean() && built["build_ms"].as_f64().unwrap() > 0.0, "{built}");

    workspace.edit(SWIM, SPEED, "const SPEED: f32 = fast;");
    let (refused, code) = build(&workspace);
    assert_eq!((code, &refused["code"]), (Some(1), &json!("compile-error")), "{refused}");
    let diagnostic = &refused["diagnostics"][0];
    assert_eq!((&diagnostic["level"], &diagnostic["code"]), (&json!("error"), &json!("E0425")));
    assert_eq!((&diagnostic["file"], &diagnostic["target"]), (&json!(SWIM), &json!("shoal_swim")));
    let line = workspace.read(SWIM).lines().position(|line| line.contains("= fast;")).unwrap() + 1;
    assert_eq!(diagnostic["line"], line);
    assert_eq!((&refused["built"], &refused["libraries"]), (&json!(false), &json!([])));
    let (checked, code) = answer(&workspace.keel(&["check", "--json"]));
    assert_eq!((code, &checked["code"]), (Some(3), &json!("compile-error")), "{checked}");
    workspace.put_back(SWIM);

    // What cargo refuses is no error of the compiler.
    workspace.edit(MANIFEST, FACADE, SAILS);
    let (refused, code) = build(&workspace);
    assert_eq!((code, &refused["code"]), (Some(1), &json!("cargo-refused")), "{refused}");
    assert!(message(&refused).contains("sails") && message(&refused).contains("mend what cargo names"));
    let (checked, code) = answer(&workspace.keel(&["check", "--json"]));
    assert_eq!((code, &checked["code"]), (Some(3), &json!("cargo-refused")), "{checked}");
    workspace.edit(MANIFEST, SAILS, "keel = {");
    for command in ["build", "check"] {
        let (refused, code) = answer(&workspace.keel(&[command, "--json"]));
        assert_eq!((code, &refused["code"]), (Some(3), &json!("cargo-refused")), "{refused}");
        assert!(message(&refused).contains(MANIFEST), "{refused}");
    }
    workspace.put_back(MANIFEST);

    for command in ["build", "check"] {
        let mut keel = workspace.command(env!("CARGO_BIN_EXE_keel"));
        let (refused, code) =
            answer(&keel.args([command, "--json"]).env("CARGO", "/nowhere/cargo").output().unwrap());
        assert_eq!((code, &refused["code"]), (Some(3), &json!("cargo-not-run")), "{refused}");
        assert!(message(&refused).contains("install Rust"), "{refused}");
    }
    let (refused, code) = answer(&workspace.keel(&["build", "--json", "shoal-tied"]));
    assert_eq!((code, &refused["code"]), (Some(1), &json!("no-such-module")), "{refused}");
}

#[test]
fn a_running_game_tells_what_cargo_refuses_by_its_own_code() {
    let mut game = Game::start();
    game.edit(MANIFEST, FACADE, SAILS);
    let rejected = game.wait_rejected("shoal-swim");
    assert_eq!((&rejected["stage"], &rejected["code"]), (&json!("build"), &json!("cargo-refused")));
    assert!(message(&rejected).contains("sails"), "{rejected}");
    game.assert_goes_on();
    game.edit(MANIFEST, SAILS, FACADE);

    // It fails before the compiler sees the crate.
    game.workspace.write("systems/shoal-swim/build.rs", "fn main() { panic!(\"no wind\") }\n");
    game.edit(SWIM, SPEED, "const SPEED: f32 = 13.0;");
    let is_script = |event: &Value| event["event"] == "rejected" && message(event).contains("no wind");
    let rejected = game.wait("a build script's failure", is_script);
    assert_eq!((&rejected["stage"], &rejected["code"]), (&json!("build"), &json!("cargo-refused")));
    assert!(message(&rejected).contains("mend the build script"), "{rejected}");
    game.assert_goes_on();
    game.quit();
}

#[test]
fn snapshots_are_saved_shown_and_compared_for_machines() {
    let workspace = Workspace::take();
    let files = ["seven.keel", "eight.keel"].map(|name| workspace.scratch(name));
    let [seven, eight] = files.each_ref().map(|file| file.to_str().unwrap());
    for (file, seed) in [(seven, "7"), (eight, "8")] {
        let save = ["snapshot", "save", "--json", "--frames", "3", "--seed", seed, file];
        let (saved, code) = answer(&workspace.keel(&save));
        assert_eq!((code, &saved["saved"], &saved["message"]), (Some(0), &json!(true), &json!(null)));
        assert_eq!(
            (&saved["file"], &saved["step"], &saved["rejected"]),
            (&json!(file), &json!(3), &json!([]))
        );
        assert!(saved["entities"].as_u64().unwrap() > 1000, "{saved}");
        assert_eq!(saved["world_hash"].as_str().unwrap().len(), 16, "{saved}");
        assert!(saved["modules"].as_array().unwrap().contains(&json!("shoal-swim")), "{saved}");
    }
    let (shown, code) = answer(&workspace.keel(&["snapshot", "show", "--json", seven]));
    let lines = workspace.keel(&["snapshot", "show", seven]);
    let values = shown["values"].as_object().unwrap();
    assert_eq!((code, values.len()), (Some(0), text(&lines).lines().count()));
    let swim = values["module shoal-swim"].as_str().unwrap();
    assert!(text(&lines).contains(&format!("module shoal-swim {swim}")), "{swim}");

    let diff =
        |before: &str, after: &str| answer(&workspace.keel(&["snapshot", "diff", "--json", before, after]));
    let (same, code) = diff(seven, seven);
    assert_eq!((code, &same["differ"], &same["differences"]), (Some(0), &json!(false), &json!([])));
    let (other, code) = diff(seven, eight);
    assert_eq!((code, &other["differ"], &other["message"]), (Some(1), &json!(true), &json!(null)));
    let first = &other["differences"][0];
    assert_eq!(first["before"], values.get(first["what"].as_str().unwrap()).cloned().unwrap_or_default());
    assert_ne!(first["before"], first["after"]);
    // In lines, too, the exit code tells a difference from a file that can't be read.
    assert_eq!(workspace.keel(&["snapshot", "diff", seven, eight]).status.code(), Some(1));

    let nowhere = workspace.scratch("nowhere.keel");
    let (refused, code) = diff(seven, nowhere.to_str().unwrap());
    assert_eq!((code, &refused["differ"]), (Some(2), &json!(null)), "{refused}");
    assert!(message(&refused).contains("nowhere.keel"), "{refused}");
    assert_eq!(refused["code"], "no-snapshot");
    std::fs::write(&nowhere, "no game").unwrap();
    let (refused, _) = diff(nowhere.to_str().unwrap(), seven);
    assert_eq!(refused["code"], "restore-failed", "{refused}");
    std::fs::remove_file(&nowhere).unwrap();
    let (refused, code) = answer(&workspace.keel(&["snapshot", "show", "--json", nowhere.to_str().unwrap()]));
    assert_eq!((code, &refused["values"]), (Some(1), &json!({})), "{refused}");
    assert!(message(&refused).contains("nowhere.keel"), "{refused}");
    let (refused, code) =
        answer(&workspace.keel(&["snapshot", "save", "--json", "--frames", "1", "/nowhere/at-all.keel"]));
    assert_eq!((code, &refused["saved"]), (Some(1), &json!(false)), "{refused}");
    assert!(message(&refused).contains("/nowhere/at-all.keel was not saved"), "{refused}");
}

/// The folder of the scenarios lies in this workspace, so these lie elsewhere.
#[test]
fn where_there_is_no_keel_workspace_every_command_says_so() {
    let folder = std::env::temp_dir().join(format!("keel-e2e-{}", std::process::id()));
    let plain = folder.join("plain");
    std::fs::create_dir_all(plain.join("src")).unwrap();
    std::fs::write(plain.join("src/lib.rs"), "").unwrap();
    let manifest = "[package]\nname = \"plain\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    std::fs::write(plain.join("Cargo.toml"), manifest).unwrap();
    let other =
        "is a cargo workspace, but no Keel workspace: it has no `keel-host`; run it in a clone of Keel";
    for (place, words) in [(&folder, "this is no Keel workspace: "), (&plain, other)] {
        let keel = |arguments: &[&str]| {
            let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_keel"));
            command.args(arguments).current_dir(place).output().unwrap()
        };
        for command in [
            &["build"][..],
            &["check"],
            &["modules"],
            &["modules", "--json"],
            &["run", "--headless", "--frames", "1"],
            &["snapshot", "save", "a.keel"],
            &["new", "system", "weather"],
        ] {
            let output = keel(command);
            let told = text(&output);
            assert_eq!(output.status.code(), Some(3), "{command:?}: {told}");
            assert!(
                told.starts_with("error [no-workspace]: ") && told.contains(words),
                "{command:?}: {told}"
            );
            assert!(told.ends_with("run it in a clone of Keel\n"), "{command:?}: {told}");
            assert!(output.stdout.is_empty(), "{command:?}: {told}");
        }
        for command in ["build", "check"] {
            let (refused, code) = answer(&keel(&[command, "--json"]));
            assert_eq!((code, &refused["code"]), (Some(3), &json!("no-workspace")), "{refused}");
            assert!(message(&refused).contains(words), "{refused}");
        }
        let (event, code) = answer(&keel(&["run", "--json", "--frames", "1"]));
        assert_eq!(
            (code, &event["event"], &event["code"]),
            (Some(3), &json!("rejected"), &json!("no-workspace"))
        );
    }
    std::fs::remove_dir_all(folder).unwrap();
}
