//! Manifests that don't fit together are refused before anything is built, and the game goes on.

use crate::game::{Game, message};
use crate::workspace::{Workspace, text};

const HUNT: &str = "systems/shoal-hunt/Cargo.toml";
const TIDE: &str = "systems/shoal-tide/Cargo.toml";
const REQUIRES: &str = "requires = [\"shoal-model.TideView\"]";
const PROVIDES: &str = "provides = [\"shoal-model.TideView\"]";

#[test]
fn two_providers_no_provider_and_a_cycle_are_told_and_the_game_goes_on() {
    let mut game = Game::start();
    check(
        &mut game,
        HUNT,
        REQUIRES,
        PROVIDES,
        &["`shoal-model.TideView`", "shoal-hunt", "shoal-tide", "one provider"],
    );
    let missing = "requires = [\"shoal-model.TideView\", \"nobody.StormView\"]";
    check(&mut game, HUNT, REQUIRES, missing, &["`shoal-hunt`", "`nobody.StormView`", "no module provides"]);

    // The first half of a circle fits.
    let offers = format!("{REQUIRES}\nprovides = [\"shoal-hunt.HuntView\"]");
    game.edit(HUNT, REQUIRES, &offers);
    let needs = format!("{PROVIDES}\nrequires = [\"shoal-hunt.HuntView\"]");
    check(&mut game, TIDE, PROVIDES, &needs, &["cycle: shoal-hunt -> shoal-tide -> shoal-hunt"]);
    game.workspace.put_back(HUNT);

    game.edit("systems/shoal-tide/src/lib.rs", "BUBBLE_SPEED: f32 = 9.0", "BUBBLE_SPEED: f32 = 8.0");
    game.wait_swap("shoal-tide");
    game.assert_goes_on();
    game.quit();
}

#[test]
fn a_module_that_a_conflict_names_is_not_built_until_it_is_mended() {
    const SWIM: &str = "systems/shoal-swim/Cargo.toml";
    const FACADE: &str = "keel = { workspace = true }\n";
    let mut game = Game::start();
    game.workspace.remember("Cargo.lock");
    // Cargo would build it, and the library would be another.
    game.edit(SWIM, FACADE, &format!("{FACADE}keel-core-types = {{ workspace = true }}\n"));
    let rejected = game.wait("a conflict", |event| event["event"] == "rejected");
    assert_eq!((&rejected["stage"], &rejected["module"]), (&"resolve".into(), &"".into()), "{rejected}");
    assert!(message(&rejected).contains("`shoal-swim` depends on `keel-core-types`"), "{rejected}");
    game.edit("systems/shoal-swim/src/lib.rs", "SPEED: f32 = 12.0", "SPEED: f32 = 13.0");
    game.wait_log("shoal-swim: not built, as the workspace was refused");
    game.command("reload shoal-swim");
    game.wait_log("shoal-swim: not built, as the workspace was refused");
    // The others go on; cargo writes the dependency into Cargo.lock for them.
    for speed in [8, 7] {
        let before = format!("BUBBLE_SPEED: f32 = {}.0", speed + 1);
        game.edit("systems/shoal-tide/src/lib.rs", &before, &format!("BUBBLE_SPEED: f32 = {speed}.0"));
        game.wait_swap("shoal-tide");
    }
    assert!(game.workspace.read("Cargo.lock").matches("\"keel-core-types\"").count() > 0);
    let told = |game: &Game, event: &str, about: &str| {
        game.history().iter().filter(|line| line.contains(event) && line.contains(about)).count()
    };
    assert_eq!(told(&game, "\"event\":\"rejected\"", "conflict"), 1, "{:?}", game.history());
    assert_eq!(told(&game, "\"event\":\"swap\"", "shoal-swim"), 0, "{:?}", game.history());

    game.workspace.put_back(SWIM);
    let swap = game.wait_swap("shoal-swim");
    assert_eq!(swap.line["generation"], 1, "what was saved meanwhile is built: {}", swap.line);
    game.assert_goes_on();
    assert_eq!(told(&game, "\"event\":\"rejected\"", ""), 1, "{:?}", game.history());
    game.quit();
}

