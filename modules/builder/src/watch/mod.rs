//! Which files of a workspace have new content.

mod content;
mod scope;
mod settle;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use crossbeam_channel::{Receiver, Sender, bounded, never, select_biased, unbounded};
use keel_resolver::WatchDepth;
use notify::event::{AccessKind, AccessMode, ModifyKind, RenameMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

pub use self::scope::WatchScope;
pub use self::settle::WatchTiming;

use self::content::Contents;
use self::settle::{Burst, FileState};
use crate::{BuilderError, os};

/// A file's time of modification is believed if it lies at most this long before the event: a file that was
/// renamed into place may be much older.
const MODIFIED_BEFORE_EVENT_MAX: Duration = Duration::from_secs(1);

/// Files with new content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeSet {
    /// The files that changed, came or went; sorted, never empty.
    pub files: Vec<PathBuf>,
    /// When the last of them was saved.
    pub saved_at: SystemTime,
    /// When the change of content was seen.
    pub detected_at: Instant,
}

/// Watches the inputs of a workspace on a thread of its own, until it is dropped.
///
/// Saving a file unchanged is no change. A file that is written again and again is reported at least every
/// [`WatchTiming::longest`].
#[derive(Debug)]
pub struct Watcher {
    // Taken when dropped, which ends the thread.
    commands: Option<Sender<Command>>,
    changes: Receiver<Result<ChangeSet, BuilderError>>,
    thread: Option<JoinHandle<()>>,
}

struct Command {
    scope: WatchScope,
    done: Sender<Result<(), BuilderError>>,
}

impl Watcher {
    /// Watches `scope`. What is on disk when this returns is what later content is compared with.
    ///
    /// # Errors
    /// [`BuilderError::Watch`] when the system refuses to watch an existing folder.
    pub fn start(scope: WatchScope) -> Result<Self, BuilderError> {
        Self::start_with(scope, WatchTiming::default())
    }

    /// As [`Watcher::start`], with other waiting times.
    ///
    /// # Errors
    /// As [`Watcher::start`].
    pub fn start_with(scope: WatchScope, timing: WatchTiming) -> Result<Self, BuilderError> {
        let (events_in, events) = unbounded();
        let (commands, commands_out) = unbounded();
        let (changes_in, changes) = unbounded();
        let mut watching = Watching::new(scope, timing, events_in, changes_in)?;
        watching.arm_all()?;
        watching.contents.look_at_all(&watching.scope, &mut BTreeSet::new());
        let thread = std::thread::Builder::new().name("keel-watcher".to_owned());
        let thread = thread
            .spawn(move || watching.run(&events, &commands_out))
            .map_err(|source| BuilderError::Watch { path: None, source: notify::Error::io(source) })?;
        Ok(Self { commands: Some(commands), changes, thread: Some(thread) })
    }

    /// The changes, in order. An error is about one folder or the system's watcher; the others go on.
    pub fn changes(&self) -> &Receiver<Result<ChangeSet, BuilderError>> {
        &self.changes
    }

    /// Watches `scope` from now on. No change of a file that is in both scopes is lost; one that is only in
    /// the new scope counts from now, so build a new member after this.
    ///
    /// # Errors
    /// As [`Watcher::start`]; what could be watched is.
    pub fn watch(&self, scope: WatchScope) -> Result<(), BuilderError> {
        let (done, is_done) = bounded(1);
        let commands = self.commands.as_ref().ok_or(BuilderError::WatcherStopped)?;
        commands.send(Command { scope, done }).map_err(|_| BuilderError::WatcherStopped)?;
        is_done.recv().map_err(|_| BuilderError::WatcherStopped)?
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.commands = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed; there is nobody left to tell.
            let _ = thread.join();
        }
    }
}

struct Arrived {
    event: notify::Result<notify::Event>,
    at: Instant,
    system_time: SystemTime,
}

/// What the watcher's thread owns.
struct Watching {
    system: RecommendedWatcher,
    scope: WatchScope,
    armed: BTreeMap<PathBuf, WatchDepth>,
    contents: Contents,
    burst: Burst,
    changes: Sender<Result<ChangeSet, BuilderError>>,
}

