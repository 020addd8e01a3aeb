//! Work in pieces, shared among threads, whose results are taken in order.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use keel_core_types::panic_message;
use keel_state::StateError;

use crate::EcsError;

/// From how many pieces on other threads are asked for help: each costs some 50 us to start, a piece some 100.
const SHARED_FROM: usize = 4;

/// More threads than this wait for memory, not for each other.
const THREADS_MAX: usize = 4;

/// What a thread says of a piece.
enum Outcome<T> {
    Made(T),
    Failed(StateError),
    /// The author's code panicked.
    Panicked,
}

/// Makes `count` pieces on several threads, this one included, and takes each in the order of their numbers. The first
/// that fails ends it.
///
/// Each thread has buffers of its own.
pub(super) fn in_order<T: Send, B: Default>(
    count: usize,
    make: impl Fn(usize, &mut B) -> Result<T, StateError> + Sync,
    take: impl Fn(usize, T),
) -> Result<(), EcsError> {
    // Asking for them takes a call of the system.
    let processors = || std::thread::available_parallelism().map_or(1, usize::from);
    let threads = if count < SHARED_FROM { 1 } else { processors().min(THREADS_MAX) };
    let mut buffers = B::default();
    if threads == 1 {
        for place in 0..count {
            take(place, make(place, &mut buffers)?);
        }
        return Ok(());
    }
    let next = AtomicUsize::new(0);
    let (sender, results) = channel();
    std::thread::scope(|scope| {
        for _ in 1..threads {
            let (sender, next, make) = (sender.clone(), &next, &make);
            let help = move || help(count, next, make, &sender);
            // Without another thread, this one does it all.
            let _ = std::thread::Builder::new().name("keel-convert".to_owned()).spawn_scoped(scope, help);
        }
        drop(sender);
        let taken = make_and_take(count, &next, &make, &take, &results, &mut buffers);
        // Nothing more is begun, should this have ended early.
        next.store(count, Ordering::Relaxed);
        taken
    })
}

/// Makes pieces until there are none left.
fn help<T, B: Default>(
    count: usize,
    next: &AtomicUsize,
    make: &impl Fn(usize, &mut B) -> Result<T, StateError>,
    results: &Sender<(usize, Outcome<T>)>,
) {
    let mut buffers = B::default();
    while let Some(place) = claim(count, next) {
        let outcome = match catch_unwind(AssertUnwindSafe(|| make(place, &mut buffers))) {
            Ok(Ok(made)) => Outcome::Made(made),
            Ok(Err(error)) => Outcome::Failed(error),
            Err(panic) => {
                drop(panic_message(panic));
                Outcome::Panicked
            }
        };
        if results.send((place, outcome)).is_err() {
            return;
        }
    }
}

fn claim(count: usize, next: &AtomicUsize) -> Option<usize> {
    let place = next.fetch_add(1, Ordering::Relaxed);
    (place < count).then_some(place)
}

/// Makes pieces as well, and takes what is there, in order.
fn make_and_take<T, B>(
    count: usize,
    next: &AtomicUsize,
    make: &impl Fn(usize, &mut B) -> Result<T, StateError>,
    take: &impl Fn(usize, T),
    results: &Receiver<(usize, Outcome<T>)>,
    buffers: &mut B,
) -> Result<(), EcsError> {
    let mut waiting = BTreeMap::new();
    let mut taken = 0;
    while taken < count {
        waiting.extend(results.try_iter());
        match (waiting.remove(&taken), claim(count, next)) {
            (None, None) => {
                // The others have all that is left; they end only after they have told of it.
                let Ok((place, outcome)) = results.recv() else { break };
                waiting.insert(place, outcome);
            }
            (None, Some(place)) => {
                waiting.insert(place, make(place, buffers).map_or_else(Outcome::Failed, Outcome::Made));
            }
            (Some(outcome), claimed) => {
                let made = match outcome {
                    Outcome::Made(made) => made,
                    Outcome::Failed(error) => return Err(error.into()),
                    // Once more, on the caller's thread: there the panic is told with its place.
                    Outcome::Panicked => make(taken, buffers)?,
                };
                take(taken, made);
                taken += 1;
                if let Some(place) = claimed {
                    waiting.insert(place, make(place, buffers).map_or_else(Outcome::Failed, Outcome::Made));
                }
            }
        }
    }
    Ok(())
}
