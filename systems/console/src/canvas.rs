//! A part of the screen that can be written on, and nothing beside it.

use ratatui_core::buffer::{Buffer, CellWidth};
use ratatui_core::layout::Rect;
use ratatui_core::style::{Color, Style};
use ratatui_core::text::Line;

/// One area of a buffer. What does not fit is not drawn.
pub(crate) struct Canvas<'a> {
    buffer: &'a mut Buffer,
    area: Rect,
}

impl<'a> Canvas<'a> {
    /// `area` of `buffer`, or what of it lies in the buffer.
    pub(crate) fn new(buffer: &'a mut Buffer, area: Rect) -> Self {
        let area = area.intersection(buffer.area);
        Self { buffer, area }
    }

    pub(crate) fn width(&self) -> u16 {
        self.area.width
    }

    pub(crate) fn height(&self) -> u16 {
        self.area.height
    }

    /// A part of this part.
    pub(crate) fn part(&mut self, column: u16, row: u16, width: u16, height: u16) -> Canvas<'_> {
        let x = self.area.x.saturating_add(column);
        let y = self.area.y.saturating_add(row);
        let part = Rect { x, y, width, height }.intersection(self.area);
        Canvas { buffer: self.buffer, area: part }
    }

    /// Empties the area, and colours what is behind it.
    pub(crate) fn fill(&mut self, ground: Color) {
        for position in self.area.positions() {
            if let Some(cell) = self.buffer.cell_mut(position) {
                cell.reset();
                cell.set_bg(ground);
            }
        }
    }

    /// Writes `line` at the left of a row.
    pub(crate) fn left<'l>(&mut self, row: u16, line: impl Into<Line<'l>>) {
        self.at(0, row, line);
    }

    /// Writes `line` at the right of a row; its beginning is cut off where it is too long.
    pub(crate) fn right<'l>(&mut self, row: u16, line: impl Into<Line<'l>>) {
        let line = line.into();
        let width = u16::try_from(line.width()).unwrap_or(u16::MAX);
        self.at(self.width().saturating_sub(width), row, line);
    }

    /// Writes `line` in the middle of a row.
    pub(crate) fn center<'l>(&mut self, row: u16, line: impl Into<Line<'l>>) {
        let line = line.into();
        let width = u16::try_from(line.width()).unwrap_or(u16::MAX);
        self.at(self.width().saturating_sub(width) / 2, row, line);
    }

    /// Writes `line` from a column on.
    pub(crate) fn at<'l>(&mut self, column: u16, row: u16, line: impl Into<Line<'l>>) {
        if column < self.width() && row < self.height() {
            let (x, y) = (self.area.x + column, self.area.y + row);
            self.buffer.set_line(x, y, &line.into(), self.width() - column);
        }
    }

    /// Puts one letter into one cell. A letter that takes another number of cells than one is left out, and so is
    /// one that takes none: the next cell is another's.
    pub(crate) fn letter(&mut self, column: u16, row: u16, letter: char, style: Style) {
        let is_plain = letter == ' ' || letter.is_ascii_graphic() || is_braille(letter);
        let fits = is_plain || !letter.is_control() && letter.encode_utf8(&mut [0; 4]).cell_width() == 1;
        if column < self.width()
            && row < self.height()
            && let Some(cell) = self.buffer.cell_mut((self.area.x + column, self.area.y + row))
        {
            cell.set_char(if fits { letter } else { ' ' }).set_style(style);
        }
    }
}

/// Whether `letter` is one of Unicode's braille patterns.
pub(crate) fn is_braille(letter: char) -> bool {
    ('\u{2800}'..='\u{28ff}').contains(&letter)
}
