//! Files with new content, and nothing else.

use std::fs;
use std::time::{Duration, Instant, SystemTime};

use keel_builder::{ChangeSet, WatchScope, Watcher};

use crate::fixture::{DEADLINE, Game, holds, source, source_of};

struct Watched {
    game: Game,
    watcher: Watcher,
}

impl Watched {
    fn new() -> Self {
        let game = Game::new();
        // Cargo writes the lockfile at the first build; it is there before anything is watched.
        game.build(&["swim"]).unwrap();
        let watcher = Watcher::start(WatchScope::of(&game.workspace())).unwrap();
        Self { game, watcher }
    }

    fn next(&self) -> ChangeSet {
        self.watcher.changes().recv_timeout(DEADLINE).unwrap().unwrap()
    }

    /// Saves `tide` and expects that this is all that is ever reported: what happened before is no change.
    #[track_caller]
    fn check_nothing_but_a_marker(&self) {
        self.game.set_answer("tide", 77);
        self.check_next(&[&source_of("tide")]);
    }

    #[track_caller]
    fn check_next(&self, files: &[&str]) {
        let files: Vec<_> = files.iter().map(|file| self.game.root.join(file)).collect();
        assert_eq!(self.next().files, files);
    }

    fn path(&self, file: &str) -> std::path::PathBuf {
        self.game.root.join(file)
    }
}

#[test]
fn a_saved_file_is_reported_with_its_times() {
    let watched = Watched::new();
    let (before, started_at) = (SystemTime::now(), Instant::now());
    watched.game.set_answer("swim", 2);
    let after = SystemTime::now();
    let change = watched.next();
    assert_eq!(change.files, [watched.path(&source_of("swim"))]);
    // A file's time of modification is as coarse as the system's clock tick.
    let tick = Duration::from_millis(20);
    assert!(change.saved_at + tick >= before, "{:?} {before:?}", change.saved_at);
    assert!(change.saved_at <= after + DEADLINE);
    assert!(change.detected_at >= started_at);
}

#[test]
fn saving_unchanged_does_nothing() {
    let watched = Watched::new();
    watched.game.set_answer("swim", 1);
    let text = fs::read(watched.path("Cargo.toml")).unwrap();
    fs::write(watched.path("Cargo.toml"), text).unwrap();
    watched.check_nothing_but_a_marker();
}

#[test]
fn a_file_that_replaces_another_is_a_save() {
    let watched = Watched::new();
    let temporary = watched.path("systems/swim/src/.lib.rs.tmp");
    fs::write(&temporary, source(5)).unwrap();
    fs::rename(&temporary, watched.path(&source_of("swim"))).unwrap();
    watched.check_next(&[&source_of("swim")]);
}

#[test]
fn a_file_moved_here_with_an_old_time_is_built() {
    let watched = Watched::new();
    let other = watched.path("other.txt");
    fs::write(&other, source(55)).unwrap();
    let an_hour_ago = SystemTime::now() - Duration::from_secs(3600);
    fs::File::open(&other).unwrap().set_modified(an_hour_ago).unwrap();
    fs::rename(&other, watched.path(&source_of("swim"))).unwrap();
    let change = watched.next();
    assert_eq!(change.files, [watched.path(&source_of("swim"))]);
    assert!(change.saved_at > an_hour_ago + Duration::from_secs(60));
    let report = watched.game.build(&["swim"]).unwrap();
    assert!(holds(&report.artifacts[0].path, 55), "cargo took it for fresh");
}

#[test]
fn a_save_as_vim_does_it_is_one_change() {
    let watched = Watched::new();
    let file = watched.path(&source_of("swim"));
    let backup = watched.path("systems/swim/src/lib.rs~");
    let probe = watched.path("systems/swim/src/4913");
    fs::write(&probe, "").unwrap();
    fs::remove_file(&probe).unwrap();
    fs::rename(&file, &backup).unwrap();
    fs::write(&file, source(6)).unwrap();
    fs::File::open(&file).unwrap().sync_all().unwrap();
    fs::remove_file(&backup).unwrap();
    watched.check_next(&[&source_of("swim")]);
    watched.check_nothing_but_a_marker();
}

#[test]
fn what_editors_leave_beside_a_file_is_no_change() {
    let watched = Watched::new();
    for name in ["4913", ".lib.rs.swp", "lib.rs~", "#lib.rs#", ".#lib.rs", "lib.rs.tmp", "lib.rs.bak"] {
        fs::write(watched.path("systems/swim/src").join(name), "left behind").unwrap();
    }
    watched.check_nothing_but_a_marker();
}

