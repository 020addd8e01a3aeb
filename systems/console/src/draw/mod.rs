//! What is drawn where.

mod bars;
mod failure;
mod log;
mod panel;
mod scene;

use keel::console::Dashboard;
use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::style::{Color, Modifier, Style};
use ratatui_core::text::Span;

use crate::canvas::Canvas;
use crate::palette::{ACCENT, DIM};
use crate::state::{Pages, State};
use crate::world::Scene;

/// The parts of the screen; one that finds no room is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Areas {
    header: Rect,
    pub(crate) world: Rect,
    panel: Rect,
    log: Rect,
    notice: Rect,
    help: Rect,
    /// All but header and help.
    body: Rect,
}

impl Areas {
    /// A screen that is smaller shows nothing but the world.
    const COLUMNS_MIN: u16 = 40;
    const ROWS_MIN: u16 = 10;

    /// A message is shown over the world alone if that has so many cells.
    const MESSAGE_COLUMNS_MIN: u16 = 90;
    const MESSAGE_ROWS_MIN: u16 = 24;

    /// Shares out a screen. The world gets most of it.
    pub(crate) fn of(columns: u16, rows: u16, has_notice: bool) -> Self {
        if columns < Self::COLUMNS_MIN || rows < Self::ROWS_MIN {
            return Self { world: Rect::new(0, 0, columns, rows), ..Self::default() };
        }
        let notice = u16::from(has_notice);
        let body = rows - 2 - notice;
        let log = if body < 13 { 0 } else { (body / 4).clamp(5, 13) };
        let panel = match columns {
            0..72 => 0,
            72..120 => 33,
            120..150 => 46,
            _ => 54,
        };
        let (left, upper) = (columns - panel, body - log);
        Self {
            header: Rect::new(0, 0, columns, 1),
            world: Rect::new(0, 1, left, upper),
            panel: Rect::new(left, 1, panel, upper),
            log: Rect::new(0, 1 + upper, columns, log),
            notice: Rect::new(0, rows - 2, columns, notice),
            help: Rect::new(0, rows - 1, columns, 1),
            body: Rect::new(0, 1, columns, body),
        }
    }

    /// Where the compiler's message goes: over the world where that is large enough, so that all else stays to be
    /// seen, or over all but header and help.
    fn message(&self) -> Rect {
        let Rect { x, y, width, height } = self.world;
        if width >= Self::MESSAGE_COLUMNS_MIN && height >= Self::MESSAGE_ROWS_MIN {
            return Rect::new(x + 2, y + 1, width - 4, height - 2);
        }
        self.body
    }
}

/// Draws all of it, and says how many rows a page has in what is scrolled.
pub(crate) fn dashboard(
    buffer: &mut Buffer,
    areas: &Areas,
    dashboard: &Dashboard,
    scene: &Scene,
    entities: usize,
    state: &mut State,
) -> Pages {
    let mut pages = Pages::default();
    scene::draw(Canvas::new(buffer, areas.world), scene);
    bars::header(Canvas::new(buffer, areas.header), dashboard, scene, state);
    pages.modules = panel::draw(Canvas::new(buffer, areas.panel), dashboard, entities, state);
    pages.log = log::draw(Canvas::new(buffer, areas.log), dashboard, state);
    bars::notice(Canvas::new(buffer, areas.notice), &dashboard.notice);
    bars::help(Canvas::new(buffer, areas.help), state);
    if state.open_failure(dashboard).is_some() {
        pages.error = failure::draw(Canvas::new(buffer, areas.message()), dashboard, state);
    }
    pages
}

fn colored<'t>(text: impl Into<std::borrow::Cow<'t, str>>, color: Color) -> Span<'t> {
    Span::styled(text, Style::new().fg(color))
}

fn bold<'t>(text: impl Into<std::borrow::Cow<'t, str>>, color: Color) -> Span<'t> {
    Span::styled(text, Style::new().fg(color).add_modifier(Modifier::BOLD))
}

/// The name of a part, which tells whether the part has the focus.
fn heading(text: &str, has_focus: bool) -> Span<'_> {
    bold(text, if has_focus { ACCENT } else { DIM })
}
