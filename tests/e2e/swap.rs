//! An edited system goes live in the running game.

use std::time::UNIX_EPOCH;

use crate::game::{Game, message};

const SWIM: &str = "systems/shoal-swim/src/lib.rs";
const SPEED: (&str, &str) = ("const SPEED: f32 = 12.0;", "const SPEED: f32 = 14.0;");

#[test]
fn an_edited_system_goes_live_and_the_world_stays_as_it_is() {
    let mut game = Game::start();
    game.assert_goes_on();
    // Cargo has compiled it at least once since the target directory was taken over.
    game.edit(SWIM, SPEED.0, SPEED.1);
    game.wait_swap("shoal-swim");
    game.workspace.put_back(SWIM);
    game.wait_swap("shoal-swim");
    game.pause();
    let before = game.still();
    let closed_at = game.edit(SWIM, SPEED.0, SPEED.1);
    let swap = game.wait_swap("shoal-swim");

    assert_eq!(swap.line["module"], "shoal-swim", "nothing else is swapped");
    assert_eq!(swap.line["generation"], 3);
    assert_eq!(swap.line["built_by"], "compiler", "only the module's own file has changed");
    assert_eq!(swap.line["rebuilt"], false);
    assert!(swap.line["carried"].as_u64().unwrap() > 40_000, "{}", swap.line);
    // The file was closed after `closed_at` and the line was written before `read_at`: what is told must fit in.
    let measured = swap.read_at.duration_since(closed_at).unwrap().as_secs_f64() * 1e3;
    let told = swap.line["edit_to_running_ms"].as_f64().unwrap();
    assert!(told > 0.0 && told <= measured + CLOCK_MS, "told {told} ms, {measured} ms passed");
    let stages = ["detect", "build", "check", "swap"];
    let stages = stages.map(|stage| swap.line["stages_ms"][stage].as_f64().unwrap());
    assert!(stages.iter().all(|ms| *ms > 0.0), "each stage takes time: {stages:?}");
    assert!(stages.iter().sum::<f64>() <= told + CLOCK_MS, "stages of {stages:?} ms in {told} ms");
    assert_eq!(swap.line["paused"], true, "no step has run");

    let after = game.still();
    assert_eq!((&after.hash, after.entities), (&before.hash, before.entities));
    after.values.assert_same(&before.values);
    let diff = game.workspace.keel(&[
        "snapshot",
        "diff",
        before.file.to_str().unwrap(),
        after.file.to_str().unwrap(),
    ]);
    assert!(diff.status.success() && diff.stdout.is_empty(), "{}", crate::workspace::text(&diff));

    game.pause();
    game.assert_goes_on();
    game.workspace.put_back(SWIM);
    assert_eq!(game.wait_swap("shoal-swim").line["generation"], 4);
    crate::keys::check_events(&game, &["ready", "stats", "swap"]);
    game.quit();
}

/// A file's time of modification is that of the last tick of the kernel's clock, up to 10 ms before the write.
const CLOCK_MS: f64 = 10.0;

#[test]
fn the_time_from_edit_to_running_ends_when_new_code_has_run() {
    const SLACK_MS: f64 = 5.0;
    let mut game = Game::start();
    let update = "    fn update(&mut self, frame: &mut Frame<'_>) -> ModuleResult {\n";
    let stamp = "        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);\n        \
                 keel::log::info!(\"it runs at {} us\", now.unwrap_or_default().as_micros());\n";
    let source = game.workspace.read(SWIM);
    assert_eq!(source.matches(update).count(), 1);
    let closed_at = game.workspace.write(SWIM, &source.replace(update, &(update.to_owned() + stamp)));
    let log = game.wait_log("it runs at ");
    let swap = game.wait_swap("shoal-swim");
    assert_eq!(swap.line["paused"], false);
    // The first of these lines.
    let ran_us: f64 = log.rsplit(' ').nth(1).unwrap().parse().unwrap();
    let closed_us = closed_at.duration_since(UNIX_EPOCH).unwrap().as_micros() as f64;
    let told = swap.line["edit_to_running_ms"].as_f64().unwrap();
    let until_run = (ran_us - closed_us) / 1e3;
    let until_read = swap.read_at.duration_since(closed_at).unwrap().as_secs_f64() * 1e3;
    assert!(until_run > 0.0 && told >= until_run - SLACK_MS, "told {told} ms, it ran after {until_run} ms");
    assert!(told <= until_read + CLOCK_MS, "told {told} ms, it was read after {until_read} ms");
    game.quit();
}

