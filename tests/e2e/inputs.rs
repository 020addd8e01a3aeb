//! What a module is made from beside its sources, and what it keeps where no swap can reach.

use serde_json::Value;

use crate::game::Game;
use crate::workspace::{Workspace, text};

const TIDE: &str = "systems/shoal-tide/src/lib.rs";
const UPDATE: &str = "        *frame.world.resource_mut::<Tide>()? = tide_at(frame.time.now);";

#[test]
fn an_included_file_reloads_its_module_and_statics_are_told_once() {
    let mut game = Game::start();
    game.workspace.write("systems/shoal-tide/note.txt", "low water");
    // The note is told in one step of each generation, by a static that starts afresh.
    let told = format!(
        "        static TOLD: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
        if !TOLD.swap(true, std::sync::atomic::Ordering::Relaxed) {{
            keel::log::info!(\"{{}}\", include_str!(\"../note.txt\"));
        }}
{UPDATE}"
    );
    game.edit(TIDE, UPDATE, &told);
    game.wait_log("module `shoal-tide` has statics that start afresh in each generation: <shoal_tide::");
    // The first frame of the new code tells the note; when it has ended, the swap is told.
    game.wait_log("low water");
    assert_eq!(game.wait_swap("shoal-tide").line["generation"], 1);

    game.workspace.write("systems/shoal-tide/note.txt", "high water");
    game.wait_log("high water");
    assert_eq!(game.wait_swap("shoal-tide").line["generation"], 2);
    let lines = game.history().iter().filter(|line| line.contains("has statics that start afresh"));
    assert_eq!(lines.count(), 1, "{:?}", game.history());
    game.workspace.put_back(TIDE);
    game.wait_swap("shoal-tide");
    game.quit();
}

#[test]
fn a_crate_beside_the_workspace_is_linked_and_watched() {
    const MANIFEST: &str = "systems/shoal-tide/Cargo.toml";
    const FACADE: &str = "keel = { workspace = true }\n";
    let mut game = Game::start();
    let folder = game.workspace.scratch("almanac");
    let folder = folder.to_str().unwrap();
    let manifest = "[package]\nname = \"almanac\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    let source = |note: &str| format!("//! Tides.\n\n/// A note.\npub const NOTE: &str = \"{note}\";\n");
    game.workspace.new_crate(folder, &[("Cargo.toml", manifest), ("src/lib.rs", &source("low water"))]);
    game.edit(MANIFEST, FACADE, &format!("{FACADE}almanac = {{ path = \"{folder}\" }}\n"));
    let told = format!(
        "        if frame.time.step % 10 == 0 {{ keel::log::info!(\"{{}}\", almanac::NOTE); }}\n{UPDATE}"
    );
    game.edit(TIDE, UPDATE, &told);
    game.wait_log("low water");
    game.workspace.write(&format!("{folder}/src/lib.rs"), &source("high water"));
    game.wait_log("high water");
    game.assert_goes_on();
    let is_refused = |line: &&String| line.contains("\"event\":\"rejected\"");
    assert_eq!(game.history().iter().find(is_refused), None);
    game.workspace.put_back(TIDE);
    game.workspace.put_back(MANIFEST);
    game.quit();
}

fn check_rows(workspace: &Workspace) -> Vec<Value> {
    let output = workspace.keel(&["check", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    answer["modules"].as_array().unwrap().clone()
}

#[test]
fn the_games_own_modules_can_be_unmapped_and_one_that_starts_threads_can_not() {
    let mut workspace = Workspace::take();
    // Builds host and modules.
    let run = workspace.keel(&["run", "--headless", "--frames", "1", "--fps", "0", "--no-watch"]);
    assert!(run.status.success(), "{}", text(&run));
    let rows = check_rows(&workspace);
    assert!(rows.len() > 6, "{rows:?}");
    for row in &rows {
        assert_eq!(row["starts_threads"], false, "tasks are the host's: {row}");
        assert_eq!(row["can_be_unmapped"], true, "{row}");
    }

    workspace.edit(TIDE, UPDATE, &format!("        std::thread::spawn(|| {{}});\n{UPDATE}"));
    let rows = check_rows(&workspace);
    let starting: Vec<_> = rows.iter().filter(|row| row["starts_threads"] == true).collect();
    assert_eq!(starting.len(), 1, "{rows:?}");
    assert_eq!(
        (&starting[0]["module"], &starting[0]["can_be_unmapped"]),
        (&"shoal-tide".into(), &false.into())
    );
    let run = workspace.keel(&["run", "--headless", "--frames", "1", "--fps", "0", "--no-watch"]);
    assert!(text(&run).contains("module `shoal-tide` starts threads of its own"), "{}", text(&run));
}
