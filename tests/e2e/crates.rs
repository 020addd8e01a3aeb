//! Crates come, go and change their names while the game runs.

use crate::game::Game;
use crate::workspace::{Workspace, text};

/// What `cargo keel-static` links in.
const LIST: &str = "apps/static/Cargo.toml";

#[test]
fn a_name_that_can_not_be_used_is_refused_and_nothing_is_written() {
    let workspace = Workspace::take();
    let list = workspace.read(LIST);
    let systems = || {
        let entries = std::fs::read_dir(workspace.path("systems")).unwrap().map(Result::unwrap);
        entries.map(|entry| entry.file_name()).collect::<std::collections::BTreeSet<_>>()
    };
    let before = systems();
    let refused = [
        ("keel", "belongs to Keel's own crates"),
        ("keel-ecs", "belongs to Keel's own crates"),
        ("shoal-model", "is taken by the package `shoal-model`"),
        ("type", "is a keyword of Rust"),
        ("proc-macro", "comes with the compiler"),
        ("serde", "is taken by the package `serde` in Cargo.lock"),
        ("a--b", "single dashes"),
    ];
    for (name, reason) in refused {
        let output = workspace.keel(&["new", "system", name]);
        let told = text(&output);
        assert_eq!(output.status.code(), Some(1), "{name}: {told}");
        assert!(told.contains(&format!("`{name}`")) && told.contains(reason), "{name}: {told}");
    }
    assert_eq!(systems(), before);
    assert_eq!(workspace.read(LIST), list);
}

#[test]
fn a_new_crate_goes_live_is_tested_and_renamed_and_removed() {
    let mut game = Game::start();
    game.workspace.new_system("night-watch");
    let swap = game.wait_swap("night-watch");
    assert_eq!((&swap.line["module"], &swap.line["generation"]), (&"night-watch".into(), &0.into()));
    game.assert_goes_on();

    // Its own fields survive a swap, and one that is added takes its default.
    game.pause();
    let (_, before) = game.save();
    let steps = before.get("module night-watch").to_owned();
    assert!(steps.starts_with("NightWatch { steps: ") && steps != "NightWatch { steps: 0 }", "{steps}");
    game.edit(
        "systems/night-watch/src/lib.rs",
        "    pub steps: u64,\n",
        "    pub steps: u64,\n    /// Who watches.\n    #[keel(default = \"Ann\".to_owned())]\n    pub name: String,\n",
    );
    let swap = game.wait_swap("night-watch");
    assert_eq!(swap.line["defaulted"], serde_json::json!(["NightWatch.name"]));
    let (_, after) = game.save();
    let with_name = format!("{}, name: \"Ann\" }}", steps.trim_end_matches(" }"));
    assert_eq!(after.get("module night-watch"), with_name);
    game.pause();

    // Its own test passes as it was made.
    let mut cargo = game.workspace.command("cargo");
    cargo.args([
        "test",
        "--offline",
        "--profile",
        "live",
        "--target-dir",
        "target/live",
        "-p",
        "night-watch",
    ]);
    let tested = cargo.output().unwrap();
    assert!(
        tested.status.success() && text(&tested).contains("it_registers_and_runs ... ok"),
        "{}",
        text(&tested)
    );
    game.assert_goes_on();

    // Whoever renames a crate or takes it away does so in the one binary's list, too.
    let listed = "night-watch = { path = \"../../systems/night-watch\" }\n";
    let list = game.workspace.read(LIST);
    let (console, tide) = (list.find("\nconsole = ").unwrap(), list.find("\nshoal-hunt = ").unwrap());
    let at = list.find(listed).unwrap();
    assert!(console < at && at < tide, "the list stays sorted:\n{list}");
    game.workspace.edit(LIST, listed, "");

    // Under another name it is another module.
    game.edit("systems/night-watch/Cargo.toml", "name = \"night-watch\"", "name = \"day-watch\"");
    game.wait_log("module `night-watch` was removed from the workspace");
    game.wait_swap("day-watch");
    game.assert_goes_on();

    // Its folder moves.
    game.workspace.rename_folder("systems/night-watch", "systems/day-watch");
    game.wait("the moved crate", |event| {
        event["event"] == "swap" && event["module"] == "day-watch"
            || event["event"] == "log" && event["message"] == "module `day-watch` was removed"
    });
    game.edit("systems/day-watch/src/lib.rs", "step % 600", "step % 60");
    game.wait_swap("day-watch");
    game.wait_log("entities at");

    // It goes.
    game.workspace.remove_folder("systems/day-watch");
    game.wait_log("module `day-watch` was removed");
    game.assert_goes_on();
    let refused = game.history().iter().filter(|line| line.contains("\"rejected\"")).collect::<Vec<_>>();
    assert!(refused.is_empty(), "{refused:?}");
    game.quit();
}

