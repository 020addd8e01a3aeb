//! Snapshots on disk: a folder for each run, with the newest few in it.
//!
//! A folder is marked by a lock, which the system lets go of when its process ends however it ends. A run that has ended
//! well removes its own; those that are left are of runs that have not.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keel::state::{Snapshot, StateError, read_file, write_file};

/// How many snapshots a run has on disk.
const FILES_MAX: usize = 3;

/// Of how many runs that have not ended well they are kept.
const ENDED_MAX: usize = 3;

/// Held while a folder is made, or runs that have ended are looked for.
const BASE_LOCK: &str = "runs.lock";
const RUN_LOCK: &str = "run.lock";

/// A folder whose name begins with it is being removed.
const REMOVED: &str = "removed-";

/// It was told of this run that it can be gone on with.
const MENTIONED: &str = "mentioned";

/// Where the runs of a workspace have their folders.
pub(crate) fn base(workspace: &Path) -> PathBuf {
    workspace.join("target").join("keel").join("recovery")
}

/// The folder of a run that goes on.
pub(crate) struct RunFolder {
    base: PathBuf,
    path: PathBuf,
    /// Locked for as long as it is open; `None` until something is written.
    lock: Option<File>,
    /// The name of the newest file begins with it: milliseconds since the Unix epoch, and always more than before.
    stamp: u64,
}

impl RunFolder {
    /// A folder in `base`, which is made when there is something to write.
    pub(crate) fn new(base: PathBuf) -> Self {
        let path = base.join(format!("run-{}-{}", std::process::id(), now_ms()));
        Self { base, path, lock: None, stamp: 0 }
    }

    /// Writes a snapshot, and removes the oldest that are too many. Whenever the machine stops, all that lie there under
    /// their names are whole.
    ///
    /// # Errors
    /// With the path and the reason. All that was there is there, then.
    pub(crate) fn write(&mut self, frame: u64, bytes: &[u8]) -> Result<PathBuf, StateError> {
        self.make()?;
        self.stamp = now_ms().max(self.stamp + 1);
        let path = self.path.join(format!("{:013}-frame-{frame}.keel", self.stamp));
        write_file(&path, bytes)?;
        let files = files_in(&self.path);
        files.iter().skip(FILES_MAX).for_each(|file| drop(fs::remove_file(&file.path)));
        Ok(path)
    }

    /// The run has ended well: there is nothing to go on with.
    pub(crate) fn remove(self) {
        if self.lock.is_some() {
            remove_folder(&self.path);
        }
    }

    /// Makes the folder and its lock, again if somebody has removed them, or the disk that they were on has come or gone.
    fn make(&mut self) -> Result<(), StateError> {
        let lock = self.path.join(RUN_LOCK);
        if self.lock.is_some() && is_locked(&lock) {
            return Ok(());
        }
        fs::create_dir_all(&self.base).map_err(failed("create", &self.base))?;
        let _base_lock = lock_base(&self.base);
        fs::create_dir_all(&self.path).map_err(failed("create", &self.path))?;
        File::create(&lock).map_err(failed("create", &lock))?;
        // Not open for writing as long as the run goes on: no disk can be made read-only then.
        let file = File::open(&lock).map_err(failed("open", &lock))?;
        file.try_lock().map_err(|error| failed("lock", &lock)(error.into()))?;
        self.lock = Some(file);
        Ok(())
    }
}

/// Whether this very file is locked. The lock that a run holds may be of another one, which was in its place before.
fn is_locked(lock: &Path) -> bool {
    File::open(lock).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

/// The folder of a run that has not ended well. Nobody else can take it up as long as this is there.
pub(crate) struct EndedRun {
    path: PathBuf,
    /// Newest first.
    files: Vec<GameFile>,
    _lock: File,
}

/// A snapshot on disk, by its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct GameFile {
    stamp: u64,
    /// The frame of the game.
    pub(crate) frame: u64,
    /// Where it lies.
    pub(crate) path: PathBuf,
}

impl GameFile {
    /// How long ago it was written, as far as the clock can be trusted.
    pub(crate) fn age(&self) -> Duration {
        Duration::from_millis(now_ms().saturating_sub(self.stamp))
    }

    /// Its content, if all of it is as it was written.
    pub(crate) fn read(&self) -> Result<Vec<u8>, StateError> {
        read_checked(&self.path)
    }
}

/// The content of a snapshot, if all of it is as it was written.
pub(crate) fn read_checked(path: &Path) -> Result<Vec<u8>, StateError> {
    let bytes = read_file(path)?;
    Snapshot::parse(&bytes)?;
    Ok(bytes)
}

impl EndedRun {
    /// Its snapshots, newest first.
    pub(crate) fn files(&self) -> &[GameFile] {
        &self.files
    }

