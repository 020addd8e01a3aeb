//! Fields that go into the next shape of their component as they are: what they own lies where it was.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use keel_ecs::{Component, Entity, ModelTypeInfo, World, WorldConversion, component};
use keel_module_macros::data;

use crate::save;

/// In several archetypes.
#[component(crate = keel_ecs)]
struct Even;

/// Known to some worlds alone.
#[component(crate = keel_ecs)]
struct Rare {
    value: u8,
}

const ENTITIES: usize = if cfg!(miri) { 10 } else { 5_000 };

fn info<C: Component>() -> Arc<ModelTypeInfo> {
    ModelTypeInfo::component::<C>().into()
}

fn types<C: Component>() -> [Arc<ModelTypeInfo>; 3] {
    [info::<Even>(), info::<Rare>(), info::<C>()]
}

/// A world of so many values in four archetypes, some of which are gone.
fn world_of<C: Component>(count: usize, make: impl Fn(usize) -> C) -> World {
    let mut world = World::new();
    types::<C>().into_iter().for_each(|info| world.register(info).unwrap());
    let entities: Vec<_> = (0..count).map(|number| world.spawn((make(number),))).collect();
    for (number, entity) in entities.iter().enumerate() {
        if number.is_multiple_of(2) {
            world.insert(*entity, (Even,)).unwrap();
        }
        if number.is_multiple_of(3) {
            world.insert(*entity, (Rare { value: 3 },)).unwrap();
        }
    }
    entities.iter().step_by(7).for_each(|entity| world.despawn(*entity).unwrap());
    world
}

/// Where a text of each value lies, by entity.
fn addresses<C: Component>(world: &World, of: impl Fn(&C) -> &String) -> Vec<(Entity, usize)> {
    let address = |entity| of(&world.get::<C>(entity).unwrap()).as_ptr() as usize;
    let mut addresses: Vec<_> =
        world.entities().into_iter().map(|entity| (entity, address(entity))).collect();
    addresses.sort();
    addresses
}

/// The entity of number 1: 0 is gone.
fn first(world: &World) -> Entity {
    world.entities().into_iter().min().unwrap()
}

/// Converts a world of `Old` into one of `New`. It comes out as from a snapshot; whether what `old` and `new` show has
/// stayed where it was is `moves`.
#[track_caller]
fn check<Old: Component, New: Component>(
    make: impl Fn(usize) -> Old,
    old: impl Fn(&Old) -> &String,
    new: impl Fn(&New) -> &String,
    moves: bool,
) -> World {
    let world = world_of(ENTITIES, make);
    let (snapshot, before) = (save(&world), addresses(&world, old));
    let (expected, expected_report) = World::from_snapshot(types::<New>(), &snapshot, true).unwrap();
    let mut conversion = WorldConversion::of(world);
    assert_eq!(conversion.make(types::<New>(), true).unwrap(), expected_report);
    let (world, replaced) = conversion.accept();
    drop(replaced);
    assert_eq!(world.compare(&expected).unwrap(), []);
    assert_eq!((world.entities(), world.free_ids()), (expected.entities(), expected.free_ids()));
    let after = addresses(&world, new);
    let moved = before.iter().zip(&after).filter(|(before, after)| before == after).count();
    assert_eq!(moved, if moves { before.len() } else { 0 });
    world
}

/// The shape before each of the changes.
mod before {
    use super::{Crew, component};

    #[component(crate = keel_ecs)]
    pub(super) struct Ship {
        pub(super) name: String,
        pub(super) route: Vec<u32>,
        pub(super) hull: u16,
        pub(super) crew: Crew,
    }
}

#[data(crate = keel_ecs)]
#[derive(Clone, Default)]
struct Crew {
    captain: String,
    heads: u32,
}

fn ship(number: usize) -> before::Ship {
    before::Ship {
        name: format!("ship {number} of a great fleet"),
        route: vec![number as u32; number % 5],
        hull: number as u16,
        crew: Crew { captain: format!("captain {number}"), heads: 7 },
    }
}

mod added {
    use super::{Crew, component};

