//! What comes into a game from outside.

pub(crate) use keel_recording::FrameInput;
