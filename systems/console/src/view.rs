//! The console for other modules.

use keel::console::{ConsoleView, Key, Terminal, TerminalKind};

/// [`ConsoleView`] over a [`Terminal`]. What is written waits there until the system `draw` shows it.
#[derive(Default)]
pub(crate) struct Console;

impl ConsoleView for Console {
    fn kind(&self, terminal: &Terminal) -> TerminalKind {
        terminal.kind()
    }

    fn size(&self, terminal: &Terminal) -> (u16, u16) {
        (terminal.columns(), terminal.rows())
    }

    fn write(&self, terminal: &mut Terminal, text: &str) {
        terminal.write_text(text);
    }

    fn write_line(&self, terminal: &mut Terminal, text: &str) {
        terminal.write_text(text);
        terminal.write_text("\n");
    }

    fn read(&self, terminal: &mut Terminal) -> Option<Key> {
        terminal.next_unused()
    }

    fn clear(&self, terminal: &mut Terminal) {
        terminal.clear_text();
    }
}