    #[component(crate = keel_ecs)]
    pub(super) struct Ship {
        pub(super) armed: bool,
        pub(super) name: String,
        #[keel(default = -2)]
        pub(super) depth: i64,
        pub(super) route: Vec<u32>,
        pub(super) hull: u16,
        pub(super) flag: String,
        pub(super) crew: Crew,
    }
}

#[test]
fn fields_stay_where_they_are_beside_one_that_is_new() {
    let world = check(ship, |ship| &ship.name, |ship: &added::Ship| &ship.name, true);
    let first = world.get::<added::Ship>(first(&world)).unwrap();
    assert_eq!((first.armed, first.depth, first.flag.as_str(), first.hull), (false, -2, "", 1));
    drop(first);
    check(ship, |ship| &ship.crew.captain, |ship: &added::Ship| &ship.crew.captain, true);
}

mod added_text {
    use super::component;

    #[component(crate = keel_ecs)]
    pub(super) struct Ship {
        pub(super) name: String,
        #[keel(default = String::from("of an unknown port"))]
        pub(super) port: String,
    }
}

#[test]
fn each_value_has_a_new_text_of_its_own() {
    let world = check(ship, |ship| &ship.name, |ship: &added_text::Ship| &ship.name, true);
    let ships = world.entities();
    world.get_mut::<added_text::Ship>(ships[0]).unwrap().port.make_ascii_uppercase();
    assert_eq!(world.get::<added_text::Ship>(ships[1]).unwrap().port, "of an unknown port");
}

mod removed {
    use super::component;

    #[component(crate = keel_ecs)]
    pub(super) struct Ship {
        pub(super) hull: u16,
        pub(super) name: String,
    }
}

#[test]
fn fields_stay_where_they_are_beside_one_that_is_gone() {
    check(ship, |ship| &ship.name, |ship: &removed::Ship| &ship.name, true);
}

#[test]
fn a_loss_without_consent_is_refused_as_ever() {
    let world = world_of(ENTITIES, ship);
    let (hash, before) = (world.hash().unwrap(), addresses(&world, |ship: &before::Ship| &ship.name));
    let mut conversion = WorldConversion::of(world);
    assert!(conversion.make(types::<removed::Ship>(), false).is_err());
    let world = conversion.undo();
    assert_eq!(world.hash().unwrap(), hash);
    assert_eq!(addresses(&world, |ship: &before::Ship| &ship.name), before);
}

mod reordered {
    use super::{Crew, component};

    #[component(crate = keel_ecs)]
    pub(super) struct Ship {
        pub(super) crew: Crew,
        #[keel(renamed_from = "route")]
        pub(super) way: Vec<u32>,
        pub(super) hull: u16,
        #[keel(renamed_from = "name")]
        pub(super) title: String,
    }
}

#[test]
fn fields_find_their_place_by_name_and_by_the_name_they_had() {
    check(ship, |ship| &ship.name, |ship: &reordered::Ship| &ship.title, true);
    check(ship, |ship| &ship.crew.captain, |ship: &reordered::Ship| &ship.crew.captain, true);
}

mod widened {
    use super::{Crew, component};

    #[component(crate = keel_ecs)]
    pub(super) struct Ship {
        pub(super) name: String,
        pub(super) route: Vec<u32>,
        pub(super) hull: u64,
        pub(super) crew: Crew,
    }
}

#[test]
fn fields_stay_where_they_are_beside_a_number_that_is_widened() {
    let world = check(ship, |ship| &ship.name, |ship: &widened::Ship| &ship.name, true);
    assert_eq!(world.get::<widened::Ship>(first(&world)).unwrap().hull, 1);
}

mod narrowed {
    use super::component;

    #[component(crate = keel_ecs)]
    pub(super) struct Ship {
        pub(super) name: String,
        pub(super) route: Vec<u32>,
        pub(super) hull: u8,
        pub(super) crew: super::Crew,
    }
}

