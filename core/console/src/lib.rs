//! The terminal as a model, and the views that draw on it.
//!
//! A game presents itself by a [`PictureView`]: a View module draws the world as dots and letters on a [`Picture`],
//! and turns [`Key`]s into events. Who shows the picture, and where, is no business of the game's.
//!
//! The host tells the state of things in a [`Dashboard`] and owns the real end of the [`Terminal`]. A module provides
//! [`ConsoleView`] and draws both as bytes, which the host takes: before a frame [`Terminal::attach`],
//! [`Terminal::press`] and [`Dashboard::begin_frame`], after it [`Terminal::take_output`].
//!
//! ```
//! use keel_console::{Color, Picture};
//!
//! let mut picture = Picture::new(40, 10);
//! picture.dot(3, 7, Color::new(90, 200, 255));
//! picture.text(0, 9, "a fish", Color::WHITE);
//! assert_eq!(picture.cell(1, 1).letter, '⢀');
//! ```

#[allow(unused_extern_crates, reason = "the attributes' output names this crate from inside")]
extern crate self as keel_console;

pub mod model;
pub mod view;

pub use model::dashboard::{Build, Dashboard, ModuleLine, ModuleState};
pub use model::input::Key;
pub use model::log::{Log, LogLevel, LogLine};
pub use model::pace::FrameTimes;
pub use model::picture::{Cell, Color, Picture};
pub use model::swap::{Grouped, Milliseconds, StageTime, SwapReport};
pub use model::terminal::{Terminal, TerminalKind};
pub use model::{install, own_types};
pub use view::console::ConsoleView;
pub use view::picture::PictureView;

/// What the attributes expand to. Not for people.
#[doc(hidden)]
pub mod __private {
    pub use keel_core_types::{Contract, Model, ModelType, TypedModel, View, layout_hash};
    pub use keel_ecs::__private::*;
}
