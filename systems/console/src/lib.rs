//! The dashboard of Keel: a game in the terminal, with what the engine is doing around it.
//!
//! In each frame the system `draw` shows the world as the game's [`PictureView`](keel::console::PictureView) draws
//! it, and around it the modules, the frame times, the log, and what the compiler says when it refuses a change. What
//! it draws leaves as bytes through [`Terminal`](keel::console::Terminal): this module never touches a real terminal.
//! Where that is no screen, it writes plain lines.
//!
//! For other modules it implements [`ConsoleView`](keel::console::ConsoleView).
//!
//! | keys | what they do |
//! |---|---|
//! | Tab | hands the arrow keys on: game, modules, log |
//! | Up, Down, Page Up, Page Down, Home, End | scroll what has them, or the compiler's message |
//! | Esc | closes the message, or gives the arrow keys back to the game |
//! | Enter | shows the message again |
//!
//! The host takes those it handles itself before they come here; all others go to the game, and what the game has no
//! use for can be read through `ConsoleView`.

mod ansi;
mod canvas;
mod draw;
mod lines;
mod module;
mod palette;
mod presenter;
mod screen;
mod state;
mod text;
mod view;
mod world;

pub use module::Console;

keel::export_module! {
    view_model: Console,
    provides: [dyn keel::console::ConsoleView],
    optional: [dyn keel::console::PictureView],
}
