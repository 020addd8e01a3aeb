//! The engine's end of the connection to the supervisor.

use std::io::{BufReader, Write};
use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Receiver, unbounded};
use parking_lot::Mutex;

use crate::os::Stream;
use crate::protocol::{self, FromEngine, ToEngine};

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
            while let Ok(order) = protocol::receive(&mut input) {
                if sender.send(order).is_err() {
                    break;
                }
            }
        })?;
        Ok((Self { stream: Arc::new(Mutex::new(stream)) }, orders))
    }

    /// Sends a message. When the supervisor is gone, the channel of orders says so.
    pub(crate) fn send(&self, message: &FromEngine) {
        let _ = protocol::send(&mut *self.stream.lock(), message);
    }

    /// Sends bytes for the terminal.
    pub(crate) fn send_screen(&self, bytes: &[u8]) {
        let mut stream = self.stream.lock();
        let _ = protocol::send_screen(&mut *stream, bytes).and_then(|()| stream.flush());
    }
}