#[test]
fn without_a_watcher_a_reload_takes_up_what_has_changed() {
    let mut game = Game::start_with(Workspace::take(), &["--no-watch"]);
    game.assert_goes_on();
    let swim = "systems/shoal-swim/src/lib.rs";
    game.edit(swim, "const SPEED: f32 = 12.0;", "const SPEED: f32 = 14.0;");
    game.command("reload shoal-swim");
    let swap = game.wait_swap("shoal-swim").line;
    assert_eq!((&swap["module"], &swap["generation"]), (&"shoal-swim".into(), &1.into()));
    game.edit("systems/shoal-tide/src/lib.rs", "BUBBLE_SPEED: f32 = 9.0", "BUBBLE_SPEED: f32 = 8.0");
    game.command("reload");
    let swap = game.wait_swap("shoal-tide").line;
    assert_eq!((&swap["module"], &swap["generation"]), (&"shoal-tide".into(), &1.into()), "it alone");
    // Also what somebody else has had built.
    game.edit(swim, "const SPEED: f32 = 14.0;", "const SPEED: f32 = 13.0;");
    let host = game.workspace.path("target/live/live/keel");
    let built =
        game.workspace.command(host.to_str().unwrap()).args(["build", "shoal-swim"]).output().unwrap();
    assert!(built.status.success(), "{}", text(&built));
    game.command("reload");
    assert_eq!(game.wait_swap("shoal-swim").line["generation"], 2);

    game.workspace.new_system("late-comer");
    game.command("reload late-comer");
    game.wait_swap("late-comer");
    game.workspace.remove_folder("systems/late-comer");
    // `new` has listed it for the one binary.
    game.workspace.put_back(LIST);
    game.command("reload");
    game.wait_log("module `late-comer` was removed");

    let source = game.workspace.read("core/console/src/lib.rs");
    let spare = "#[allow(dead_code, reason = \"a test has added it\")]\nfn spare() -> u32 {\n    8\n}\n";
    game.workspace.write("core/console/src/lib.rs", &format!("{source}\n{spare}"));
    let steps = game.stats()["step"].as_u64();
    game.command("reload shoal-swim");
    let restarted = game.wait("a restart", |event| event["event"] == "restarted");
    assert_eq!(restarted["reason"], "the facade was built anew");
    game.wait("the new engine", |event| event["event"] == "ready");
    assert!(game.stats()["step"].as_u64() > steps, "it is the same game");
    game.quit();
}

#[test]
fn a_crate_that_is_deleted_and_still_listed_is_told_with_who_lists_it_and_the_game_goes_on() {
    let mut game = Game::start();
    game.workspace.new_system("night-watch");
    game.wait_swap("night-watch");
    game.workspace.remove_folder("systems/night-watch");
    let rejected = game.wait("a refusal", |event| event["event"] == "rejected");
    let told = rejected["message"].as_str().unwrap();
    for part in ["night-watch", "apps/static"] {
        assert!(told.contains(part), "{part:?} is not in {told}");
    }
    game.assert_goes_on();
    game.workspace.put_back(LIST);
    game.wait_log("module `night-watch` was removed");
    game.assert_goes_on();
    game.quit();
}

#[cfg(target_os = "linux")]
#[test]
fn a_module_that_is_removed_while_it_is_built_holds_no_other_up_and_stays_away() {
    // The first compiles for as long as nobody ends it, and then cargo knows it no more. The second does so for a moment, and
    // cargo builds it still: it is a crate, and no module any more.
    for (turns, is_gone) in [(u64::MAX, true), (10_000_000, false)] {
        let mut game = Game::start();
        game.workspace.new_system("night-watch");
        game.wait_swap("night-watch");
        // From now on the compiler alone is called, which looks at no manifest.
        game.edit("systems/night-watch/src/lib.rs", "step % 600", "step % 60");
        game.wait_swap("night-watch");
        let source = game.workspace.read("systems/night-watch/src/lib.rs");
        let slow = format!(
            "{source}\n#[allow(long_running_const_eval, reason = \"it is to take long\")]\nconst _: u64 = {{\n    \
             let mut turns = 0;\n    while turns < {turns} {{\n        turns += 1;\n    }}\n    turns\n}};\n"
        );
        game.workspace.write("systems/night-watch/src/lib.rs", &slow);
        game.wait_for_build();
        game.workspace.put_back(LIST);
        if is_gone {
            game.workspace.remove_folder("systems/night-watch");
        } else {
            game.edit(
                "systems/night-watch/Cargo.toml",
                "[package.metadata.keel]",
                "[package.metadata.other]",
            );
        }
        game.wait_log("module `night-watch` was removed");
        let from = game.history().len();
        game.edit("systems/shoal-tide/src/lib.rs", "BUBBLE_SPEED: f32 = 9.0", "BUBBLE_SPEED: f32 = 8.0");
        game.wait_swap("shoal-tide");
        game.assert_goes_on();
        let is_wrong = |line: &&String| {
            let event = serde_json::from_str::<serde_json::Value>(line).unwrap_or_default();
            event["event"] == "rejected" || event["event"] == "swap" && event["module"] != "shoal-tide"
        };
        let wrong: Vec<_> = game.history()[from..].iter().filter(is_wrong).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
        game.quit();
    }
}
