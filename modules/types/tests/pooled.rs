//! Types of models, as a registry uses them: their pools, and their objects as bytes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::collections::HashSet;

use keel::binding::{AnyPool, Binding, ModelPool, Offer, PoolError, PoolImage};
use keel::module::{PooledTypeInfo, SavedPool};
use keel::prelude::*;
use keel::state::StateError;
use keel::types::ModelType;

#[model(name = "harbour.Chart", limit = 4)]
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Chart {
    depth: u32,
    reefs: HashSet<u8>,
    #[keel(skip)]
    drawn: bool,
}

/// The same chart in a later build.
mod later {
    use keel::prelude::*;

    #[model(name = "harbour.Chart", limit = 4)]
    #[derive(Clone, Debug, Default, PartialEq)]
    pub(crate) struct Chart {
        #[keel(renamed_from = "depth")]
        pub(crate) fathoms: u64,
        #[keel(default = 2)]
        pub(crate) scale: u8,
    }
}

/// A chart of the same size and alignment.
mod other {
    use keel::prelude::*;

    #[model(name = "harbour.Chart")]
    #[derive(Default)]
    pub(crate) struct Chart {
        pub(crate) depth: f32,
        pub(crate) reefs: std::collections::HashSet<u8>,
        pub(crate) drawn: bool,
    }
}

keel::model! { models: [Chart] }

/// Two charts, the second of which was released, and a third.
fn fleet() -> ModelPool<Chart> {
    let pool = ModelPool::new(4, Chart::default);
    let ids = [pool.take().unwrap(), pool.take().unwrap(), pool.take().unwrap()];
    *pool.get_mut(ids[0]).unwrap() = Chart { depth: 5, reefs: (0..9).collect(), drawn: true };
    pool.get_mut(ids[2]).unwrap().depth = 7;
    pool.release(ids[1]).unwrap();
    pool
}

fn saved() -> SavedPool {
    PooledTypeInfo::of::<Chart>().save(&fleet().take_objects().unwrap()).unwrap()
}

fn put<T: TypedModel + Default>(mut image: PoolImage) -> ModelPool<T> {
    let pool = ModelPool::new(T::LIMIT, T::default);
    pool.put_objects(&mut image).unwrap();
    pool
}

#[test]
fn the_attribute_says_what_a_pool_must_know() {
    assert_eq!(
        (Chart::NAME, Chart::LIMIT, Chart::TYPE),
        ("harbour.Chart", 4, ModelType::of("harbour.Chart"))
    );
    assert_eq!((later::Chart::TYPE, other::Chart::LIMIT), (Chart::TYPE, 1 << 20));
    assert_ne!(Chart::LAYOUT, later::Chart::LAYOUT);
    assert_ne!(Chart::LAYOUT, other::Chart::LAYOUT, "the fields say it, where size and alignment are equal");
    let mut chart = Chart { depth: 1, ..Chart::default() };
    chart.reset();
    assert_eq!(chart, Chart::default());
    let listed = keel_model::pools();
    assert_eq!((listed.len(), listed[0].name(), keel_model::types().len()), (1, "harbour.Chart", 0));
    assert_eq!(listed[0].fingerprint(), PooledTypeInfo::of::<Chart>().fingerprint());
    assert_ne!(listed[0].fingerprint().schema, PooledTypeInfo::of::<other::Chart>().fingerprint().schema);
}

#[test]
fn objects_come_back_with_their_ids() {
    let info = PooledTypeInfo::of::<Chart>();
    let (image, report) = info.restore(&saved(), false).unwrap();
    assert_eq!((report.carried, report.converted, report.changes), (2, 0, vec![]));
    let pool = put::<Chart>(image);
    let first = pool.get(ModelId::new(0, 0)).unwrap().clone();
    assert_eq!(
        first,
        Chart { depth: 5, reefs: (0..9).collect(), drawn: false },
        "a skipped field is its default"
    );
    assert_eq!(pool.get(ModelId::new(2, 0)).unwrap().depth, 7);
    assert!(matches!(pool.get(ModelId::new(1, 0)), Err(PoolError::Stale { .. })));
    assert_eq!(pool.take(), Ok(ModelId::new(1, 1)));
}

