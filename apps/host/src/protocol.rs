//! What supervisor and engine say to each other.
//!
//! A message is a length of 4 bytes (little endian), and so many bytes of JSON: after a change of Keel's core the
//! engine is a newer build than the supervisor, and JSON passes over what it does not know. Bytes for the terminal
//! would be slow as JSON; they follow a message [`FromEngine::Screen`] as they are, and so do those of snapshots.

mod transfer;

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use keel::console::Key;
use keel_builder::BuiltBy;
use keel_registry::{Code, Past, Stated};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::engine_process::input::FrameInput;
use crate::event::{Event, FailureLine, Stage};
pub(crate) use transfer::{MessageReader, SNAPSHOT_BYTES_MAX, TakenGame, receive_order, send_snapshot};

/// No message is longer; a length beyond it is no message of ours.
const MESSAGE_BYTES_MAX: u32 = 64 << 20;

/// From the supervisor to the engine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum ToEngine {
    /// Begin, with these modules; go on with this game, if there is one. `first_frame` is the game's frame at which
    /// this run began, if another engine has begun it; `past` is what the modules can go back to that ran there.
    Load {
        modules: Vec<Library>,
        game: Option<Game>,
        accept_loss: bool,
        first_frame: Option<u64>,
        #[serde(default)]
        past: Past,
    },
    /// Exchange these modules, together.
    Swap(SwapRequest),
    /// Take these modules out, together.
    Remove { modules: Vec<String> },
    /// The views that the workspace's modules provide: a module that requires one of them need not wait for it.
    Plan { views: Vec<String> },
    /// Start the game's state afresh.
    Reset,
    /// Go back so much simulated time, in milliseconds; tell whoever waits for `id`.
    Rewind { id: Option<u64>, back_ms: u64 },
    /// Write the last so much simulated time into this file as a recording, and tell.
    SaveRecording { path: PathBuf, back_ms: u64 },
    /// Put back what a module ran before.
    Rollback(RollbackRequest),
    /// Stand still, or go on.
    Pause { paused: bool },
    /// Save the game into this file, and tell.
    SaveGame { path: PathBuf },
    /// A build has begun or ended.
    Build(BuildState),
    /// What the user may decide now; empty for nothing.
    Notice { text: String },
    /// Something for the log.
    Log { level: String, message: String },
    /// A key for the dashboard or the game.
    Key(Key),
    /// The terminal has another size.
    Resize { columns: u16, rows: u16 },
    /// Give the game as it is now, for a trial.
    GiveGame,
    /// Tell the input of the last frames in which keys came, of so many at most.
    TellInputs { frames: u32 },
    /// What has come into the game lately, for its trial.
    Inputs { frames: Vec<FrameInput> },
    /// Something else has written on the terminal.
    Redraw,
    /// End.
    Stop,
}

/// A game to go on with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Game {
    /// It is in this file.
    File(PathBuf),
    /// So many bytes follow the message.
    Sent {
        bytes: u64,
        /// They, once they have come.
        #[serde(skip)]
        content: Vec<u8>,
    },
}

impl Game {
    /// One whose bytes follow.
    pub(crate) fn sent(content: &[u8]) -> Self {
        Self::Sent { bytes: content.len() as u64, content: Vec::new() }
    }
}

/// A built module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Library {
    pub(crate) module: String,
    pub(crate) path: PathBuf,
    /// How often the module was swapped until this one was live; a swap itself counts by what is live before it.
    #[serde(default)]
    pub(crate) generation: u64,
    /// What the module's `Cargo.toml` says of it, if it is in the workspace.
    #[serde(default)]
    pub(crate) stated: Option<Stated>,
}

