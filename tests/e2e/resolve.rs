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

    // The host that was built with them: this test's own has another profile.
    let host = workspace.path("target/live/live/keel");
    let checked = workspace.command(host.to_str().unwrap()).arg("check").output().unwrap();
    assert_eq!(checked.status.code(), Some(3), "{}", text(&checked));
    assert!(text(&checked).contains(part), "{}", text(&checked));
}

/// Saves a manifest that does not fit, expects to be told `parts`, and puts it back.
#[track_caller]
fn check(game: &mut Game, manifest: &str, from: &str, to: &str, parts: &[&str]) {
    game.edit(manifest, from, to);
    let rejected = game.wait("a conflict", |event| event["event"] == "rejected");
    assert_eq!(
        (&rejected["stage"], &rejected["code"]),
        (&"resolve".into(), &"conflict".into()),
        "{rejected}"
    );
    for part in parts {
        assert!(message(&rejected).contains(part), "{part:?} is not in {rejected}");
    }
    game.assert_goes_on();
    game.edit(manifest, to, from);
}