    /// Whether it is told for the first time that it can be gone on with.
    pub(crate) fn is_news(&self) -> bool {
        let mark = self.path.join(MENTIONED);
        let is_news = !mark.exists();
        // Where nothing can be written, it is told again.
        let _ = File::create(mark);
        is_news
    }

    /// Whether this is one of its snapshots.
    pub(crate) fn has(&self, file: &Path) -> bool {
        let is_it = |other: &Path| {
            file.canonicalize().is_ok_and(|file| other.canonicalize().is_ok_and(|it| it == file))
        };
        self.files.iter().any(|file| is_it(&file.path))
    }

    /// Another run has gone on with it.
    pub(crate) fn remove(self) {
        remove_folder(&self.path);
    }
}

/// The runs that have not ended well and left something to go on with, newest first. Those that are too many are removed.
pub(crate) fn ended_runs(base: &Path) -> Vec<EndedRun> {
    let _base_lock = lock_base(base);
    let folders = fs::read_dir(base).into_iter().flatten().filter_map(Result::ok);
    let mut ended: Vec<_> = folders.filter_map(|folder| ended_run(folder.path())).collect();
    ended.sort_by(|one, other| other.files.cmp(&one.files));
    let surplus = ended.iter().position(|run| run.files.is_empty()).unwrap_or(ended.len()).min(ENDED_MAX);
    ended.split_off(surplus).into_iter().for_each(EndedRun::remove);
    ended
}

/// The run that this folder was of, if that has ended.
fn ended_run(path: PathBuf) -> Option<EndedRun> {
    let name = path.file_name()?.to_str()?;
    if name.starts_with(REMOVED) {
        let _ = fs::remove_dir_all(&path);
        return None;
    }
    let Ok(lock) = File::open(path.join(RUN_LOCK)) else {
        // It had just been made when its process ended, or is none of ours and not empty.
        let _ = fs::remove_dir(path);
        return None;
    };
    lock.try_lock().ok()?;
    let files = files_in(&path);
    Some(EndedRun { path, files, _lock: lock })
}

/// Removes a run's folder. Under its name it is whole or not there, whenever the process ends.
fn remove_folder(path: &Path) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let removed = path.with_file_name(format!("{REMOVED}{name}"));
    // What can't be removed now is found by the next run, and by all others until it is.
    if fs::rename(path, &removed).is_ok() {
        let _ = fs::remove_dir_all(removed);
    }
}

/// The snapshots in a folder, newest first. What was being written when its process ended has another name.
fn files_in(folder: &Path) -> Vec<GameFile> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let mut files: Vec<_> = entries.filter_map(|entry| game_file(entry.path())).collect();
    files.sort_by(|one, other| other.cmp(one));
    files
}

/// The snapshot that a file's name says it is.
pub(crate) fn game_file(path: PathBuf) -> Option<GameFile> {
    let (stamp, frame) = path.file_name()?.to_str()?.strip_suffix(".keel")?.split_once("-frame-")?;
    let (stamp, frame) = (stamp.parse().ok()?, frame.parse().ok()?);
    Some(GameFile { stamp, frame, path })
}

