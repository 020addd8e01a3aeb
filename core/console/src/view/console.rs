//! How modules write to a terminal and read from it.

use keel_core_types::View;
use keel_module_macros::view;

use crate::{Key, Terminal, TerminalKind};

/// Text on a terminal. On a screen it appears in the dashboard's log, elsewhere as it is written.
///
/// The terminals live in a pool. That of the engine's own process is there from the start:
///
/// ```ignore
/// let console = frame.views.get::<dyn ConsoleView>()?;
/// let mut terminal = frame.models::<Terminal>()?.get_mut(Terminal::MAIN)?;
/// console.write_line(&mut terminal, "land ahoy");
/// ```
#[view(crate = keel_console, name = "keel.ConsoleView")]
pub trait ConsoleView: View {
    /// What is at the other end.
    fn kind(&self, terminal: &Terminal) -> TerminalKind;

    /// Its width and height in cells; 0 x 0 until it is attached.
    fn size(&self, terminal: &Terminal) -> (u16, u16);

    /// Writes text. It appears when its line is complete: at a `\n`, or at the next [`ConsoleView::write_line`].
    fn write(&self, terminal: &mut Terminal, text: &str);

    /// Writes text and ends the line.
    fn write_line(&self, terminal: &mut Terminal, text: &str);

    /// The oldest key that neither the dashboard nor the game's picture has a use for.
    fn read(&self, terminal: &mut Terminal) -> Option<Key>;

    /// Takes away all that was written. What has left as lines stays.
    fn clear(&self, terminal: &mut Terminal);
}