impl Library {
    /// Whether this is its file. A process may know it by another path, where a folder on the way is a link.
    pub(crate) fn is_file(&self, file: &Path) -> bool {
        self.path.file_name() == file.file_name()
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SwapRequest {
    /// Its number, which comes back when it is refused.
    #[serde(default)]
    pub(crate) id: u64,
    pub(crate) modules: Vec<Library>,
    /// When the edited file was closed, in microseconds since the Unix epoch; `None` for an explicit reload.
    pub(crate) saved_at_us: Option<u64>,
    pub(crate) detect_ms: f64,
    pub(crate) build_ms: f64,
    /// None if nothing was built for it.
    pub(crate) built_by: Option<BuiltBy>,
    /// How long it ran on a copy of the game.
    #[serde(default)]
    pub(crate) trial_ms: f64,
    pub(crate) accept_loss: bool,
}

impl SwapRequest {
    /// Of modules that nobody has built or waited for.
    #[cfg(test)]
    pub(crate) fn of(id: u64, modules: Vec<Library>) -> Self {
        Self {
            id,
            modules,
            saved_at_us: None,
            detect_ms: 0.0,
            build_ms: 0.0,
            built_by: None,
            trial_ms: 0.0,
            accept_loss: false,
        }
    }

    /// It without these modules; `None` if it is of no others.
    pub(crate) fn without(mut self, modules: &[String]) -> Option<Self> {
        self.modules.retain(|library| !modules.contains(&library.module));
        (!self.modules.is_empty()).then_some(self)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RollbackRequest {
    /// The number that its answer comes back with, if somebody waits for one.
    #[serde(default)]
    pub(crate) id: Option<u64>,
    pub(crate) module: String,
    /// The generation; none for the one before.
    pub(crate) to: Option<u64>,
    pub(crate) accept_loss: bool,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// It was carried out.
    Done { message: String },
    /// It was refused; `code` is the stable name of the reason.
    Refused { code: String, message: String },
    /// Nobody could see to it.
    Failed { message: String },
}

/// What cargo is doing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum BuildState {
    Building {
        modules: Vec<String>,
    },
    /// These modules run on a copy of the game.
    Trying {
        modules: Vec<String>,
    },
    /// They were refused there.
    Refused {
        modules: Vec<String>,
    },
    /// It went well; these modules are about to be swapped.
    Done {
        rebuilt: Vec<String>,
    },
    Failed {
        modules: Vec<String>,
        rendered: String,
    },
}

/// What came of new code that was tried out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum TrialOutcome {
    /// It ran.
    Fits,
    /// There was no copy of the game to try it on.
    NotMade,
    /// It was refused as the game would refuse it; with `failure` if it was for a panic.
    Refused { stage: Stage, module: String, code: Code, message: String, failure: Option<FailureLine> },
    /// A panic that would have suspended a module, or has ended a task of the new code.
    Panicked { module: String, system: String, message: String, backtrace: Option<String>, frame: u64 },
}

/// From the engine to the supervisor.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum FromEngine {
    /// Something that `--json` prints.
    Event(Event),
    /// So many bytes for the terminal follow.
    Screen { bytes: u32 },
    /// The person in front of the dashboard wants this module to be built and swapped.
    Reload { module: String },
    /// A rollback was refused that would put these modules back, and only the user's consent is missing to it.
    WantsConsent { rollback: RollbackRequest, modules: Vec<String> },
    /// A request was carried out, or refused.
    Answered { id: u64, answer: Answer },
    /// The game was saved, or why not.
    Saved { path: PathBuf, error: Option<String> },
    /// The last seconds were written as a recording, or why not.
    SavedRecording { path: PathBuf, error: Option<String> },
    /// The game is at this frame, and the run begins.
    Begun { frame: u64 },
    /// These libraries are live now, instead of those that were told before, and this is what there is to go back to.
    Live {
        libraries: Vec<Library>,
        #[serde(default)]
        past: Past,
    },
    /// So many frames of the game have begun. Not told of each frame where they are short.
    Frame { frame: u64 },
    /// The first frame has run since the modules were loaded.
    GoneOn,
    /// The game at this frame, with these libraries live. So many bytes of it follow, in parts.
    Snapshot { frame: u64, libraries: Vec<Library>, bytes: u64 },
    /// So many bytes of the snapshot that was begun last follow.
    SnapshotPart { bytes: u32 },
    /// There is no snapshot of the game as it is now, and why.
    NoGame { why: String },
    /// The input of the last frames in which keys came.
    Inputs { frames: Vec<FrameInput> },
    /// A copy of the game has been made for a trial, and has run a frame with the code before.
    Copied,
    /// What came of new code that was tried out.
    Tried(TrialOutcome),
    /// The last frame has run, or (`failed`) the game that was to be gone on with could not be. `refused` says that a
    /// module which was refused at the start is not live.
    Done { failed: bool, refused: bool },
}

/// A message that came.
#[derive(Debug)]
pub(crate) enum Received {
    Message(FromEngine),
    Screen(Vec<u8>),
    Snapshot(TakenGame),
    /// Not from it: it has ended, and its pipes are still open.
    Ended,
}

pub(crate) fn send<M: Serialize>(out: &mut impl Write, message: &M) -> io::Result<()> {
    let json = serde_json::to_vec(message)?;
    let mut framed = Vec::with_capacity(json.len() + 4);
    framed.extend((json.len() as u32).to_le_bytes());
    framed.extend(json);
    out.write_all(&framed)
}

pub(crate) fn send_screen(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    send(out, &FromEngine::Screen { bytes: bytes.len() as u32 })?;
    out.write_all(bytes)
}

fn receive<M: DeserializeOwned>(input: &mut impl Read) -> io::Result<M> {
    let mut length = [0; 4];
    input.read_exact(&mut length)?;
    let json = receive_bytes(input, u32::from_le_bytes(length))?;
    Ok(serde_json::from_slice(&json)?)
}

fn receive_bytes(input: &mut impl Read, length: u32) -> io::Result<Vec<u8>> {
    if length > MESSAGE_BYTES_MAX {
        return Err(invalid("a message is longer than any of ours"));
    }
    let mut bytes = vec![0; length as usize];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
