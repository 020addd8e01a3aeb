//! What the binding costs, in CPU time per operation, for 1, 2, 4 and 8 threads.
//!
//! CPU time of the threads themselves and not time on the clock, because with more threads than cores the clock
//! shows only how they wait for each other. Cases and thread counts are interleaved in every round, so that a
//! disturbance meets all of them; the figures are medians over the rounds.

use std::collections::HashMap;
use std::fmt;
use std::hint::black_box;
use std::sync::{Arc, Barrier, Mutex, RwLock};

use cpu_time::ThreadTime;
use keel::binding::{Binding, ModelPool, Offer, PoolError};
use keel::types::{Contract, Model, ModelId, ModelType, Provided, TypedModel, View, ViewId, ViewSource};
use serde::Serialize;

/// The thread counts, in the order of [`BindingRow::cpu_ns`].
pub const THREADS: [usize; 4] = [1, 2, 4, 8];

/// Views that are bound, so that tables are no smaller than those of a real game.
const VIEWS: usize = 64;
/// Objects that a thread holds at a time.
const BATCH: usize = 64;

/// The figures of one run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BindingReport {
    /// How often everything was measured.
    pub rounds: usize,
    /// How many operations each thread did in each round and case.
    pub operations: usize,
    /// One row for each case.
    pub rows: Vec<BindingRow>,
}

/// One case.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BindingRow {
    /// What was measured.
    pub case: String,
    /// CPU time of one operation in nanoseconds, for each of [`THREADS`].
    pub cpu_ns: [f64; THREADS.len()],
}

impl BindingRow {
    /// How much more an operation costs with eight threads than with one.
    pub fn growth(&self) -> f64 {
        self.cpu_ns[THREADS.len() - 1] / self.cpu_ns[0]
    }
}

impl BindingReport {
    /// The row of `case`, if there is one.
    pub fn row(&self, case: &str) -> Option<&BindingRow> {
        self.rows.iter().find(|row| row.case == case)
    }
}

impl fmt::Display for BindingReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "CPU ns per operation, medians of {} rounds of {}", self.rounds, self.operations)?;
        writeln!(out, "{:<34} {:>8} {:>8} {:>8} {:>8} {:>7}", "threads", 1, 2, 4, 8, "8 : 1")?;
        for row in &self.rows {
            write!(out, "{:<34}", row.case)?;
            for ns in row.cpu_ns {
                write!(out, " {ns:>8.2}")?;
            }
            writeln!(out, " {:>7.2}", row.growth())?;
        }
        Ok(())
    }
}

/// Measures everything; `quick` for a look within seconds, else long enough for figures to be quoted.
pub fn run(quick: bool) -> BindingReport {
    let (rounds, operations) = if quick { (5, 1 << 14) } else { (25, 1 << 18) };
    let subjects = Subjects::new();
    let mut samples = vec![[(); THREADS.len()].map(|()| Vec::new()); CASES.len()];
    for _ in 0..rounds {
        for (at, threads) in THREADS.into_iter().enumerate() {
            for (case, (_, measure)) in CASES.iter().enumerate() {
                samples[case][at].push(measure_on(threads, || measure(&subjects, operations)));
            }
        }
    }
    let row = |((case, _), samples): (&Case, [Vec<f64>; 4])| BindingRow {
        case: (*case).to_owned(),
        cpu_ns: samples.map(median),
    };
    BindingReport { rounds, operations, rows: CASES.iter().zip(samples).map(row).collect() }
}

/// The mean over the threads of what each of them measured, in nanoseconds for one operation.
fn measure_on(threads: usize, measure: impl Fn() -> f64 + Sync) -> f64 {
    let start = Barrier::new(threads);
    let on_thread = || {
        start.wait();
        measure()
    };
    let sum: f64 = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(on_thread)).collect();
        threads.into_iter().map(|thread| thread.join().expect("a case does not panic")).sum()
    });
    sum / threads as f64
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

