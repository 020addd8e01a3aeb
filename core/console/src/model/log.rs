//! What has happened, as lines.

use std::collections::VecDeque;
use std::time::Duration;

/// How much a line matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LogLevel {
    /// Something was done.
    #[default]
    Info,
    /// Something was done that was waited for: a swap.
    Success,
    /// Something that a person should know.
    Warning,
    /// Something was refused, or failed.
    Error,
    /// What a module wrote through [`ConsoleView`](crate::ConsoleView).
    Output,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When, in real time since the host's start.
    pub at: Duration,
    /// How much it matters.
    pub level: LogLevel,
    /// What happened.
    pub text: String,
}

/// The last lines, and how many there were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    lines: VecDeque<LogLine>,
    added: u64,
    written: u64,
}

impl Log {
    /// So many lines are kept.
    pub const LINES_MAX: usize = 200;

    /// Adds a line; a text of several lines adds as many.
    pub fn add(&mut self, at: Duration, level: LogLevel, text: &str) {
        for text in text.lines() {
            if self.lines.len() == Self::LINES_MAX {
                self.lines.pop_front();
            }
            self.lines.push_back(LogLine { at, level, text: text.to_owned() });
            self.added += 1;
        }
    }

    /// Forgets the lines; they still count as added.
    pub fn clear(&mut self) {
        self.lines.clear();
    }

    /// The lines that are kept, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &LogLine> + ExactSizeIterator {
        self.lines.iter()
    }

    /// How many lines were ever added.
    pub fn added(&self) -> u64 {
        self.added
    }

    /// The lines that are kept of those added since [`Log::mark_written`], oldest first.
    pub fn unwritten(&self) -> impl Iterator<Item = &LogLine> {
        let first = self.added - self.lines.len() as u64;
        self.lines.iter().skip(self.written.saturating_sub(first) as usize)
    }

    /// Counts all lines as written, where the log leaves as lines.
    pub fn mark_written(&mut self) {
        self.written = self.added;
    }
}
