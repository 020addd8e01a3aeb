//! Saving and restoring by views that can be serialized: without a length before, so that bincode can't be used.

use serde::Deserialize;
use serde_json::Deserializer;
use shipyard::{EntitiesView, EntitiesViewMut, View, ViewMut, World};

use super::{sum, things};
use crate::data::{Position, Rotation, Transform, Velocity};
use crate::routine::Cases;
use crate::task::SAVED;

/// A world, and what was saved of it.
type Saved = (World, Vec<u8>);

pub(super) fn declare(cases: &mut Cases) {
    let form =
        "the entities and all views as JSON, into a reused buffer; deserialize_in_place in a new world";
    cases.case("serialize", form).runs(
        || (things(SAVED), Vec::new()),
        |saved| {
            save(saved);
            restore(saved);
        },
        |(world, _)| sum(world),
    );
    let why = "seconds for each, as JSON: too long for many rounds; `serialize` is the same in small";
    cases.lacks(&["snapshot_1m", "restore_1m"], why);
}

fn save((world, bytes): &mut Saved) {
    bytes.clear();
    world.run(
        |entities: EntitiesView,
         transforms: View<Transform>,
         positions: View<Position>,
         rotations: View<Rotation>,
         velocities: View<Velocity>| {
            serde_json::to_writer(&mut *bytes, &entities)
                .and_then(|()| serde_json::to_writer(&mut *bytes, &transforms))
                .and_then(|()| serde_json::to_writer(&mut *bytes, &positions))
                .and_then(|()| serde_json::to_writer(&mut *bytes, &rotations))
                .and_then(|()| serde_json::to_writer(&mut *bytes, &velocities))
                .expect("memory does not fail");
        },
    );
}

fn restore((world, bytes): &mut Saved) {
    let restored = World::new();
    restored.run(
        |mut entities: EntitiesViewMut,
         mut transforms: ViewMut<Transform>,
         mut positions: ViewMut<Position>,
         mut rotations: ViewMut<Rotation>,
         mut velocities: ViewMut<Velocity>| {
            // One after the other, as they were written.
            let mut json = Deserializer::from_reader(bytes.as_slice());
            Deserialize::deserialize_in_place(&mut json, &mut entities)
                .and_then(|()| Deserialize::deserialize_in_place(&mut json, &mut transforms))
                .and_then(|()| Deserialize::deserialize_in_place(&mut json, &mut positions))
                .and_then(|()| Deserialize::deserialize_in_place(&mut json, &mut rotations))
                .and_then(|()| Deserialize::deserialize_in_place(&mut json, &mut velocities))
                .expect("they were saved so");
        },
    );
    *world = restored;
}
