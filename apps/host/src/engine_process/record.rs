//! What the engine keeps of the game's past, in memory and in a file, and how it goes back there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use keel::engine::contain;
use keel::state::checksum;
use keel_registry::Consent;

use super::Host;
use super::recorder::Recorder;
use crate::event::{Event, RewoundLine, Stage, code_name};
use crate::protocol::{Answer, FromEngine, Library};
use crate::recording::{Change, Game, Head, Record, RecordedModule, RecordingWriter, built_with};

/// The newest library of each module, by name.
pub(super) type Libraries = BTreeMap<String, PathBuf>;

impl Host {
    /// Begins to record, if that is wanted: the game is about to run its first frame.
    pub(super) fn begin_recording(&mut self) {
        if let Some(path) = self.args.record.clone() {
            let path = self.unused(path);
            let begun = Recorder::create(&path, self.args.hash_every).map(|recorder| {
                self.recorder = Some(recorder);
                self.write(&Record::Head(self.head(true)));
            });
            if let Err(error) = begun {
                self.tell_log("error", format!("{error:#}"));
            }
        }
        self.remember(true);
    }

    /// The path of a recording; another one beside it for an engine that goes on with a game which another has begun: what
    /// that one has recorded stays.
    fn unused(&mut self, path: PathBuf) -> PathBuf {
        if !self.goes_on {
            return path;
        }
        let unused = numbered(&path);
        self.tell_log("info", format!("the recording goes on in {}", unused.display()));
        unused
    }

    /// Notes libraries that were loaded or swapped in.
    pub(super) fn note_libraries(&mut self, libraries: &[Library]) {
        let paths = libraries.iter().map(|library| (library.module.clone(), library.path.clone()));
        self.libraries.extend(paths);
    }

    pub(super) fn record_swap(&mut self, libraries: &[Library], accept_loss: bool) {
        self.note_libraries(libraries);
        let names: Vec<_> = libraries.iter().map(|library| library.module.as_str()).collect();
        let modules = self.recorded_modules(|name| names.contains(&name), self.recorder.is_some());
        self.record(&Record::Change(Change::Swap { modules, accept_loss }));
    }

    /// Records what comes into the game, before it does: a frame that ends this process is in the file.
    pub(super) fn record(&mut self, record: &Record) {
        self.history.add(record);
        self.write(record);
    }

    /// After a frame: the hashes, if they are due, and a snapshot where nobody else takes any.
    pub(super) fn recorded_frame(&mut self) {
        if self.recorder.as_mut().is_some_and(Recorder::wants_hashes) {
            self.write_hashes();
        }
        let is_alone = self.args.snapshots.0.is_none();
        if is_alone && !self.paused && self.history.is_due(Instant::now()) {
            self.remember(false);
        }
    }

    /// Takes a snapshot between two frames. The recording goes on from it if it `begins` another line of time.
    fn remember(&mut self, begins: bool) {
        let wants = self.recorder.is_some() && begins;
        let begin = Instant::now();
        if !wants && !self.history.is_due(begin) {
            return;
        }
        // What panics here is code of a module, that of a type's `Serialize`.
        let buffer = self.history.buffer();
        let saved = contain(|| self.driver.save(buffer));
        match saved.and_then(|saved| saved.map_err(|rejection| rejection.to_string())) {
            Ok(game) => {
                if wants {
                    self.write(&Record::Start(Game(game.clone())));
                    self.write_hashes();
                }
                let now = Instant::now();
                self.history.begin(Arc::new(game), now - begin, now);
            }
            Err(message) => {
                self.history.postpone(Instant::now());
                self.tell_log("warn", format!("there is no way back to this moment of the game: {message}"));
            }
        }
    }

    fn write_hashes(&mut self) {
        match self.driver.registry.state_hash_parts(&self.driver.engine) {
            Ok(parts) => self.write(&Record::Hashes(parts)),
            Err(rejection) => self.tell_log("warn", format!("the recording lacks hashes: {rejection}")),
        }
    }

    fn write(&mut self, record: &Record) {
        let written = self.recorder.as_mut().map_or(Ok(()), |recorder| recorder.add(record));
        if let Err(error) = written {
            self.tell_log("error", format!("{error:#}"));
        }
    }

    fn head(&self, hashes: bool) -> Head {
        let (step, seed) = (self.step, self.args.seed);
        let modules = self.recorded_modules(|_| true, hashes);
        Head { keel: built_with(), step, seed, modules }
    }

    /// The live modules, with the hashes of their libraries, which take time to read, or without.
    fn recorded_modules(&self, is_meant: impl Fn(&str) -> bool, hashes: bool) -> Vec<RecordedModule> {
        let modules = self.driver.registry.modules().into_iter().filter(|status| is_meant(&status.name));
        let recorded = modules.map(|status| RecordedModule {
            library: if hashes { library_hash(self.libraries.get(&status.name)) } else { 0 },
            name: status.name,
            version: status.version,
        });
        recorded.collect()
    }

