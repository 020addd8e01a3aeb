//! Text for where no terminal may be commanded: without escape sequences and other control characters.

/// `text` without escape sequences, and without control characters except line feeds and tabs. What modules, their
/// build scripts and compilers write may hold any of them.
pub(crate) fn plain(text: &str) -> String {
    let stripped = anstream::adapter::strip_str(text).to_string();
    stripped.chars().filter(|letter| !letter.is_control() || matches!(letter, '\n' | '\t')).collect()
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn nothing_is_left_that_commands_a_terminal() {
        for (text, expected) in [
            ("two\n\tlines", "two\n\tlines"),
            ("\u{1b}[1;31mred\u{1b}[0m fish", "red fish"),
            ("\u{1b}]0;title\u{7}fish\u{1b}]8;;http://fish\u{1b}\\", "fish"),
            ("\u{1b}c\u{1b}[2J\u{1b}(0fish\r\u{8}\u{7f}\u{0}", "fish"),
            ("\u{9b}fish\u{85} größer 魚", "fish größer 魚"),
            ("fish\u{1b}[", "fish"),
        ] {
            let stripped = plain(text);
            assert!(!stripped.contains(|letter: char| letter.is_control() && !"\n\t".contains(letter)));
            assert_eq!(stripped, expected, "{text:?}");
        }
    }
}
