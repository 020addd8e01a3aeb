//! What has happened, newest last.

use keel::console::{Dashboard, LogLevel, LogLine};
use ratatui_core::style::Color;
use ratatui_core::text::Line;

use super::{colored, heading};
use crate::ansi;
use crate::canvas::Canvas;
use crate::palette::{ACCENT, BAD, DIM, FAINT, GOOD, GROUND, TEXT, WARN};
use crate::state::{Focus, State};
use crate::text::{clock, wrapped};

/// Columns before a line's text.
const INDENT: u16 = 11;

/// Draws the log, and says how many rows it shows.
pub(super) fn draw(mut canvas: Canvas<'_>, dashboard: &Dashboard, state: &mut State) -> u64 {
    canvas.fill(GROUND);
    let (width, room) = (canvas.width(), canvas.height().saturating_sub(1));
    if room == 0 {
        return 1;
    }
    let rows = rows(dashboard, width, state.log_scroll, room);
    let below = state.log_scroll.min(rows.len().saturating_sub(usize::from(room)) as u64);
    state.log_scroll = below;
    let end = rows.len() - below as usize;
    let first = end.saturating_sub(usize::from(room));
    title(&mut canvas, state);
    for (row, line) in (1..).zip(&rows[first..end]) {
        canvas.left(row, line.clone());
    }
    u64::from(room)
}

fn title(canvas: &mut Canvas<'_>, state: &State) {
    canvas.left(0, colored("─".repeat(usize::from(canvas.width())), FAINT));
    canvas.at(
        1,
        0,
        Line::from(vec![colored(" ", FAINT), heading("LOG", state.focus == Focus::Log), colored(" ", FAINT)]),
    );
    if state.log_scroll > 0 {
        canvas.right(0, colored(format!(" {} below ", state.log_scroll), ACCENT));
    }
}

/// The last rows of the log, as many as are needed for what is scrolled to.
fn rows(dashboard: &Dashboard, width: u16, below: u64, room: u16) -> Vec<Line<'static>> {
    let needed = below.saturating_add(u64::from(room));
    let mut rows: Vec<Line<'static>> = Vec::new();
    for line in dashboard.log.iter().rev().take_while({
        let mut seen = 0;
        move |_| {
            seen += 1;
            seen <= needed
        }
    }) {
        rows.extend(rows_of(line, width).into_iter().rev());
    }
    rows.reverse();
    rows
}

fn rows_of(line: &LogLine, width: u16) -> Vec<Line<'static>> {
    let text = ansi::plain(&line.text);
    let (mark, ink) = look(line.level);
    let mut rows = Vec::new();
    for (index, piece) in wrapped(&text, width.saturating_sub(INDENT + 1)).into_iter().enumerate() {
        let mut spans = match index {
            0 => vec![colored(format!("{:>8} ", clock(line.at)), DIM), colored("▪ ", mark)],
            _ => vec![colored(" ".repeat(usize::from(INDENT)), DIM)],
        };
        match piece.split_once(": ").filter(|_| line.level == LogLevel::Success && index == 0) {
            // What was done is read, how it was done is looked up.
            Some((done, how)) => {
                spans.push(colored(done.to_owned(), ink));
                spans.push(colored(format!(": {how}"), DIM));
            }
            None if line.level == LogLevel::Success && index > 0 => spans.push(colored(piece, DIM)),
            None => spans.push(colored(piece, ink)),
        }
        rows.push(Line::from(spans));
    }
    rows
}

fn look(level: LogLevel) -> (Color, Color) {
    match level {
        LogLevel::Info => (FAINT, TEXT),
        LogLevel::Success => (GOOD, TEXT),
        LogLevel::Warning => (WARN, WARN),
        LogLevel::Error => (BAD, BAD),
        LogLevel::Output => (ACCENT, TEXT),
    }
}
