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
use crate::data::{Position, Rotation, Transform, Velocity, thing};
use crate::routine::Cases;
use crate::task::{LARGE, SAVED};

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
    let form = "serialize::column with bincode, into a reused buffer";
    cases.case("snapshot_1m", form).runs(
        || (many(), Vec::new()),
        save,
        |(world, bytes)| {
            if bytes.is_empty() { 0.0 } else { f64::from(world.len()) }
        },
    );
    let form = "serialize::column with bincode, the old world dropped";
    cases.case("restore_1m", form).runs(
        || {
            let mut saved = (many(), Vec::new());
            save(&mut saved);
            saved
        },
        restore,
        |(world, _)| sum(world),
    );
}

fn many() -> World {
    let mut world = World::new();
    world.spawn_batch(
        (0..LARGE).map(thing).map(|(_, position, rotation, velocity)| (position, rotation, velocity)),
    );
    world
}

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

columns! { 0 Transform 1 Position 2 Rotation 3 Velocity }

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
