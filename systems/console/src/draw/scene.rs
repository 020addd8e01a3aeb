//! The world, or why there is none to be seen.

use keel::console::{Color, Picture};
use ratatui_core::style::{Color as Ink, Style};

use super::{bold, colored};
use crate::canvas::Canvas;
use crate::palette::{ACCENT, BAD, DIM, FAINT, GROUND, TEXT};
use crate::text::wrapped;
use crate::world::Scene;

pub(super) fn draw(mut canvas: Canvas<'_>, scene: &Scene) {
    canvas.fill(GROUND);
    match scene {
        Scene::Drawn { picture, .. } => copy(&mut canvas, picture),
        Scene::None => placeholder(&mut canvas),
        Scene::Failed(reason) => failed(&mut canvas, reason),
    }
}

fn copy(canvas: &mut Canvas<'_>, picture: &Picture) {
    for row in 0..picture.rows() {
        for column in 0..picture.columns() {
            let cell = picture.cell(column, row);
            if cell.letter != ' ' || cell.background.is_some() {
                let ground = cell.background.map_or(GROUND, ink);
                canvas.letter(column, row, cell.letter, Style::new().fg(ink(cell.color)).bg(ground));
            }
        }
    }
}

fn ink(Color { red, green, blue }: Color) -> Ink {
    Ink::Rgb(red, green, blue)
}

fn placeholder(canvas: &mut Canvas<'_>) {
    const WAVE: &str = "⠤⠒⠉⠉⠒⠤⠤⠒⠉⠉⠒⠤⠤⠒⠉⠉⠒⠤";
    let lines = [
        colored(WAVE, FAINT),
        colored("", DIM),
        bold("No game to be seen yet", TEXT),
        colored("", DIM),
        colored("Add a View module that provides", DIM),
        colored("keel.PictureView", ACCENT),
        colored("to the workspace. It appears here", DIM),
        colored("as soon as it compiles.", DIM),
    ];
    // Where there is room for little, the sentence matters and the wave does not.
    let lines = if usize::from(canvas.height()) < lines.len() + 2 { &lines[2..] } else { &lines[..] };
    let first = canvas.height().saturating_sub(lines.len() as u16) / 2;
    for (row, line) in (first..).zip(lines) {
        canvas.center(row, line.clone());
    }
}

fn failed(canvas: &mut Canvas<'_>, reason: &str) {
    let lines = wrapped(reason, canvas.width().saturating_sub(6));
    let first = canvas.height().saturating_sub(lines.len() as u16 + 4) / 2;
    canvas.center(first, bold("The picture can't be drawn", BAD));
    for (row, line) in (first + 2..).zip(&lines) {
        canvas.center(row, colored(line.as_str(), TEXT));
    }
    canvas.center(first + 3 + lines.len() as u16, colored("It is tried again when a module changes.", DIM));
}
