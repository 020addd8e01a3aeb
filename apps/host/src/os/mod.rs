//! What differs between systems: how two processes are joined, how a third one asks, how one takes the place of another,
//! how much memory there is, and who is to be ended when there is no more.

mod memory;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

pub(crate) use memory::{memory_allowed, memory_there_is};
#[cfg(unix)]
pub(crate) use unix::{
    ControlListener, ControlStream, Stream, end_me_first, hand_over_to, join_child, own_stream, resident_kib,
};
#[cfg(windows)]
pub(crate) use windows::{
    ControlListener, ControlStream, Stream, end_me_first, hand_over_to, join_child, own_stream, resident_kib,
};
