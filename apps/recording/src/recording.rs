//! A recording: where a game began, all that came into it since, and what came of it; one record after another, so that
//! it can be written while the game runs and read up to wherever it was cut off.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use keel::state::{LogReader, LogWriter, StateError, decode_all, encode_into};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::FrameInput;

/// The hashes of a game's state in parts, by what they belong to.
pub type Parts = BTreeMap<String, u64>;

/// A step is at least and at most so long. Without a length no frame would end.
const STEP: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(1);

/// One entry of a recording. The first is a head, the second a start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Record {
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
pub struct Head {
    /// What Keel was, as its host says it: version, sources, compiler.
    pub keel: String,
    /// The length of a step of simulation time.
    pub step: Duration,
    /// Where random numbers start when the state is started afresh.
    pub seed: u64,
    /// The modules that were live at the beginning.
    pub modules: Vec<RecordedModule>,
}

/// A module as it was when it was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedModule {
    /// Its name.
    pub name: String,
    /// The version of its package.
    pub version: String,
    /// The hash of its library's bytes, which says whether it was built anew since; 0 where it was not asked, or could not be read.
    pub library: u64,
}

/// What changes a game between two frames.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// These modules were swapped in, together.
    Swap {
        /// What they are after it.
        modules: Vec<RecordedModule>,
        /// Whether what would be lost was accepted.
        accept_loss: bool,
    },
    /// These modules were taken out, together.
    Remove {
        /// Their names.
        modules: Vec<String>,
    },
    /// The state was started afresh.
    Reset,
}

/// The bytes of a game file.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Game(pub Vec<u8>);

/// A recording that was read.
#[derive(Debug)]
pub struct Recording {
    /// What was recorded.
    pub head: Head,
    /// All others, a start first.
    pub records: Vec<Record>,
    /// How many bytes at the end could not be used: it was cut off there, or is damaged.
    pub torn_bytes: usize,
}

impl Recording {
    /// Reads a recording up to where it was cut off.
    ///
    /// # Errors
    /// When it is none, is of another version, does not even hold a start, or contradicts itself.
    pub fn parse(bytes: &[u8]) -> Result<Self, RecordingError> {
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
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// It is none, or is of another version.
    #[error(transparent)]
    State(#[from] StateError),
    /// A record that is whole, and is none that this build knows.
    #[error("record {number} can't be read: {source}; replay it with the Keel that wrote it")]
    Record {
        /// Which one, from 0 on.
        number: usize,
        /// What is wrong with it.
        source: StateError,
    },
    /// It ends before the game begins.
    #[error("the recording has no beginning: it was cut off before the game began, or is none; record again")]
    NoStart,
    /// It begins a second time.
    #[error("record {number} begins another recording; two files were put together, replay each by itself")]
    HeadTwice {
        /// Which record does, from 0 on.
        number: usize,
    },
    /// Its steps are of a length that no game has.
    #[error("the recording says that a step takes {step:?}; 1 ms to 1 s were expected, so it is damaged")]
    Step {
        /// The length that it says.
        step: Duration,
    },
}

/// Makes the bytes of a recording.
#[derive(Debug, Default)]
pub struct RecordingWriter {
    log: LogWriter,
    /// The hashes that were written last, since the last start.
    parts: Parts,
}

impl RecordingWriter {
    /// Adds a record; its bytes wait to be taken. Of hashes only those are written that have changed.
    ///
    /// # Errors
    /// [`StateError`] when it can't be encoded; nothing is added then.
    pub fn add(&mut self, record: &Record) -> Result<(), StateError> {
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
    pub fn take(&mut self) -> Vec<u8> {
        self.log.take()
    }
}

/// What is another in `now` than in `before`; 0 for what is gone.
pub fn differing(before: &Parts, now: &Parts) -> Parts {
    let gone = before.keys().filter(|name| !now.contains_key(*name)).map(|name| (name.clone(), 0));
    let is_new = |(name, hash): &(&String, &u64)| before.get(*name) != Some(*hash);
    gone.chain(now.iter().filter(is_new).map(|(name, hash)| (name.clone(), *hash))).collect()
}

/// Takes up what [`differing`] has found.
pub fn take_up(parts: &mut Parts, news: &Parts) {
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
