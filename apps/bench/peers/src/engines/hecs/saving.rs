//! Saving and restoring by columns.

use hecs::serialize::column::{
    DeserializeContext, SerializeContext, deserialize, deserialize_column, serialize, try_serialize,
    try_serialize_id,
};
use hecs::{Archetype, ColumnBatchBuilder, ColumnBatchType, World};
use serde::de::{Deserializer, SeqAccess};
use serde::ser::{Serialize, SerializeTuple, Serializer};

use super::suite::things;
use super::sum;
use crate::data::{
    Kind0, Kind1, Kind2, Kind3, Kind4, Kind5, Kind6, Kind7, Other0, Other1, Other2, Other3, Other4, Other5,
    Other6, Other7, Position, Rotation, Transform, Velocity, saved,
};
use crate::routine::Cases;
use crate::task::{ARCHETYPES, LARGE, SAVED, SCATTERED};

pub(super) fn declare(cases: &mut Cases) {
    let form = "serialize::column with bincode, into a reused buffer and back";
    cases.case("serialize", form).runs(
        || (things(SAVED), Vec::new()),
        |saved| {
            save(saved);
            restore(saved);
        },
        |(world, _)| sum(world),
    );
    declare_save(cases, "snapshot_1m", || many(LARGE));
    declare_restore(cases, "restore_1m", || many(LARGE));
    for archetypes in ARCHETYPES {
        declare_save(cases, &format!("snapshot_archetypes/{archetypes}"), move || scattered(archetypes));
        declare_restore(cases, &format!("restore_archetypes/{archetypes}"), move || scattered(archetypes));
    }
}

fn declare_save(cases: &mut Cases, name: &str, make: impl Fn() -> World + 'static) {
    cases.case(name, "serialize::column with bincode, into a reused buffer").runs(
        move || (make(), Vec::new()),
        save,
        |(world, bytes)| {
            if bytes.is_empty() { 0.0 } else { f64::from(world.len()) }
        },
    );
}

fn declare_restore(cases: &mut Cases, name: &str, make: impl Fn() -> World + 'static) {
    cases.case(name, "serialize::column with bincode, the old world dropped").runs(
        move || {
            let mut saved = (make(), Vec::new());
            save(&mut saved);
            saved
        },
        restore,
        |(world, _)| sum(world),
    );
}

fn many(entities: usize) -> World {
    let mut world = World::new();
    world.spawn_batch((0..entities).map(saved));
    world
}

macro_rules! scattered {
    ($($kind:ident $other:ident),+) => {
        /// Entities whose ids go around all of so many archetypes.
        fn scattered(archetypes: usize) -> World {
            let mut world = World::new();
            let entities: Vec<_> = world.spawn_batch((0..SCATTERED).map(saved)).collect();
            for (index, entity) in entities.into_iter().enumerate() {
                let mut bits = index % archetypes;
                $(
                    let inserted = match bits & 1 {
                        0 => world.insert_one(entity, $other),
                        _ => world.insert_one(entity, $kind),
                    };
                    inserted.expect("it lives");
                    bits >>= 1;
                )+
                assert_eq!(bits, 0, "there is a kind for each bit");
            }
            world
        }
    };
}

scattered! { Kind0 Other0, Kind1 Other1, Kind2 Other2, Kind3 Other3, Kind4 Other4, Kind5 Other5, Kind6 Other6, Kind7 Other7 }

fn save((world, bytes): &mut (World, Vec<u8>)) {
    bytes.clear();
    bincode::serde::encode_into_std_write(Saved(world), bytes, config()).expect("memory does not fail");
}

fn restore((world, bytes): &mut (World, Vec<u8>)) {
    let (Restored(restored), _) =
        bincode::serde::decode_from_slice(bytes, config()).expect("it was saved so");
    *world = restored;
}

fn config() -> impl bincode::config::Config {
    bincode::config::standard().with_fixed_int_encoding()
}

macro_rules! columns {
    ($($id:literal $component:ident)+) => {
        struct Context(Vec<u8>);

        impl SerializeContext for Context {
            fn component_count(&self, archetype: &Archetype) -> usize {
                [$(archetype.has::<$component>()),+].into_iter().filter(|has| *has).count()
            }

            fn serialize_component_ids<S: SerializeTuple>(
                &mut self,
                archetype: &Archetype,
                mut out: S,
            ) -> Result<S::Ok, S::Error> {
                $(try_serialize_id::<$component, u8, S>(archetype, &$id, &mut out)?;)+
                out.end()
            }

            fn serialize_components<S: SerializeTuple>(
                &mut self,
                archetype: &Archetype,
                mut out: S,
            ) -> Result<S::Ok, S::Error> {
                $(try_serialize::<$component, S>(archetype, &mut out)?;)+
                out.end()
            }
        }

        impl DeserializeContext for Context {
            fn deserialize_component_ids<'de, A: SeqAccess<'de>>(
                &mut self,
                mut ids: A,
            ) -> Result<ColumnBatchType, A::Error> {
                self.0.clear();
                let mut types = ColumnBatchType::new();
                while let Some(id) = ids.next_element()? {
                    match id {
                        $($id => drop(types.add::<$component>()),)+
                        other => return Err(serde::de::Error::custom(format!("no component {other}"))),
                    }
                    self.0.push(id);
                }
                Ok(types)
            }

            fn deserialize_components<'de, A: SeqAccess<'de>>(
                &mut self,
                count: u32,
                mut columns: A,
                batch: &mut ColumnBatchBuilder,
            ) -> Result<(), A::Error> {
                for id in &self.0 {
                    match id {
                        $($id => deserialize_column::<$component, A>(count, &mut columns, batch)?,)+
                        other => return Err(serde::de::Error::custom(format!("no component {other}"))),
                    }
                }
                Ok(())
            }
        }
    };
}

columns! {
    0 Transform 1 Position 2 Rotation 3 Velocity
    4 Kind0 5 Kind1 6 Kind2 7 Kind3 8 Kind4 9 Kind5 10 Kind6 11 Kind7
    12 Other0 13 Other1 14 Other2 15 Other3 16 Other4 17 Other5 18 Other6 19 Other7
}

struct Saved<'w>(&'w World);

impl Serialize for Saved<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        serialize(self.0, &mut Context(Vec::new()), out)
    }
}

struct Restored(World);

impl<'de> serde::Deserialize<'de> for Restored {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        deserialize(&mut Context(Vec::new()), from).map(Self)
    }
}
