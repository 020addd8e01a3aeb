//! The engine's end of the connection to the supervisor.

use std::io::{self, BufReader, Write};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, unbounded};
use keel::crash::end_process;
use parking_lot::{Mutex, MutexGuard};

use crate::os::Stream;
use crate::protocol::{self, FromEngine, Library, ToEngine};

/// How long the engine may take to end when the supervisor is gone.
const END_DEADLINE: Duration = Duration::from_secs(10);

/// Sends to the supervisor, from any thread.
#[derive(Clone)]
pub(crate) struct Link {
    stream: Arc<Mutex<Stream>>,
}

impl Link {
    /// Starts to receive. The channel of orders closes when the supervisor is gone.
    pub(crate) fn start(stream: Stream) -> anyhow::Result<(Self, Receiver<ToEngine>)> {
        let mut input = BufReader::new(stream.try_clone()?);
        let (sender, orders) = unbounded();
        thread::Builder::new().name("keel-orders".to_owned()).spawn(move || {
            while let Ok(order) = protocol::receive_order(&mut input) {
                if sender.send(order).is_err() {
                    break;
                }
            }
            // The engine sees that between two frames, and ends. One that hangs never comes there.
            drop(sender);
            thread::sleep(END_DEADLINE);
            end_process();
        })?;
        Ok((Self { stream: Arc::new(Mutex::new(stream)) }, orders))
    }

    /// One whose messages go nowhere.
    #[cfg(all(test, unix))]
    pub(crate) fn to_nobody() -> io::Result<Self> {
        let (ours, _) = Stream::pair()?;
        Ok(Self { stream: Arc::new(Mutex::new(ours)) })
    }

    /// Sends a message. When the supervisor is gone, the channel of orders says so.
    pub(crate) fn send(&self, message: &FromEngine) {
        let _ = protocol::send(&mut *self.stream.lock(), message);
    }

    /// Sends a snapshot, piece by piece: whoever has something to say meanwhile waits for one of them.
    pub(crate) fn send_snapshot(&self, frame: u64, libraries: Vec<Library>, bytes: &[u8]) {
        let _ = protocol::send_snapshot(|| FairStream(Some(self.stream.lock())), frame, libraries, bytes);
    }

    /// Sends bytes for the terminal.
    pub(crate) fn send_screen(&self, bytes: &[u8]) {
        let mut stream = self.stream.lock();
        let _ = protocol::send_screen(&mut *stream, bytes).and_then(|()| stream.flush());
    }
}

/// The stream, given to whoever waits for it when this is dropped. An ordinary lock would mostly be taken again by who
/// has just had it.
struct FairStream<'a>(Option<MutexGuard<'a, Stream>>);

impl FairStream<'_> {
    fn stream(&mut self) -> io::Result<&mut Stream> {
        self.0.as_deref_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl Write for FairStream<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream()?.flush()
    }
}

impl Drop for FairStream<'_> {
    fn drop(&mut self) {
        if let Some(stream) = self.0.take() {
            MutexGuard::unlock_fair(stream);
        }
    }
}
