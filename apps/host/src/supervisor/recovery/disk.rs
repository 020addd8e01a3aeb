//! Snapshots go to disk on a thread: a disk may take seconds, or not answer at all.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};

use super::folder::{EndedRun, RunFolder};
use super::kept::KeptGame;
use crate::refusal::with_causes;

/// How long the end of a run waits for its disk.
const PATIENCE: Duration = Duration::from_secs(5);

/// What becomes of writing.
#[derive(Debug, PartialEq)]
pub(crate) enum DiskNews {
    /// It fails, since now. In words.
    Failing(String),
    /// It works again.
    Working,
    /// The run ends, and it does not answer.
    Hanging,
}

/// The snapshots of this run on disk.
pub(crate) struct Disk {
    interval: Duration,
    due: Instant,
    games: Sender<Arc<KeptGame>>,
    news: Sender<DiskNews>,
    /// What is written is to be removed once there are no more games.
    is_over: Arc<AtomicBool>,
    /// Where the newest snapshot lies, once the thread has done all.
    ended: Receiver<Option<PathBuf>>,
    patience: Duration,
}

struct Writer {
    folder: RunFolder,
    /// The run that this one goes on with, and those before it: of no use any more once this one has written something.
    before: Vec<EndedRun>,
    news: Sender<DiskNews>,
    is_failing: bool,
    newest: Option<PathBuf>,
}

impl Disk {
    /// Writes into a folder in `base`, at most once in an `interval`. What becomes of it comes out of the channel.
    pub(crate) fn start(
        base: PathBuf,
        interval: Duration,
        before: Vec<EndedRun>,
    ) -> anyhow::Result<(Self, Receiver<DiskNews>)> {
        let (news, told) = unbounded();
        let (games, received) = bounded::<Arc<KeptGame>>(1);
        let (end, ended) = bounded(1);
        let is_over = Arc::<AtomicBool>::default();
        let folder = RunFolder::new(base);
        let mut writer = Writer { folder, before, news: news.clone(), is_failing: false, newest: None };
        let remove = Arc::clone(&is_over);
        thread::Builder::new().name("keel-recovery".to_owned()).spawn(move || {
            received.into_iter().for_each(|game| writer.write(&game));
            let newest = if remove.load(Ordering::Acquire) { writer.remove() } else { writer.leave() };
            // Nobody may wait for it any more.
            let _ = end.send(newest);
        })?;
        let due = Instant::now();
        Ok((Self { interval, due, games, news, is_over, ended, patience: PATIENCE }, told))
    }

    /// Writes a snapshot, if it is time to.
    pub(crate) fn keep(&mut self, game: &Arc<KeptGame>) {
        let now = Instant::now();
        // A disk that is still busy with the one before is given time.
        if now >= self.due && self.games.try_send(Arc::clone(game)).is_ok() {
            self.due = now + self.interval;
        }
    }

    /// The run has ended well: nothing of it is left.
    pub(crate) fn remove(self) {
        self.is_over.store(true, Ordering::Release);
        self.wait();
    }

    /// Writes a last snapshot, and returns where the newest one lies, if there is any.
    pub(crate) fn leave(self, newest: Option<&Arc<KeptGame>>) -> Option<PathBuf> {
        if let Some(game) = newest {
            // What is in its place is not as new, and is on its way.
            let _ = self.games.send_timeout(Arc::clone(game), self.patience);
        }
        self.wait()
    }

    /// Waits for the thread to do the rest; not for ever.
    fn wait(self) -> Option<PathBuf> {
        drop(self.games);
        match self.ended.recv_timeout(self.patience) {
            Ok(newest) => newest,
            Err(RecvTimeoutError::Timeout) => {
                // The supervisor may be ending.
                let _ = self.news.send(DiskNews::Hanging);
                None
            }
            Err(RecvTimeoutError::Disconnected) => None,
        }
    }
}

impl Writer {
    fn write(&mut self, game: &KeptGame) {
        let news = match self.folder.write(game.frame, &game.bytes) {
            Ok(path) => {
                self.newest = Some(path);
                self.before.drain(..).for_each(EndedRun::remove);
                std::mem::take(&mut self.is_failing).then_some(DiskNews::Working)
            }
            Err(error) => {
                let is_new = !std::mem::replace(&mut self.is_failing, true);
                is_new.then(|| DiskNews::Failing(with_causes(&error)))
            }
        };
        // The supervisor may be ending.
        news.into_iter().for_each(|news| drop(self.news.send(news)));
    }

    fn remove(self) -> Option<PathBuf> {
        self.folder.remove();
        self.before.into_iter().for_each(EndedRun::remove);
        None
    }

    /// Lets go of the folders, which others may take up now.
    fn leave(self) -> Option<PathBuf> {
        let before = self.before.iter().find_map(|before| before.files().first());
        self.newest.or(before.map(|file| file.path.clone()))
    }
}

#[cfg(test)]
mod tests {
    use keel_fixture::Scratch;

    use super::super::folder::ended_runs;
    use super::super::kept::KeptGames;
    use super::*;
    use crate::protocol::TakenGame;

    fn game(frame: u64) -> Arc<KeptGame> {
        let taken = TakenGame { frame, libraries: Vec::new(), bytes: vec![1] };
        KeptGames::default().keep(taken, Instant::now())
    }

    fn start(scratch: &Scratch) -> Disk {
        let base = scratch.path().to_owned();
        // Another run of this process, which is told from the one before by the time.
        thread::sleep(Duration::from_millis(2));
        let before = ended_runs(&base);
        Disk::start(base, Duration::ZERO, before).unwrap().0
    }

    /// The frames that are on disk of runs that have ended.
    fn frames(scratch: &Scratch) -> Vec<u64> {
        let runs = ended_runs(scratch.path());
        runs.iter().flat_map(EndedRun::files).map(|file| file.frame).collect()
    }

    /// One whose disk does not answer, and what it tells. The first game is on its way for ever.
    fn hanging() -> (Disk, Receiver<DiskNews>, [Box<dyn std::any::Any>; 2]) {
        let ((games, received), (end, ended)) = (bounded(1), bounded(1));
        let (news, told) = unbounded();
        let is_over = Arc::default();
        let (interval, due, patience) = (Duration::ZERO, Instant::now(), Duration::ZERO);
        let mut disk = Disk { interval, due, games, news, is_over, ended, patience };
        disk.keep(&game(1));
        (disk, told, [Box::new(received), Box::new(end)])
    }

    #[test]
    fn the_end_of_a_run_does_not_wait_for_ever_for_a_disk_that_does_not_answer() {
        let (disk, told, _thread) = hanging();
        disk.remove();
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [DiskNews::Hanging]);
        let (disk, told, _thread) = hanging();
        assert_eq!(disk.leave(Some(&game(2))), None);
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [DiskNews::Hanging]);
    }

    #[test]
    fn what_a_run_goes_on_with_is_removed_once_it_has_written_its_own_and_not_before() {
        let scratch = Scratch::new();
        let written = start(&scratch).leave(Some(&game(1)));
        assert!(written.is_some_and(|path| path.is_file()));
        let written = start(&scratch).leave(None);
        assert!(written.is_some_and(|path| path.is_file()), "it says where the one before lies");
        assert_eq!(frames(&scratch), [1]);
        start(&scratch).leave(Some(&game(2)));
        assert_eq!(frames(&scratch), [2]);
        start(&scratch).remove();
        assert_eq!(frames(&scratch), Vec::<u64>::new(), "a run that ends well has no ancestors either");
    }
}
