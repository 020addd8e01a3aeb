//! What a module is made from beside its sources, and what it keeps where no swap can reach.

use crate::game::Game;

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
