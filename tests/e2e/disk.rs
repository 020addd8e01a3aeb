//! The disk on which a game is kept is full, made read-only, or goes away. It is a real one, where the tests may mount one:
//! elsewhere `resume.rs` has what stands for it.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::{Command, Output};

use crate::game::{Game, poll};
use crate::resume::{BASE, files, fresh, gone_on_from, kill};
use crate::workspace::Workspace;

/// A small disk in memory, unmounted when dropped.
pub(crate) struct Disk {
    pub(crate) folder: PathBuf,
}

impl Disk {
    /// `None` where it is not permitted.
    pub(crate) fn mount(folder: PathBuf) -> Option<Self> {
        fs::create_dir_all(&folder).unwrap();
        let disk = Self { folder };
        // A run of the tests that was killed leaves its own behind.
        while disk.run("umount", &["--lazy"]).is_some_and(|output| output.status.success()) {}
        let mounted = disk.run("mount", &["-t", "tmpfs", "-o", "size=16m", "tmpfs"]);
        let is_mounted = mounted.is_some_and(|output| output.status.success());
        keel_fixture::require("mount", is_mounted);
        is_mounted.then_some(disk)
    }

    /// Takes all the room there is, which says then that there is no more.
    pub(crate) fn fill(&self) -> PathBuf {
        let filler = self.folder.join("filler");
        let error = fs::write(&filler, vec![1_u8; 32 << 20]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");
        filler
    }

    /// `ro` or `rw`. It is busy while a snapshot is written.
    fn remount(&self, access: &str) {
        let option = format!("remount,{access}");
        poll("the disk to be remounted", || {
            self.run("mount", &["-o", &option])?.status.success().then_some(())
        });
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Option<Output> {
        Command::new(program).args(arguments).arg(&self.folder).output().ok()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: whoever still has a file open there does not keep it.
        let _ = self.run("umount", &["--lazy"]);
    }
}

/// There is time between two writes, in which the disk is changed.
const CALM: [&str; 5] = ["--no-watch", "--snapshots", "0.2", "--snapshots-on-disk", "1"];

const FAILS: &str = "the game can't be kept on disk";
const WORKS: &str = "the game is kept on disk again";

/// A game that is kept on a disk of its own.
fn start() -> Option<(Game, Disk)> {
    let workspace = fresh();
    let disk = Disk::mount(workspace.path(BASE))?;
    let mut game = Game::start_with(workspace, &CALM);
    game.assert_goes_on();
    wait_written(&game.workspace);
    Some((game, disk))
}

/// Waits for a snapshot that is not there yet.
fn wait_written(workspace: &Workspace) {
    let newest = || files(workspace).first().and_then(|path| Some(path.file_name()?.to_owned()));
    let before = newest();
    poll("a snapshot on disk", || (newest() > before).then_some(()));
}

/// All is killed, and goes on from the newest snapshot that was written.
fn go_on(game: Game) -> Game {
    let workspace = kill(game);
    let newest = files(&workspace)[0].clone();
    let mut game = Game::start_with(workspace, &[CALM.as_slice(), &["--resume"]].concat());
    let frame = gone_on_from(&game);
    assert!(newest.to_str().unwrap().ends_with(&format!("-frame-{frame}.keel")), "{}", newest.display());
    assert_eq!(times(&game, "is passed over"), 0, "what has a name is whole");
    game.assert_goes_on();
    game
}

fn times(game: &Game, told: &str) -> usize {
    game.history().iter().filter(|line| line.contains(told)).count()
}

/// It has been told, or will be, and once.
fn assert_told_once(game: &mut Game, told: &str, why: &str) {
    if times(game, told) == 0 {
        game.wait_log(told);
    }
    let there = files(&game.workspace);
    game.assert_goes_on();
    assert_eq!(times(game, told), 1, "{:?}", game.history());
    assert_eq!(times(game, why), 1, "{:?}", game.history());
    assert_eq!(files(&game.workspace), there, "nothing is written, and what was there is there");
}

/// The disk takes snapshots again: that is told, and holds after a kill of all, too.
#[track_caller]
fn assert_kept_again(mut game: Game) {
    game.wait_log(WORKS);
    let mut game = go_on(game);
    assert_eq!(times(&game, FAILS), 0);
    wait_written(&game.workspace);
    game.assert_goes_on();
    assert_eq!(files(&game.quit()), Vec::<PathBuf>::new(), "it has ended well");
}

#[test]
fn a_game_whose_disk_is_full_runs_on_and_is_kept_again_when_there_is_room() {
    const WHY: &str = "No space left on device";
    let Some((mut game, disk)) = start() else { return };
    let filler = disk.fill();
    assert_told_once(&mut game, FAILS, WHY);
    let mut game = go_on(game);
    assert_told_once(&mut game, FAILS, WHY);
    fs::remove_file(filler).unwrap();
    assert_kept_again(game);
}

#[test]
fn a_game_whose_disk_becomes_read_only_runs_on_and_is_kept_again_when_it_is_not() {
    const WHY: &str = "Read-only file system";
    let Some((mut game, disk)) = start() else { return };
    disk.remount("ro");
    assert_told_once(&mut game, FAILS, WHY);
    let mut game = go_on(game);
    assert_told_once(&mut game, FAILS, WHY);
    disk.remount("rw");
    assert_kept_again(game);
}

#[test]
fn a_game_whose_disk_is_gone_is_kept_in_the_folder_beneath() {
    let Some((mut game, disk)) = start() else { return };
    drop(disk);
    wait_written(&game.workspace);
    game.assert_goes_on();
    // Only a snapshot that was being written as it went is told of.
    assert!(times(&game, FAILS) <= 1 && times(&game, FAILS) == times(&game, WORKS), "{:?}", game.history());
    let mut game = go_on(game);
    game.assert_goes_on();
    assert_eq!(files(&game.quit()), Vec::<PathBuf>::new(), "it has ended well");
}
