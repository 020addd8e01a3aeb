//! The recording of a run in a file, which grows with each frame.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::recording::{Record, RecordingWriter};

/// A recording on its way into a file.
pub(crate) struct Recorder {
    path: PathBuf,
    /// None once it could not be written.
    file: Option<File>,
    writer: RecordingWriter,
    /// Hashes are written after so many frames.
    every: u32,
    /// Frames since the last hashes.
    frames: u32,
}

impl Recorder {
    /// Begins a recording, in the place of what was at `path`, with hashes after every so many frames.
    ///
    /// # Errors
    /// When the file can't be made.
    pub(crate) fn create(path: &Path, every: u32) -> anyhow::Result<Self> {
        let file = File::create(path).with_context(|| {
            format!("{} can't be recorded into; check that its folder is there and writable", path.display())
        })?;
        let writer = RecordingWriter::default();
        Ok(Self { path: path.to_owned(), file: Some(file), writer, every: every.max(1), frames: 0 })
    }

    /// Whether hashes are due, now that a frame has ended.
    pub(crate) fn wants_hashes(&mut self) -> bool {
        self.frames += 1;
        let wants = self.file.is_some() && self.frames >= self.every;
        if wants {
            self.frames = 0;
        }
        wants
    }

    /// Writes a record. Whoever kills this process at any time after that finds it in the file.
    ///
    /// # Errors
    /// When it can't be written, once; nothing more is recorded then.
    pub(crate) fn add(&mut self, record: &Record) -> anyhow::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let added = self.writer.add(record).map_err(anyhow::Error::from);
        let written = added.and_then(|()| Ok(file.write_all(&self.writer.take())?));
        written.with_context(|| {
            self.file = None;
            format!("nothing more is recorded into {}; the game goes on", self.path.display())
        })
    }
}
