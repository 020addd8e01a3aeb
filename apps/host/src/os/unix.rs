//! Linux and macOS.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// A connection between supervisor and engine, in both directions.
pub(crate) type Stream = UnixStream;

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

/// How willing an engine is to be ended, from -1000 to 1000: far more so than its supervisor and what else a person runs.
const WILLINGNESS: i32 = 500;

/// Has the system end this process, an engine's or a trial's, before its supervisor when the machine's memory is at an end:
/// the supervisor goes on with the game, and nobody goes on with the supervisor's. Nothing where the system knows no such
/// choice.
pub(crate) fn end_me_first() {
    // Linux, proc(5). To raise it needs no rights, so it is not lowered.
    let file = "/proc/self/oom_score_adj";
    let now = std::fs::read_to_string(file).ok().and_then(|text| text.trim().parse::<i32>().ok());
    if now.is_some_and(|now| now < WILLINGNESS) {
        // Without it the system chooses by size, which mostly is the engine, too.
        let _ = std::fs::write(file, WILLINGNESS.to_string());
    }
}

/// Becomes `command`: signals and the exit status are its own from here on.
///
/// # Errors
/// When it can't be started.
pub(crate) fn hand_over_to(command: &mut Command) -> io::Result<ExitCode> {
    Err(command.exec())
}

/// The socket's name in its folder.
const SOCKET: &str = "socket";

/// Takes what other processes of the same user ask.
pub(crate) struct ControlListener(UnixListener);

/// A connection to or from one of them.
pub(crate) struct ControlStream(UnixStream);

impl ControlListener {
    /// Listens in `folder`, which is made for that: nobody else may enter it.
    pub(crate) fn bind(folder: &Path) -> io::Result<Self> {
        DirBuilder::new().mode(0o700).create(folder)?;
        in_folder(folder, UnixListener::bind).map(Self)
    }

    pub(crate) fn accept(&self) -> io::Result<ControlStream> {
        self.0.accept().map(|(stream, _)| ControlStream(stream))
    }
}

impl ControlStream {
    /// # Errors
    /// When nobody listens in `folder`.
    pub(crate) fn connect(folder: &Path) -> io::Result<Self> {
        in_folder(folder, UnixStream::connect).map(Self)
    }

    pub(crate) fn set_read_timeout(&self, timeout: Option<std::time::Duration>) -> io::Result<()> {
        self.0.set_read_timeout(timeout)
    }
}

impl io::Read for &ControlStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&self.0).read(buffer)
    }
}

impl io::Write for ControlStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Calls `open` with the socket's path. The name of a socket has room for some hundred bytes, fewer than a path may have;
/// on Linux it is reached by the open folder's number then, proc(5).
fn in_folder<T>(folder: &Path, open: impl Fn(PathBuf) -> io::Result<T>) -> io::Result<T> {
    match open(folder.join(SOCKET)) {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput && cfg!(target_os = "linux") => {
            let folder = File::open(folder)?;
            open(PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(SOCKET))
        }
        opened => opened,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_socket_in_a_deep_folder_is_reached_by_its_owner_alone() {
        let base = std::env::temp_dir().join(format!("keel-control-{}", std::process::id()));
        for depth in if cfg!(target_os = "linux") { [0, 30] } else { [0, 1] } {
            let run = (0..depth).fold(base.clone(), |path, _| path.join("deeper"));
            std::fs::create_dir_all(&run).expect("a folder to listen in");
            let folder = run.join("control");
            assert!(ControlStream::connect(&folder).is_err(), "nobody listens yet");
            let listener = ControlListener::bind(&folder).expect("a path of any length will do");
            let mode = folder.metadata().expect("it was made").permissions().mode();
            assert_eq!(mode & 0o777, 0o700);
            let mut client = ControlStream::connect(&folder).expect("somebody listens");
            client.write_all(b"word").expect("it is connected");
            let mut word = [0; 4];
            (&listener.accept().expect("it is connected")).read_exact(&mut word).expect("it was written");
            assert_eq!(&word, b"word");
            drop(listener);
            assert!(ControlStream::connect(&folder).is_err(), "what is left of one that has ended refuses");
        }
        std::fs::remove_dir_all(base).expect("it is there");
    }
}
