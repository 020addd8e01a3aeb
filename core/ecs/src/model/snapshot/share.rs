//! Work in pieces, shared among threads, whose results are taken in order.

use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use keel_core_types::panic_message;
use keel_state::StateError;

use crate::EcsError;

/// Other threads are asked for help with what would take this one longer than that: to start one and to hand pieces over
/// costs some 100 us, more where others want the processors.
const SHARED_FROM: Duration = Duration::from_micros(400);

/// How long this one has tried before it says so: the first piece takes longer than the others.
const TRIED_FOR: Duration = Duration::from_micros(50);

/// More threads than this wait for memory, not for each other.
const THREADS_MAX: usize = 4;

/// Asked for once: it takes opening and reading a handful of files.
static PROCESSORS: LazyLock<usize> =
    LazyLock::new(|| std::thread::available_parallelism().map_or(1, usize::from));

/// What a thread says of a piece.
enum Outcome<T> {
    Made(T),
    Failed(StateError),
    /// The author's code panicked.
    Panicked,
}

/// Makes `count` pieces and takes each in the order of their numbers; on several threads, this one included, once it shows
/// that they take long. The first that fails ends it.
///
/// Each thread has buffers of its own.
pub(super) fn in_order<T: Send, B: Default>(
    count: usize,
    make: impl Fn(usize, &mut B) -> Result<T, StateError> + Sync,
    take: impl Fn(usize, T),
) -> Result<(), EcsError> {
    let mut buffers = B::default();
    let begin = Instant::now();
    let mut taken = 0;
    while taken < count && !is_long(begin.elapsed(), taken, count) {
        take(taken, make(taken, &mut buffers)?);
        taken += 1;
    }
    let threads = if taken == count { 1 } else { PROCESSORS.min(THREADS_MAX) };
    if threads == 1 {
        return (taken..count).try_for_each(|place| {
            take(place, make(place, &mut buffers)?);
            Ok(())
        });
    }
    let next = AtomicUsize::new(taken);
    let (sender, results) = channel();
    std::thread::scope(|scope| {
        for _ in 1..threads {
            let (sender, next, make) = (sender.clone(), &next, &make);
            let help = move || help(count, next, make, &sender);
            // Without another thread, this one does it all.
            let _ = std::thread::Builder::new().name("keel-convert".to_owned()).spawn_scoped(scope, help);
        }
        drop(sender);
        let made = make_and_take(taken..count, &next, &make, &take, &results, &mut buffers);
        // Nothing more is begun, should this have ended early.
        next.store(count, Ordering::Relaxed);
        made
    })
}

/// Whether those that are left will take long, if they are as those that were made in this time.
fn is_long(elapsed: Duration, made: usize, count: usize) -> bool {
    elapsed > TRIED_FOR && elapsed.as_nanos() * (count - made) as u128 > SHARED_FROM.as_nanos() * made as u128
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

/// Makes pieces as well, and takes those of these places, in order.
fn make_and_take<T, B>(
    places: Range<usize>,
    next: &AtomicUsize,
    make: &impl Fn(usize, &mut B) -> Result<T, StateError>,
    take: &impl Fn(usize, T),
    results: &Receiver<(usize, Outcome<T>)>,
    buffers: &mut B,
) -> Result<(), EcsError> {
    let mut waiting = BTreeMap::new();
    let Range { start: mut taken, end: count } = places;
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
