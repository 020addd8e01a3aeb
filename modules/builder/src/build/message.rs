//! What the compiler says.

use cargo_metadata::diagnostic::{Diagnostic as RustcDiagnostic, DiagnosticLevel};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The build goes on.
    Warning,
    /// The build fails.
    Error,
}

/// One error or warning of the compiler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The crate that was compiled.
    pub target: String,
    /// Error or warning.
    pub level: Level,
    /// The compiler's code, such as `E0308` or `unused_variables`.
    pub code: Option<String>,
    /// The first line, without level and code.
    pub message: String,
    /// File, line and column that it points at first, as the compiler names them; both count from 1.
    pub place: Option<(String, usize, usize)>,
    /// As the compiler shows it, with ANSI colours.
    pub colored: String,
    /// As the compiler shows it, without colours.
    pub plain: String,
}

impl Diagnostic {
    /// What rustc says of the crate `target`. None for a note that stands alone, such as `aborting due to 1 previous
    /// error`.
    pub(super) fn new(target: &str, diagnostic: RustcDiagnostic) -> Option<Self> {
        let level = match diagnostic.level {
            DiagnosticLevel::Error | DiagnosticLevel::Ice => Level::Error,
            DiagnosticLevel::Warning => Level::Warning,
            _ => return None,
        };
        let is_count = diagnostic.code.is_none()
            && diagnostic.spans.is_empty()
            && (diagnostic.message.starts_with("aborting due to")
                || (level == Level::Warning && diagnostic.message.ends_with(" emitted")));
        if is_count {
            return None;
        }
        let first = diagnostic.spans.iter().find(|span| span.is_primary);
        let colored = diagnostic.rendered.unwrap_or_else(|| diagnostic.message.clone());
        Some(Self {
            target: target.to_owned(),
            level,
            code: diagnostic.code.map(|code| code.code),
            message: diagnostic.message,
            place: first.map(|span| (span.file_name.clone(), span.line_start, span.column_start)),
            plain: without_escapes(&colored),
            colored,
        })
    }
}

/// Leaves out ANSI's control sequences (`ESC [ ... letter`, for colours) and its commands
/// (`ESC ] ... BEL` or `ESC ] ... ESC \`, for links).
fn without_escapes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(letter) = rest.next() {
        if letter != '\u{1b}' {
            plain.push(letter);
            continue;
        }
        match rest.next() {
            Some('[') => {
                rest.find(|it| ('@'..='~').contains(it));
            }
            Some(']') => {
                let end = rest.find(|it| matches!(it, '\u{7}' | '\u{1b}'));
                if end == Some('\u{1b}') {
                    rest.next();
                }
            }
            _ => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::without_escapes;

    #[test]
    fn colours_and_links_are_left_out() {
        assert_eq!(without_escapes("\u{1b}[1m\u{1b}[38;5;9merror\u{1b}[0m: no"), "error: no");
        assert_eq!(without_escapes("\u{1b}]8;;https://x\u{1b}\\E0308\u{1b}]8;;\u{7}!"), "E0308!");
        assert_eq!(without_escapes("plain\u{1b}"), "plain");
    }
}
