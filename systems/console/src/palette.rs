//! The colours of the dashboard: a calm dark ground, one accent, and three that mean something.

use ratatui_core::style::Color;

/// Behind the world and the log.
pub(crate) const GROUND: Color = Color::Rgb(11, 16, 24);
/// Behind the panels around it.
pub(crate) const PANEL: Color = Color::Rgb(18, 25, 36);
/// Behind what lies above everything else.
pub(crate) const RAISED: Color = Color::Rgb(24, 30, 42);
/// What is read.
pub(crate) const TEXT: Color = Color::Rgb(205, 213, 222);
/// What explains what is read.
pub(crate) const DIM: Color = Color::Rgb(125, 138, 155);
/// What is there for whoever looks closely.
pub(crate) const QUIET: Color = Color::Rgb(86, 99, 117);
/// What only separates.
pub(crate) const FAINT: Color = Color::Rgb(58, 70, 87);
/// What belongs to Keel, or has the focus.
pub(crate) const ACCENT: Color = Color::Rgb(94, 190, 216);
/// What went well.
pub(crate) const GOOD: Color = Color::Rgb(126, 201, 138);
/// What a person should look at.
pub(crate) const WARN: Color = Color::Rgb(230, 192, 106);
/// What went wrong.
pub(crate) const BAD: Color = Color::Rgb(240, 113, 107);
/// Two more for the compiler's messages.
pub(crate) const BLUE: Color = Color::Rgb(110, 160, 235);
pub(crate) const VIOLET: Color = Color::Rgb(190, 145, 225);

/// The terminal's own sixteen colours, as they look best on the dashboard's ground.
pub(crate) const SIXTEEN: [Color; 16] =
    [GROUND, BAD, GOOD, WARN, BLUE, VIOLET, ACCENT, TEXT, DIM, BAD, GOOD, WARN, BLUE, VIOLET, ACCENT, TEXT];
