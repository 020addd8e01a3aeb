//! Pools: handing out, recycling, counting, guards, threads.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use keel_binding::{ModelPool, PoolCounts, PoolError};
use keel_core_types::{Model, ModelId, ModelType, TypedModel};

use crate::model::Boat;

fn boats(limit: u32) -> ModelPool<Boat> {
    ModelPool::new(limit, Boat::default)
}

fn check_error(result: Result<impl Sized, PoolError>, expected: &str) {
    let error = result.err().expect("an error").to_string();
    assert_eq!(error, expected);
}

#[test]
fn a_released_object_is_reset_and_handed_out_under_a_new_id() {
    let pool = boats(4);
    let first = pool.take().unwrap();
    pool.get_mut(first).unwrap().crew = 9;
    pool.release(first).unwrap();
    let second = pool.take().unwrap();
    assert_eq!((first, second), (ModelId::new(0, 0), ModelId::new(0, 1)));
    assert_eq!(*pool.get(second).unwrap(), Boat { crew: 0, resets: 1 });
    assert_eq!(pool.counts(), PoolCounts { live: 1, free: 0, made: 1, recycled: 1 });
}

#[test]
fn a_stale_id_is_an_error_in_every_call() {
    let pool = boats(4);
    let stale = pool.take().unwrap();
    pool.release(stale).unwrap();
    let released = "model 0v0 of pool `Boat` was released, its slot is in generation 0; take a new one";
    check_error(pool.get(stale), released);
    check_error(pool.get_mut(stale), released);
    check_error(pool.release(stale), released);
    let other = pool.take().unwrap();
    let recycled = "model 0v0 of pool `Boat` was released, its slot is in generation 1; take a new one";
    check_error(pool.get(stale), recycled);
    check_error(pool.get_mut(stale), recycled);
    check_error(pool.release(stale), recycled);
    assert!(pool.get(other).is_ok());
}

#[test]
fn an_id_that_was_never_handed_out_is_an_error() {
    let pool = boats(40);
    for id in [ModelId::new(0, 0), ModelId::new(u32::MAX, 0), ModelId::new(0, u32::MAX)] {
        let expected =
            format!("model {id} was never handed out by pool `Boat`; use the id with the pool that gave it");
        check_error(pool.get(id), &expected);
        check_error(pool.release(id), &expected);
    }
    pool.take().unwrap();
    assert!(matches!(pool.get(ModelId::new(0, 1)), Err(PoolError::Unknown { .. })));
    assert!(matches!(pool.get(ModelId::new(1, 0)), Err(PoolError::Unknown { .. })));
}

#[test]
fn the_limit_names_the_pool_and_itself() {
    let pool = boats(3);
    let ids: Vec<ModelId> = (0..3).map(|_| pool.take().unwrap()).collect();
    let expected = "pool `Boat` has handed out all of its 3 objects; release some, or raise its limit";
    check_error(pool.take(), expected);
    pool.release(ids[1]).unwrap();
    assert_eq!(pool.take().unwrap(), ModelId::new(1, 1));
    check_error(pool.take(), expected);
    check_error(
        boats(0).take(),
        "pool `Boat` has handed out all of its 0 objects; release some, or raise its limit",
    );
}

#[test]
fn two_exclusive_guards_are_an_error_and_no_deadlock() {
    let pool = boats(2);
    let id = pool.take().unwrap();
    let busy = "model 0v0 of pool `Boat` is borrowed already; drop the other guard first";
    let change = pool.get_mut(id).unwrap();
    check_error(pool.get_mut(id), busy);
    check_error(pool.get(id), busy);
    drop(change);
    let (first, second) = (pool.get(id).unwrap(), pool.get(id).unwrap());
    assert_eq!((first.id(), first.crew), (id, second.crew));
    check_error(pool.get_mut(id), busy);
}

#[test]
fn a_slot_is_not_recycled_while_a_guard_lives() {
    let pool = boats(2);
    let id = pool.take().unwrap();
    pool.get_mut(id).unwrap().crew = 5;
    let guard = pool.get(id).unwrap();
    pool.release(id).unwrap();
    assert_eq!(pool.take().unwrap(), ModelId::new(1, 0));
    assert!(matches!(pool.take(), Err(PoolError::Exhausted { .. })));
    assert_eq!(guard.crew, 5);
    drop(guard);
    assert_eq!(pool.take().unwrap(), ModelId::new(0, 1));
}

#[test]
fn ids_come_in_the_order_of_their_slots() {
    let pool = boats(100);
    let ids: Vec<ModelId> = (0..50).map(|_| pool.take().unwrap()).collect();
    for id in ids.iter().rev().step_by(3) {
        pool.release(*id).unwrap();
    }
    let live: Vec<ModelId> = pool.ids().collect();
    assert_eq!(live.len(), 33);
    assert!(live.is_sorted());
    assert_eq!(pool.counts(), PoolCounts { live: 33, free: 17, made: 50, recycled: 0 });
}

