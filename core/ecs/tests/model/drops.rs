//! Values whose `drop` panics: each ends alone, and nothing of the panic is left when the library goes.
#![expect(dead_code, reason = "the fields are there to be dropped")]

use std::panic::panic_any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use keel_ecs::{ModelTypeInfo, World, WorldConversion, component, event, resource};

/// Thrown by a value. Its own `drop` throws another one.
struct Thrown(Watch);

/// What happened to the values of one test.
#[derive(Clone, Default)]
struct Watch(Arc<Seen>);

#[derive(Default)]
struct Seen {
    values: AtomicU32,
    payloads: AtomicU32,
    /// Payloads that were dropped when their library was gone.
    late: AtomicU32,
    library_is_gone: AtomicBool,
}

/// Stands for a library: it is gone when nobody holds it any more.
struct Library(Watch);

impl Drop for Library {
    fn drop(&mut self) {
        self.0.0.library_is_gone.store(true, Ordering::Relaxed);
    }
}

impl Drop for Thrown {
    fn drop(&mut self) {
        let seen = &self.0.0;
        seen.payloads.fetch_add(1, Ordering::Relaxed);
        if seen.library_is_gone.load(Ordering::Relaxed) {
            seen.late.fetch_add(1, Ordering::Relaxed);
        }
        panic_any(Thrown(self.0.clone()));
    }
}

impl Watch {
    #[track_caller]
    fn check(&self, values: u32) {
        let seen = &self.0;
        let number = |of: &AtomicU32| of.load(Ordering::Relaxed);
        assert_eq!((number(&seen.values), number(&seen.payloads)), (values, values), "values and payloads");
        assert_eq!(number(&seen.late), 0, "payloads that have outlived their library");
    }
}

/// A field that panics when it is dropped.
#[derive(Clone, Default)]
struct Bomb(Option<Watch>);

impl Drop for Bomb {
    fn drop(&mut self) {
        if let Some(watch) = self.0.take() {
            watch.0.values.fetch_add(1, Ordering::Relaxed);
            panic_any(Thrown(watch));
        }
    }
}

#[component(crate = keel_ecs)]
struct Vase {
    #[keel(skip)]
    bomb: Bomb,
}

#[resource(crate = keel_ecs)]
struct Shelf {
    #[keel(skip)]
    bomb: Bomb,
}

#[resource(crate = keel_ecs)]
struct Cupboard {
    #[keel(skip)]
    bomb: Bomb,
}

#[event(crate = keel_ecs)]
struct Fallen {
    #[keel(skip)]
    bomb: Bomb,
}

/// A world that alone holds the library of its types.
fn world(watch: &Watch) -> World {
    let library = Arc::new(Library(watch.clone()));
    let mut world = World::new();
    for info in [
        ModelTypeInfo::component::<Vase>(),
        ModelTypeInfo::resource::<Shelf>(),
        ModelTypeInfo::resource::<Cupboard>(),
        ModelTypeInfo::event::<Fallen>(),
    ] {
        world.register(info.kept_by(library.clone())).unwrap();
    }
    world
}

fn bomb(watch: &Watch) -> Bomb {
    Bomb(Some(watch.clone()))
}

#[test]
fn a_world_drops_all_its_values_before_the_library_goes() {
    let watch = Watch::default();
    let mut world = world(&watch);
    for _ in 0..3 {
        world.spawn((Vase { bomb: bomb(&watch) },));
        world.send(Fallen { bomb: bomb(&watch) });
    }
    world.insert_resource(Shelf { bomb: bomb(&watch) }).unwrap();
    world.insert_resource(Cupboard { bomb: bomb(&watch) }).unwrap();
    drop(world);
    watch.check(8);
    assert!(watch.0.library_is_gone.load(Ordering::Relaxed), "nobody else holds it");
}

#[test]
fn events_go_at_the_end_of_their_time_whatever_their_drop_does() {
    let watch = Watch::default();
    let mut world = world(&watch);
    for _ in 0..2 {
        world.send(Fallen { bomb: bomb(&watch) });
    }
    (0..3).for_each(|_| world.end_step());
    watch.check(2);
    assert_eq!(world.events::<Fallen>().iter().count(), 0);
    drop(world);
    watch.check(2);
}

mod before {
    #[keel_ecs::component(crate = keel_ecs)]
    pub(super) struct Course {
        pub(super) degrees: f32,
    }
}

mod after {
    #[keel_ecs::component(crate = keel_ecs)]
    pub(super) struct Course {
        #[keel(convert_from(f32, convert))]
        pub(super) degrees: String,
    }

    fn convert(degrees: f32) -> String {
        if std::thread::current().name() == Some("keel-convert") {
            std::panic::panic_any(super::Thrown(super::Watch::default()));
        }
        degrees.to_string()
    }
}

#[test]
fn a_panic_on_a_thread_that_helps_is_made_up_for() {
    let mut world = World::new();
    world.register(ModelTypeInfo::component::<before::Course>()).unwrap();
    // So many that others help.
    for number in 0..if cfg!(miri) { 60 } else { 9_000_u16 } {
        world.spawn((before::Course { degrees: number.into() },));
    }
    let mut conversion = WorldConversion::of(world);
    conversion.make([Arc::new(ModelTypeInfo::component::<after::Course>())], false).unwrap();
    let (world, _) = conversion.accept();
    let last = world.entities().pop().unwrap();
    assert_eq!(world.get::<after::Course>(last).unwrap().degrees, format!("{}", world.len() - 1));
}