/// Waits until nobody else looks at the folders. Where nothing can be written there is nobody to wait for.
fn lock_base(base: &Path) -> Option<File> {
    let lock = File::create(base.join(BASE_LOCK)).ok()?;
    lock.lock().ok()?;
    Some(lock)
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StateError {
    let path = path.to_owned();
    move |source| StateError::Io { action: action.to_owned(), path, source }
}

#[cfg(test)]
mod tests {
    use keel::state::{SnapshotWriter, encode_into};
    use keel_fixture::Scratch;

    use super::*;

    /// A game that is told from others by its frame.
    fn game(frame: u64) -> Vec<u8> {
        let mut writer = SnapshotWriter::new(Vec::new());
        let values: Vec<u64> = (0..100).map(|index| frame + index).collect();
        writer.section("world data", "", |out| encode_into(&values, out)).unwrap();
        writer.finish()
    }

    /// A run that has written these frames.
    fn run(base: &Path, frames: &[u64]) -> RunFolder {
        let mut folder = RunFolder::new(base.join("runs"));
        // Two runs of one process in one millisecond.
        folder.path = base.join("runs").join(format!("run-{}", frames.first().unwrap_or(&0)));
        frames.iter().for_each(|frame| drop(folder.write(*frame, &game(*frame)).unwrap()));
        folder
    }

    /// The frames of the snapshots of all runs that have ended.
    fn ended(base: &Path) -> Vec<Vec<u64>> {
        let frames = |run: EndedRun| run.files.iter().map(|file| file.frame).collect();
        ended_runs(&base.join("runs")).into_iter().map(frames).collect()
    }

    #[test]
    fn the_newest_few_are_on_disk_and_found_when_their_run_has_ended() {
        let scratch = Scratch::new();
        let folder = run(scratch.path(), &[1, 2, 3, 4, 5]);
        assert!(ended(scratch.path()).is_empty(), "it goes on");
        drop(folder);
        assert_eq!(ended(scratch.path()), [[5, 4, 3]]);
        let runs = ended_runs(&scratch.path().join("runs"));
        assert_eq!(runs[0].files()[0].read().unwrap(), game(5));
        assert!(runs[0].files()[0].age() < Duration::from_secs(600));
        assert!(ended(scratch.path()).is_empty(), "somebody has taken it up");
        let path = runs[0].files()[0].path.clone();
        assert!(runs[0].has(&path) && !runs[0].has(scratch.path()));
        assert!(runs[0].is_news() && !runs[0].is_news());
    }

    #[test]
    fn runs_that_end_well_leave_nothing_and_of_the_others_the_newest_are_kept() {
        let scratch = Scratch::new();
        run(scratch.path(), &[1]).remove();
        assert!(ended(scratch.path()).is_empty());
        for frame in [10, 20, 30, 40, 50] {
            drop(run(scratch.path(), &[frame]));
            // Names are told apart by milliseconds.
            std::thread::sleep(Duration::from_millis(2));
        }
        assert_eq!(ended(scratch.path()), [[50], [40], [30]]);
        assert_eq!(fs::read_dir(scratch.path().join("runs")).unwrap().count(), 4, "they, and the lock");
    }

    #[test]
    fn a_snapshot_that_is_not_whole_is_never_believed() {
        let scratch = Scratch::new();
        drop(run(scratch.path(), &[7]));
        let runs = ended_runs(&scratch.path().join("runs"));
        let file = &runs[0].files()[0];
        let whole = fs::read(&file.path).unwrap();
        for length in 0..whole.len() {
            fs::write(&file.path, &whole[..length]).unwrap();
            assert!(file.read().is_err(), "{length} of {} bytes", whole.len());
        }
        for index in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[index] ^= 1 << (index % 8);
            fs::write(&file.path, &damaged).unwrap();
            assert!(file.read().is_err(), "byte {index}");
        }
        fs::write(&file.path, [whole.as_slice(), &[0]].concat()).unwrap();
        assert!(file.read().is_err(), "a byte too many");
        fs::write(&file.path, &whole).unwrap();
        assert_eq!(file.read().unwrap(), game(7));
    }

    #[test]
    fn what_was_being_written_is_no_snapshot() {
        let scratch = Scratch::new();
        let folder = run(scratch.path(), &[7]);
        for name in [".0000000000009-frame-9.keel.1-0.partial", "9-frame-.keel", "x-frame-9.keel", "9.keel"] {
            fs::write(folder.path.join(name), game(9)).unwrap();
        }
        drop(folder);
        assert_eq!(ended(scratch.path()), [[7]]);
    }

    #[test]
    fn what_was_being_removed_is_gone() {
        let scratch = Scratch::new();
        drop(run(scratch.path(), &[7]));
        let base = scratch.path().join("runs");
        fs::rename(base.join("run-7"), base.join(format!("{REMOVED}run-7"))).unwrap();
        assert!(ended(scratch.path()).is_empty());
        assert_eq!(fs::read_dir(base).unwrap().count(), 1, "the lock");
    }

    #[test]
    fn a_folder_that_is_gone_is_made_again_and_what_can_not_be_is_told_with_its_path() {
        let scratch = Scratch::new();
        let mut folder = run(scratch.path(), &[1]);
        fs::remove_dir_all(scratch.path().join("runs")).unwrap();
        folder.write(2, &game(2)).unwrap();
        fs::remove_dir_all(scratch.path().join("runs")).unwrap();
        fs::write(scratch.path().join("runs"), "no folder").unwrap();
        let error = folder.write(3, &game(3)).unwrap_err().to_string();
        assert!(error.contains("runs"), "{error}");
        fs::remove_file(scratch.path().join("runs")).unwrap();
        folder.write(4, &game(4)).unwrap();
        drop(folder);
        assert_eq!(ended(scratch.path()), [[4]]);
    }

    #[test]
    fn a_run_whose_folder_was_gone_and_is_back_goes_on_for_all_others() {
        let scratch = Scratch::new();
        let place = |name: &str| scratch.path().join(name);
        let mut folder = run(scratch.path(), &[1]);
        fs::rename(place("runs"), place("disk")).unwrap();
        folder.write(2, &game(2)).unwrap();
        fs::rename(place("runs"), place("beneath")).unwrap();
        fs::rename(place("disk"), place("runs")).unwrap();
        folder.write(3, &game(3)).unwrap();
        assert!(ended(scratch.path()).is_empty(), "it goes on");
        drop(folder);
        assert_eq!(ended(scratch.path()), [[3, 1]]);
    }
}
