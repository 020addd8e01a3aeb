//! A recording: where a game began, all that came into it since, and what came of it; one record after another, so that
//! it can be written while the game runs and read up to wherever it was cut off.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use keel::module::{FINGERPRINT, Fingerprint};
use keel::state::{LogReader, LogWriter, StateError, decode_all, encode_into};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::engine_process::input::FrameInput;

/// The hashes of a game's state in parts, by what they belong to.
pub(crate) type Parts = BTreeMap<String, u64>;

/// A step is at least and at most so long. Without a length no frame would end.
const STEP: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(1);

/// One entry of a recording. The first is a head, the second a start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Record {
    /// What was recorded, and by what.
    Head(Head),
    /// The game as it was between two frames, as the bytes of a game file. What follows goes on from there, whatever was
    /// before: at the beginning, and after a rewind.
    Start(Game),
    /// A frame, and all that came into it.
    Frame(FrameInput),
    /// A change of the game between two frames.
    Change(Change),
    /// Those hashes of the state that have changed since the last start or hashes; 0 for a part that is gone.
    Hashes(Parts),
    /// The game as it was at the end.
    End(Game),
}

/// What was recorded, and by what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// What Keel was, as [`built_with`] says it.
    pub(crate) keel: String,
    /// The length of a step of simulation time.
    pub(crate) step: Duration,
    /// Where random numbers start when the state is started afresh.
    pub(crate) seed: u64,
    /// The modules that were live at the beginning.
    pub(crate) modules: Vec<RecordedModule>,
}

/// The version of this Keel, its sources and what they were built with.
pub(crate) fn built_with() -> String {
    let Fingerprint { rustc, target, profile, flags, facade } = FINGERPRINT;
    format!("{} {facade}, {rustc}, {target}, {profile} {flags}", env!("CARGO_PKG_VERSION"))
}

/// A module as it was when it was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordedModule {
    pub(crate) name: String,
    pub(crate) version: String,
    /// The hash of its library's bytes, which says whether it was built anew since; 0 where it was not asked, or could not be read.
    pub(crate) library: u64,
}

/// What changes a game between two frames.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Change {
    /// These modules were swapped in, together.
    Swap { modules: Vec<RecordedModule>, accept_loss: bool },
    /// These modules were taken out, together.
    Remove { modules: Vec<String> },
    /// The state was started afresh.
    Reset,
}

/// The bytes of a game file.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Game(pub(crate) Vec<u8>);

/// A recording that was read.
#[derive(Debug)]
pub(crate) struct Recording {
    pub(crate) head: Head,
    /// All others, a start first.
    pub(crate) records: Vec<Record>,
    /// How many bytes at the end could not be used: it was cut off there, or is damaged.
    pub(crate) torn_bytes: usize,
}

impl Recording {
    /// Reads a recording up to where it was cut off.
    ///
    /// # Errors
    /// When it is none, is of another version, does not even hold a start, or contradicts itself.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, RecordingError> {
        let mut entries = LogReader::new(bytes)?;
        let mut records = Vec::new();
        for (number, entry) in entries.by_ref().enumerate() {
            let record = decode_all(entry).map_err(|source| RecordingError::Record { number, source })?;
            records.push(record);
        }
        let torn_bytes = entries.torn_bytes();
        let mut records = records.into_iter().peekable();
        let Some(Record::Head(head)) = records.next() else { return Err(RecordingError::NoStart) };
        if !STEP.contains(&head.step) {
            return Err(RecordingError::Step { step: head.step });
        }
        if !matches!(records.peek(), Some(Record::Start(_))) {
            return Err(RecordingError::NoStart);
        }
        let records: Vec<_> = records.collect();
        match records.iter().position(|record| matches!(record, Record::Head(_))) {
            None => Ok(Self { head, records, torn_bytes }),
            Some(number) => Err(RecordingError::HeadTwice { number: number + 1 }),
        }
    }
}

/// Why a recording can't be read.
#[derive(Debug)]
pub(crate) enum RecordingError {
    State(StateError),
    Record { number: usize, source: StateError },
    NoStart,
    HeadTwice { number: usize },
    Step { step: Duration },
}

impl fmt::Display for RecordingError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::State(error) => error.fmt(out),
            Self::Record { number, source } => {
                write!(out, "record {number} can't be read: {source}; replay it with the Keel that wrote it")
            }
            Self::NoStart => out.write_str(
                "the recording has no beginning: it was cut off before the game began, or is none; record again",
            ),
            Self::HeadTwice { number } => write!(
                out,
                "record {number} begins another recording; two files were put together, replay each by itself"
            ),
            Self::Step { step } => write!(
                out,
                "the recording says that a step takes {step:?}; 1 ms to 1 s were expected, so it is damaged"
            ),
        }
    }
}

impl std::error::Error for RecordingError {}

impl From<StateError> for RecordingError {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

/// Makes the bytes of a recording.
#[derive(Default)]
pub(crate) struct RecordingWriter {
    log: LogWriter,
    /// The hashes that were written last, since the last start.
    parts: Parts,
}

impl RecordingWriter {
    /// Adds a record; its bytes wait to be taken. Of hashes only those are written that have changed.
    ///
    /// # Errors
    /// [`StateError`] when it can't be encoded; nothing is added then.
    pub(crate) fn add(&mut self, record: &Record) -> Result<(), StateError> {
        match record {
            Record::Hashes(parts) => {
                let news = Record::Hashes(differing(&self.parts, parts));
                self.parts.clone_from(parts);
                self.log.entry(|content| encode_into(&news, content))
            }
            record => {
                if matches!(record, Record::Start(_)) {
                    self.parts.clear();
                }
                self.log.entry(|content| encode_into(record, content))
            }
        }
    }