    /// Goes back so much simulated time, to the exact frame. The code stays what it is now.
    pub(super) fn rewind(&mut self, back: Duration) -> Answer {
        let begin = Instant::now();
        let from = self.driver.engine.time().frame;
        let Some((place, passed)) = self.history.back(back) else {
            let message = "there is nothing to go back to: no history is kept; run without `--history 0`";
            self.tell_log("warn", message.to_owned());
            return Answer::Failed { message: message.to_owned() };
        };
        let Some((game, records)) = self.history.way_to(place) else {
            return Answer::Failed { message: "the game of then is not kept any more".to_owned() };
        };
        let consent = if self.args.accept_loss { Consent::AcceptLoss } else { Consent::Lossless };
        match self.driver.rewind(&game, consent) {
            Err(rejection) => {
                let (code, message) = (code_name(rejection.code), rejection.message.clone());
                self.tell_rejection(Stage::Swap, rejection, None);
                return Answer::Refused { code, message };
            }
            Ok(report) => {
                let failed = report.failed_starts.into_iter();
                failed.for_each(|rejection| self.tell_rejection(Stage::Swap, rejection, None));
            }
        }
        self.history.cut(place);
        let replayed = self.run_again(&records);
        self.remember(true);
        // What others go back to is to be this game, too.
        self.snapshots.hurry();
        self.pace.restart();
        let line = RewoundLine {
            from,
            frame: self.driver.engine.time().frame,
            back_ms: passed.as_secs_f64() * 1e3,
            is_all: passed < back,
            replayed,
            pause_ms: begin.elapsed().as_secs_f64() * 1e3,
        };
        let message = line.text();
        self.tell(Event::Rewound(line));
        Answer::Done { message }
    }

    /// Runs what was recorded again, with the code of now. How many frames there were.
    fn run_again(&mut self, records: &[Record]) -> u64 {
        let mut frames = 0;
        for record in records {
            match record {
                Record::Frame(input) => {
                    let mut input = input.clone();
                    // The dashboard is outside, and does not go back.
                    (input.now, input.terminal) = (self.driver.dashboard.now(), self.terminal);
                    let framed = self.driver.frame(&input, Duration::ZERO);
                    framed.faults.into_iter().for_each(|fault| self.tell_fault(fault));
                    frames += 1;
                }
                Record::Change(Change::Reset) => {
                    self.reset_game();
                }
                _ => {}
            }
        }
        frames
    }

    /// Tells the input of the last frames in which keys came, of so many at most.
    pub(super) fn tell_inputs(&self, frames: u32) {
        let frames = self.history.newest_keys(frames as usize);
        self.link.send(&FromEngine::Inputs { frames });
    }

    /// Writes the last so much simulated time into a file, with the game as it is now at its end, and tells. The game waits
    /// for that snapshot only.
    pub(super) fn save_recording(&mut self, path: PathBuf, back: Duration) {
        let link = self.link.clone();
        let tell = move |path, error| link.send(&FromEngine::SavedRecording { path, error });
        let last = match self.last(back) {
            Ok(last) => last,
            Err(error) => return tell(path, Some(format!("{error:#}"))),
        };
        let tell_failed = tell.clone();
        let to = path.clone();
        let write = move || {
            let error = last.write(&to).err().map(|error| format!("{error:#}"));
            tell(to, error);
        };
        if let Err(error) = thread::Builder::new().name("keel-recording".to_owned()).spawn(write) {
            tell_failed(path, Some(format!("no thread could be started: {error}")));
        }
    }

    fn last(&mut self, back: Duration) -> anyhow::Result<Last> {
        let place = self.history.back(back).map(|(place, _)| place);
        let way = place.and_then(|place| Some((place, self.history.way_to(place)?.0)));
        let (place, game) = way.context("no history is kept; run without `--history 0`")?;
        let records = self.history.since(place).cloned().collect();
        let end = contain(|| self.driver.save(Vec::new())).map_err(anyhow::Error::msg)??;
        Ok(Last { head: self.head(false), game, records, end })
    }
}

/// The last seconds of a game, on their way into a file.
struct Last {
    head: Head,
    game: Arc<Vec<u8>>,
    records: Vec<Record>,
    end: Vec<u8>,
}

impl Last {
    fn write(self, path: &Path) -> anyhow::Result<()> {
        let mut writer = RecordingWriter::default();
        writer.add(&Record::Head(self.head))?;
        writer.add(&Record::Start(Game(self.game.to_vec())))?;
        self.records.iter().try_for_each(|record| writer.add(record))?;
        writer.add(&Record::End(Game(self.end)))?;
        let written = std::fs::write(path, writer.take());
        written.with_context(|| format!("{} can't be written; is there room?", path.display()))
    }
}

/// The first of `game.2.keellog`, `game.3.keellog` and so on that is not there.
fn numbered(path: &Path) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path.extension().map(|extension| format!(".{}", extension.to_string_lossy()));
    let extension = extension.unwrap_or_default();
    let names = (2_u32..).map(|number| path.with_file_name(format!("{stem}.{number}{extension}")));
    names.into_iter().find(|path| !path.exists()).unwrap_or_else(|| path.to_owned())
}

/// The hash of a library's file; 0 where it can't be read.
pub(super) fn library_hash(path: Option<&PathBuf>) -> u64 {
    path.and_then(|path| std::fs::read(path).ok()).map_or(0, |bytes| checksum(&bytes))
}

#[cfg(test)]
mod tests {
    use keel_fixture::Scratch;

    use super::*;

    #[test]
    fn the_recording_of_another_engine_is_not_written_over() {
        let scratch = Scratch::new();
        let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
        let file = scratch.path().join("game.keellog");
        assert_eq!(name(&numbered(&file)), "game.2.keellog");
        std::fs::write(scratch.path().join("game.2.keellog"), "").unwrap();
        assert_eq!(name(&numbered(&file)), "game.3.keellog");
        assert_eq!(name(&numbered(&scratch.path().join("game"))), "game.2");
    }
}
