//! Several threads for the work of one system.

use keel_ecs::{Access, Query, QueryData, QueryFilter};
use parking_lot::Mutex;

use super::{ParamUses, SystemContext, SystemParam, sealed};
use crate::threads::Threads;

/// The engine's threads, for a system that has much to do by itself.
///
/// ```
/// use keel_ecs::{Query, component};
/// use keel_engine::{Local, Workers};
///
/// #[component(crate = keel_ecs)]
/// struct Wave { height: f32 }
///
/// fn roll(mut waves: Query<&mut Wave>, workers: Workers) {
///     workers.visit(&mut waves, |wave| wave.height = wave.height.sin());
/// }
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

/// A query is cut into so many pieces for each thread: as many as it takes for all threads to end at the same time, though
/// one was late and rows differ in what they take.
const PIECES_A_THREAD: usize = 8;

/// A piece of fewer rows is not worth handing over.
const LEAST_ROWS: usize = 16;

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

impl Workers<'_> {
    /// Calls `visit` for all that `query` matches, on several threads, and returns when all calls have. As with
    /// [`Workers::for_each`], what comes of an entity may depend on nothing but its own components, and what is read alone.
    /// Worth it from some twenty microseconds of work on; for other pieces than it makes, there is [`Query::pieces`].
    ///
    /// # Panics
    /// As [`Workers::for_each`].
    pub fn visit<'q, D, F>(&self, query: &'q mut Query<'_, D, F>, visit: impl Fn(D::Item<'q>) + Sync)
    where
        D: QueryData,
        F: QueryFilter,
    {
        if self.count() == 1 {
            return query.for_each(visit);
        }
        let pieces = self.count() * PIECES_A_THREAD;
        let rows = query.rows().div_ceil(pieces).max(LEAST_ROWS);
        self.for_each(query.pieces(rows), |piece| piece.for_each(&visit));
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
