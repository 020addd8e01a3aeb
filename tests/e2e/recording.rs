//! Runs that are recorded, replayed, gone back in, and retried with new code.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::game::{Game, list};
use crate::workspace::{Workspace, text};

const SWIM: &str = "systems/shoal-swim/src/lib.rs";

/// The alarm that each update takes up; code can be put before it.
const PLACE: &str = "        self.crowd.count(world);\n";

fn record(workspace: &Workspace, name: &str, frames: &str) -> PathBuf {
    let file = workspace.scratch(name);
    let run = ["run", "--frames", frames, "--fps", "0", "--seed", "7", "--no-watch", "--json", "--record"];
    let output = workspace.keel(&[&run[..], &[file.to_str().unwrap()]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let lines = String::from_utf8(output.stdout).unwrap();
    assert!(lines.contains("\"stats\"") && !lines.contains("\"error\""), "{lines}");
    file
}

/// What `keel replay --json` answers, and its exit code.
fn replay(workspace: &Workspace, file: &Path, arguments: &[&str]) -> (Value, Option<i32>) {
    let output = workspace.keel(&[&["replay", file.to_str().unwrap(), "--json"], arguments].concat());
    let answer = serde_json::from_slice(&output.stdout);
    let answer = answer.unwrap_or_else(|error| panic!("{error}: {}", text(&output)));
    (answer, output.status.code())
}

#[test]
fn a_recording_is_replayed_to_the_same_world_on_any_number_of_threads() {
    let workspace = Workspace::take();
    let file = record(&workspace, "same.keellog", "150");
    let mut hashes = Vec::new();
    for threads in ["0", "1", "2", "4"] {
        let (answer, code) = replay(&workspace, &file, &["--threads", threads]);
        assert_eq!((&answer["equal"], code), (&true.into(), Some(0)), "{answer}");
        let replayed = &answer["replayed"];
        // Before the first frame, and after each.
        assert_eq!((&replayed["frames"], &replayed["hashes"]), (&150.into(), &151.into()), "{answer}");
        assert_eq!((list(&replayed["changed"]), list(&replayed["missing"])), (vec![], vec![]), "{answer}");
        hashes.push(replayed["world_hash"].clone());
    }
    hashes.dedup();
    assert_eq!(hashes.len(), 1, "{hashes:?}");

    let (answer, code) = replay(&workspace, &file, &["--until", "50"]);
    assert_eq!((&answer["replayed"]["frame"], code), (&50.into(), Some(0)), "{answer}");

    // The machine stopped in the middle of it.
    let bytes = std::fs::read(&file).unwrap();
    let torn = workspace.scratch("torn.keellog");
    std::fs::write(&torn, &bytes[..bytes.len() - 20_000]).unwrap();
    let (answer, code) = replay(&workspace, &torn, &[]);
    let frames = answer["replayed"]["frames"].as_u64().unwrap();
    assert_eq!((&answer["equal"], code), (&true.into(), Some(0)), "{answer}");
    assert!(frames > 0 && frames < 150 && answer["replayed"]["torn_bytes"].as_u64() > Some(0), "{answer}");

    for (content, part) in [(&bytes[..100], "no beginning"), (b"KEELSNAP", "this is no recording")] {
        std::fs::write(&torn, content).unwrap();
        let (answer, code) = replay(&workspace, &torn, &[]);
        assert_eq!((&answer["equal"], code), (&Value::Null, Some(2)), "{answer}");
        assert!(answer["message"].as_str().unwrap().contains(part), "{answer}");
    }
}

/// Replays a recording with another `shoal-swim`, and checks where it says that they part.
#[track_caller]
fn check_diverges(workspace: &Workspace, file: &Path, frame: u64, components: &[&str], repeats: bool) {
    let (answer, code) = replay(workspace, file, &[]);
    assert_eq!((&answer["equal"], code), (&false.into(), Some(1)), "{answer}");
    let divergence = &answer["replayed"]["divergence"];
    assert_eq!(divergence["frame"], frame, "{answer}");
    assert_eq!(divergence["system"], "shoal-swim/update", "{answer}");
    assert_eq!(divergence["repeats"], repeats, "{answer}");
    let found = list(&divergence["components"]);
    assert!(components.iter().all(|component| found.contains(component)), "{answer}");
}

#[test]
fn a_replay_that_diverges_names_frame_system_and_component() {
    let mut workspace = Workspace::take();
    let file = record(&workspace, "diverges.keellog", "150");
    let turn = "if frame.time.step == 130 {
            world.query::<(&Fish, &mut Mood)>().for_each(|(_, mood)| *mood = Mood::default());
            for (_, velocity) in world.query::<(&Fish, &mut Velocity)>().iter() { velocity.0.x += 1.0; }
        }\n";
    workspace.edit(SWIM, PLACE, &format!("{turn}{PLACE}"));
    check_diverges(&workspace, &file, 130, &["Velocity"], true);
    let (answer, _) = replay(&workspace, &file, &["--until", "129"]);
    assert_eq!((&answer["equal"], list(&answer["replayed"]["changed"])), (&true.into(), vec!["shoal-swim"]));
    workspace.put_back(SWIM);

    // Both were recorded with the code that they are replayed with, and are other games each time.
    let clock = "if frame.time.step >= 3 {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            let shift = now.map(|now| now.subsec_nanos() as f32 * 1e-12).unwrap_or_default();
            for (_, velocity) in world.query::<(&Fish, &mut Velocity)>().iter() { velocity.0.x += shift; }
        }\n";
    let order = "if frame.time.step >= 5 {
            let set: std::collections::HashSet<u32> = (0..1000).collect();
            let first = set.into_iter().next().unwrap_or_default() as f32 * 1e-3;
            for (_, velocity) in world.query::<(&Fish, &mut Velocity)>().iter() { velocity.0.x += first; }
        }\n";
    for (code, frame) in [(clock, 3), (order, 5)] {
        workspace.edit(SWIM, PLACE, &format!("{code}{PLACE}"));
        let file = record(&workspace, "chance.keellog", "20");
        check_diverges(&workspace, &file, frame, &["Velocity"], false);
        workspace.put_back(SWIM);
    }
}