impl Watching {
    fn new(
        scope: WatchScope,
        timing: WatchTiming,
        events: Sender<Arrived>,
        changes: Sender<Result<ChangeSet, BuilderError>>,
    ) -> Result<Self, BuilderError> {
        let handler = move |event| {
            // The thread may have ended already; nobody waits for its events then.
            let _ = events.send(Arrived { event, at: Instant::now(), system_time: SystemTime::now() });
        };
        let system = notify::recommended_watcher(handler)
            .map_err(|source| BuilderError::Watch { path: None, source })?;
        let (armed, contents, burst) = (BTreeMap::new(), Contents::default(), Burst::new(timing));
        Ok(Self { system, scope, armed, contents, burst, changes })
    }

    fn run(mut self, events: &Receiver<Arrived>, commands: &Receiver<Command>) {
        loop {
            let due = self.burst.due_at().map_or_else(never, crossbeam_channel::at);
            select_biased! {
                recv(commands) -> command => match command {
                    Ok(command) => {
                        let result = self.replace_scope(command.scope);
                        let _ = command.done.send(result);
                    }
                    Err(_) => return,
                },
                recv(events) -> arrived => match arrived {
                    Ok(arrived) => self.take_event(arrived),
                    Err(_) => return,
                },
                recv(due) -> _ => self.look(),
            }
        }
    }

    fn take_event(&mut self, arrived: Arrived) {
        match arrived.event {
            Ok(event) if event.need_rescan() => self.look_at_all(arrived.system_time),
            Ok(event) => {
                let Some(state) = state_after(event.kind) else { return };
                let mut paths = event.paths;
                paths.retain(|path| self.concerns(path));
                for path in paths {
                    // A temporary file that was renamed into place will not come back.
                    let is_passing = state == FileState::Gone && !self.contents.has(&path);
                    let state = if is_passing { FileState::Closed } else { state };
                    self.burst.touch(path, state, arrived.at, arrived.system_time);
                }
            }
            Err(mut source) => {
                let path = std::mem::take(&mut source.paths).into_iter().next();
                self.fail(BuilderError::Watch { path, source });
            }
        }
    }

    /// Whether an event about `path` is worth a look. A folder that holds an input is, or would be again.
    fn concerns(&self, path: &Path) -> bool {
        self.scope.is_input(path)
            || self.scope.is_candidate(path)
            || self.scope.depth(path).is_some_and(|_| path.extension().is_none())
            || self.scope.inputs().iter().any(|input| input.path.starts_with(path))
    }

    fn look(&mut self) {
        let mut changed = BTreeSet::new();
        let mut saved_at = SystemTime::UNIX_EPOCH;
        for (path, arrived_at) in self.burst.take() {
            self.arm_below(&path);
            let before = changed.len();
            self.contents.look_at(&path, &self.scope, &mut changed);
            if changed.len() > before {
                saved_at = saved_at.max(self.saved_time(&path, arrived_at));
            }
        }
        self.report(changed, saved_at);
    }

    fn look_at_all(&mut self, arrived_at: SystemTime) {
        self.burst.take();
        if let Err(error) = self.arm_all() {
            self.fail(error);
        }
        let mut changed = BTreeSet::new();
        self.contents.look_at_all(&self.scope, &mut changed);
        self.report(changed, arrived_at);
    }

    /// When `path` was saved: at its time of modification, unless that is no time of this save. Then the file
    /// was moved here or restored with its old time, and gets the time of the event: cargo goes by times, and
    /// would take the new content for what it has built already.
    fn saved_time(&self, path: &Path, arrived_at: SystemTime) -> SystemTime {
        let Ok(modified_at) = fs::metadata(path).and_then(|metadata| metadata.modified()) else {
            return arrived_at;
        };
        let age = arrived_at.duration_since(modified_at).unwrap_or_default();
        if age <= MODIFIED_BEFORE_EVENT_MAX {
            return modified_at.min(arrived_at);
        }
        if path.is_file()
            && let Err(source) =
                File::options().write(true).open(path).and_then(|file| file.set_modified(arrived_at))
        {
            self.fail(BuilderError::File { action: "setting the time of", path: path.to_owned(), source });
        }
        arrived_at
    }