#[test]
fn fields_are_matched_by_name_and_losses_need_consent() {
    let info = PooledTypeInfo::of::<later::Chart>();
    let refused = info.restore(&saved(), false).map(drop).unwrap_err();
    assert!(matches!(refused, StateError::LossesNotAccepted { .. }), "{refused}");
    assert!(refused.to_string().contains("`Chart.reefs`"), "{refused}");
    let (image, report) = info.restore(&saved(), true).unwrap();
    assert_eq!((report.carried, report.converted), (0, 2));
    let pool = put::<later::Chart>(image);
    assert_eq!(*pool.get(ModelId::new(0, 0)).unwrap(), later::Chart { fathoms: 5, scale: 2 });
}

#[test]
fn a_saved_pool_is_read_without_its_type_and_damage_is_seen() {
    let values = saved().values().unwrap();
    let shown: Vec<_> =
        values.iter().map(|(id, value)| format!("{id} {}", value.display().unwrap())).collect();
    assert!(shown[1].starts_with("2v0 Chart { depth: 7"), "{shown:?}");

    let mut bytes = Vec::new();
    keel::state::encode_into(&saved(), &mut bytes).unwrap();
    assert_eq!(keel::state::decode_all::<SavedPool>(&bytes).unwrap().objects(), 2);
    // The last value is without its last byte, or has one too many.
    let length_at = bytes.len() - saved_bytes() - 8;
    for length in [saved_bytes() - 1, saved_bytes() + 1] {
        let mut damaged = bytes.clone();
        damaged.resize(length_at + 8 + length, 0);
        damaged[length_at..length_at + 8].copy_from_slice(&(length as u64).to_le_bytes());
        let damaged: SavedPool = keel::state::decode_all(&damaged).unwrap();
        assert!(PooledTypeInfo::of::<Chart>().restore(&damaged, false).is_err());
        assert!(PooledTypeInfo::of::<later::Chart>().restore(&damaged, true).is_err());
    }
}

/// The bytes of both charts: a depth, and the length and values of a set.
fn saved_bytes() -> usize {
    2 * (4 + 8) + 9
}

#[test]
fn equal_objects_have_equal_hashes_whatever_the_order_of_a_set() {
    let info = PooledTypeInfo::of::<Chart>();
    let (one, two) = (ModelId::new(1, 0), ModelId::new(1, 1));
    let chart =
        |reefs: &mut dyn Iterator<Item = u8>| Chart { depth: 5, reefs: reefs.collect(), drawn: false };
    let upwards = info.hash(one, &chart(&mut (0..100))).unwrap();
    assert_eq!(upwards, info.hash(one, &chart(&mut (0..100).rev())).unwrap());
    assert_ne!(upwards, info.hash(two, &chart(&mut (0..100))).unwrap());
    assert_ne!(upwards, info.hash(one, &chart(&mut (0..99))).unwrap());
    assert!(info.hash(one, &later::Chart::default()).is_err(), "it is of another type");
}

#[test]
fn a_frame_leads_to_pools_and_says_what_is_wrong() {
    let binding = Binding::new();
    let pinned = binding.pin();
    let views: &dyn keel::types::ViewSource = &pinned;
    let error = views.models::<Chart>().map(drop).unwrap_err();
    assert!(
        error.to_string().contains("no module has a pool of `harbour.Chart`; add the model module"),
        "{error}"
    );

    binding.bind(Offer::new("harbour").pool(PooledTypeInfo::of::<Chart>().make_pool())).unwrap();
    let pinned = binding.pin();
    let views: &dyn keel::types::ViewSource = &pinned;
    let id = views.models::<Chart>().unwrap().take().unwrap();
    assert_eq!(views.pool(Chart::TYPE).unwrap().get_model(id).unwrap().model_type(), Chart::TYPE);
    let error = views.models::<other::Chart>().map(drop).unwrap_err();
    assert!(matches!(error, PoolError::LayoutMismatch { .. }), "{error}");
}