#[test]
fn a_running_game_goes_back_and_its_recording_follows() {
    let workspace = Workspace::take();
    let file = workspace.scratch("rewound.keellog");
    let mut game = Game::start_with(workspace, &["--record", file.to_str().unwrap()]);
    game.wait("three seconds", |event| event["event"] == "stats" && event["step"].as_u64() > Some(180));
    game.command("reload shoal-swim");
    game.wait_swap("shoal-swim");
    game.command("rewind 1.5s");
    let line = game.wait("the way back", |event| event["event"] == "rewound");
    let number = |key: &str| line[key].as_f64().unwrap();
    // A step is a sixtieth of a second, rounded down: 90 of them are not quite enough.
    assert_eq!(number("from") - number("frame"), 91.0, "{line}");
    assert!((number("back_ms") - 1516.67).abs() < 0.01 && number("pause_ms") > 0.0, "{line}");
    assert_eq!(line["is_all"], false, "{line}");
    game.assert_goes_on();

    // Asked for in another terminal.
    let output = game.workspace.keel(&["rewind", "0.5s"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let line = game.wait("the way back", |event| event["event"] == "rewound");
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains(&format!(" to {};", line["frame"])), "{told}: {line}");
    game.assert_goes_on();
    let output = game.workspace.keel(&["rewind", "soon"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));

    // As far as it remembers, in a game that stands still.
    game.command("pause");
    game.command("rewind 1000");
    let line = game.wait("the way back", |event| event["event"] == "rewound");
    assert_eq!((&line["frame"], &line["is_all"], &line["replayed"]), (&0.into(), &true.into(), &0.into()));
    let still = game.still();
    assert_eq!(still.step, 0);
    game.command("pause");
    game.assert_goes_on();
    for line in ["rewind", "rewind soon", "rewind -1", "retry inf"] {
        game.command(line);
        game.wait_log(&format!("`{line}` is no command"));
    }
    crate::keys::check_events(&game, &["rewound"]);
    let workspace = game.quit();

    // With the swap that has changed nothing, and both ways back.
    let (answer, code) = replay(&workspace, &file, &[]);
    assert_eq!((&answer["equal"], code), (&true.into(), Some(0)), "{answer}");
    assert!(answer["replayed"]["frames"].as_u64() > Some(240), "{answer}");
}

#[test]
fn the_last_seconds_are_run_again_with_the_new_code() {
    let workspace = Workspace::take();
    let file = workspace.scratch("retried.keellog");
    let mut game = Game::start_with(workspace, &["--retry", "2", "--record", file.to_str().unwrap()]);
    game.wait("two seconds", |event| event["event"] == "stats" && event["step"].as_u64() > Some(120));
    let turn =
        "for (_, velocity) in world.query::<(&Fish, &mut Velocity)>().iter() { velocity.0.x += 1.0; }\n";
    game.edit(SWIM, PLACE, &format!("{turn}{PLACE}"));
    game.wait_swap("shoal-swim");
    let line = game.wait("both outcomes", |event| event["event"] == "replayed");
    let outcome = &line["outcome"];
    assert!(line["frames"].as_u64() >= Some(120) && line.get("divergence").is_none(), "{line}");
    assert!(line["entities"].as_u64() > Some(5000) && outcome["entities_before"].as_u64() > Some(5000));
    assert_ne!(line["world_hash"], outcome["world_hash_before"], "{line}");
    let counts = outcome["differ"].as_array().unwrap();
    let velocities = counts.iter().find(|count| count["what"] == "Velocity").unwrap();
    assert!(velocities["values"].as_u64() > Some(1000), "{line}");
    assert!(!outcome["first"].as_array().unwrap().is_empty(), "{line}");
    game.assert_goes_on();

    // By hand.
    game.command("retry 1");
    let again = game.wait("both outcomes", |event| event["event"] == "replayed");
    assert!((60..600).contains(&again["frames"].as_u64().unwrap()), "{again}");
    assert_eq!(again["world_hash"], again["outcome"]["world_hash_before"], "it was this code: {again}");
    game.assert_goes_on();

    // From another terminal, which is told what came of it.
    let output = game.workspace.keel(&["retry", "1s"]);
    let told = game.wait("both outcomes", |event| event["event"] == "replayed");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let begins = format!("{} frames again", told["frames"]);
    assert!(text(&output).starts_with(&begins), "{told} {}", text(&output));
    game.assert_goes_on();
    let workspace = game.quit();
    let output = workspace.keel(&["retry", "1s"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("no game of this workspace is running"), "{}", text(&output));

    // What was recorded before the swap was the old code's.
    let (answer, _) = replay(&workspace, &file, &[]);
    assert_eq!(answer["replayed"]["divergence"]["frame"], 1, "{answer}");
    let mut lines = [line, answer["replayed"].clone()];
    lines[1]["event"] = "replayed".into();
    crate::keys::check_lines("replayed", &lines);
}