    /// The bytes of what was added since the last time.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        self.log.take()
    }
}

/// What is another in `now` than in `before`; 0 for what is gone.
pub(crate) fn differing(before: &Parts, now: &Parts) -> Parts {
    let gone = before.keys().filter(|name| !now.contains_key(*name)).map(|name| (name.clone(), 0));
    let is_new = |(name, hash): &(&String, &u64)| before.get(*name) != Some(*hash);
    gone.chain(now.iter().filter(is_new).map(|(name, hash)| (name.clone(), *hash))).collect()
}

/// Takes up what [`differing`] has found.
pub(crate) fn take_up(parts: &mut Parts, news: &Parts) {
    for (name, hash) in news {
        match hash {
            0 => parts.remove(name),
            hash => parts.insert(name.clone(), *hash),
        };
    }
}

impl fmt::Debug for Game {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} bytes of a game", self.0.len())
    }
}

// As bytes, not as a list of numbers: a game is large.
impl Serialize for Game {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Game {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(GameVisitor)
    }
}

struct GameVisitor;

impl Visitor<'_> for GameVisitor {
    type Value = Game;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the bytes of a game")
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Game, E> {
        Ok(Game(bytes.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use keel::console::Key;

    use super::*;

    fn head() -> Record {
        let module = RecordedModule { name: "swim".to_owned(), version: "0.1.0".to_owned(), library: 7 };
        let step = Duration::from_millis(10);
        Record::Head(Head { keel: "0.1.0".to_owned(), step, seed: 3, modules: vec![module] })
    }

    fn frame(key: Key) -> Record {
        let dt = Duration::from_millis(17);
        Record::Frame(FrameInput { dt, keys: vec![key], terminal: Some((80, 24)), ..FrameInput::default() })
    }

    fn parts(parts: &[(&str, u64)]) -> Parts {
        parts.iter().map(|(name, hash)| ((*name).to_owned(), *hash)).collect()
    }

    fn file_of(records: &[Record]) -> Vec<u8> {
        let mut writer = RecordingWriter::default();
        records.iter().for_each(|record| writer.add(record).unwrap());
        writer.take()
    }

    fn whole() -> Vec<Record> {
        let start = Record::Start(Game(vec![1, 2, 3]));
        let swap = Change::Swap { modules: Vec::new(), accept_loss: true };
        let remove = Change::Remove { modules: vec!["hunt".to_owned()] };
        let changes = [swap, remove, Change::Reset].map(Record::Change);
        let rest = [frame(Key::Up), frame(Key::Letter('ü')), Record::End(Game(vec![]))];
        [head(), start].into_iter().chain(changes).chain(rest).collect()
    }

    #[test]
    fn what_is_written_is_read() {
        let records = whole();
        let recording = Recording::parse(&file_of(&records)).unwrap();
        assert_eq!((Record::Head(recording.head.clone()), recording.torn_bytes), (records[0].clone(), 0));
        assert_eq!(recording.records[..], records[1..]);
    }

    #[test]
    fn only_hashes_that_have_changed_are_written() {
        let all = [
            parts(&[("Position", 1), ("Tide", 2)]),
            parts(&[("Position", 1), ("Tide", 3)]),
            parts(&[("Position", 1)]),
        ];
        let start = || Record::Start(Game(vec![]));
        let [a, b, c] = all.clone().map(Record::Hashes);
        let file = file_of(&[head(), start(), a, b, c.clone(), start(), c]);
        let mut found = Parts::new();
        let mut seen = Vec::new();
        for record in Recording::parse(&file).unwrap().records {
            match record {
                Record::Hashes(news) => {
                    take_up(&mut found, &news);
                    seen.push((news.len(), found.clone()));
                }
                _ => found.clear(),
            }
        }
        let [a, b, c] = all;
        assert_eq!(seen, [(2, a), (1, b), (1, c.clone()), (1, c)]);
    }

    #[test]
    fn a_recording_is_read_up_to_where_it_was_cut_off() {
        let (records, file) = (whole(), file_of(&whole()));
        let begun = file_of(&records[..2]).len();
        for length in 0..file.len() {
            match Recording::parse(&file[..length]) {
                Ok(recording) => {
                    let count = recording.records.len();
                    assert!(length >= begun && recording.records[..] == records[1..=count]);
                    assert_eq!(length - recording.torn_bytes, file_of(&records[..=count]).len());
                }
                Err(error) => assert!(length < begun, "{length}: {error}"),
            }
        }
    }

    #[track_caller]
    fn check_refused(file: &[u8], part: &str) {
        let error = Recording::parse(file).unwrap_err().to_string();
        assert!(error.contains(part), "`{part}` is not in: {error}");
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let start = Record::Start(Game(vec![]));
        check_refused(b"KEELSNAP", "this is no recording");
        check_refused(&file_of(&[]), "no beginning");
        check_refused(&file_of(std::slice::from_ref(&start)), "no beginning");
        check_refused(&file_of(&[head(), frame(Key::Up)]), "no beginning");
        check_refused(&file_of(&[head(), start.clone(), head()]), "two files were put together");
        let standing = Head { keel: String::new(), step: Duration::ZERO, seed: 0, modules: Vec::new() };
        check_refused(&file_of(&[Record::Head(standing), start]), "a step takes 0ns");
        let mut log = LogWriter::new();
        log.entry(|content| encode_into(&u32::MAX, content)).unwrap();
        check_refused(&log.take(), "record 0 can't be read");
        // A length that no bytes follow.
        let mut log = LogWriter::new();
        log.entry(|content| encode_into(&(1_u32, u64::MAX), content)).unwrap();
        check_refused(&log.take(), "the bytes end too early");
    }
}
