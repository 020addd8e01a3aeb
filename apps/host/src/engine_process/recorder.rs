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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use keel_fixture::Scratch;

    use super::*;
    use crate::recording::{Game, Head, Recording};

    fn begin() -> [Record; 2] {
        let step = Duration::from_millis(10);
        let head = Head { keel: "0.1.0".to_owned(), step, seed: 0, modules: Vec::new() };
        [Record::Head(head), Record::Start(Game(vec![7]))]
    }

    fn frame() -> Record {
        Record::Frame(Default::default())
    }

    #[test]
    fn what_was_added_is_in_the_file_at_once() {
        let scratch = Scratch::new();
        let path = scratch.path().join("game.keellog");
        std::fs::write(&path, "what was there before, and is longer than a head").unwrap();
        let mut recorder = Recorder::create(&path, 1).unwrap();
        begin().iter().for_each(|record| recorder.add(record).unwrap());
        for frames in 1..4 {
            recorder.add(&frame()).unwrap();
            let recording = Recording::parse(&std::fs::read(&path).unwrap()).unwrap();
            assert_eq!((recording.records.len(), recording.torn_bytes), (1 + frames, 0));
        }
    }

    #[test]
    fn hashes_are_due_after_so_many_frames() {
        let scratch = Scratch::new();
        let mut recorder = Recorder::create(&scratch.path().join("game.keellog"), 3).unwrap();
        let due: Vec<_> = (0..7).map(|_| recorder.wants_hashes()).collect();
        assert_eq!(due, [false, false, true, false, false, true, false]);
    }

    #[test]
    fn a_file_that_cannot_be_made_is_named() {
        let scratch = Scratch::new();
        let path = scratch.path().join("no such folder").join("game.keellog");
        let error = format!("{:#}", Recorder::create(&path, 1).map(drop).unwrap_err());
        assert!(error.contains("no such folder/game.keellog can't be recorded into"), "{error}");
    }

    /// The device that is always full.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_told_once() {
        let mut recorder = Recorder::create(Path::new("/dev/full"), 1).unwrap();
        let error = format!("{:#}", recorder.add(&frame()).unwrap_err());
        assert!(error.contains("nothing more is recorded into /dev/full; the game goes on"), "{error}");
        assert!(error.contains("No space left"), "{error}");
        assert!(recorder.add(&frame()).is_ok() && !recorder.wants_hashes(), "it was told");
    }
}
