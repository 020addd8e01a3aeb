//! A world taken over into one of other types: each value is in one of them in the end, once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use keel_ecs::{Component, EcsError, ModelTypeInfo, Name, ReplacedWorld, World, WorldConversion, component};

use crate::save;

/// How many [`Counted`] live, but for those of other tests: each test has a lane of its own.
static LIVING: [AtomicI64; 8] = [const { AtomicI64::new(0) }; 8];

/// Counts itself. What it owns on the heap tells a memory checker of a value that is dropped twice.
#[component(crate = keel_ecs)]
struct Counted {
    lane: u8,
    text: String,
    #[keel(skip)]
    guard: Option<Guard>,
}

struct Guard(u8);

impl Drop for Guard {
    fn drop(&mut self) {
        LIVING[usize::from(self.0)].fetch_sub(1, Ordering::Relaxed);
    }
}

impl Counted {
    fn new(lane: u8, number: usize) -> Self {
        LIVING[usize::from(lane)].fetch_add(1, Ordering::Relaxed);
        Self { lane, text: format!("number {number}"), guard: Some(Guard(lane)) }
    }
}

mod before {
    #[keel_ecs::component(crate = keel_ecs)]
    #[derive(Clone, Copy)]
    pub(super) struct Course {
        pub(super) degrees: f32,
    }
}

mod after {
    #[keel_ecs::component(crate = keel_ecs)]
    pub(super) struct Course {
        pub(super) degrees: f64,
        #[keel(default = String::from("slow"))]
        pub(super) speed: String,
    }
}

mod narrow {
    #[keel_ecs::component(crate = keel_ecs)]
    pub(super) struct Course {}
}

mod panicking {
    #[keel_ecs::component(crate = keel_ecs)]
    pub(super) struct Course {
        #[keel(convert_from(f32, convert))]
        pub(super) degrees: String,
    }

    fn convert(degrees: f32) -> String {
        assert!(degrees < 30.0, "that is not north");
        degrees.to_string()
    }
}

/// So many that other threads help.
const ENTITIES: usize = if cfg!(miri) { 60 } else { 9_000 };

/// A world of many ships in two archetypes, some of which are gone.
fn fleet(lane: u8) -> World {
    let mut world = World::new();
    world.register(ModelTypeInfo::component::<Counted>()).unwrap();
    world.register(ModelTypeInfo::component::<before::Course>()).unwrap();
    let mut ships = Vec::new();
    for number in 0..ENTITIES {
        let (counted, course) = (Counted::new(lane, number), before::Course { degrees: number as f32 });
        ships.push(match number % 3 {
            0 => world.spawn((counted,)),
            _ => world.spawn((course, counted)),
        });
    }
    for ship in ships.into_iter().step_by(10) {
        world.despawn(ship).unwrap();
    }
    world
}

fn living(lane: u8) -> i64 {
    LIVING[usize::from(lane)].load(Ordering::Relaxed)
}

fn types<C: Component>() -> [Arc<ModelTypeInfo>; 2] {
    [ModelTypeInfo::component::<Counted>().into(), ModelTypeInfo::component::<C>().into()]
}

#[test]
fn values_that_stay_as_they_are_move_and_the_others_are_converted() {
    let world = fleet(0);
    let (snapshot, living_before) = (save(&world), living(0));
    let (expected, expected_report) =
        World::from_snapshot(types::<after::Course>(), &snapshot, false).unwrap();

    let mut conversion = WorldConversion::of(world);
    let report = conversion.make(types::<after::Course>(), false).unwrap();
    assert_eq!(report, expected_report);
    let (mut world, replaced) = conversion.accept();
    assert_eq!(replaced.entities(), world.len());
    drop(replaced);
    assert_eq!(living(0), living_before, "the replaced world has forgotten what has moved");
    assert_eq!(world.compare(&expected).unwrap(), []);
    assert_eq!((world.entities(), world.free_ids()), (expected.entities(), expected.free_ids()));
    let ship = world.entities()[5];
    assert!(world.get::<Counted>(ship).unwrap().guard.is_some(), "what is not saved has moved as well");

    world.despawn(ship).unwrap();
    assert_eq!(living(0), living_before - 1);
    drop(world);
    assert_eq!(living(0), 0);
}

