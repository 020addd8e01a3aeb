//! The newest save wins: a build that is under way is given up for it, and what it was to build is built too.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::SystemTime;

use crossbeam_channel::{Receiver, Sender, TryRecvError, select_biased, unbounded};

use super::{BuildFailure, BuildReport, BuildRequest, Builder, CancelToken};

/// What came of the newest save.
#[derive(Debug)]
pub struct BuildOutcome {
    /// What was built; also what earlier saves asked for whose builds were given up.
    pub requests: Vec<BuildRequest>,
    /// When the newest of these saves happened.
    pub saved_at: SystemTime,
    /// How many builds were given up for this one.
    pub superseded: u32,
    /// The libraries, or why there are none. Never [`BuildFailure::Cancelled`].
    pub result: Result<BuildReport, BuildFailure>,
}

/// Builds on a thread of its own; dropping it ends the build under way.
#[derive(Debug)]
pub struct BuildQueue {
    // Taken when dropped, which ends the thread.
    orders: Option<Sender<Order>>,
    outcomes: Receiver<BuildOutcome>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Order {
    requests: BTreeSet<BuildRequest>,
    /// Empty if it is not known what has changed.
    changed: BTreeSet<PathBuf>,
    saved_at: SystemTime,
    superseded: u32,
}

impl BuildQueue {
    /// A queue in front of `builder`.
    ///
    /// # Errors
    /// [`BuildFailure::Wait`] when the system has no thread left.
    pub fn start(builder: Arc<Builder>) -> Result<Self, BuildFailure> {
        let (orders, orders_out) = unbounded();
        let (outcomes_in, outcomes) = unbounded();
        let thread = std::thread::Builder::new().name("keel-builder".to_owned());
        let thread =
            thread.spawn(move || work(&builder, &orders_out, &outcomes_in)).map_err(BuildFailure::Wait)?;
        Ok(Self { orders: Some(orders), outcomes, thread: Some(thread) })
    }

    /// Asks for a build and gives up the one under way; what that was to build is built with this.
    ///
    /// `changed` are the files whose change asks for it; none at all if that is not known, so that cargo looks at
    /// everything. See [`Builder::build_changed`].
    pub fn submit(
        &self,
        requests: impl IntoIterator<Item = BuildRequest>,
        changed: impl IntoIterator<Item = PathBuf>,
        saved_at: SystemTime,
    ) {
        let (requests, changed) = (requests.into_iter().collect(), changed.into_iter().collect());
        let order = Order { requests, changed, saved_at, superseded: 0 };
        if let Some(orders) = &self.orders {
            // The thread ends only when this is dropped.
            let _ = orders.send(order);
        }
    }

    /// The outcomes, in order; builds that were given up have none.
    pub fn outcomes(&self) -> &Receiver<BuildOutcome> {
        &self.outcomes
    }
}

impl Drop for BuildQueue {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed; there is nobody left to tell.
            let _ = thread.join();
        }
    }
}

fn work(builder: &Arc<Builder>, orders: &Receiver<Order>, outcomes: &Sender<BuildOutcome>) {
    let mut next = orders.recv().ok();
    while let Some(order) = next.take() {
        let requests: Vec<BuildRequest> = order.requests.iter().cloned().collect();
        let changed: Vec<PathBuf> = order.changed.iter().cloned().collect();
        match build_or_newer(builder, &requests, &changed, orders) {
            Next::Built(result) => {
                let Order { saved_at, superseded, .. } = order;
                let _ = outcomes.send(BuildOutcome { requests, saved_at, superseded, result });
                next = orders.recv().ok();
            }
            Next::Newer(newer) => next = Some(order.joined(newer)),
            Next::End => {}
        }
    }
}

enum Next {
    Built(Result<BuildReport, BuildFailure>),
    Newer(Order),
    End,
}

/// Builds, unless a newer order comes first.
fn build_or_newer(
    builder: &Arc<Builder>,
    requests: &[BuildRequest],
    changed: &[PathBuf],
    orders: &Receiver<Order>,
) -> Next {
    match orders.try_recv() {
        Ok(newer) => return Next::Newer(newer),
        Err(TryRecvError::Disconnected) => return Next::End,
        Err(TryRecvError::Empty) => {}
    }
    let cancel = CancelToken::new();
    std::thread::scope(|scope| {
        let (done, is_done) = crossbeam_channel::bounded(1);
        let token = &cancel;
        // Nobody waits for it any more when a newer order has come.
        scope.spawn(move || drop(done.send(builder.build_changed(requests, changed, token))));
        select_biased! {
            recv(is_done) -> result => result.map_or(Next::End, Next::Built),
            recv(orders) -> newer => {
                cancel.cancel();
                newer.map_or(Next::End, Next::Newer)
            }
        }
    })
}

impl Order {
    fn joined(mut self, newer: Self) -> Self {
        self.requests.extend(newer.requests);
        if self.changed.is_empty() || newer.changed.is_empty() {
            self.changed.clear();
        } else {
            self.changed.extend(newer.changed);
        }
        Self {
            requests: self.requests,
            changed: self.changed,
            saved_at: newer.saved_at,
            superseded: self.superseded + 1,
        }
    }
}
