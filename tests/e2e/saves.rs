//! Saves that come fast, come to nothing, or can't be written.

use std::time::Duration;

use crate::game::Game;

const TIDE: &str = "systems/shoal-tide/src/lib.rs";
const SWIM: &str = "systems/shoal-swim/src/lib.rs";
const UPDATE: &str = "    fn update(&mut self, frame: &mut Frame<'_>) -> ModuleResult {\n";

/// A source that tells `mark` in every step.
fn marked(source: &str, mark: &str) -> String {
    source.replace(UPDATE, &format!("{UPDATE}        keel::log::info!(\"{mark}\");\n"))
}

#[cfg(target_os = "linux")]
#[test]
fn a_save_during_a_build_wins_over_the_one_before() {
    let mut game = Game::start();
    let source = game.workspace.read(SWIM);
    game.workspace.write(SWIM, &marked(&source, "the first save"));
    game.wait_for_build();
    game.workspace.write(SWIM, &marked(&source, "the second save"));
    game.wait_log("the second save");
    game.stats();
    let of_first = game.history().iter().rposition(|line| line.contains("the first save"));
    let of_second = game.history().iter().position(|line| line.contains("the second save")).unwrap();
    assert!(of_first.is_none_or(|first| first < of_second), "the first save does not come back");
    assert!(!game.history().iter().any(|line| line.contains("\"rejected\"")));
    game.quit();
}

#[test]
fn of_twenty_saves_in_two_seconds_the_last_goes_live() {
    let mut game = Game::start();
    let source = game.workspace.read(TIDE);
    for save in 1..=20 {
        game.workspace.write(TIDE, &marked(&source, &format!("save number {save}.")));
        // The pace of the saves is what is tried here; nothing waits for it.
        std::thread::sleep(Duration::from_millis(100));
    }
    game.wait_log("save number 20.");
    // Whatever is still under way comes before this.
    game.command("reload shoal-tide");
    game.wait_swap("shoal-tide");
    let last = game.wait_log("save number");
    assert!(last.contains("save number 20."), "{last}");
    assert!(!game.history().iter().any(|line| line.contains("\"rejected\"")));
    game.quit();
}

#[test]
fn a_file_saved_unchanged_is_no_change() {
    let mut game = Game::start();
    let source = game.workspace.read(SWIM);
    game.workspace.write(SWIM, &source);
    game.edit(TIDE, "const BUBBLE_SPEED: f32 = 9.0;", "const BUBBLE_SPEED: f32 = 8.0;");
    assert_eq!(game.wait_swap("shoal-tide").line["module"], "shoal-tide");
    game.workspace.write(SWIM, &source);
    game.workspace.put_back(TIDE);
    assert_eq!(game.wait_swap("shoal-tide").line["module"], "shoal-tide");
    let swaps_of_swim =
        game.history().iter().filter(|line| line.contains("\"swap\",\"module\":\"shoal-swim"));
    assert_eq!(swaps_of_swim.count(), 0);
    game.quit();
}

/// The engine's file size limit stands for the full disk: a write fails half-way, as it does there.
#[cfg(target_os = "linux")]
#[test]
fn a_save_that_finds_no_room_is_told_and_leaves_nothing_torn() {
    use crate::workspace::Workspace;

    let workspace = Workspace::take();
    let mut shell = workspace.command("sh");
    shell.args(["-c", "trap '' XFSZ; exec \"$0\" run --headless --json", env!("CARGO_BIN_EXE_keel")]);
    let mut game = Game::spawn(workspace, shell);
    game.wait_ready();
    let file = game.workspace.scratch("full.keel");
    let save = format!("save {}", file.display());
    game.command(&save);
    game.wait_log(&format!("saved {}", file.display()));
    let before = std::fs::read(&file).unwrap();

    limit_file_size(&game, "20000:");
    game.command(&save);
    let told = game.wait_log("was not saved");
    assert!(told.contains("full.keel") && told.to_lowercase().contains("too large"), "{told}");
    game.assert_goes_on();
    assert_eq!(std::fs::read(&file).unwrap(), before, "the file that was there is whole");
    let names = std::fs::read_dir(file.parent().unwrap()).unwrap();
    let names: Vec<_> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let torn: Vec<_> = names.iter().filter(|name| name.contains("full") && *name != "full.keel").collect();
    assert!(torn.is_empty(), "left behind: {torn:?}");

    limit_file_size(&game, "unlimited:");
    game.command(&save);
    game.wait_log(&format!("saved {}", file.display()));
    assert_ne!(std::fs::read(&file).unwrap(), before);
    game.quit();
}

/// A disk that is really full, where the tests may mount one: elsewhere the scenario above stands for it.
#[cfg(target_os = "linux")]
#[test]
fn a_save_onto_a_full_disk_is_told_and_the_file_before_is_whole() {
    use crate::disk::Disk;
    use crate::workspace::Workspace;

    let workspace = Workspace::take();
    let Some(disk) = Disk::mount(workspace.scratch("disk")) else { return };
    let mut game = Game::start_in(workspace);
    let file = disk.folder.join("game.keel");
    let save = format!("save {}", file.display());
    game.command(&save);
    game.wait_log(&format!("saved {}", file.display()));
    let before = std::fs::read(&file).unwrap();

    let filler = disk.fill();
    game.command(&save);
    let told = game.wait_log("was not saved");
    assert!(told.contains("game.keel") && told.contains("No space left on device"), "{told}");
    game.assert_goes_on();
    assert_eq!(std::fs::read(&file).unwrap(), before, "the file that was there is whole");
    let mut names: Vec<_> =
        std::fs::read_dir(&disk.folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["filler", "game.keel"], "nothing torn is left");

    std::fs::remove_file(filler).unwrap();
    game.command(&save);
    game.wait_log(&format!("saved {}", file.display()));
    assert_ne!(std::fs::read(&file).unwrap(), before);
    game.quit();
}

#[cfg(target_os = "linux")]
fn limit_file_size(game: &Game, limit: &str) {
    let mut prlimit = game.workspace.command("prlimit");
    let pid = game.engine_pid().to_string();
    let output = prlimit.args(["--pid", &pid, &format!("--fsize={limit}")]).output().unwrap();
    assert!(output.status.success(), "{}", crate::workspace::text(&output));
}
