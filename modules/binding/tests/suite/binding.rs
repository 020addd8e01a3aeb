//! Binding, rebinding and unbinding modules, and what readers see meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use keel_binding::{BindError, Binding, ModelPool, Offer, PoolError};
use keel_core_types::{
    Contract, ModelType, ModuleId, TypedModel, ViewDeclaration, ViewError, ViewId, ViewSource,
};

use crate::model::{Boat, Bow, LongBoat, Stern, bow, bow_from_other_sources, stern};

fn yard(version: u64) -> Offer {
    Offer::new("yard").provides_on(Boat::TYPE, bow(version)).provides(stern(version))
}

fn check_refused(binding: &Binding, offer: Offer, expected: &str) {
    let before = binding.pin();
    let error = binding.rebind([offer]).map(drop).unwrap_err();
    assert_eq!(error.to_string(), expected);
    for id in [<dyn Bow>::ID, <dyn Stern>::ID] {
        let address = |view: Option<&_>| view.map(|view| view as *const _ as usize);
        assert_eq!(address(before.provided(id)), address(binding.pin().provided(id)), "nothing changed");
    }
}

#[test]
fn a_bound_view_is_found_through_a_frame_and_through_a_guard() {
    let binding = Binding::new();
    binding.bind(yard(1)).unwrap();
    let frame = binding.pin();
    let views: &dyn ViewSource = &frame;
    assert_eq!(views.get::<dyn Bow>().unwrap().version(), 1);
    assert_eq!(binding.lookup(<dyn Stern>::ID).unwrap().get::<dyn Stern>().unwrap().version(), 1);
    assert_eq!(binding.model_type_of(<dyn Bow>::ID), Some(Boat::TYPE));
    assert_eq!(binding.model_type_of(<dyn Stern>::ID), None);
    assert!(binding.lookup(ViewId::of("Keel")).is_none());
}

#[test]
fn an_old_picture_keeps_its_view_and_a_new_one_has_the_new() {
    let binding = Binding::new();
    binding.bind(yard(1)).unwrap();
    let (old, guard) = (binding.pin(), binding.lookup(<dyn Bow>::ID).unwrap());
    let released = binding.rebind([yard(2)]).unwrap();
    assert_eq!(old.get::<dyn Bow>().unwrap().version(), 1);
    assert_eq!(guard.get::<dyn Bow>().unwrap().version(), 1);
    assert_eq!(binding.pin().get::<dyn Bow>().unwrap().version(), 2);

    assert_eq!(released.views.len(), 2);
    drop(old);
    assert!(!released.is_unused(), "the guard still reads it");
    drop(guard);
    assert!(released.is_unused());
}

#[test]
fn an_unbound_view_is_an_error_that_names_it() {
    let binding = Binding::new();
    binding.bind(yard(1)).unwrap();
    let released = binding.unbind(ModuleId::of("yard")).unwrap();
    assert_eq!((released.views.len(), released.is_unused()), (2, true));
    let error = binding.pin().get::<dyn Bow>().map(drop).unwrap_err();
    assert!(matches!(&error, ViewError::NotProvided { view } if view == "Bow"), "{error}");
    assert!(matches!(binding.unbind(ModuleId::of("yard")), Err(BindError::NotBound { .. })));
    binding.bind(yard(2)).unwrap();
}

#[test]
fn conflicts_name_both_modules_and_change_nothing() {
    let binding = Binding::new();
    let boats = || Arc::new(ModelPool::new(1, Boat::default));
    binding.bind(yard(1).pool(boats())).unwrap();
    check_refused(
        &binding,
        Offer::new("wharf").provides(stern(2)),
        "view `Stern` is provided by module `wharf`, and module `yard` offers it too; remove one",
    );
    check_refused(
        &binding,
        Offer::new("wharf").pool(boats()),
        "the pool of `Boat` belongs to module `wharf`, and module `yard` offers one too; remove one",
    );
    check_refused(
        &binding,
        Offer::new("wharf").requires(bow_from_other_sources()),
        "view `Bow` was compiled from sources 000000000000000b in module `yard`, from 0000000000000063 in its \
         user `wharf`; rebuild both",
    );
    let error = binding.bind(yard(2)).unwrap_err().to_string();
    assert_eq!(error, "module `yard` is bound already; exchange it with `rebind`, or `unbind` it first");
}

