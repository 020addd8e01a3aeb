//! A run begins: with the game of one that has not ended well, if that is asked for.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use keel_resolver::Workspace;

use super::disk::{Disk, DiskNews};
use super::folder::{self, EndedRun, GameFile};
use crate::cli::RunArgs;
use crate::protocol::TakenGame;
use crate::refusal::with_causes;
use crate::supervisor::Supervisor;

/// What was found on disk.
#[derive(Default)]
pub(in crate::supervisor) struct Found {
    /// The game to go on with.
    game: Option<TakenGame>,
    /// The run that it is of, and those before it: whoever goes on with the newest is done with the others.
    runs: Vec<EndedRun>,
    /// What there is to be told: a level and a line.
    told: Vec<(&'static str, String)>,
}

impl Found {
    /// What `args` ask for.
    ///
    /// # Errors
    /// In words, when there is nothing to go on with.
    pub(in crate::supervisor) fn of(args: &RunArgs, workspace: &Workspace) -> Result<Self, String> {
        let base = folder::base(workspace.root());
        match &args.resume {
            Some(Some(file)) => Self::in_file(file, &base),
            Some(None) => Self::newest(&base),
            None if args.snapshots.0.is_some() => Ok(Self::mentioned(&base)),
            None => Ok(Self::default()),
        }
    }

    fn in_file(path: &Path, base: &Path) -> Result<Self, String> {
        let bytes = folder::read_checked(path).map_err(|error| {
            let why = with_causes(&error);
            format!(
                "{} is nothing to go on with: {why}; name another, or none for the newest",
                path.display()
            )
        })?;
        let frame = folder::game_file(path.to_owned()).map_or(0, |file| file.frame);
        let runs = folder::ended_runs(base).into_iter().filter(|run| run.has(path)).collect();
        Ok(Self { game: Some(game(frame, bytes)), runs, told: Vec::new() })
    }

    /// The newest snapshot of all that is whole.
    fn newest(base: &Path) -> Result<Self, String> {
        let mut told = Vec::new();
        let runs = folder::ended_runs(base);
        for file in runs.iter().flat_map(EndedRun::files) {
            match file.read() {
                Ok(bytes) => {
                    told.push(("info", format!("the game goes on {}", place(file))));
                    return Ok(Self { game: Some(game(file.frame, bytes)), runs, told });
                }
                Err(error) => {
                    let why = with_causes(&error);
                    told.push(("warn", format!("{} is passed over: {why}", file.path.display())));
                }
            }
        }
        let passed_over: String = told.iter().map(|(_, line)| format!("; {line}")).collect();
        Err(format!(
            "there is nothing to resume in {}: the last run has ended well, or was too short{passed_over}; start the \
             game by `keel run`, or go on with a game that you have saved by `keel run --from FILE`",
            base.display()
        ))
    }

    /// Whoever starts a game afresh is told once that another one could be gone on with.
    fn mentioned(base: &Path) -> Self {
        let runs = folder::ended_runs(base);
        let newest = runs.iter().find_map(|run| Some((run, run.files().first()?)));
        let told = newest.filter(|(run, _)| run.is_news()).map(|(_, file)| {
            let line = format!(
                "an earlier run has not ended well; `keel run --resume` goes on with it {}. This run begins afresh",
                place(file)
            );
            ("info", line)
        });
        Self { told: told.into_iter().collect(), ..Self::default() }
    }
}

fn game(frame: u64, bytes: Vec<u8>) -> TakenGame {
    // The libraries went with their run.
    TakenGame { frame, libraries: Vec::new(), bytes }
}

/// Where a snapshot was taken, for people.
fn place(file: &GameFile) -> String {
    let seconds = Duration::as_secs(&file.age());
    let age = match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} minutes", seconds / 60),
        7200..=172_799 => format!("{} hours", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    };
    format!("at frame {}, saved {age} ago", file.frame)
}

impl Supervisor {
    /// Takes up what was found, and keeps this run's own snapshots on disk from now on.
    pub(in crate::supervisor) fn take_up(&mut self, found: Found) -> anyhow::Result<()> {
        let Found { game, runs, told } = found;
        told.into_iter().for_each(|(level, line)| self.log(level, line));
        if let (Some(_), Some(interval)) = (self.args.snapshots.0, self.args.snapshots_on_disk.0) {
            let base = folder::base(self.workspace.root());
            let (disk, news) = Disk::start(base, interval, runs)?;
            (self.recovery.disk, self.disk_news) = (Some(disk), news);
        }
        if let Some(game) = game {
            self.recovery.games.keep(game, Instant::now());
        }
        Ok(())
    }

    /// Starts the first engine.
    pub(in crate::supervisor) fn begin_game(&mut self) -> anyhow::Result<()> {
        match self.recovery.games.newest().cloned() {
            Some(game) => self.start_with(Some(Arc::clone(&game.bytes)), self.args.accept_loss),
            None => self.start_engine(self.args.from.clone()),
        }
    }

    pub(in crate::supervisor) fn take_disk_news(&mut self, news: DiskNews) {
        match news {
            DiskNews::Failing(why) => self.log(
                "warn",
                format!(
                    "the game can't be kept on disk, and `keel run --resume` may have nothing new to go on with: {why}; \
                     it is tried again, so make room or make the folder writable. The game runs on"
                ),
            ),
            DiskNews::Working => self.log("info", "the game is kept on disk again".to_owned()),
            DiskNews::Hanging => {
                self.disk_hangs = true;
                let base = folder::base(self.workspace.root());
                eprintln!(
                    "warning: the disk does not answer, so the run ends without it; what it has kept of the game lies in \
                     {}, and the next `keel run` takes up or removes it",
                    base.display()
                );
            }
        }
    }
}