/// The root's build script, by the rules of the host. Live builds of modules alone don't run it.
#[test]
fn cargo_build_names_a_missing_provider_and_a_cycle_at_once() {
    let mut workspace = Workspace::take();
    let build = |workspace: &Workspace| {
        let mut cargo = workspace.command("cargo");
        cargo.args([
            "build",
            "--offline",
            "--profile",
            "live",
            "--target-dir",
            "target/live",
            "--bin",
            "keel",
        ]);
        cargo.output().unwrap()
    };
    let output = build(&workspace);
    assert!(output.status.success(), "{}", text(&output));

    workspace.edit("systems/console/Cargo.toml", "provides = [\"keel.ConsoleView\"]\n", "");
    workspace.edit(HUNT, REQUIRES, &format!("{REQUIRES}\nprovides = [\"shoal-hunt.HuntView\"]"));
    workspace.edit(TIDE, PROVIDES, &format!("{PROVIDES}\nrequires = [\"shoal-hunt.HuntView\"]"));
    let output = build(&workspace);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{told}");
    for part in ["`keel.ConsoleView`", "no module provides", "cycle: shoal-hunt -> shoal-tide -> shoal-hunt"]
    {
        assert!(told.contains(part), "{part:?} is not in {told}");
    }

    for file in ["systems/console/Cargo.toml", HUNT, TIDE] {
        workspace.put_back(file);
    }
    let output = build(&workspace);
    assert!(output.status.success(), "{}", text(&output));
}

#[test]
fn a_library_that_says_otherwise_than_its_manifest_is_refused() {
    let mut workspace = Workspace::take();
    workspace.edit(HUNT, REQUIRES, "requires = []");
    let part = "the Cargo.toml of module `shoal-hunt` says requires = [], and the `export_module!` of its library \
                says requires: [shoal-model.TideView]";
    let run = workspace.keel(&["run", "--headless", "--frames", "3", "--fps", "0", "--no-watch"]);
    assert!(text(&run).contains("shoal-hunt was refused at check [views-collide]"), "{}", text(&run));
    assert!(text(&run).contains(part), "{}", text(&run));
    // The others have run; a refusal at the start is told by the exit code.
    assert_eq!(run.status.code(), Some(3), "{}", text(&run));

    let checked = workspace.keel(&["check"]);
    assert_eq!(checked.status.code(), Some(3), "{}", text(&checked));
    assert!(text(&checked).contains(&format!("[views-collide]  {part}")), "{}", text(&checked));
}

