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
