//! A picture made of terminal cells, each of 2 x 4 dots.

/// A colour of 8 bits a channel, as sRGB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Color {
    /// Red.
    pub red: u8,
    /// Green.
    pub green: u8,
    /// Blue.
    pub blue: u8,
}

impl Color {
    /// White.
    pub const WHITE: Self = Self::new(255, 255, 255);
    /// Black.
    pub const BLACK: Self = Self::new(0, 0, 0);

    /// The colour with these channels.
    pub const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue }
    }

    /// The colour `part` of the way from this one to `other`, with `part` in 0..=1.
    #[must_use]
    pub fn mix(self, other: Self, part: f32) -> Self {
        let part = part.clamp(0.0, 1.0);
        let channel =
            |from: u8, to: u8| (f32::from(from) + (f32::from(to) - f32::from(from)) * part).round() as u8;
        Self::new(
            channel(self.red, other.red),
            channel(self.green, other.green),
            channel(self.blue, other.blue),
        )
    }
}

/// One cell: a letter in a colour, on a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// What is shown; a space where there is nothing.
    pub letter: char,
    /// The letter's or the dots' colour.
    pub color: Color,
    /// What is behind it; `None` is the terminal's own.
    pub background: Option<Color>,
}

const EMPTY: Cell = Cell { letter: ' ', color: Color::WHITE, background: None };

/// The first of the 256 braille patterns; its low 8 bits say which of the 2 x 4 dots are set (Unicode, block
/// "Braille Patterns").
const BRAILLE: u32 = 0x2800;

/// A picture of `columns` x `rows` cells, or twice as many dots across and four times as many down. Column 0 is at
/// the left, row 0 at the top. What lies outside is not drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    columns: u16,
    rows: u16,
    cells: Vec<Cell>,
}

impl Picture {
    /// An empty picture.
    pub fn new(columns: u16, rows: u16) -> Self {
        Self { columns, rows, cells: vec![EMPTY; usize::from(columns) * usize::from(rows)] }
    }

    /// Its width in cells.
    pub fn columns(&self) -> u16 {
        self.columns
    }

    /// Its height in cells.
    pub fn rows(&self) -> u16 {
        self.rows
    }

    /// Its width in dots.
    pub fn dots_wide(&self) -> i32 {
        i32::from(self.columns) * 2
    }

    /// Its height in dots.
    pub fn dots_high(&self) -> i32 {
        i32::from(self.rows) * 4
    }

    /// Sets one dot. The cell's dots share one colour: the last one given.
    pub fn dot(&mut self, x: i32, y: i32, color: Color) {
        if x < 0 || y < 0 {
            return;
        }
        let Some(cell) = self.cell_mut(x / 2, y / 4) else { return };
        // The order of the bits is Unicode's: down the left column, down the right one, then the bottom row.
        const BITS: [[u32; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
        let bit = BITS[(y % 4) as usize][(x % 2) as usize];
        let letter = u32::from(cell.letter);
        let dots = if (BRAILLE..BRAILLE + 256).contains(&letter) { letter } else { BRAILLE };
        cell.letter = char::from_u32(dots | bit).unwrap_or(' ');
        cell.color = color;
    }

    /// Puts a letter into a cell.
    pub fn letter(&mut self, column: i32, row: i32, letter: char, color: Color) {
        if let Some(cell) = self.cell_mut(column, row) {
            cell.letter = letter;
            cell.color = color;
        }
    }

    /// Writes text to the right, from a cell on.
    pub fn text(&mut self, column: i32, row: i32, text: &str, color: Color) {
        for (at, letter) in (column..).zip(text.chars()) {
            self.letter(at, row, letter, color);
        }
    }

    /// Colours what is behind a cell.
    pub fn background(&mut self, column: i32, row: i32, color: Color) {
        if let Some(cell) = self.cell_mut(column, row) {
            cell.background = Some(color);
        }
    }

    /// One cell; an empty one where the picture has none.
    pub fn cell(&self, column: u16, row: u16) -> Cell {
        let inside = column < self.columns && row < self.rows;
        if inside {
            self.cells[usize::from(row) * usize::from(self.columns) + usize::from(column)]
        } else {
            EMPTY
        }
    }

    fn cell_mut(&mut self, column: i32, row: i32) -> Option<&mut Cell> {
        let inside =
            (0..i32::from(self.columns)).contains(&column) && (0..i32::from(self.rows)).contains(&row);
        inside.then(|| &mut self.cells[row as usize * usize::from(self.columns) + column as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_of_one_cell_add_up() {
        let mut picture = Picture::new(2, 1);
        for y in 0..4 {
            picture.dot(2, y, Color::WHITE);
            picture.dot(3, y, Color::WHITE);
        }
        assert_eq!((picture.cell(0, 0).letter, picture.cell(1, 0).letter), (' ', '⣿'));
    }

    #[test]
    fn what_lies_outside_is_not_drawn() {
        let mut picture = Picture::new(2, 2);
        let empty = picture.clone();
        for at in [-1, 4, i32::MAX, i32::MIN] {
            picture.dot(at, 0, Color::WHITE);
            picture.letter(0, at, 'x', Color::WHITE);
            picture.background(at, at, Color::WHITE);
        }
        picture.dot(0, 8, Color::WHITE);
        assert_eq!(picture, empty);
    }

    #[test]
    fn colours_mix() {
        assert_eq!(Color::BLACK.mix(Color::WHITE, 0.5), Color::new(128, 128, 128));
        assert_eq!(Color::BLACK.mix(Color::WHITE, 7.0), Color::WHITE);
    }
}
