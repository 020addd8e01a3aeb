//! Windows. Not tested: no machine of the project's runs it.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
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

/// Nothing: this system ends no process for want of memory.
pub(crate) fn end_me_first() {}

/// Runs `command` to its end, and returns whether it did well: a process can't become another one here.
///
/// # Errors
/// When it can't be started.
pub(crate) fn hand_over_to(command: &mut Command) -> io::Result<ExitCode> {
    command.status().map(|status| if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The file in its folder that says where to connect to: the port, and a word that who connects must say.
const DOOR: &str = "port";

/// Takes what other processes ask that can read the folder.
pub(crate) struct ControlListener {
    listener: TcpListener,
    word: String,
}

/// A connection to or from one of them.
pub(crate) struct ControlStream(TcpStream);

impl ControlListener {
    /// Listens, and says in `folder`, which is made for that, where.
    pub(crate) fn bind(folder: &Path) -> io::Result<Self> {
        use std::hash::{BuildHasher, RandomState};
        std::fs::create_dir(folder)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        // Each state begins with random numbers of the system.
        let word: String =
            (0_u64..2).map(|part| format!("{:016x}", RandomState::new().hash_one(part))).collect();
        std::fs::write(folder.join(DOOR), format!("{} {word}", listener.local_addr()?.port()))?;
        Ok(Self { listener, word })
    }

    /// Waits for one that knows the word; the others are sent away.
    pub(crate) fn accept(&self) -> io::Result<ControlStream> {
        loop {
            let (mut stream, _) = self.listener.accept()?;
            stream.set_read_timeout(Some(std::time::Duration::from_secs(1)))?;
            let mut word = vec![0; self.word.len()];
            if stream.read_exact(&mut word).is_ok() && word == self.word.as_bytes() {
                return Ok(ControlStream(stream));
            }
        }
    }
}

impl ControlStream {
    /// # Errors
    /// When nobody listens in `folder`.
    pub(crate) fn connect(folder: &Path) -> io::Result<Self> {
        let door = std::fs::read_to_string(folder.join(DOOR))?;
        let (port, word) = door.split_once(' ').ok_or(io::ErrorKind::InvalidData)?;
        let port: u16 = port.parse().map_err(|_| io::ErrorKind::InvalidData)?;
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.write_all(word.as_bytes())?;
        Ok(Self(stream))
    }

    pub(crate) fn set_read_timeout(&self, timeout: Option<std::time::Duration>) -> io::Result<()> {
        self.0.set_read_timeout(timeout)
    }
}

impl Read for &ControlStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&self.0).read(buffer)
    }
}

impl Write for ControlStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