#[test]
fn a_provider_is_checked_against_the_users_that_are_bound_already() {
    let binding = Binding::new();
    binding.bind(Offer::new("sailor").requires(bow_from_other_sources())).unwrap();
    assert!(matches!(binding.bind(yard(1)), Err(BindError::ContractMismatch { .. })));
    // Both at once is how a changed contract comes in.
    let sailor = Offer::new("sailor").requires(ViewDeclaration::of::<dyn Bow>());
    binding.rebind([sailor, yard(1)]).unwrap();
    assert_eq!(binding.pin().get::<dyn Bow>().unwrap().version(), 1);
}

#[test]
fn a_view_moves_from_one_module_to_another_in_one_step() {
    let binding = Binding::new();
    binding.bind(yard(1)).unwrap();
    let released = binding
        .rebind([Offer::new("yard").provides(bow(2)), Offer::new("wharf").provides(stern(3))])
        .unwrap();
    let pinned = binding.pin();
    assert_eq!(pinned.get::<dyn Bow>().unwrap().version(), 2);
    assert_eq!(pinned.get::<dyn Stern>().unwrap().version(), 3);
    assert_eq!(released.views.len(), 2);
}

#[test]
fn pools_are_found_by_type() {
    let binding = Binding::new();
    binding.bind(Offer::new("harbour").pool(Arc::new(ModelPool::new(3, Boat::default)))).unwrap();
    let id = binding.pool(Boat::TYPE).unwrap().take().unwrap();
    let pool = binding.pool(Boat::TYPE).unwrap();
    assert_eq!(pool.typed::<Boat>().unwrap().get(id).unwrap().crew, 0);
    assert_eq!(pool.get_model(id).unwrap().model_type(), Boat::TYPE);
    pool.get_model_mut(id).unwrap().reset();
    assert_eq!(pool.typed::<Boat>().unwrap().get(id).unwrap().resets, 1);
    assert_eq!(pool.live_ids(), [id]);
    assert!(binding.pool(ModelType::of("Whale")).is_none());

    let pinned = binding.pin();
    assert_eq!(pinned.pool_of::<Boat>().unwrap().limit(), 3);
    assert!(matches!(pinned.pool_of::<LongBoat>(), Err(PoolError::LayoutMismatch { .. })));
    let error = Binding::new().pin().pool_of::<Boat>().map(drop).unwrap_err().to_string();
    assert_eq!(error, "no module has a pool of `Boat`; add the model module that exports this type");
}

#[test]
fn readers_see_each_module_whole_while_it_is_rebound() {
    const REBINDS: u64 = 3000;
    let (binding, done) = (Binding::new(), AtomicBool::new(false));
    binding.bind(yard(0)).unwrap();
    std::thread::scope(|scope| {
        let read = || {
            let mut last = 0;
            while !done.load(Ordering::Acquire) {
                let pinned = binding.pin();
                let bow = pinned.get::<dyn Bow>().expect("never none").version();
                let stern = pinned.get::<dyn Stern>().expect("never none").version();
                assert_eq!(bow, stern, "a mix of two modules");
                assert!(bow >= last, "from {last} back to {bow}");
                last = bow;
                let guard = binding.lookup(<dyn Bow>::ID).expect("never none");
                assert!(guard.get::<dyn Bow>().expect("never none").version() >= last);
            }
            last
        };
        let readers: Vec<_> = (0..4).map(|_| scope.spawn(read)).collect();
        for version in 1..=REBINDS {
            let released = binding.rebind([yard(version)]).unwrap();
            assert_eq!(released.views.len(), 2);
        }
        done.store(true, Ordering::Release);
        for reader in readers {
            assert!(reader.join().unwrap() <= REBINDS);
        }
    });
    assert_eq!(binding.pin().get::<dyn Bow>().unwrap().version(), REBINDS);
}
