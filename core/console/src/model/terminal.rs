//! The terminal as the engine sees it: a size, bytes on their way out, keys on their way in.

use std::collections::VecDeque;

use keel_core_types::{ModelId, model};

use crate::Key;

/// What is at the other end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TerminalKind {
    /// A screen that understands escape codes.
    #[default]
    Screen,
    /// Something that takes lines of text: a pipe, a file, a log of continuous integration.
    Lines,
}

/// A terminal. It lives in a pool; that of the process which runs the engine is [`Terminal::MAIN`].
///
/// The process that owns the real terminal says before each frame what it is ([`Terminal::attach`]) and which keys
/// were pressed ([`Terminal::press`]), and takes the bytes that came out after it ([`Terminal::take_output`]).
///
/// It describes what is outside, and so is no part of the game's state: its pool is the host's own, which is neither
/// saved nor reset, and stays what it is whichever world takes another's place.
#[model(crate = keel_console, name = "keel.Terminal", limit = 1024)]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terminal {
    #[keel(skip)]
    kind: TerminalKind,
    #[keel(skip)]
    columns: u16,
    #[keel(skip)]
    rows: u16,
    /// Whether the screen shows what was last drawn. As new, it does not.
    #[keel(skip)]
    drawn: bool,
    #[keel(skip)]
    output: Vec<u8>,
    #[keel(skip)]
    pressed: VecDeque<Key>,
    #[keel(skip)]
    unused: VecDeque<Key>,
    /// Text of a line that is not complete yet.
    #[keel(skip)]
    line: String,
    /// Lines that are complete, and that nobody has shown.
    #[keel(skip)]
    lines: VecDeque<String>,
    /// Whether what was shown before these lines is to be taken away.
    #[keel(skip)]
    cleared: bool,
}

impl Terminal {
    /// The terminal of the process that runs the engine: the first one that its pool hands out.
    pub const MAIN: ModelId = ModelId::new(0, 0);

    /// More columns are not used; a drawing is never larger than the largest screen.
    pub const COLUMNS_MAX: u16 = 1024;

    /// More rows are not used.
    pub const ROWS_MAX: u16 = 512;

    /// A line that grows longer is ended.
    pub const LINE_BYTES_MAX: usize = 4096;

    /// More lines are not kept until they are shown; the oldest go first.
    pub const LINES_MAX: usize = 256;

    /// More keys are not kept; the oldest go first.
    pub const KEYS_MAX: usize = 64;

    /// A terminal of `columns` x `rows` cells.
    pub fn new(kind: TerminalKind, columns: u16, rows: u16) -> Self {
        let mut terminal = Self::default();
        terminal.attach(kind, columns, rows);
        terminal
    }

    // For the process that owns the real terminal.

    /// Says what the terminal is now. A change calls for all of it to be drawn again.
    pub fn attach(&mut self, kind: TerminalKind, columns: u16, rows: u16) {
        let attached = (kind, columns.min(Self::COLUMNS_MAX), rows.min(Self::ROWS_MAX));
        if (self.kind, self.columns, self.rows) != attached {
            (self.kind, self.columns, self.rows) = attached;
            self.redraw();
        }
    }

    /// Calls for all of it to be drawn again: something else has written on the screen.
    pub fn redraw(&mut self) {
        self.drawn = false;
    }

    /// Adds a key that was pressed.
    pub fn press(&mut self, key: Key) {
        push(&mut self.pressed, key, Self::KEYS_MAX);
    }

    /// The bytes to be written, which count as written. Take them after every frame: nothing is drawn while
    /// some wait.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    // For the module that draws.

    /// What is at the other end.
    pub fn kind(&self) -> TerminalKind {
        self.kind
    }

    /// Its width in cells; 0 until it is attached.
    pub fn columns(&self) -> u16 {
        self.columns
    }

    /// Its height in cells; 0 until it is attached.
    pub fn rows(&self) -> u16 {
        self.rows
    }

    /// Whether what was written before is on its way.
    pub fn is_ready(&self) -> bool {
        self.output.is_empty()
    }

    /// Whether all must be drawn, not only what has changed.
    pub fn needs_redraw(&self) -> bool {
        !self.drawn
    }

    /// Writes bytes. Whoever does waits until the terminal is ready, so that what waits has an end.
    pub fn write(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
    }

    /// Writes a drawing of all that is to be seen, or of what has changed since the last one.
    pub fn show(&mut self, drawing: &[u8]) {
        self.write(drawing);
        self.drawn = true;
    }

    /// Adds text to the line that is being written. Lines that are complete wait to be shown.
    pub fn write_text(&mut self, text: &str) {
        for part in text.split_inclusive('\n') {
            self.line.push_str(part.trim_end_matches(['\n', '\r']));
            if part.ends_with('\n') || self.line.len() > Self::LINE_BYTES_MAX {
                push(&mut self.lines, std::mem::take(&mut self.line), Self::LINES_MAX);
            }
        }
    }

    /// Takes away all text: what waits to be shown, and what was.
    pub fn clear_text(&mut self) {
        self.lines.clear();
        self.cleared = true;
    }

    /// Whether the text that was shown is to be taken away, before the lines that wait are shown; asked once.
    pub fn take_cleared(&mut self) -> bool {
        std::mem::take(&mut self.cleared)
    }

    /// The lines to be shown, which count as shown.
    pub fn take_lines(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lines).into()
    }

    /// The oldest key that nobody has looked at.
    pub fn next_pressed(&mut self) -> Option<Key> {
        self.pressed.pop_front()
    }

    /// Leaves a key to [`ConsoleView::read`](crate::ConsoleView::read): dashboard and game have no use for it.
    pub fn leave(&mut self, key: Key) {
        push(&mut self.unused, key, Self::KEYS_MAX);
    }

    /// The oldest key that was left.
    pub fn next_unused(&mut self) -> Option<Key> {
        self.unused.pop_front()
    }
}

fn push<T>(queue: &mut VecDeque<T>, item: T, length_max: usize) {
    if queue.len() == length_max {
        queue.pop_front();
    }
    queue.push_back(item);
}
