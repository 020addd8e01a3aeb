//! A recorded game: where it began, all that came into it since, and what came of it.
//!
//! ```
//! use std::time::Duration;
//!
//! use keel_recording::{FrameInput, Game, Head, Record, Recording, RecordingWriter};
//!
//! let mut writer = RecordingWriter::default();
//! let step = Duration::from_millis(10);
//! writer.add(&Record::Head(Head { keel: "0.1.0".to_owned(), step, seed: 3, modules: Vec::new() }))?;
//! writer.add(&Record::Start(Game(Vec::new())))?;
//! writer.add(&Record::Frame(FrameInput { dt: step, ..FrameInput::default() }))?;
//!
//! let recording = Recording::parse(&writer.take())?;
//! assert_eq!((recording.head.seed, recording.records.len()), (3, 2));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod input;
mod recording;

pub use input::FrameInput;
pub use recording::{
    Change, Game, Head, Parts, Record, RecordedModule, Recording, RecordingError, RecordingWriter, differing,
    take_up,
};