    fn report(&self, changed: BTreeSet<PathBuf>, saved_at: SystemTime) {
        if changed.is_empty() {
            return;
        }
        let files = changed.into_iter().collect();
        // Nobody may be listening any more; the thread ends when the watcher is dropped.
        let _ = self.changes.send(Ok(ChangeSet { files, saved_at, detected_at: Instant::now() }));
    }

    fn fail(&self, error: BuilderError) {
        let _ = self.changes.send(Err(error));
    }

    fn replace_scope(&mut self, scope: WatchScope) -> Result<(), BuilderError> {
        // What changed under the old scope is reported under it, so that nothing falls between the two.
        let mut changed = BTreeSet::new();
        self.burst.take();
        self.contents.look_at_all(&self.scope, &mut changed);
        self.report(changed, SystemTime::now());
        self.scope = scope;
        let result = self.arm_all();
        self.contents.look_at_all(&self.scope, &mut BTreeSet::new());
        result
    }

    /// Watches what the scope names and isn't watched yet, and lets go of the rest.
    fn arm_all(&mut self) -> Result<(), BuilderError> {
        let inputs = self.scope.inputs().iter().map(|input| (input.path.clone(), input.depth));
        let candidates = self.scope.candidates().iter().map(|path| (path.clone(), WatchDepth::Folder));
        let wanted: BTreeMap<PathBuf, WatchDepth> = candidates.chain(inputs).collect();
        let dropped: Vec<PathBuf> = self
            .armed
            .iter()
            .filter(|(path, depth)| wanted.get(*path) != Some(depth))
            .map(|it| it.0.clone())
            .collect();
        for path in dropped {
            self.disarm(&path);
        }
        let mut result = Ok(());
        for (path, depth) in wanted {
            if !self.armed.contains_key(&path) {
                result = result.and(self.arm(path, depth));
            }
        }
        result
    }

    /// Watches the inputs at or below `path` anew: a folder that was removed and made again has lost its
    /// watch. A folder that may become a member is watched too.
    fn arm_below(&mut self, path: &Path) {
        if !path.is_dir() {
            return;
        }
        let inputs = self.scope.inputs().iter().filter(|input| input.path.starts_with(path));
        let mut wanted: Vec<_> = inputs.map(|input| (input.path.clone(), input.depth)).collect();
        if wanted.is_empty() && self.scope.is_candidate(path) {
            wanted.push((path.to_owned(), WatchDepth::Folder));
        }
        for (path, depth) in wanted {
            self.disarm(&path);
            if let Err(error) = self.arm(path, depth) {
                self.fail(error);
            }
        }
    }

    fn arm(&mut self, path: PathBuf, depth: WatchDepth) -> Result<(), BuilderError> {
        let mode = match depth {
            WatchDepth::Folder => RecursiveMode::NonRecursive,
            WatchDepth::Tree => RecursiveMode::Recursive,
        };
        match self.system.watch(&path, mode) {
            Ok(()) => {
                self.armed.insert(path, depth);
                Ok(())
            }
            // It is watched when it appears: its parent is.
            Err(_) if !path.exists() => Ok(()),
            Err(source) => Err(BuilderError::Watch { path: Some(path), source }),
        }
    }

    fn disarm(&mut self, path: &Path) {
        if self.armed.remove(path).is_some() {
            // An error means that the folder is gone, and its watch with it.
            let _ = self.system.unwatch(path);
        }
    }
}

/// What an event says of its file; none if it can't be about new content.
fn state_after(kind: EventKind) -> Option<FileState> {
    let written = if os::REPORTS_CLOSE { FileState::Written } else { FileState::Closed };
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Some(FileState::Closed),
        EventKind::Access(_) => None,
        EventKind::Create(notify::event::CreateKind::Folder) => Some(FileState::Closed),
        EventKind::Create(_) | EventKind::Modify(ModifyKind::Data(_)) => Some(written),
        EventKind::Modify(ModifyKind::Name(RenameMode::From)) | EventKind::Remove(_) => Some(FileState::Gone),
        // The two events that it joins came before it.
        EventKind::Modify(ModifyKind::Name(RenameMode::Both)) if os::REPORTS_CLOSE => None,
        EventKind::Modify(ModifyKind::Metadata(_)) if os::REPORTS_CLOSE => None,
        _ => Some(FileState::Closed),
    }
}
