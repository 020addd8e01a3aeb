//! Linux and macOS.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};

/// A connection between supervisor and engine, in both directions.
pub(crate) type Stream = std::os::unix::net::UnixStream;

/// Gives the child one end of a connection as its standard input, and returns the other. The child gets a process
/// group of its own: a Ctrl-C in the terminal is the supervisor's to handle.
pub(crate) fn join_child(command: &mut Command) -> io::Result<impl FnOnce() -> io::Result<Stream> + use<>> {
    let (ours, theirs) = Stream::pair()?;
    command.stdin(Stdio::from(OwnedFd::from(theirs))).process_group(0);
    Ok(move || Ok(ours))
}

/// The child's end.
pub(crate) fn own_stream() -> io::Result<Stream> {
    Ok(Stream::from(io::stdin().as_fd().try_clone_to_owned()?))
}

/// The resident memory of this process in KiB; 0 where the system does not tell.
pub(crate) fn resident_kib() -> u64 {
    // Linux, proc(5): the second number is the resident set in pages, of 4 KiB on all targets that Keel is tested on.
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split_whitespace().nth(1)?.parse::<u64>().ok());
    pages.unwrap_or(0) * 4
}

/// Becomes `command`: signals and the exit status are its own from here on.
///
/// # Errors
/// When it can't be started.
pub(crate) fn hand_over_to(command: &mut Command) -> io::Result<ExitCode> {
    Err(command.exec())
}
