//! Windows. Not tested: no machine of the project's runs it.

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Command, ExitCode, Stdio};

/// A connection between supervisor and engine, in both directions.
pub(crate) type Stream = TcpStream;

const PORT: &str = "KEEL_ENGINE_PORT";

/// Tells the child a port of this machine to connect to, and returns what waits for it.
pub(crate) fn join_child(command: &mut Command) -> io::Result<impl FnOnce() -> io::Result<Stream> + use<>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    command.stdin(Stdio::null()).env(PORT, listener.local_addr()?.port().to_string());
    Ok(move || listener.accept().map(|(stream, _)| stream))
}

/// The child's end.
pub(crate) fn own_stream() -> io::Result<Stream> {
    let port = std::env::var(PORT).ok().and_then(|port| port.parse::<u16>().ok());
    let port = port.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "KEEL_ENGINE_PORT is not set"))?;
    TcpStream::connect((Ipv4Addr::LOCALHOST, port))
}

/// Not known here.
pub(crate) fn resident_kib() -> u64 {
    0
}

/// Runs `command` to its end, and returns whether it did well: a process can't become another one here.
///
/// # Errors
/// When it can't be started.
pub(crate) fn hand_over_to(command: &mut Command) -> io::Result<ExitCode> {
    command.status().map(|status| if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