#[component(crate = keel_ecs)]
struct Fragile {
    text: String,
    #[keel(skip)]
    breaks: bool,
}

impl Drop for Fragile {
    fn drop(&mut self) {
        assert!(!self.breaks, "broken");
    }
}

#[test]
fn a_panic_in_a_drop_leaves_the_other_entities_as_they_are() {
    let mut world = World::new();
    world.register(ModelTypeInfo::component::<Fragile>()).unwrap();
    let fragile = |number: usize| Fragile { text: format!("vase {number}"), breaks: number == 0 };
    let vases: Vec<_> = (0..3).map(|number| world.spawn((fragile(number),))).collect();
    world.despawn(vases[0]).unwrap();
    for (number, vase) in vases.iter().enumerate().skip(1) {
        assert_eq!(world.get::<Fragile>(*vase).unwrap().text, format!("vase {number}"));
    }
    world.despawn(vases[2]).unwrap();
    assert_eq!(world.get::<Fragile>(vases[1]).unwrap().text, "vase 1");
    assert_eq!(world.entities(), [vases[1]]);
}

#[test]
fn an_iterator_that_panics_leaves_the_world_whole() {
    let mut world = World::new();
    world.register(ModelTypeInfo::component::<Fragile>()).unwrap();
    let vase = |number: usize| (Fragile { text: format!("vase {number}"), breaks: false },);
    for count in [10, 100, 40_000] {
        let before = world.hash().unwrap();
        let vases = (0..count).map(|number| {
            assert!(number < count / 3, "no more");
            vase(number)
        });
        let spawned = catch_unwind(AssertUnwindSafe(|| world.spawn_batch(vases)));
        assert!(spawned.is_err());
        assert_eq!(world.hash().unwrap(), before, "of {count}");
    }
    let spawned = world.spawn_batch((0..100).map(vase));
    assert_eq!(world.entities(), spawned);
    assert_eq!(world.duplicate().unwrap().hash().unwrap(), world.hash().unwrap());
}

#[test]
fn what_iterators_say_of_their_length_is_not_trusted() {
    struct Says(usize, std::ops::Range<usize>);
    impl Iterator for Says {
        type Item = (before::Course,);
        fn next(&mut self) -> Option<(before::Course,)> {
            let number = self.1.next()?;
            self.0 = self.0.saturating_sub(1);
            Some((before::Course { degrees: number as f32 },))
        }
        fn size_hint(&self) -> (usize, Option<usize>) {
            (self.0, None)
        }
    }
    let mut world = World::new();
    world.register(ModelTypeInfo::component::<before::Course>()).unwrap();
    for (says, gives) in [(0, 50_000), (40, 45), (20_000, 20_001), (33, 33)] {
        let before = world.len();
        let spawned = world.spawn_batch(Says(says, 0..gives));
        assert_eq!((spawned.len(), world.len()), (gives, before + gives));
        let degrees =
            |entity: &keel_ecs::Entity| world.get::<before::Course>(*entity).unwrap().degrees as usize;
        assert!(spawned.iter().map(degrees).eq(0..gives), "says {says}");
    }
    let too_few = catch_unwind(AssertUnwindSafe(|| world.spawn_batch(Says(100, 0..99)))).unwrap_err();
    let message = too_few.downcast_ref::<String>().unwrap();
    assert_eq!(message, "the iterator ended 1 bundles before its `size_hint` said");
}

#[test]
fn families_and_names_move_too() {
    let mut world = World::new();
    world.register(ModelTypeInfo::component::<before::Course>()).unwrap();
    let mut families = Vec::new();
    for number in 0..100 {
        let parent = world.spawn((before::Course { degrees: 1.0 }, Name::new(format!("ship {number}"))));
        let children: Vec<_> = (0..3).map(|_| world.spawn_child(parent, ()).unwrap()).collect();
        families.push((parent, children));
    }
    let mut conversion = WorldConversion::of(world);
    conversion.make([ModelTypeInfo::component::<after::Course>().into()], false).unwrap();
    let (world, replaced) = conversion.accept();
    drop(replaced);
    // Were something freed that still lies in the new world, it would be overwritten now.
    let noise: Vec<_> = (1..2_000_usize).map(|size| vec![u64::MAX; size % 7]).collect();
    for (number, (parent, children)) in families.iter().enumerate() {
        assert_eq!(world.children(*parent), *children);
        assert_eq!(world.name(*parent), Some(format!("ship {number}")));
        assert!(children.iter().all(|child| world.parent(*child) == Some(*parent)));
    }
    drop(noise);
}

