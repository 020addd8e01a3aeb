//! Worlds that are saved and built again.

use std::sync::Arc;

use keel::bench::{BenchCase, CheckedRoutine};
use keel::ecs::WorldSnapshot;
use keel::module::ModelTypeInfo;
use keel::prelude::*;
use keel_bench_suite_types::task::{LARGE, SAVED, speed, start};
use keel_bench_suite_types::{Position, Rotation, Velocity};

use crate::simple::things;
use crate::worlds::{sum_of_places, world_of};

/// A world, and what was saved of it.
struct Saved {
    world: World,
    types: Vec<Arc<ModelTypeInfo>>,
    snapshot: WorldSnapshot,
}

pub(crate) fn declare_serialize(setup: &mut Setup) {
    let form = "World::save into a reused snapshot, World::from_snapshot, the old world dropped";
    setup.bench(BenchCase::new("serialize").form(form), || {
        let both = |saved: &mut Saved| {
            save(saved);
            restore(saved);
        };
        CheckedRoutine::new(Saved::new(things(SAVED)), both, |saved| sum_of_places(&saved.world))
    });
}

pub(crate) fn declare_snapshot(setup: &mut Setup) {
    let case =
        BenchCase::new("snapshot_1m").form("World::save into a reused snapshot, columns of plain data");
    setup.bench(case, || {
        CheckedRoutine::new(Saved::new(many()), save, |saved| saved.snapshot.entities() as f64)
    });
    let case = BenchCase::new("restore_1m").form("World::from_snapshot, the old world dropped");
    setup.bench(case, || {
        let mut saved = Saved::new(many());
        save(&mut saved);
        CheckedRoutine::new(saved, restore, |saved| sum_of_places(&saved.world))
    });
}

impl Saved {
    fn new(world: World) -> Self {
        let types = world.types().map(Arc::clone).collect();
        Self { world, types, snapshot: WorldSnapshot::new() }
    }
}

fn save(Saved { world, snapshot, .. }: &mut Saved) {
    world.save(snapshot).expect("plain data can be saved");
}

fn restore(Saved { world, types, snapshot }: &mut Saved) {
    let restored = World::from_snapshot(types.iter().map(Arc::clone), snapshot, false);
    (*world, _) = restored.expect("it was saved with these types");
}

fn many() -> World {
    let mut world = world_of([
        ModelTypeInfo::component::<Position>(),
        ModelTypeInfo::component::<Rotation>(),
        ModelTypeInfo::component::<Velocity>(),
    ]);
    world.spawn_batch((0..LARGE).map(|index| {
        (Position::from(start(index)), Rotation::from(start(index)), Velocity::from(speed(index)))
    }));
    world
}
