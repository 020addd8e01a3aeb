//! Taking objects out of a pool for a swap, and putting them back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use keel_binding::{AnyPool, Binding, ModelPool, Offer, PoolCounts, PoolError, PoolImage};
use keel_core_types::{Contract, Model, ModelId, ModuleId, TypedModel, ViewSource};

use crate::model::{Boat, LongBoat, bow};

/// A pool with four live boats and two free slots, 4 and 1, to be handed out in this order.
fn fleet() -> ModelPool<Boat> {
    let pool = ModelPool::new(8, Boat::default);
    let ids: Vec<ModelId> = (0..6).map(|_| pool.take().unwrap()).collect();
    for id in &ids {
        pool.get_mut(*id).unwrap().crew = 10 + id.index();
    }
    pool.release(ids[1]).unwrap();
    pool.release(ids[4]).unwrap();
    pool
}

fn to_long(_: ModelId, model: &dyn Model) -> Result<Box<dyn Model>, String> {
    let boat: &dyn std::any::Any = model;
    let boat: &Boat = boat.downcast_ref().ok_or("not a boat")?;
    Ok(Box::new(LongBoat { crew: boat.crew, masts: 2 }))
}

fn check_refused(pool: &dyn AnyPool, mut image: PoolImage, expected: &str) {
    let (objects, free) = (image.objects.len(), image.free.clone());
    let error = pool.put_objects(&mut image).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
    assert_eq!((image.objects.len(), image.free), (objects, free), "the image is as before");
}

#[test]
fn a_pool_of_new_code_goes_on_where_the_old_one_stopped() {
    let (old, new) = (fleet(), ModelPool::new(8, LongBoat::default));
    let expected: Vec<ModelId> = old.ids().collect();
    let image = old.take_objects().unwrap();
    assert_eq!(image.objects.iter().map(|(id, _)| *id).collect::<Vec<_>>(), expected);
    assert_eq!(image.free, [ModelId::new(4, 1), ModelId::new(1, 1)]);

    let mut converted = image.converted(LongBoat::LAYOUT, to_long).unwrap();
    new.put_objects(&mut converted).unwrap();
    assert_eq!(new.ids().collect::<Vec<_>>(), expected);
    assert_eq!(*new.get(ModelId::new(5, 0)).unwrap(), LongBoat { crew: 15, masts: 2 });
    assert!(matches!(new.get(ModelId::new(4, 0)), Err(PoolError::Stale { .. })));
    assert_eq!(new.counts(), PoolCounts { live: 4, free: 2, made: 6, recycled: 0 });
    let next: Vec<ModelId> = (0..3).map(|_| new.take().unwrap()).collect();
    assert_eq!(next, [ModelId::new(4, 1), ModelId::new(1, 1), ModelId::new(6, 0)]);
    assert_eq!(new.counts(), PoolCounts { live: 7, free: 0, made: 9, recycled: 0 });
}

#[test]
fn a_swap_that_is_given_up_leaves_the_old_pool_as_it_was() {
    let pool = fleet();
    let mut image = pool.take_objects().unwrap();
    for refused in [pool.take().map(drop), pool.release(ModelId::new(0, 0)), pool.take_objects().map(drop)] {
        assert!(matches!(refused, Err(PoolError::Drained { .. })), "{refused:?}");
    }
    assert!(matches!(pool.get(ModelId::new(0, 0)), Err(PoolError::Drained { .. })));
    pool.put_objects(&mut image).unwrap();
    assert!(image.objects.is_empty());
    assert_eq!(pool.get(ModelId::new(3, 0)).unwrap().crew, 13);
    assert_eq!(pool.take().unwrap(), ModelId::new(4, 1));
}

#[test]
fn a_guard_keeps_the_objects_in_the_pool() {
    let pool = fleet();
    let guard = pool.get(ModelId::new(2, 0)).unwrap();
    let error = pool.take_objects().unwrap_err();
    assert_eq!(error.to_string(), "model 2v0 of pool `Boat` is borrowed already; drop the other guard first");
    drop(guard);
    assert_eq!(pool.counts().live, 4);
    assert_eq!(pool.take().unwrap(), ModelId::new(4, 1), "the pool is open again");
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let image = || fleet().take_objects().unwrap();
    let empty = || ModelPool::new(8, Boat::default);
    check_refused(&fleet(), image(), "has objects of its own");
    check_refused(&ModelPool::new(8, LongBoat::default), image(), "layout 0000000000000002");
    check_refused(&ModelPool::new(5, Boat::default), image(), "all of its 5 objects");

    let mut twice = image();
    twice.free.push(ModelId::new(0, 1));
    check_refused(&empty(), twice, "0v1: its slot occurs twice");
    let mut beyond = image();
    beyond.slots = 5;
    check_refused(&empty(), beyond, "5v0: its slot is beyond the last one");
    let mut other = image();
    other.objects[0].1 = Box::new(LongBoat::default());
    let pool = empty();
    check_refused(&pool, other, "two types have this name");
    assert_eq!(pool.take().unwrap(), ModelId::new(0, 0), "the pool is as before");
}

#[test]
fn a_pool_that_goes_on_with_less_than_it_had_is_as_a_new_one() {
    let pool = fleet();
    drop(pool.take_objects().unwrap());
    let mut image =
        PoolImage { name: Boat::NAME.to_owned(), layout: Boat::LAYOUT, slots: 1, ..PoolImage::default() };
    image.objects.push((ModelId::new(0, 3), Box::new(Boat::default())));
    pool.put_objects(&mut image).unwrap();
    assert!(matches!(pool.get(ModelId::new(2, 0)), Err(PoolError::Unknown { .. })));
    assert_eq!(pool.take().unwrap(), ModelId::new(1, 0));
    assert_eq!(pool.ids().collect::<Vec<_>>(), [ModelId::new(0, 3), ModelId::new(1, 0)]);
}

