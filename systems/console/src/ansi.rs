//! Text with escape codes, as compilers write it, to styled lines.
//!
//! Only SGR counts (ECMA-48, 8.3.117): colours and attributes. Every other sequence is left out, with what is in it,
//! and so is every other control character: nothing in a message can move the cursor or change the terminal.

use std::iter::Peekable;
use std::str::Chars;

use ratatui_core::style::{Color, Modifier, Style};
use ratatui_core::text::{Line, Span};

use crate::palette::SIXTEEN;

const ESCAPE: char = '\u{1b}';
const BELL: char = '\u{7}';
const TAB: &str = "    ";

/// The lines of `text`, with its colours; what has none is in `base`.
pub(crate) fn lines(text: &str, base: Style) -> Vec<Line<'static>> {
    let mut parser = Parser { base, style: base, text: String::new(), spans: Vec::new(), lines: Vec::new() };
    parser.read(text);
    parser.lines
}

/// `text` without its escape codes.
pub(crate) fn plain(text: &str) -> String {
    let lines = lines(text, Style::new());
    let lines = lines.iter().map(|line| line.spans.iter().map(|span| &*span.content).collect::<String>());
    lines.collect::<Vec<_>>().join("\n")
}

struct Parser {
    base: Style,
    style: Style,
    text: String,
    spans: Vec<Span<'static>>,
    lines: Vec<Line<'static>>,
}

impl Parser {
    fn read(&mut self, text: &str) {
        let mut letters = text.chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                '\n' => self.end_line(),
                '\t' => self.text.push_str(TAB),
                ESCAPE => self.escape(&mut letters),
                // The 8-bit form of ESC and `[`.
                '\u{9b}' => self.control_sequence(&mut letters),
                letter if letter.is_control() => {}
                letter => self.text.push(letter),
            }
        }
        if !self.text.is_empty() || !self.spans.is_empty() {
            self.end_line();
        }
    }

    fn end_line(&mut self) {
        self.end_span();
        self.lines.push(Line::from(std::mem::take(&mut self.spans)));
    }

    fn end_span(&mut self) {
        if !self.text.is_empty() {
            self.spans.push(Span::styled(std::mem::take(&mut self.text), self.style));
        }
    }

    fn escape(&mut self, letters: &mut Peekable<Chars<'_>>) {
        match letters.peek() {
            Some('[') => {
                letters.next();
                self.control_sequence(letters);
            }
            // Strings that end with BEL or ST: links and titles.
            Some(']' | 'P' | 'X' | '^' | '_') => skip_string(letters),
            Some(' '..='/') => {
                while letters.next_if(|letter| (' '..='/').contains(letter)).is_some() {}
                letters.next();
            }
            Some('0'..='~') => {
                letters.next();
            }
            _ => {}
        }
    }

    fn control_sequence(&mut self, letters: &mut Peekable<Chars<'_>>) {
        let mut parameters = String::new();
        while let Some(letter) = letters.next_if(|letter| (' '..='~').contains(letter)) {
            match letter {
                'm' => return self.select(&parameters),
                '@'..='~' => return,
                letter => parameters.push(letter),
            }
        }
    }

    fn select(&mut self, parameters: &str) {
        self.end_span();
        let mut codes = parameters.split([';', ':']).map(|code| match code {
            "" => Some(0),
            code => code.parse::<u8>().ok(),
        });
        while let Some(code) = codes.next() {
            let Some(code) = code else { continue };
            self.style = match code {
                0 => self.base,
                1 => self.style.add_modifier(Modifier::BOLD),
                2 => self.style.add_modifier(Modifier::DIM),
                3 => self.style.add_modifier(Modifier::ITALIC),
                4 => self.style.add_modifier(Modifier::UNDERLINED),
                7 => self.style.add_modifier(Modifier::REVERSED),
                22 => self.style.remove_modifier(Modifier::BOLD | Modifier::DIM),
                23 => self.style.remove_modifier(Modifier::ITALIC),
                24 => self.style.remove_modifier(Modifier::UNDERLINED),
                27 => self.style.remove_modifier(Modifier::REVERSED),
                30..=37 => self.style.fg(sixteen(code - 30)),
                90..=97 => self.style.fg(sixteen(code - 90 + 8)),
                40..=47 => self.style.bg(sixteen(code - 40)),
                100..=107 => self.style.bg(sixteen(code - 100 + 8)),
                38 => color(&mut codes).map_or(self.style, |color| self.style.fg(color)),
                48 => color(&mut codes).map_or(self.style, |color| self.style.bg(color)),
                39 => Style { fg: self.base.fg, ..self.style },
                49 => Style { bg: self.base.bg, ..self.style },
                _ => self.style,
            };
        }
    }
}

fn sixteen(index: u8) -> Color {
    SIXTEEN[usize::from(index) % SIXTEEN.len()]
}

/// The colour after 38 or 48: `5;n` or `2;r;g;b`.
fn color(codes: &mut impl Iterator<Item = Option<u8>>) -> Option<Color> {
    let mut next = || codes.next().flatten();
    match next()? {
        5 => Some(match next()? {
            index @ 0..16 => sixteen(index),
            index => Color::Indexed(index),
        }),
        2 => Some(Color::Rgb(next()?, next()?, next()?)),
        _ => None,
    }
}

fn skip_string(letters: &mut Peekable<Chars<'_>>) {
    while let Some(letter) = letters.next_if(|letter| *letter != '\n') {
        if letter == BELL {
            return;
        }
        if letter == ESCAPE && letters.next_if_eq(&'\\').is_some() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(plain(text), expected);
    }

    #[test]
    fn only_text_is_left() {
        check("\u{1b}[0m\u{1b}[1m\u{1b}[38;5;9merror[E0308]\u{1b}[0m: no", "error[E0308]: no");
        check("\u{1b}]8;;https://doc\u{1b}\\E0308\u{1b}]8;;\u{7} here", "E0308 here");
        check("\u{1b}[2J\u{1b}[1;1Hgone\u{1b}c\u{1b}(B\r\u{8}!", "gone!");
        check("a\tb\n\nc\u{9b}31md\n", "a    b\n\ncd");
    }

    #[test]
    fn broken_sequences_end() {
        for text in
            ["\u{1b}", "\u{1b}[", "\u{1b}[38;5", "\u{1b}[38;2;1m", "\u{1b}]8;;", "\u{1b}[999;;;m", "\u{1b}("]
        {
            check(&format!("a{text}"), "a");
        }
        check("a\u{1b}]8;;never ended\nb", "a\nb");
    }

    #[test]
    fn colours_follow_the_codes() {
        let base = Style::new().fg(crate::palette::TEXT);
        let lines = lines(
            "\u{1b}[1;31mred\u{1b}[22;39mplain\u{1b}[38;2;1;2;3mown\u{1b}[38;5;200mindexed\u{1b}[mbase",
            base,
        );
        let colors: Vec<_> = lines[0].spans.iter().map(|span| span.style.fg).collect();
        let own = [
            SIXTEEN[1],
            crate::palette::TEXT,
            Color::Rgb(1, 2, 3),
            Color::Indexed(200),
            crate::palette::TEXT,
        ];
        assert_eq!(colors, own.map(Some));
        assert!(lines[0].spans[0].style.add_modifier.contains(Modifier::BOLD));
        assert!(!lines[0].spans[1].style.add_modifier.contains(Modifier::BOLD));
        assert_eq!(lines[0].spans[4].style, base);
    }
}
