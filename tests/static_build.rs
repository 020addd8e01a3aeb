//! The game as one binary plays the game that the host plays: the same world after the same frames.
//!
//! Both are built by cargo, as a user builds them. From nothing that takes minutes; with both target directories warm,
//! seconds.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::path::Path;
use std::process::Command;

#[test]
fn the_static_build_plays_the_same_game() {
    let arguments = ["--frames", "240", "--seed", "7", "--fps", "0", "--json"];
    let linked = last_stats(&[&["keel-static"], &arguments[..]].concat());
    let loaded = last_stats(&[&["keel", "run", "--headless", "--no-watch"], &arguments[..]].concat());
    for field in ["frame", "step", "entities", "world_hash"] {
        assert_eq!(linked[field], loaded[field], "{field}");
        assert!(!linked[field].is_null(), "{field} is missing: {linked}");
    }
    assert_eq!(linked["frame"], 240);
    assert!(linked["entities"].as_u64().unwrap() > 1000, "the game is there: {linked}");
}

/// Runs a cargo alias of this workspace, and returns the last `stats` line that it prints.
fn last_stats(arguments: &[&str]) -> serde_json::Value {
    // Cargo hands what it was called with on to tests; the alias has profile, flags and target directory of its own.
    let inherited = ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_TARGET_DIR", "LD_LIBRARY_PATH"];
    let mut cargo = Command::new(env!("CARGO"));
    inherited.iter().for_each(|name| {
        cargo.env_remove(name);
    });
    // The same game whatever the optimisation; without any it is built soonest.
    cargo.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0");
    let output = cargo.args(arguments).current_dir(root()).output().unwrap();
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "cargo {}: {error}", arguments.join(" "));
    let mut lines = out.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    lines.rfind(|line| line["event"] == "stats").unwrap_or_else(|| panic!("no stats in {out}\n{error}"))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