#[test]
fn a_number_that_does_not_fit_leaves_the_old_world() {
    let world = world_of(ENTITIES, |number| before::Ship { hull: 250 + 3 * number as u16, ..ship(number) });
    let (hash, before) = (world.hash().unwrap(), addresses(&world, |ship: &before::Ship| &ship.name));
    let mut conversion = WorldConversion::of(world);
    let refused = conversion.make(types::<narrowed::Ship>(), false).unwrap_err();
    assert!(refused.to_string().contains("hull"), "{refused}");
    let world = conversion.undo();
    assert_eq!(world.hash().unwrap(), hash);
    assert_eq!(addresses(&world, |ship: &before::Ship| &ship.name), before);
}

mod nested {
    use super::{component, data};

    #[data(crate = keel_ecs)]
    pub(super) struct Crew {
        pub(super) heads: u64,
        pub(super) cook: String,
        pub(super) captain: String,
    }

    #[component(crate = keel_ecs)]
    pub(super) struct Ship {
        pub(super) name: String,
        pub(super) route: Vec<u32>,
        pub(super) hull: u16,
        pub(super) crew: Crew,
    }
}

#[test]
fn fields_of_a_struct_within_that_has_changed_move_by_themselves() {
    let world = check(ship, |ship| &ship.name, |ship: &nested::Ship| &ship.name, true);
    assert_eq!(world.get::<nested::Ship>(first(&world)).unwrap().crew.heads, 7);
    check(ship, |ship| &ship.crew.captain, |ship: &nested::Ship| &ship.crew.captain, true);
}

mod convert_within {
    use super::component;

    #[component(crate = keel_ecs)]
    pub(super) struct Ship {
        #[keel(convert_from(Vec<u32>, turns))]
        pub(super) route: String,
        #[keel(renamed_from = "name", convert_from(String, shout))]
        pub(super) title: String,
    }

    fn turns(route: Vec<u32>) -> String {
        format!("{} turns", route.len())
    }

    fn shout(name: String) -> String {
        name.to_uppercase()
    }
}

#[test]
fn what_its_author_converts_does_not_move() {
    let world = check(ship, |ship| &ship.name, |ship: &convert_within::Ship| &ship.title, false);
    let first = world.get::<convert_within::Ship>(first(&world)).unwrap();
    assert_eq!((first.route.as_str(), first.title.as_str()), ("1 turns", "SHIP 1 OF A GREAT FLEET"));
}

#[data(crate = keel_ecs)]
struct Pair<T> {
    first: T,
    second: String,
}

mod generic {
    use super::{Pair, component, data};

    #[data(crate = keel_ecs)]
    pub(super) struct Item {
        pub(super) label: String,
    }

    #[component(crate = keel_ecs)]
    pub(super) struct Chest {
        pub(super) kept: Pair<u32>,
        pub(super) widened: Pair<u32>,
        pub(super) items: Vec<Item>,
    }
}

mod generic_changed {
    use super::{Pair, component, data};

    #[data(crate = keel_ecs)]
    pub(super) struct Item {
        pub(super) label: String,
        pub(super) weight: u32,
    }

    #[component(crate = keel_ecs)]
    pub(super) struct Chest {
        pub(super) kept: Pair<u32>,
        pub(super) widened: Pair<u64>,
        pub(super) items: Vec<Item>,
    }
}

#[test]
fn a_generic_field_moves_if_its_arguments_have_not_changed() {
    let chest = |number: usize| generic::Chest {
        kept: Pair { first: number as u32, second: format!("kept {number}") },
        widened: Pair { first: number as u32, second: format!("widened {number}") },
        items: (0..number % 3 + 1).map(|item| generic::Item { label: format!("item {item}") }).collect(),
    };
    type New = generic_changed::Chest;
    check(chest, |chest| &chest.kept.second, |chest: &New| &chest.kept.second, true);
    check(chest, |chest| &chest.widened.second, |chest: &New| &chest.widened.second, true);
    check(chest, |chest| &chest.items[0].label, |chest: &New| &chest.items[0].label, false);
}

mod with_drop {
    use super::{AtomicUsize, Ordering, component};

