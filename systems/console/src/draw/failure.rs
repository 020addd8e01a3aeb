//! What the compiler says, over everything else.

use keel::console::{Build, Dashboard};
use ratatui_core::style::Style;
use ratatui_core::text::Line;

use super::{bold, colored};
use crate::ansi;
use crate::canvas::Canvas;
use crate::palette::{ACCENT, BAD, DIM, FAINT, QUIET, RAISED, TEXT};
use crate::state::State;
use crate::text::{broken, fitted};

/// A message is read best at this width; code that is wider is broken.
const COLUMNS_MAX: u16 = 118;

/// Draws the message of the failed build, and says how many of its rows are seen at once.
pub(super) fn draw(mut canvas: Canvas<'_>, dashboard: &Dashboard, state: &mut State) -> u64 {
    let Build::Failed { modules, message, .. } = &dashboard.build else { return 1 };
    let width = canvas.width().min(COLUMNS_MAX);
    let text_width = width.saturating_sub(4);
    let rows: Vec<Line<'static>> = ansi::lines(message.trim_end(), Style::new().fg(TEXT))
        .iter()
        .flat_map(|line| broken(line, text_width))
        .collect();
    let height = (rows.len() as u16).saturating_add(4).min(canvas.height());
    let (column, row) = ((canvas.width() - width) / 2, (canvas.height() - height) / 2);
    let mut window = canvas.part(column, row, width, height);
    window.fill(RAISED);
    let room = window.height().saturating_sub(4);
    let first = state.error_scroll.min(rows.len().saturating_sub(usize::from(room)) as u64);
    state.error_scroll = first;
    title(&mut window, &modules.join(", "), first, room, rows.len());
    let shown = rows.iter().skip(first as usize).take(usize::from(room));
    let mut text = window.part(2, 2, text_width, room);
    for (row, line) in (0..).zip(shown) {
        text.left(row, line.clone());
    }
    scrollbar(&mut window, first, room, rows.len());
    keys(&mut window);
    u64::from(room.max(1))
}

fn title(window: &mut Canvas<'_>, modules: &str, first: u64, room: u16, rows: usize) {
    let place = format!("{}–{} of {rows} ", first + 1, (first + u64::from(room)).min(rows as u64));
    let left = usize::from(window.width()).saturating_sub(place.len() + 18);
    window.left(0, colored("▔".repeat(usize::from(window.width())), BAD));
    window.at(2, 0, bold(format!(" {} was not built ", fitted(modules, left)), BAD));
    if rows > usize::from(room) {
        window.right(0, colored(format!(" {place}"), DIM));
    }
}

fn scrollbar(window: &mut Canvas<'_>, first: u64, room: u16, rows: usize) {
    if rows <= usize::from(room) || room == 0 {
        return;
    }
    let share = |part: usize| (part * usize::from(room) / rows) as u16;
    let (top, length) = (share(first as usize), share(usize::from(room)).max(1));
    let column = window.width().saturating_sub(1);
    for row in 0..room {
        let is_thumb = (top..top + length).contains(&row);
        window.at(column, row + 2, colored("▐", if is_thumb { DIM } else { FAINT }));
    }
}

fn keys(window: &mut Canvas<'_>) {
    let keys = [("↑ ↓ pgup pgdn", "scroll"), ("esc", "close")];
    let spans = keys.iter().flat_map(|(key, does)| [bold(*key, ACCENT), colored(format!(" {does}   "), DIM)]);
    let row = window.height().saturating_sub(1);
    window.at(2, row, Line::from(spans.collect::<Vec<_>>()));
    window.right(row, colored("the game runs on ", QUIET));
}
