//! From what is to be seen to the bytes that change the screen into it.

use std::fmt::Write as _;

use ratatui_core::buffer::{Buffer, Cell};
use ratatui_core::layout::Rect;
use ratatui_core::style::{Color, Modifier};

use crate::canvas::is_braille;

/// What the terminal shows, so that only what changes travels.
#[derive(Default)]
pub(crate) struct Screen {
    shown: Buffer,
    next: Buffer,
}

impl Screen {
    /// An empty picture of the size, to draw on.
    pub(crate) fn begin(&mut self, columns: u16, rows: u16) -> &mut Buffer {
        self.next.resize(Rect::new(0, 0, columns, rows));
        self.next.reset();
        &mut self.next
    }

    /// The bytes that turn the screen into what was drawn; all of it with `redraw`, or at another size. None when
    /// nothing has changed.
    pub(crate) fn finish(&mut self, redraw: bool) -> Vec<u8> {
        let mut out = String::new();
        if redraw || self.shown.area != self.next.area {
            out.push_str("\x1b[0m\x1b[2J");
            self.shown.resize(self.next.area);
            self.shown.reset();
        }
        let mut pen = Pen::default();
        for (column, row, cell) in self.shown.diff_iter(&self.next) {
            pen.put(&mut out, column, row, cell);
        }
        std::mem::swap(&mut self.shown, &mut self.next);
        match out.is_empty() {
            true => Vec::new(),
            // The terminal shows all of it at once (mode 2026, "synchronized output"); others ignore the mode.
            false => format!("\x1b[?2026h{out}\x1b[0m\x1b[?2026l").into_bytes(),
        }
    }
}

/// Where the terminal's cursor stands, and in which style it writes.
#[derive(Default)]
struct Pen {
    at: Option<(u16, u16)>,
    style: Option<(Color, Color, Modifier)>,
}

impl Pen {
    fn put(&mut self, out: &mut String, column: u16, row: u16, cell: &Cell) {
        if self.at != Some((column, row)) {
            // Writing to a string does not fail.
            let _ = write!(out, "\x1b[{};{}H", row + 1, column + 1);
        }
        self.select(out, cell);
        out.push_str(cell.symbol());
        // Terminals don't agree on the width of others.
        let is_narrow = cell.symbol().chars().all(|letter| letter.is_ascii() || is_braille(letter));
        self.at = is_narrow.then(|| (column + 1, row));
    }

    fn select(&mut self, out: &mut String, cell: &Cell) {
        let (fg, bg, modifier) = (cell.fg, cell.bg, cell.modifier);
        let is_same = |pen: (Color, Color, Modifier)| pen.2 == modifier;
        let (old_fg, old_bg) = match self.style.filter(|pen| is_same(*pen)) {
            Some((fg, bg, _)) => (Some(fg), Some(bg)),
            None => {
                out.push_str("\x1b[0");
                modifier.iter().for_each(|one| out.push_str(code_of(one)));
                out.push('m');
                (None, None)
            }
        };
        if old_fg != Some(fg) {
            color(out, fg, 38);
        }
        if old_bg != Some(bg) {
            color(out, bg, 48);
        }
        self.style = Some((fg, bg, modifier));
    }
}

fn code_of(modifier: Modifier) -> &'static str {
    match modifier {
        Modifier::BOLD => ";1",
        Modifier::DIM => ";2",
        Modifier::ITALIC => ";3",
        Modifier::UNDERLINED => ";4",
        Modifier::REVERSED => ";7",
        _ => "",
    }
}

/// Selects a colour; `base` is 38 for the letter's, 48 for what is behind it.
fn color(out: &mut String, color: Color, base: u8) {
    // Writing to a string does not fail.
    let _ = match color {
        Color::Rgb(red, green, blue) => write!(out, "\x1b[{base};2;{red};{green};{blue}m"),
        Color::Indexed(index) => write!(out, "\x1b[{base};5;{index}m"),
        // The dashboard has colours of its own for the named ones.
        _ => write!(out, "\x1b[{}m", base + 1),
    };
}