    /// How many letters were in the values that were dropped.
    pub(super) static DROPPED: AtomicUsize = AtomicUsize::new(0);

    #[component(crate = keel_ecs)]
    pub(super) struct Note {
        pub(super) text: String,
    }

    impl Drop for Note {
        fn drop(&mut self) {
            DROPPED.fetch_add(self.text.len(), Ordering::Relaxed);
        }
    }

    pub(super) mod changed {
        #[keel_ecs::component(crate = keel_ecs)]
        pub(crate) struct Note {
            pub(crate) text: String,
            pub(crate) page: u32,
        }
    }
}

#[test]
fn a_struct_that_says_how_it_is_dropped_is_dropped_whole() {
    let mut world = World::new();
    world.register(info::<with_drop::Note>()).unwrap();
    world.spawn_batch((0..10).map(|_| (with_drop::Note { text: "four".to_owned() },)));
    let mut conversion = WorldConversion::of(world);
    conversion.make([info::<with_drop::changed::Note>()], false).unwrap();
    let (world, replaced) = conversion.accept();
    drop(replaced);
    assert_eq!(with_drop::DROPPED.load(Ordering::Relaxed), 40);
    let notes = world.entities().into_iter();
    assert!(
        notes.into_iter().all(|note| world.get::<with_drop::changed::Note>(note).unwrap().text == "four")
    );
}

/// A type of another crate that does not take what it gives itself.
#[derive(Clone, Default, serde::Serialize)]
struct Picky(String);

impl<'de> serde::Deserialize<'de> for Picky {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.is_empty() {
            true => Err(serde::de::Error::custom("no text")),
            false => Ok(Self(text)),
        }
    }
}

#[data(crate = keel_ecs)]
#[derive(Clone, Default)]
struct Wrapped {
    #[keel(opaque)]
    picky: Picky,
}

/// Without a default.
#[data(crate = keel_ecs)]
#[derive(Clone, Copy, PartialEq, Debug)]
enum Side {
    Port,
    Starboard { degrees: u16 },
}

mod sided {
    use super::{Side, Wrapped, component};

    #[component(crate = keel_ecs)]
    pub(super) struct Lamp {
        pub(super) side: Side,
        pub(super) name: String,
    }

    pub(super) mod changed {
        use super::{Side, component};

        #[component(crate = keel_ecs)]
        pub(crate) struct Lamp {
            pub(crate) name: String,
            pub(crate) side: Side,
            pub(crate) lit: bool,
        }
    }

    pub(super) mod picky {
        use super::{Side, Wrapped, component};

        #[component(crate = keel_ecs)]
        pub(crate) struct Lamp {
            pub(crate) side: Side,
            pub(crate) name: String,
            pub(crate) wrapped: Wrapped,
        }

        pub(crate) mod changed {
            use super::{Side, Wrapped, component};

            #[component(crate = keel_ecs)]
            pub(crate) struct Lamp {
                pub(crate) name: String,
                pub(crate) side: Side,
                pub(crate) wrapped: Wrapped,
                pub(crate) lit: bool,
            }
        }
    }
}

#[test]
fn an_enum_without_a_default_moves_too() {
    let lamp = |number: usize| sided::Lamp {
        side: if number.is_multiple_of(2) { Side::Port } else { Side::Starboard { degrees: number as u16 } },
        name: format!("lamp {number}"),
    };
    let world = check(lamp, |lamp| &lamp.name, |lamp: &sided::changed::Lamp| &lamp.name, true);
    let lamp = world.get::<sided::changed::Lamp>(first(&world)).unwrap();
    assert_eq!(lamp.side, Side::Starboard { degrees: 1 });
}

#[test]
fn whole_values_are_converted_where_nothing_can_stand_in_a_fields_place() {
    let lamp = |number: usize| sided::picky::Lamp {
        side: Side::Port,
        name: format!("lamp {number}"),
        wrapped: Wrapped { picky: Picky("oil".to_owned()) },
    };
    check(lamp, |lamp| &lamp.name, |lamp: &sided::picky::changed::Lamp| &lamp.name, false);
}

