//! How modules write to the terminal and read from it.

use keel_core_types::View;
use keel_ecs::World;
use keel_module_macros::view;

use crate::{Key, TerminalKind};

/// Text on the terminal of a world. On a screen it appears in the dashboard's log, elsewhere as it is written.
///
/// A world without a terminal takes all text and gives no key: a simulation needs none.
#[view(crate = keel_console, name = "keel.ConsoleView")]
pub trait ConsoleView: View {
    /// What is at the other end; `None` when the world has no terminal.
    fn kind(&self, world: &World) -> Option<TerminalKind>;

    /// Its width and height in cells; 0 x 0 when there is none.
    fn size(&self, world: &World) -> (u16, u16);

    /// Writes text. It appears when its line is complete: at a `\n`, or at the next [`ConsoleView::write_line`].
    fn write(&self, world: &World, text: &str);

    /// Writes text and ends the line.
    fn write_line(&self, world: &World, text: &str);

    /// The oldest key that neither the dashboard nor the game's picture has a use for.
    fn read(&self, world: &World) -> Option<Key>;

    /// Takes away all that was written. What has left as lines stays.
    fn clear(&self, world: &World);
}
