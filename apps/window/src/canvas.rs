//! A picture of cells as pixels.

use keel::console::{Cell, Color, Picture};

/// A dot is a square of so many pixels.
const DOT: u32 = 3;
/// The width of a cell in pixels: 2 dots.
pub(crate) const CELL_WIDE: u32 = 2 * DOT;
/// The height of a cell in pixels: 4 dots.
pub(crate) const CELL_HIGH: u32 = 4 * DOT;

/// What lies behind everything.
const BEHIND: Color = Color::BLACK;

/// The first of the 256 braille patterns.
const BRAILLE: u32 = 0x2800;

/// Paints the picture's dots into `pixels`, rows of `wide` pixels each, 0RGB. There is no font here: a letter that is
/// neither a pattern of dots nor a block is a small block, half as bright.
pub(crate) fn paint(picture: &Picture, pixels: &mut [u32], wide: usize) {
    pixels.fill(pixel(BEHIND));
    for row in 0..picture.rows() {
        for column in 0..picture.columns() {
            let cell = picture.cell(column, row);
            let (left, top) = (u32::from(column) * CELL_WIDE, u32::from(row) * CELL_HIGH);
            if let Some(background) = cell.background {
                fill(pixels, wide, (left, top), (CELL_WIDE, CELL_HIGH), background);
            }
            paint_dots(&cell, pixels, wide, (left, top));
        }
    }
}

fn paint_dots(cell: &Cell, pixels: &mut [u32], wide: usize, (left, top): (u32, u32)) {
    let letter = u32::from(cell.letter);
    if (BRAILLE..BRAILLE + 256).contains(&letter) {
        for (x, y) in dots(letter - BRAILLE) {
            fill(pixels, wide, (left + x * DOT, top + y * DOT), (DOT, DOT), cell.color);
        }
    } else if let Some((from, to)) = block(cell.letter) {
        let (from, to) = (from * CELL_HIGH / 8, to * CELL_HIGH / 8);
        fill(pixels, wide, (left, top + from), (CELL_WIDE, to - from), cell.color);
    } else if !cell.letter.is_whitespace() {
        let color = cell.background.unwrap_or(BEHIND).mix(cell.color, 0.5);
        fill(pixels, wide, (left + 1, top + DOT), (CELL_WIDE - 2, 2 * DOT), color);
    }
}

/// The eighths of a cell that a block covers, counted from its top (Unicode, block "Block Elements").
fn block(letter: char) -> Option<(u32, u32)> {
    match letter {
        '▀' => Some((0, 4)),
        '▁'..='█' => Some((8 - (u32::from(letter) - u32::from('▁') + 1), 8)),
        _ => None,
    }
}

/// The dots that are set, as column and row. The order of the bits is Unicode's: down the left column, down the right
/// one, then the bottom row.
fn dots(bits: u32) -> impl Iterator<Item = (u32, u32)> {
    const AT: [(u32, u32); 8] = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)];
    AT.into_iter().enumerate().filter(move |(bit, _)| bits & (1 << bit) != 0).map(|(_, at)| at)
}

fn fill(pixels: &mut [u32], wide: usize, (left, top): (u32, u32), (width, height): (u32, u32), color: Color) {
    for y in top..top + height {
        let start = y as usize * wide + left as usize;
        if let Some(row) = pixels.get_mut(start..start + width as usize) {
            row.fill(pixel(color));
        }
    }
}

fn pixel(color: Color) -> u32 {
    u32::from(color.red) << 16 | u32::from(color.green) << 8 | u32::from(color.blue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_stand_on_the_ground() {
        assert_eq!(
            ['▁', '▄', '█', '▀', 'x'].map(block),
            [Some((7, 8)), Some((4, 8)), Some((0, 8)), Some((0, 4)), None]
        );
    }

    #[test]
    fn a_dot_lands_where_it_was_set() {
        let mut picture = Picture::new(2, 2);
        picture.dot(3, 6, Color::new(1, 2, 3));
        let wide = 2 * CELL_WIDE as usize;
        let mut pixels = vec![7; wide * 2 * CELL_HIGH as usize];
        paint(&picture, &mut pixels, wide);
        let dot = DOT as usize;
        let inside = |x: usize, y: usize| x / dot == 3 && y / dot == 6;
        for (index, pixel) in pixels.iter().enumerate() {
            let wanted = if inside(index % wide, index / wide) { 0x01_0203 } else { 0 };
            assert_eq!(*pixel, wanted, "{}, {}", index % wide, index / wide);
        }
    }
}