#[test]
fn what_no_running_code_depends_on_is_no_change() {
    let watched = Watched::new();
    for name in ["game.log", "systems/swim/notes.md", "systems/swim/tests/swim.rs", "target/live/x.rs"] {
        watched.game.write(name, "text");
    }
    watched.check_nothing_but_a_marker();
}

#[test]
fn new_and_removed_files_are_changes() {
    let watched = Watched::new();
    watched.game.write("systems/swim/src/fins.rs", "pub fn fins() {}");
    watched.check_next(&["systems/swim/src/fins.rs"]);
    fs::remove_file(watched.path("systems/swim/src/fins.rs")).unwrap();
    watched.check_next(&["systems/swim/src/fins.rs"]);
    watched.game.write("systems/swim/src/deep/er/fins.rs", "pub fn fins() {}");
    watched.check_next(&["systems/swim/src/deep/er/fins.rs"]);
    fs::remove_dir_all(watched.path("systems/swim/src/deep")).unwrap();
    watched.check_next(&["systems/swim/src/deep/er/fins.rs"]);
}

#[test]
fn twenty_saves_in_two_seconds_end_in_the_last() {
    let watched = Watched::new();
    let file = watched.path(&source_of("swim"));
    // The pace is what is tested here; nothing waits for anything.
    let pace = crossbeam_channel::tick(Duration::from_millis(100));
    for answer in 100..120 {
        pace.recv().unwrap();
        fs::write(&file, source(answer)).unwrap();
    }
    let mut reports = 0;
    watched.game.set_answer("tide", 77);
    loop {
        let change = watched.next();
        reports += usize::from(change.files.contains(&file));
        if change.files.contains(&watched.path(&source_of("tide"))) {
            break;
        }
    }
    assert!(reports >= 2, "saves starve: {reports} reports");
    assert_eq!(fs::read_to_string(&file).unwrap(), source(119));
    // What was reported is all there is: the same content again is no change.
    fs::write(&file, source(119)).unwrap();
    watched.game.set_answer("tide", 78);
    watched.check_next(&[&source_of("tide")]);
}

#[test]
fn a_folder_that_comes_back_is_watched_again() {
    let watched = Watched::new();
    fs::rename(watched.path("systems/swim"), watched.path("moved-away")).unwrap();
    watched.check_next(&["systems/swim/Cargo.toml", &source_of("swim")]);
    fs::rename(watched.path("moved-away"), watched.path("systems/swim")).unwrap();
    watched.check_next(&["systems/swim/Cargo.toml", &source_of("swim")]);
    watched.game.set_answer("swim", 8);
    watched.check_next(&[&source_of("swim")]);
}

#[test]
fn a_new_member_is_seen_and_watched_from_then_on() {
    let watched = Watched::new();
    watched.game.module("eel");
    let change = watched.next();
    assert!(change.files.contains(&watched.path("systems/eel/Cargo.toml")), "{change:?}");
    watched.watcher.watch(WatchScope::of(&watched.game.workspace())).unwrap();
    watched.game.set_answer("eel", 2);
    let eel = watched.path(&source_of("eel"));
    while !watched.next().files.contains(&eel) {}
}

#[test]
fn build_settings_that_did_not_exist_are_seen() {
    let game = Game::new();
    fs::remove_dir_all(game.root.join(".cargo")).unwrap();
    game.workspace();
    let watcher = Watcher::start(WatchScope::of(&game.workspace())).unwrap();
    let watched = Watched { game, watcher };
    watched.game.write(".cargo/config.toml", "[build]\n");
    watched.check_next(&[".cargo/config.toml"]);
}

#[test]
fn a_workspace_that_does_not_fit_together_is_watched_until_it_does() {
    let game = Game::new();
    let metadata = keel_resolver::Workspace::read(&game.root).unwrap();
    let watcher = Watcher::start(WatchScope::of_unresolved(&metadata)).unwrap();
    let watched = Watched { game, watcher };
    watched.game.set_answer("swim", 4);
    watched.check_next(&[&source_of("swim")]);
    let manifest = fs::read_to_string(watched.path("systems/swim/Cargo.toml")).unwrap();
    fs::write(watched.path("systems/swim/Cargo.toml"), manifest + "\n# mended\n").unwrap();
    watched.check_next(&["systems/swim/Cargo.toml"]);
}