#[test]
fn a_conversion_that_is_undone_has_changed_nothing() {
    let world = fleet(1);
    let (hash, living_before) = (world.hash().unwrap(), living(1));
    let mut conversion = WorldConversion::of(world);
    conversion.make(types::<after::Course>(), false).unwrap();
    // Made again, the first attempt is given up.
    conversion.make(types::<after::Course>(), false).unwrap();
    let world = conversion.undo();
    assert_eq!((world.hash().unwrap(), living(1)), (hash, living_before));
    drop(world);
    assert_eq!(living(1), 0);
}

#[test]
fn a_conversion_that_is_dropped_drops_each_value_once() {
    let mut conversion = WorldConversion::of(fleet(2));
    conversion.make(types::<after::Course>(), false).unwrap();
    drop(conversion);
    assert_eq!(living(2), 0);
}

#[test]
fn a_conversion_that_is_refused_leaves_the_old_world() {
    let world = fleet(3);
    let (hash, living_before) = (world.hash().unwrap(), living(3));
    let mut conversion = WorldConversion::of(world);
    let refused = conversion.make(types::<narrow::Course>(), false).unwrap_err();
    assert!(matches!(refused, EcsError::State(_)), "{refused}");
    let world = conversion.undo();
    assert_eq!((world.hash().unwrap(), living(3)), (hash, living_before));
    drop(world);
    assert_eq!(living(3), 0);
}

#[test]
fn a_panic_half_way_leaves_the_old_world() {
    let world = fleet(4);
    let (hash, living_before) = (world.hash().unwrap(), living(4));
    let mut conversion = WorldConversion::of(world);
    let made = catch_unwind(AssertUnwindSafe(|| conversion.make(types::<panicking::Course>(), false)));
    assert!(made.is_err());
    let world = conversion.undo();
    assert_eq!((world.hash().unwrap(), living(4)), (hash, living_before));
    drop(world);
    assert_eq!(living(4), 0);
}

#[test]
fn a_replaced_world_may_be_dropped_on_another_thread_while_the_new_one_runs() {
    let mut conversion = WorldConversion::of(fleet(5));
    conversion.make(types::<after::Course>(), false).unwrap();
    let (mut world, replaced) = conversion.accept();
    let living_before = living(5);
    let dropping = std::thread::spawn(move || drop::<ReplacedWorld>(replaced));
    let half: Vec<_> = world.entities().into_iter().step_by(2).collect();
    half.iter().for_each(|ship| world.despawn(*ship).unwrap());
    dropping.join().unwrap();
    assert_eq!(living(5), living_before - half.len() as i64);
    drop(world);
    assert_eq!(living(5), 0);
}

#[test]
fn without_a_conversion_the_world_stays() {
    let world = fleet(6);
    let hash = world.hash().unwrap();
    let (world, replaced) = WorldConversion::of(world).accept();
    assert_eq!((world.hash().unwrap(), replaced.entities()), (hash, 0));
}

#[test]
fn a_world_made_anew_keeps_its_values() {
    let mut world = fleet(7);
    let (hash, living_before) = (world.hash().unwrap(), living(7));
    world.rebuild().unwrap();
    assert_eq!((world.hash().unwrap(), living(7)), (hash, living_before));
    world.compact().unwrap();
    assert_eq!((world.hash().unwrap(), living(7)), (hash, living_before));
    let copy = world.duplicate().unwrap();
    assert_eq!((copy.hash().unwrap(), living(7)), (hash, living_before), "a copy is made of what is saved");
    drop((world, copy));
    assert_eq!(living(7), 0);
}
