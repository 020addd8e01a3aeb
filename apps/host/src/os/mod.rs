//! What differs between systems: how two processes are joined, how a third one asks, and how one takes the place of
//! another.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::{
    ControlListener, ControlStream, Stream, hand_over_to, join_child, own_stream, resident_kib,
};
#[cfg(windows)]
pub(crate) use windows::{
    ControlListener, ControlStream, Stream, hand_over_to, join_child, own_stream, resident_kib,
};
