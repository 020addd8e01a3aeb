//! The threads that an engine runs systems on.

use std::thread::available_parallelism;

use rayon_core::{ThreadPool, ThreadPoolBuilder};

/// What a system may need of its stack must not depend on the thread that it runs on.
const STACK_BYTES: usize = 8 * 1024 * 1024;

/// The calling thread, and others that are started when they are needed first. They sleep while there is nothing to do.
pub(crate) struct Threads {
    count: usize,
    /// Whether they are used where that is slower, too.
    pub(crate) always: bool,
    /// All but the calling one.
    others: Option<ThreadPool>,
}

impl Threads {
    /// So many, or for 0 as many as the machine has processors.
    pub(crate) fn new(count: usize, always: bool) -> Self {
        let count = if count == 0 { available_parallelism().map_or(1, usize::from) } else { count };
        Self { count, always, others: None }
    }

    /// How many there are, the calling one with them.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Calls `work` on this thread and on at most `others` more, at the same time, and returns when all calls have.
    pub(crate) fn run(&mut self, others: usize, work: &(dyn Fn() + Sync)) {
        let others = others.min(self.count - 1);
        self.start();
        match &self.others {
            Some(pool) => pool.in_place_scope(|scope| {
                (0..others).for_each(|_| scope.spawn(|_| work()));
                work();
            }),
            None => work(),
        }
    }

    /// Starts the others, unless they are there.
    pub(crate) fn start(&mut self) {
        if self.others.is_none() && self.count > 1 {
            let builder = ThreadPoolBuilder::new()
                .num_threads(self.count - 1)
                .stack_size(STACK_BYTES)
                .thread_name(|index| format!("keel-system-{index}"));
            match builder.build() {
                Ok(pool) => self.others = Some(pool),
                Err(error) => {
                    log::warn!("systems run on one thread: no others could be started: {error}");
                    self.count = 1;
                }
            }
        }
    }
}
