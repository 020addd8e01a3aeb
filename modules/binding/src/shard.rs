//! How threads are kept apart: each has a home shard, and goes to another's only when its own is empty.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many shards each level has. More threads than that share some; the figures in `apps/bench` go to 8.
pub(crate) const SHARDS: usize = 16;

const UNKNOWN: usize = usize::MAX;

static NEXT_HOME: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static HOME: Cell<usize> = const { Cell::new(UNKNOWN) };
}

/// The calling thread's shard.
// Never inlined: pools are generic and compiled into modules, and a module that had this thread-local in it
// could not be unmapped.
#[inline(never)]
pub(crate) fn home() -> usize {
    let home = HOME.get();
    if home != UNKNOWN {
        return home;
    }
    let home = NEXT_HOME.fetch_add(1, Ordering::Relaxed) % SHARDS;
    HOME.set(home);
    home
}

/// All shards, the one at `home` first.
pub(crate) fn from_home(home: usize) -> impl Iterator<Item = usize> {
    (0..SHARDS).map(move |step| (home + step) % SHARDS)
}
