//! Numbers and lines as people read them.

use std::time::Duration;

use ratatui_core::buffer::CellWidth;
use ratatui_core::style::Style;
use ratatui_core::text::{Line, Span};

/// Bytes in the unit that fits.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    let mut amount = count as f64 / 1e3;
    let mut units = UNITS.iter();
    let mut unit = units.next();
    while amount >= 999.5 {
        let Some(larger) = units.next() else { break };
        amount /= 1e3;
        unit = Some(larger);
    }
    format!("{amount:.*} {}", usize::from(amount < 100.0), unit.unwrap_or(&"kB"))
}

/// Milliseconds with as many decimals as make sense.
pub(crate) fn milliseconds(ms: f32) -> String {
    format!("{ms:.*} ms", if ms < 0.995 { 2 } else { usize::from(ms < 99.5) })
}

/// A time since the start, as minutes and seconds, or hours before them.
pub(crate) fn clock(at: Duration) -> String {
    let (hours, minutes, seconds) = (at.as_secs() / 3600, at.as_secs() / 60 % 60, at.as_secs() % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// `text`, or as much of its beginning as fits into `width` cells, with an ellipsis.
pub(crate) fn fitted(text: &str, width: usize) -> String {
    if Span::raw(text).width() <= width {
        return text.to_owned();
    }
    let mut fitted = String::new();
    let mut used = 1;
    for grapheme in Span::raw(text).styled_graphemes(Style::new()) {
        used += usize::from(grapheme.symbol.cell_width());
        if used > width {
            break;
        }
        fitted.push_str(grapheme.symbol);
    }
    if width > 0 {
        fitted.push('…');
    }
    fitted
}

/// `line` in pieces of at most `width` cells, broken wherever it must be: code keeps its columns.
pub(crate) fn broken(line: &Line<'_>, width: u16) -> Vec<Line<'static>> {
    let width = width.max(1);
    let mut pieces = Vec::new();
    let (mut piece, mut used) = (Line::default(), 0);
    for span in &line.spans {
        let mut text = String::new();
        for grapheme in span.styled_graphemes(Style::new()) {
            let cells = grapheme.symbol.cell_width();
            if used + cells > width && used > 0 {
                piece.push_span(Span::styled(std::mem::take(&mut text), span.style));
                pieces.push(std::mem::take(&mut piece));
                used = 0;
            }
            text.push_str(grapheme.symbol);
            used += cells;
        }
        piece.push_span(Span::styled(text, span.style));
    }
    pieces.push(piece);
    pieces
}

/// `text` in lines of at most `width` cells, broken between words where it can be.
pub(crate) fn wrapped(text: &str, width: u16) -> Vec<String> {
    let width = usize::from(width.max(1));
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_inclusive(' ') {
        let fits = Span::raw(line.as_str()).width() + Span::raw(word.trim_end()).width() <= width;
        if !fits && !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        line.push_str(word);
        while Span::raw(line.trim_end()).width() > width {
            let pieces = broken(&Line::raw(line.as_str()), width as u16);
            let mut pieces =
                pieces.iter().map(|piece| piece.spans.iter().map(|span| &*span.content).collect());
            lines.extend(pieces.next());
            line = pieces.collect();
        }
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_unit_that_fits() {
        let shown = [0, 34_234_000, 999_499, 999_500, 123_400_000_000, u64::MAX].map(bytes);
        assert_eq!(shown, ["0.0 kB", "34.2 MB", "999 kB", "1.0 MB", "123 GB", "18446744 TB"]);
        assert_eq!(
            [0.0, 0.994, 3.12, 99.4, 250.0].map(milliseconds),
            ["0.00 ms", "0.99 ms", "3.1 ms", "99.4 ms", "250 ms"]
        );
        assert_eq!(
            [5, 65, 3_725].map(|seconds| clock(Duration::from_secs(seconds))),
            ["0:05", "1:05", "1:02:05"]
        );
    }

    #[test]
    fn text_is_cut_to_cells_not_letters() {
        assert_eq!([4, 5, 8].map(|width| fitted("魚 fish", width)), ["魚 …", "魚 f…", "魚 fish"]);
        assert_eq!([0, 1].map(|width| fitted("fish", width)), ["", "…"]);
    }

    #[track_caller]
    fn check(text: &str, width: u16, expected: &[&str]) {
        let lines = wrapped(text, width);
        assert_eq!(lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn words_stay_whole_where_they_can() {
        check("swim v7 live in 284 ms", 10, &["swim v7", "live in", "284 ms"]);
        check("a longestword b", 5, &["a", "longe", "stwor", "d b"]);
        check("魚魚魚", 3, &["魚", "魚", "魚"]);
        check("魚", 1, &["魚"]);
        check("", 5, &[""]);
    }

    #[test]
    fn broken_lines_keep_their_styles() {
        let (bold, plain) = (Style::new().fg(crate::palette::BAD), Style::new());
        let line = Line::from(vec![Span::styled("abc", bold), Span::styled("defg", plain)]);
        let pieces = broken(&line, 3);
        assert_eq!(pieces.iter().map(ToString::to_string).collect::<Vec<_>>(), ["abc", "def", "g"]);
        let colored = |piece: &Line<'_>| {
            piece.spans.iter().filter(|span| !span.content.is_empty()).all(|span| span.style == bold)
        };
        assert_eq!(pieces.iter().map(colored).collect::<Vec<_>>(), [true, false, false]);
    }
}
