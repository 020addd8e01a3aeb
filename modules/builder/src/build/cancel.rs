//! Ending a build from another thread.

use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded};

/// Ends the builds that it was given to. Clones are one token.
#[derive(Clone, Debug)]
pub struct CancelToken {
    // Nothing is ever sent: dropping the sender is the signal, and everybody who waits sees it.
    trigger: Arc<Mutex<Option<Sender<()>>>>,
    signal: Receiver<()>,
}

impl CancelToken {
    /// A token that was not cancelled.
    pub fn new() -> Self {
        let (trigger, signal) = bounded(0);
        Self { trigger: Arc::new(Mutex::new(Some(trigger))), signal }
    }

    /// Ends the builds, now and later ones. Doing so twice does nothing more.
    pub fn cancel(&self) {
        self.trigger.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// A channel that is disconnected when the token is cancelled.
    pub(super) fn signal(&self) -> &Receiver<()> {
        &self.signal
    }
}

impl Default for CancelToken {
    fn default() -> Self {
        Self::new()
    }
}