static RESET_PANICS: AtomicBool = AtomicBool::new(false);

#[derive(Default)]
struct Leaky;

impl TypedModel for Leaky {
    const NAME: &'static str = "Leaky";
    const LAYOUT: u64 = 1;
}

impl Model for Leaky {
    fn model_type(&self) -> ModelType {
        Self::TYPE
    }

    fn reset(&mut self) {
        assert!(!RESET_PANICS.load(Ordering::Relaxed), "on purpose");
    }
}

#[test]
fn a_panic_in_make_or_reset_costs_no_slot() {
    let make_panics = AtomicBool::new(true);
    let pool = ModelPool::new(1, move || {
        assert!(!make_panics.swap(false, Ordering::Relaxed), "on purpose");
        Leaky
    });
    assert!(catch_unwind(AssertUnwindSafe(|| pool.take())).is_err());
    let id = pool.take().unwrap();
    pool.release(id).unwrap();
    RESET_PANICS.store(true, Ordering::Relaxed);
    assert!(catch_unwind(AssertUnwindSafe(|| pool.take())).is_err());
    // The object that panicked is gone, and another one takes its place.
    assert_eq!(pool.take().unwrap(), ModelId::new(0, 1));
    assert_eq!(pool.counts(), PoolCounts { live: 1, free: 0, made: 2, recycled: 0 });
}

#[test]
fn eight_threads_never_hold_the_same_object() {
    const THREADS: usize = 8;
    const ROUNDS: usize = 400;
    let pool = ModelPool::new(64, Boat::default);
    let owners: Vec<AtomicU32> = (0..64).map(|_| AtomicU32::new(0)).collect();
    let start = Barrier::new(THREADS);
    let seen: Vec<Vec<ModelId>> = std::thread::scope(|scope| {
        let work = || {
            start.wait();
            let mut seen = Vec::new();
            for round in 0..ROUNDS {
                let ids: Vec<ModelId> = (0..=round % 8).map(|_| pool.take().unwrap()).collect();
                for id in &ids {
                    let before = owners[id.index() as usize].fetch_add(1, Ordering::Relaxed);
                    assert_eq!(before, 0, "{id} has two owners");
                    pool.get_mut(*id).unwrap().crew += 1;
                    assert_eq!(pool.get(*id).unwrap().crew, 1);
                }
                for id in &ids {
                    owners[id.index() as usize].fetch_sub(1, Ordering::Relaxed);
                    pool.release(*id).unwrap();
                }
                seen.extend(ids);
            }
            seen
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let all: Vec<ModelId> = seen.into_iter().flatten().collect();
    let counts = pool.counts();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "an id was handed out twice");
    assert_eq!((counts.live, counts.free), (0, counts.made));
    assert_eq!(counts.made + counts.recycled, all.len() as u64);
    assert!(counts.made <= 64);
}

#[test]
fn a_thread_steals_what_others_released_and_the_limit_is_exact() {
    // As many threads as objects, each with one at most: there is always one for whoever asks.
    let pool = boats(4);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5000 {
                    let id = pool.take().unwrap();
                    pool.release(id).unwrap();
                }
            });
        }
    });
    assert_eq!(pool.counts().live, 0);
    let ids: Vec<ModelId> = (0..4).map(|_| pool.take().unwrap()).collect();
    assert!(matches!(pool.take(), Err(PoolError::Exhausted { limit: 4, .. })));
    assert_eq!(ids.iter().map(|id| id.index()).collect::<BTreeSet<_>>(), BTreeSet::from([0, 1, 2, 3]));
}

#[test]
fn readers_of_a_recycled_slot_get_an_error_and_never_another_object() {
    let pool = ModelPool::new(1, Boat::default);
    let (published, done) = (AtomicU32::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Ordering::Acquire) {
                    let id = ModelId::new(0, published.load(Ordering::Acquire));
                    match pool.get(id) {
                        // Either as it was just handed out, or as its owner marked it.
                        Ok(boat) => assert!(boat.crew == 0 || boat.crew == id.generation() + 1),
                        Err(
                            PoolError::Stale { .. } | PoolError::Unknown { .. } | PoolError::Borrowed { .. },
                        ) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            });
        }
        let mut handed_out = 0;
        while handed_out < 20_000 {
            // Exhausted while a reader still holds the released object.
            let Ok(id) = pool.take() else { continue };
            published.store(id.generation(), Ordering::Release);
            if let Ok(mut boat) = pool.get_mut(id) {
                boat.crew = id.generation() + 1;
            }
            pool.release(id).unwrap();
            handed_out += 1;
        }
        done.store(true, Ordering::Release);
    });
    assert_eq!(pool.counts().made, 1);
}