mod panicking {
    use super::{AtomicUsize, Ordering, component};

    static LIT: AtomicUsize = AtomicUsize::new(0);

    #[component(crate = keel_ecs)]
    pub(super) struct Ship {
        pub(super) name: String,
        pub(super) crew: super::Crew,
        #[keel(skip)]
        pub(super) _fuse: Fuse,
    }

    pub(super) struct Fuse;

    impl Default for Fuse {
        fn default() -> Self {
            assert!(LIT.fetch_add(1, Ordering::Relaxed) < 3, "it was lit too often");
            Self
        }
    }
}

#[test]
fn a_panic_in_a_default_leaves_the_old_world() {
    let world = world_of(ENTITIES, ship);
    let (hash, before) = (world.hash().unwrap(), addresses(&world, |ship: &before::Ship| &ship.name));
    let mut conversion = WorldConversion::of(world);
    let made = catch_unwind(AssertUnwindSafe(|| conversion.make(types::<panicking::Ship>(), true)));
    assert!(made.is_err());
    let world = conversion.undo();
    assert_eq!(world.hash().unwrap(), hash);
    assert_eq!(addresses(&world, |ship: &before::Ship| &ship.name), before);
}

#[test]
fn a_conversion_that_is_undone_or_made_again_has_moved_nothing() {
    let world = world_of(ENTITIES, ship);
    let (hash, before) = (world.hash().unwrap(), addresses(&world, |ship: &before::Ship| &ship.name));
    let mut conversion = WorldConversion::of(world);
    conversion.make(types::<added::Ship>(), false).unwrap();
    conversion.make(types::<nested::Ship>(), false).unwrap();
    let world = conversion.undo();
    assert_eq!(world.hash().unwrap(), hash);
    assert_eq!(addresses(&world, |ship: &before::Ship| &ship.name), before);
    drop({
        let mut conversion = WorldConversion::of(world);
        conversion.make(types::<added::Ship>(), false).unwrap();
        conversion
    });
}

#[test]
fn values_find_their_entities_where_archetypes_become_one() {
    let world = world_of(ENTITIES, ship);
    let before = addresses(&world, |ship: &before::Ship| &ship.name);
    let mut conversion = WorldConversion::of(world);
    // `Rare` and `Even` are gone: four archetypes are one.
    let report = conversion.make([info::<added::Ship>()], false).unwrap();
    assert_eq!(report.kept, ["Even", "Rare"]);
    let (mut world, replaced) = conversion.accept();
    drop(replaced);
    assert_eq!(addresses(&world, |ship: &added::Ship| &ship.name), before);
    let names = |world: &World| {
        let of = |entity| world.get::<added::Ship>(entity).map(|ship| ship.name.clone());
        world.entities().into_iter().map(|entity| of(entity).unwrap()).collect::<Vec<_>>()
    };
    let (expected, hash) = (names(&world), world.hash().unwrap());

    // They come back, with values that go to other archetypes again.
    let mut conversion = WorldConversion::of(world);
    conversion.make(types::<before::Ship>(), true).unwrap();
    world = conversion.accept().0;
    assert_eq!(world.kept_types().count(), 0);
    let mut conversion = WorldConversion::of(world);
    conversion.make([info::<added::Ship>()], true).unwrap();
    world = conversion.accept().0;
    let mut sorted = [names(&world), expected];
    sorted.iter_mut().for_each(|names| names.sort());
    assert_eq!(sorted[0], sorted[1]);
    assert_eq!(world.hash().unwrap(), hash);
}

#[test]
fn many_values_are_exchanged_by_several_threads() {
    let count = if cfg!(miri) { 150 } else { 70_000 };
    let world = world_of(count, ship);
    let before = addresses(&world, |ship: &before::Ship| &ship.name);
    let mut conversion = WorldConversion::of(world);
    conversion.make(types::<added::Ship>(), false).unwrap();
    let (world, replaced) = conversion.accept();
    drop(replaced);
    assert_eq!(addresses(&world, |ship: &added::Ship| &ship.name), before);
}