/// What is asked of a workspace whose modules fit, and of one whose modules don't.
#[test]
fn modules_are_built_listed_and_checked() {
    let mut workspace = Workspace::take();
    let listed = workspace.keel(&["modules", "--json"]);
    assert!(listed.status.success(), "{}", text(&listed));
    let listed: Vec<serde_json::Value> = serde_json::from_slice(&listed.stdout).unwrap();
    let tide = listed.iter().find(|module| module["name"] == "shoal-tide").unwrap();
    assert_eq!((&tide["kind"], &tide["version"]), (&"view-model".into(), &"0.1.0".into()), "{tide}");
    assert_eq!(tide["provides"], serde_json::json!(["shoal-model.TideView"]));
    let shown = workspace.keel(&["modules"]);
    assert!(text(&shown).contains("shoal-tide") && text(&shown).contains("shoal-model.TideView"));

    let built = workspace.keel(&["build", "shoal-tide"]);
    assert!(built.status.success() && text(&built).contains("shoal-tide"), "{}", text(&built));
    let unknown = workspace.keel(&["build", "shoal-tied"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(text(&unknown).contains("there is no module `shoal-tied`; there are: "), "{}", text(&unknown));

    let checked = workspace.keel(&["check", "--json"]);
    assert!(checked.status.success(), "{}", text(&checked));
    let answer: serde_json::Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert_eq!((&answer["fits"], &answer["message"]), (&true.into(), &serde_json::Value::Null));
    assert_eq!(answer["modules"].as_array().unwrap().len(), listed.len());

    workspace.edit(HUNT, REQUIRES, "requires = [\"nobody.NoView\"]");
    let checked = workspace.keel(&["check", "--json"]);
    assert_eq!(checked.status.code(), Some(3));
    let answer: serde_json::Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert_eq!((&answer["fits"], &answer["code"]), (&false.into(), &"conflict".into()));
    assert!(answer["message"].as_str().unwrap().contains("nobody.NoView"), "{answer}");
    let run = workspace.keel(&["run", "--headless", "--frames", "1"]);
    assert_eq!(run.status.code(), Some(3), "{}", text(&run));
    assert!(text(&run).starts_with("error [conflict]: "), "{}", text(&run));
    let run = workspace.keel(&["run", "--json", "--frames", "1"]);
    assert_eq!(run.status.code(), Some(3), "{}", text(&run));
    let event: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!((&event["event"], &event["stage"]), (&"rejected".into(), &"resolve".into()), "{event}");
    assert_eq!(event["code"], "conflict");
    let saved = workspace.keel(&["snapshot", "save", "--json", "/nowhere/at-all.keel"]);
    let answer: serde_json::Value = serde_json::from_slice(&saved.stdout).unwrap();
    assert_eq!((saved.status.code(), &answer["rejected"][0]), (Some(3), &event), "{}", text(&saved));
    let listed = workspace.keel(&["modules"]);
    assert_eq!(listed.status.code(), Some(3), "{}", text(&listed));
    assert!(text(&listed).starts_with("error [conflict]: "), "{}", text(&listed));
}

#[test]
fn modules_are_listed_with_the_state_of_their_libraries() {
    let mut workspace = Workspace::take();
    let run = workspace.keel(&["run", "--headless", "--frames", "1", "--fps", "0", "--no-watch"]);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run));
    workspace.edit(HUNT, REQUIRES, "requires = []");
    workspace.new_system("never-built");
    let host = workspace.path("target/live/live/keel");
    let list = |arguments: &[&str]| {
        let output = workspace.command(host.to_str().unwrap()).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let json: serde_json::Value = serde_json::from_str(&list(&["modules", "--json"])).unwrap();
    let lines = list(&["modules"]);
    for (module, state) in
        [("never-built", "not built"), ("shoal-hunt", "refused: views-collide"), ("shoal-swim", "built")]
    {
        let row = json.as_array().unwrap().iter().find(|row| row["name"] == module).unwrap();
        assert_eq!(row["state"], state, "{row}");
        let line = lines.lines().find(|line| line.starts_with(&format!("{module} "))).unwrap();
        assert!(line.contains(&format!("  0.1.0     {state}")), "{lines}");
    }
}

/// Saves a manifest that does not fit, expects to be told `parts`, and puts it back.
#[track_caller]
fn check(game: &mut Game, manifest: &str, from: &str, to: &str, parts: &[&str]) {
    game.edit(manifest, from, to);
    // A manifest that is read while it is written is no manifest, and told as such; it is read again when it is done.
    let is_it = |event: &serde_json::Value| {
        event["event"] == "rejected" && parts.iter().all(|part| message(event).contains(part))
    };
    let rejected = game.wait(&format!("a conflict with {parts:?}"), is_it);
    assert_eq!(
        (&rejected["stage"], &rejected["code"]),
        (&"resolve".into(), &"conflict".into()),
        "{rejected}"
    );
    game.assert_goes_on();
    game.edit(manifest, to, from);
}

#[test]
fn a_manifest_that_is_none_is_told_with_what_cargo_says() {
    let mut game = Game::start();
    game.edit(HUNT, REQUIRES, "requires = [");
    let is_it = |event: &serde_json::Value| event["event"] == "rejected" && event["stage"] == "resolve";
    let rejected = game.wait("a manifest to be refused", is_it);
    assert!(message(&rejected).contains("shoal-hunt/Cargo.toml"), "{rejected}");
    game.assert_goes_on();
    game.edit(HUNT, "requires = [", REQUIRES);
    game.edit("systems/shoal-tide/src/lib.rs", "BUBBLE_SPEED: f32 = 9.0", "BUBBLE_SPEED: f32 = 7.0");
    game.wait_swap("shoal-tide");
    game.quit();
}
