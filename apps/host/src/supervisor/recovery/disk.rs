//! Snapshots go to disk on a thread: a disk may take seconds.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use super::folder::{EndedRun, RunFolder};
use super::kept::KeptGame;
use crate::refusal::with_causes;

/// What becomes of writing.
#[derive(Debug, PartialEq)]
pub(crate) enum DiskNews {
    /// It fails, since now. In words.
    Failing(String),
    /// It works again.
    Working,
}

/// The snapshots of this run on disk.
pub(crate) struct Disk {
    interval: Duration,
    due: Instant,
    games: Sender<Arc<KeptGame>>,
    thread: JoinHandle<Writer>,
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
        let mut writer =
            Writer { folder: RunFolder::new(base), before, news, is_failing: false, newest: None };
        let thread = thread::Builder::new().name("keel-recovery".to_owned()).spawn(move || {
            received.into_iter().for_each(|game| writer.write(&game));
            writer
        })?;
        Ok((Self { interval, due: Instant::now(), games, thread }, told))
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
        drop(self.games);
        if let Ok(Writer { folder, before, .. }) = self.thread.join() {
            folder.remove();
            before.into_iter().for_each(EndedRun::remove);
        }
    }

    /// Writes a last snapshot, and returns where the newest one lies, if there is any.
    pub(crate) fn leave(self, newest: Option<&Arc<KeptGame>>) -> Option<PathBuf> {
        if let Some(game) = newest {
            let _ = self.games.send(Arc::clone(game));
        }
        drop(self.games);
        let writer = self.thread.join().ok()?;
        let before = writer.before.iter().find_map(|before| before.files().first());
        writer.newest.or(before.map(|file| file.path.clone()))
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
