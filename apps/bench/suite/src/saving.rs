//! Worlds that are saved and built again.

use std::sync::Arc;

use keel::bench::{BenchCase, CheckedRoutine};
use keel::ecs::WorldSnapshot;
use keel::module::ModelTypeInfo;
use keel::prelude::*;
use keel_bench_suite_types::task::{ARCHETYPES, LARGE, SAVED, SCATTERED, speed, start};
use keel_bench_suite_types::{
    Kind0, Kind1, Kind2, Kind3, Kind4, Kind5, Kind6, Kind7, Other0, Other1, Other2, Other3, Other4, Other5,
    Other6, Other7, Position, Rotation, Velocity,
};

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
    declare_save(setup, BenchCase::new("snapshot_1m"), || many(LARGE));
    declare_restore(setup, BenchCase::new("restore_1m"), || many(LARGE));
    for archetypes in ARCHETYPES {
        let case = BenchCase::new(&format!("snapshot_archetypes/{archetypes}"));
        declare_save(setup, case, move || scattered(archetypes));
    }
    for archetypes in ARCHETYPES {
        let case = BenchCase::new(&format!("restore_archetypes/{archetypes}"));
        declare_restore(setup, case, move || scattered(archetypes));
    }
}

fn declare_save(setup: &mut Setup, case: BenchCase, make: impl Fn() -> World + Send + 'static) {
    let case = case.form("World::save into a reused snapshot, columns of plain data");
    setup.bench(case, move || {
        CheckedRoutine::new(Saved::new(make()), save, |saved| saved.snapshot.entities() as f64)
    });
}

fn declare_restore(setup: &mut Setup, case: BenchCase, make: impl Fn() -> World + Send + 'static) {
    let case = case.form("World::from_snapshot, the old world dropped");
    setup.bench(case, move || {
        let mut saved = Saved::new(make());
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

fn many(entities: usize) -> World {
    let mut world = world_of([
        ModelTypeInfo::component::<Position>(),
        ModelTypeInfo::component::<Rotation>(),
        ModelTypeInfo::component::<Velocity>(),
    ]);
    world.spawn_batch((0..entities).map(|index| {
        (Position::from(start(index)), Rotation::from(start(index)), Velocity::from(speed(index)))
    }));
    world
}

macro_rules! scattered {
    ($($kind:ident $other:ident),+) => {
        /// Entities whose ids go around all of so many archetypes.
        fn scattered(archetypes: usize) -> World {
            let mut world = many(SCATTERED);
            for info in [$(ModelTypeInfo::component::<$kind>(), ModelTypeInfo::component::<$other>()),+] {
                world.register(info).expect("the names of the suite's types are different");
            }
            for (index, entity) in world.entities().into_iter().enumerate() {
                let mut bits = index % archetypes;
                $(
                    let inserted = match bits & 1 {
                        0 => world.insert(entity, ($other,)),
                        _ => world.insert(entity, ($kind,)),
                    };
                    inserted.expect("it lives");
                    bits >>= 1;
                )+
                debug_assert_eq!(bits, 0, "there is a kind for each bit");
            }
            world
        }
    };
}

scattered! { Kind0 Other0, Kind1 Other1, Kind2 Other2, Kind3 Other3, Kind4 Other4, Kind5 Other5, Kind6 Other6, Kind7 Other7 }
