//! Several threads for the work of one system.

use keel_ecs::Access;
use parking_lot::Mutex;

use super::{ParamUses, SystemContext, SystemParam, sealed};
use crate::threads::Threads;

/// The engine's threads, for a system that has much to do by itself.
///
/// ```
/// use keel_engine::{Local, Workers};
///
/// fn settle(mut heights: Local<Vec<f32>>, workers: Workers) {
///     // Each thread takes the next piece when it is done with the one before.
///     workers.for_each(heights.chunks_mut(1024), |piece| {
///         piece.iter_mut().for_each(|height| *height *= 0.99);
///     });
/// }
/// ```
#[derive(Clone, Copy)]
pub struct Workers<'a> {
    threads: &'a Threads,
}

impl Workers<'_> {
    /// How many threads there are; with 1, all is done on the system's own.
    pub fn count(&self) -> usize {
        self.threads.count()
    }

    /// Calls `visit` for each of `pieces`, on several threads, and returns when all are done. In which order they are done,
    /// and on which thread, is another thing each time: what comes of a piece may depend on nothing but the piece. Handing
    /// a piece over takes a microsecond, so let it be worth some twenty.
    ///
    /// # Panics
    /// When one of the calls does, once all threads have stopped.
    pub fn for_each<P>(&self, pieces: P, visit: impl Fn(P::Item) + Sync)
    where
        P: IntoIterator<IntoIter: Send, Item: Send>,
    {
        let pieces = Mutex::new(pieces.into_iter().fuse());
        let next = || pieces.lock().next();
        self.threads.run(&|| {
            while let Some(piece) = next() {
                visit(piece);
            }
        });
    }
}

impl sealed::Sealed for Workers<'_> {}

impl SystemParam for Workers<'_> {
    type State = ();
    type Item<'a> = Workers<'a>;

    fn state() {}

    fn declare(uses: &mut ParamUses) {
        uses.add("Workers".to_owned(), Access::new());
    }

    fn fetch<'a>((): &'a mut (), context: &SystemContext<'a>) -> Result<Workers<'a>, String> {
        Ok(Workers { threads: context.threads })
    }
}