type Case = (&'static str, fn(&Subjects, usize) -> f64);

const CASES: [Case; 14] = [
    ("array index (floor)", array_index),
    ("view lookup, pinned", lookup_pinned),
    ("view get::<dyn V>, pinned", get_pinned),
    ("pin a picture", pin),
    ("view lookup, guard", lookup_guard),
    ("view lookup, RwLock<HashMap> peer", lookup_locked),
    ("pool_of::<T>, pinned", pool_of),
    ("model get, own object", get_own),
    ("model get_mut, own object", get_mut_own),
    ("model take", take),
    ("model return", release),
    ("model take, Mutex<Vec> peer", take_locked),
    ("model return, Mutex<Vec> peer", release_locked),
    ("model get, one object for all", get_shared),
];

/// What is measured, and what it is compared with.
#[allow(clippy::vec_box, reason = "the peer hands out objects that stay where they are, as the pool does")]
struct Subjects {
    ids: Vec<ViewId>,
    array: Vec<u64>,
    binding: Binding,
    locked: RwLock<HashMap<ViewId, Arc<Provided>>>,
    pool: Arc<ModelPool<Buoy>>,
    shared: ModelId,
    locked_pool: Mutex<Vec<Box<Buoy>>>,
}

impl Subjects {
    fn new() -> Self {
        let binding = Binding::new();
        let pool = Arc::new(ModelPool::new(4096, Buoy::default));
        let mut offer = Offer::new("bench").pool(Arc::clone(&pool) as _);
        let mut ids = Vec::new();
        for number in 0..VIEWS {
            let (id, provided) = provided(number);
            ids.push(id);
            offer = offer.provides_on(Buoy::TYPE, provided);
        }
        binding.bind(offer).expect("nothing else is bound");
        Self {
            array: (0..VIEWS as u64).collect(),
            locked: RwLock::new(
                (0..VIEWS).map(|number| (ids[number], Arc::new(provided(number).1))).collect(),
            ),
            ids,
            binding,
            shared: pool.take().expect("the pool is new"),
            pool,
            locked_pool: Mutex::new((0..1024).map(|_| Box::default()).collect()),
        }
    }
}

/// CPU time of one call of `operation`, which is called `count` times, in nanoseconds.
fn time_each(count: usize, mut operation: impl FnMut(usize)) -> f64 {
    let start = ThreadTime::now();
    for step in 0..count {
        operation(step);
    }
    start.elapsed().as_nanos() as f64 / count as f64
}

fn array_index(subjects: &Subjects, count: usize) -> f64 {
    time_each(count, |step| {
        black_box(subjects.array[black_box(step % VIEWS)]);
    })
}

fn lookup_pinned(subjects: &Subjects, count: usize) -> f64 {
    let pinned = subjects.binding.pin();
    let views: &dyn ViewSource = &pinned;
    time_each(count, |step| {
        black_box(black_box(views).provided(subjects.ids[step % VIEWS]));
    })
}

fn get_pinned(subjects: &Subjects, count: usize) -> f64 {
    let pinned = subjects.binding.pin();
    let views: &dyn ViewSource = &pinned;
    time_each(count, |_| {
        black_box(black_box(views).get::<dyn View0>().is_ok());
    })
}

fn pin(subjects: &Subjects, count: usize) -> f64 {
    time_each(count, |_| {
        black_box(subjects.binding.pin());
    })
}

fn lookup_guard(subjects: &Subjects, count: usize) -> f64 {
    time_each(count, |step| {
        black_box(subjects.binding.lookup(subjects.ids[step % VIEWS]).as_deref());
    })
}

fn lookup_locked(subjects: &Subjects, count: usize) -> f64 {
    time_each(count, |step| {
        let views = subjects.locked.read().expect("no writer panicked");
        black_box(views.get(&subjects.ids[step % VIEWS]));
    })
}

fn pool_of(subjects: &Subjects, count: usize) -> f64 {
    let pinned = subjects.binding.pin();
    time_each(count, |_| {
        black_box(black_box(&pinned).pool_of::<Buoy>().is_ok());
    })
}

fn get_own(subjects: &Subjects, count: usize) -> f64 {
    with_batch(subjects, |ids| {
        time_each(count, |step| {
            let buoy = subjects.pool.get(ids[step % BATCH]);
            black_box(buoy.map(|buoy| buoy.depth).ok());
        })
    })
}

fn get_mut_own(subjects: &Subjects, count: usize) -> f64 {
    with_batch(subjects, |ids| {
        time_each(count, |step| {
            if let Ok(mut buoy) = subjects.pool.get_mut(ids[step % BATCH]) {
                buoy.depth = black_box(step as u64);
            }
        })
    })
}

fn get_shared(subjects: &Subjects, count: usize) -> f64 {
    time_each(count, |_| {
        black_box(subjects.pool.get(subjects.shared).map(|buoy| buoy.depth).ok());
    })
}

fn with_batch(subjects: &Subjects, measure: impl FnOnce(&[ModelId]) -> f64) -> f64 {
    let taken: Result<Vec<ModelId>, PoolError> = (0..BATCH).map(|_| subjects.pool.take()).collect();
    let ids = taken.expect("the limit is above what all threads hold");
    let ns = measure(&ids);
    for id in ids {
        subjects.pool.release(id).expect("taken above");
    }
    ns
}

fn take(subjects: &Subjects, count: usize) -> f64 {
    take_and_return(subjects, count).0
}

fn release(subjects: &Subjects, count: usize) -> f64 {
    take_and_return(subjects, count).1
}

fn take_and_return(subjects: &Subjects, count: usize) -> (f64, f64) {
    let mut ids = Vec::with_capacity(BATCH);
    in_batches(
        count,
        &mut ids,
        |ids| ids.push(subjects.pool.take().expect("the limit is above what all threads hold")),
        |ids| subjects.pool.release(ids.pop().expect("as many as were taken")).expect("taken before"),
    )
}

fn take_locked(subjects: &Subjects, count: usize) -> f64 {
    take_and_return_locked(subjects, count).0
}

fn release_locked(subjects: &Subjects, count: usize) -> f64 {
    take_and_return_locked(subjects, count).1
}

fn take_and_return_locked(subjects: &Subjects, count: usize) -> (f64, f64) {
    let objects = || subjects.locked_pool.lock().expect("no thread panicked");
    let mut taken = Vec::with_capacity(BATCH);
    in_batches(
        count,
        &mut taken,
        |taken| {
            let mut object = objects().pop().expect("enough for all threads");
            object.reset();
            taken.push(object);
        },
        |taken| objects().push(taken.pop().expect("as many as were taken")),
    )
}

/// CPU time of one take and of one return, in nanoseconds. They alternate in batches; what the clock itself
/// costs, some hundred nanoseconds, is taken off.
fn in_batches<S>(
    count: usize,
    state: &mut S,
    mut take: impl FnMut(&mut S),
    mut give: impl FnMut(&mut S),
) -> (f64, f64) {
    let clock = clock_ns();
    let (mut take_ns, mut give_ns) = (0.0, 0.0);
    for _ in 0..count / BATCH {
        let start = ThreadTime::now();
        (0..BATCH).for_each(|_| take(state));
        let between = ThreadTime::now();
        (0..BATCH).for_each(|_| give(state));
        let end = ThreadTime::now();
        take_ns += between.duration_since(start).as_nanos() as f64 - clock;
        give_ns += end.duration_since(between).as_nanos() as f64 - clock;
    }
    (take_ns / count as f64, give_ns / count as f64)
}

fn clock_ns() -> f64 {
    const CALLS: usize = 256;
    let start = ThreadTime::now();
    for _ in 0..CALLS {
        black_box(ThreadTime::now());
    }
    start.elapsed().as_nanos() as f64 / CALLS as f64
}

/// A model of the size of a cache line.
#[derive(Default)]
struct Buoy {
    depth: u64,
    _line: [u64; 7],
}

impl TypedModel for Buoy {
    const NAME: &'static str = "Buoy";
    const LAYOUT: u64 = 1;
}

impl Model for Buoy {
    fn model_type(&self) -> ModelType {
        Self::TYPE
    }

    fn reset(&mut self) {
        self.depth = 0;
    }
}

trait View0: View {}

impl Contract for dyn View0 {
    const NAME: &'static str = "View0";
    const HASH: u64 = 1;

    fn as_view(&self) -> &dyn View {
        self
    }
}

struct Depth;

impl View0 for Depth {}

macro_rules! views {
    ($($number:literal)*) => {$(
        impl Contract for dyn Numbered<$number> {
            const NAME: &'static str = concat!("View", $number);
            const HASH: u64 = 1;

            fn as_view(&self) -> &dyn View {
                self
            }
        }

        impl Numbered<$number> for Depth {}
    )*

        /// View number `number` of the bench, and its id.
        fn provided(number: usize) -> (ViewId, Provided) {
            match number {
                $($number => {
                    let id = <dyn Numbered<$number>>::ID;
                    (id, Provided::new::<dyn Numbered<$number>>(Box::new(Depth)))
                })*
                _ => {
                    let id = <dyn View0>::ID;
                    (id, Provided::new::<dyn View0>(Box::new(Depth)))
                }
            }
        }
    };
}

trait Numbered<const NUMBER: usize>: View {}

views! {
    1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40
    41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quick_run_reports_every_case() {
        let report = run(true);
        assert_eq!(report.rows.len(), CASES.len());
        let lookup = report.row("view lookup, pinned").unwrap();
        assert!(lookup.cpu_ns.iter().all(|ns| *ns > 0.0), "{lookup:?}");
        assert!(report.to_string().contains("RwLock<HashMap> peer"));
    }
}