#[test]
fn new_code_does_what_it_says_and_swaps_on_demand() {
    let mut game = Game::start();
    let line = "    fn update(&mut self, frame: &mut Frame<'_>) -> ModuleResult {\n        let world";
    let marked = |mark: &str| {
        line.replace(
            "        let world",
            &format!("        keel::log::info!(\"{mark}\");\n        let world"),
        )
    };
    game.edit(SWIM, line, &marked("the new code swims"));
    game.wait_swap("shoal-swim");
    game.wait_log("the new code swims");
    // Also when nothing was saved.
    game.command("reload shoal-swim");
    let swap = game.wait_swap("shoal-swim");
    assert_eq!(swap.line["generation"], 2);
    assert!(swap.line.get("edit_to_running_ms").is_none(), "nothing was saved: {}", swap.line);
    game.command("reload nobody");
    assert!(game.wait_log("there is no module `nobody`").contains("shoal-swim"));
    game.quit();
}

#[test]
fn a_broken_line_is_shown_and_the_game_goes_on() {
    let mut game = Game::start();
    game.edit(SWIM, SPEED.0, "const SPEED: f32 = fast;");
    let rejected = game.wait_rejected("shoal-swim");
    assert_eq!((&rejected["stage"], &rejected["code"]), (&"build".into(), &"compile-error".into()));
    let text = message(&rejected);
    assert!(
        text.contains("cannot find value `fast`") && text.contains("systems/shoal-swim/src/lib.rs"),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'), "no escape sequences: {text:?}");
    game.assert_goes_on();
    // The save that could not be built is not what this swap is for.
    game.command("reload shoal-tide");
    let reloaded = game.wait_swap("shoal-tide").line;
    assert!(reloaded.get("edit_to_running_ms").is_none(), "{reloaded}");
    assert_eq!(reloaded["stages_ms"]["detect"], 0.0, "{reloaded}");
    game.edit(SWIM, "const SPEED: f32 = fast;", SPEED.1);
    let mended = game.wait_swap("shoal-swim").line;
    assert_eq!(mended["generation"], 1);
    assert!(mended["edit_to_running_ms"].as_f64().is_some_and(|ms| ms > 0.0), "{mended}");
    game.assert_goes_on();
    game.quit();
}

/// `shoal-swim` asks `shoal-tide` by its view where the water flows. Only `shoal-tide` is edited.
#[test]
fn callers_of_a_view_reach_the_new_code_of_the_module_that_provides_it() {
    const WATER: &str = "systems/shoal-tide/src/water.rs";
    const FLOW: &str = "        let depth = at.y / DEPTH;\n        // Nothing";
    let mut game = Game::start();
    let of_fish = |game: &mut Game| {
        let (_, values) = game.save();
        let fish = values.0.keys().filter_map(|what| what.strip_suffix(" Mood"));
        let positions = fish.map(|fish| values.get(&format!("{fish} Position")).to_owned());
        let x = positions.map(|it| {
            let (_, rest) = it.split_once("x: ").unwrap_or_else(|| panic!("{it} has no x"));
            let end = rest.find([',', ' ', '}']).unwrap();
            rest[..end].parse::<f32>().unwrap()
        });
        let x: Vec<_> = x.collect();
        assert!(x.len() > 1000, "there are {} fish", x.len());
        x.iter().sum::<f32>() / x.len() as f32
    };
    game.assert_goes_on();
    // A stream that no fish can swim against, first to one shore and then to the other.
    let mut reached = Vec::new();
    let original = game.workspace.read(WATER);
    for stream in ["900.0", "-900.0"] {
        let edited = original.replace(
            FLOW,
            &format!(
                "        if true {{\n            return Vector::new({stream}, 0.0);\n        }}\n{FLOW}"
            ),
        );
        assert_ne!(edited, original, "{WATER} says it otherwise");
        game.workspace.write(WATER, &edited);
        assert_eq!(game.wait_swap("shoal-tide").line["module"], "shoal-tide", "its callers stay as they are");
        game.assert_goes_on();
        game.assert_goes_on();
        reached.push(of_fish(&mut game));
    }
    assert!(reached[0] > reached[1] + 100.0, "the fish are at {reached:?}");
    assert!(!game.history().iter().any(|line| line.contains("\"fault\"")), "no module has failed");
    game.quit();
}
