//! Saving and restoring by the world's own serialization.

use legion::serialize::{Canon, Registry};
use legion::{World, any};

use super::{sum_of_places, things};
use crate::data::{
    Kind0, Kind1, Kind2, Kind3, Kind4, Kind5, Kind6, Kind7, Other0, Other1, Other2, Other3, Other4, Other5,
    Other6, Other7, Position, Rotation, Transform, Velocity, saved,
};
use crate::routine::Cases;
use crate::task::{ARCHETYPES, SAVED, SCATTERED};

/// A world, and what was saved of it.
struct Saved {
    world: World,
    registry: Registry<u8>,
    /// The names of the entities that were saved: without them they would be others.
    names: Canon,
    bytes: Vec<u8>,
}

pub(super) fn declare(cases: &mut Cases) {
    let form = "World::as_serializable with bincode, into a reused buffer; Registry::as_deserialize";
    cases.case("serialize", form).runs(
        || Saved::new(things(SAVED)),
        |saved| {
            saved.save();
            saved.restore();
        },
        |saved| sum_of_places(&mut saved.world),
    );
    // Each entity gets a name of 16 bytes, by which it is found in a map.
    let why = "seconds for each: too long for many rounds; `serialize` is the same in small";
    cases.lacks(&["snapshot_1m", "restore_1m"], why);
    for archetypes in ARCHETYPES {
        declare_save(cases, &format!("snapshot_archetypes/{archetypes}"), move || scattered(archetypes));
        declare_restore(cases, &format!("restore_archetypes/{archetypes}"), move || scattered(archetypes));
    }
}

fn declare_save(cases: &mut Cases, name: &str, make: impl Fn() -> World + 'static) {
    let form = "World::as_serializable with bincode, into a reused buffer";
    cases.case(name, form).runs(
        move || Saved::new(make()),
        Saved::save,
        |saved| {
            if saved.bytes.is_empty() { 0.0 } else { saved.world.len() as f64 }
        },
    );
}

fn declare_restore(cases: &mut Cases, name: &str, make: impl Fn() -> World + 'static) {
    cases.case(name, "Registry::as_deserialize with bincode, the old world dropped").runs(
        move || {
            let mut saved = Saved::new(make());
            saved.save();
            saved
        },
        Saved::restore,
        |saved| sum_of_places(&mut saved.world),
    );
}

impl Saved {
    fn new(world: World) -> Self {
        Self { world, registry: registry(), names: Canon::default(), bytes: Vec::new() }
    }

    fn save(&mut self) {
        self.bytes.clear();
        let world = self.world.as_serializable(any(), &self.registry, &self.names);
        bincode::serde::encode_into_std_write(world, &mut self.bytes, config())
            .expect("memory does not fail");
    }

    fn restore(&mut self) {
        let seed = self.registry.as_deserialize(&self.names);
        let restored = bincode::serde::seed_decode_from_slice(seed, &self.bytes, config());
        (self.world, _) = restored.expect("it was saved so");
    }
}

fn config() -> impl bincode::config::Config {
    bincode::config::standard().with_fixed_int_encoding()
}

macro_rules! registered {
    ($($id:literal $component:ident)+) => {
        fn registry() -> Registry<u8> {
            let mut registry = Registry::default();
            $(registry.register::<$component>($id);)+
            registry
        }
    };
}

registered! {
    0 Transform 1 Position 2 Rotation 3 Velocity
    4 Kind0 5 Kind1 6 Kind2 7 Kind3 8 Kind4 9 Kind5 10 Kind6 11 Kind7
    12 Other0 13 Other1 14 Other2 15 Other3 16 Other4 17 Other5 18 Other6 19 Other7
}

macro_rules! scattered {
    ($($kind:ident $other:ident),+) => {
        /// Entities whose ids go around all of so many archetypes.
        fn scattered(archetypes: usize) -> World {
            let mut world = World::default();
            let entities = world.extend((0..SCATTERED).map(saved)).to_vec();
            for (index, entity) in entities.into_iter().enumerate() {
                let mut bits = index % archetypes;
                let mut entry = world.entry(entity).expect("it lives");
                $(
                    match bits & 1 {
                        0 => entry.add_component($other),
                        _ => entry.add_component($kind),
                    }
                    bits >>= 1;
                )+
                assert_eq!(bits, 0, "there is a kind for each bit");
            }
            world
        }
    };
}

scattered! { Kind0 Other0, Kind1 Other1, Kind2 Other2, Kind3 Other3, Kind4 Other4, Kind5 Other5, Kind6 Other6, Kind7 Other7 }