#[test]
fn views_are_withdrawn_without_their_pool() {
    let binding = Binding::new();
    let module = ModuleId::of("harbour");
    assert!(binding.withdraw_views(module).is_err());
    let pool = Arc::new(fleet());
    binding.bind(Offer::new("harbour").provides_on(Boat::TYPE, bow(1)).pool(pool)).unwrap();
    let released = binding.withdraw_views(module).unwrap();
    assert_eq!((released.views.len(), released.pools.len()), (1, 0));
    let pinned = binding.pin();
    assert!(pinned.get::<dyn crate::model::Bow>().is_err());
    assert_eq!(pinned.pool_of::<Boat>().unwrap().counts().live, 4);
    assert_eq!(binding.drain(module).unwrap().len(), 1);
}

#[test]
fn a_pool_keeps_its_library_for_as_long_as_anybody_has_it() {
    let (binding, library) = (Binding::new(), Arc::new(()));
    binding.bind(Offer::new("harbour").pool_kept_by(Arc::new(fleet()), library.clone())).unwrap();
    let released = binding.rebind([Offer::new("harbour")]).unwrap();
    assert!(released.is_unused());
    assert_eq!(Arc::strong_count(&library), 2);
    drop(released);
    assert_eq!(Arc::strong_count(&library), 1);
}

#[test]
fn a_source_of_views_leads_to_the_pool() {
    let binding = Binding::new();
    binding.bind(Offer::new("harbour").provides_on(Boat::TYPE, bow(1)).pool(Arc::new(fleet()))).unwrap();
    let pinned = binding.pin();
    let source: &dyn ViewSource = &pinned;
    let model_type = source.model_type(<dyn crate::model::Bow as Contract>::ID).unwrap();
    assert_eq!(keel_binding::pool_in(source, model_type).unwrap().counts().live, 4);
    let error = keel_binding::pool_in(source, keel_core_types::ModelType::of("Raft")).map(drop).unwrap_err();
    assert!(error.to_string().contains("no module has a pool of"), "{error}");
}

#[test]
fn a_slot_without_a_generation_left_is_never_handed_out_again() {
    let pool = ModelPool::new(2, Boat::default);
    let last = ModelId::new(0, u32::MAX);
    let mut image = PoolImage {
        name: Boat::NAME.to_owned(),
        layout: Boat::LAYOUT,
        slots: 1,
        made: 1,
        objects: Vec::new(),
        free: vec![last],
    };
    pool.put_objects(&mut image).unwrap();
    assert_eq!(pool.take().unwrap(), last);
    pool.release(last).unwrap();
    assert_eq!(pool.take().unwrap(), ModelId::new(1, 0));
    assert!(matches!(pool.take(), Err(PoolError::Exhausted { .. })));
    assert!(matches!(pool.get(last), Err(PoolError::Stale { .. })));
    assert_eq!(pool.counts().free, 0);
}

#[test]
fn draining_leaves_no_object_of_the_module_behind() {
    static DROPPED: AtomicU32 = AtomicU32::new(0);
    struct Counted(Boat);
    impl TypedModel for Counted {
        const NAME: &'static str = "Counted";
        const LAYOUT: u64 = 1;
    }
    impl Model for Counted {
        fn model_type(&self) -> keel_core_types::ModelType {
            Self::TYPE
        }

        fn reset(&mut self) {
            self.0.reset();
        }
    }
    impl Drop for Counted {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, Ordering::Relaxed);
        }
    }
    let pool = ModelPool::new(8, || Counted(Boat::default()));
    let ids: Vec<ModelId> = (0..3).map(|_| pool.take().unwrap()).collect();
    pool.release(ids[1]).unwrap();
    let image = pool.take_objects().unwrap();
    assert_eq!(DROPPED.load(Ordering::Relaxed), 1, "the free one");
    drop(image);
    assert_eq!(DROPPED.load(Ordering::Relaxed), 3);
    drop(pool);
    assert_eq!(DROPPED.load(Ordering::Relaxed), 3, "nothing was left in the pool");
}

#[test]
fn the_pools_of_a_module_are_drained_together_or_not_at_all() {
    let (boats, module) = (Arc::new(fleet()), ModuleId::of("harbour"));
    let binding = Binding::new();
    binding.bind(Offer::new("harbour").pool(boats.clone())).unwrap();
    let guard = boats.get(ModelId::new(0, 0)).unwrap();
    assert!(binding.drain(module).is_err());
    drop(guard);

    let images = binding.drain(module).unwrap();
    let convert = |image: &PoolImage| image.converted(LongBoat::LAYOUT, to_long).unwrap();
    let mut converted: Vec<PoolImage> = images.iter().map(convert).collect();
    let offer = Offer::new("harbour").provides(bow(2)).pool(Arc::new(ModelPool::new(8, LongBoat::default)));
    offer.refill(&mut converted).unwrap();
    let released = binding.rebind([offer]).unwrap();
    assert!(converted.is_empty());
    assert_eq!(released.pools.len(), 1);

    let pinned = binding.pin();
    assert_eq!(pinned.pool_of::<LongBoat>().unwrap().get(ModelId::new(3, 0)).unwrap().crew, 13);
    let error = pinned.pool_of::<Boat>().map(drop).unwrap_err();
    assert!(matches!(error, PoolError::LayoutMismatch { expected: 1, found: 2, .. }), "{error}");
}
