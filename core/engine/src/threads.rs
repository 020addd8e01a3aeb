//! The threads that an engine runs systems on.

use std::sync::OnceLock;
use std::thread::available_parallelism;

use parking_lot::Mutex;
use rayon_core::{ThreadPool, ThreadPoolBuilder};

use crate::fault::{catch, rethrow};

/// The stack of each thread that runs systems. Whoever owns the main thread limits that one's to it: what a system may need
/// must not depend on the thread that it runs on.
pub const STACK_BYTES: usize = 8 * 1024 * 1024;

/// Threads that are started when they are needed first, and sleep while there is nothing to do.
pub(crate) struct Threads {
    count: usize,
    /// Whether they are used where that is slower, too.
    pub(crate) always: bool,
    /// None if they could not be started.
    pool: OnceLock<Option<ThreadPool>>,
}

impl Threads {
    /// So many, or for 0 as many as the machine has processors.
    pub(crate) fn new(count: usize, always: bool) -> Self {
        let count = if count == 0 { available_parallelism().map_or(1, usize::from) } else { count };
        Self { count, always, pool: OnceLock::new() }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        if let Some(None) = self.pool.get() { 1 } else { self.count }
    }

    /// The threads, which are started if they are not there; none if they can't be.
    pub(crate) fn pool(&self) -> Option<&ThreadPool> {
        self.pool.get_or_init(|| self.build()).as_ref()
    }

    fn build(&self) -> Option<ThreadPool> {
        let builder = ThreadPoolBuilder::new()
            .num_threads(self.count)
            .stack_size(STACK_BYTES)
            .thread_name(|index| format!("keel-system-{index}"));
        match builder.build() {
            Ok(pool) => Some(pool),
            Err(error) => {
                log::warn!("systems run on one thread: no others could be started: {error}");
                None
            }
        }
    }

    /// Calls `work` on all threads at the same time, and returns when all calls have.
    ///
    /// # Panics
    /// As one of the calls did, once all have ended.
    pub(crate) fn run(&self, work: &(dyn Fn() + Sync)) {
        let pool = if self.count() > 1 { self.pool() } else { None };
        let Some(pool) = pool else { return work() };
        let panic = Mutex::new(None);
        pool.scope(|scope| {
            (0..self.count()).for_each(|_| {
                scope.spawn(|_| {
                    if let Err(panicked) = catch(work) {
                        panic.lock().get_or_insert(panicked);
                    }
                });
            });
        });
        if let Some(panic) = panic.into_inner() {
            rethrow(panic);
        }
    }
}
