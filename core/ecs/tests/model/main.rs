//! The world as a model: what it promises, against a plain one, and what has gone wrong elsewhere.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod changes;
mod changes_property;
mod convert;
mod convert_fields;
mod damage;
mod define;
mod define_property;
mod drops;
mod guarded;
mod guide;
mod hash;
mod limits;
mod migration;
mod path_query;
mod prefabs;
mod prepared;
mod property;
mod query;
mod reactions;
mod reflect;
mod relations;
mod restore;
mod seams;
mod sparse;
mod together;
mod together_plain;
mod transactions;
mod world;

use keel_ecs::{ModelTypeInfo, World, WorldSnapshot, component, event, resource};
use keel_state::{Snapshot, SnapshotWriter};

#[component(crate = keel_ecs)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Position {
    x: f32,
    y: f32,
}

#[component(crate = keel_ecs)]
#[derive(Clone, Debug, Default, PartialEq)]
struct Cargo {
    goods: Vec<String>,
}

#[component(crate = keel_ecs)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Frozen;

/// Comes and goes.
#[component(crate = keel_ecs, sparse)]
#[derive(Clone, Debug, Default, PartialEq)]
struct Smoke {
    text: String,
}

/// Comes and goes, too.
#[component(crate = keel_ecs, sparse)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Wet {
    drops: u32,
}

#[resource(crate = keel_ecs)]
#[derive(Clone, Debug, Default, PartialEq)]
struct Tide {
    level: i64,
}

#[event(crate = keel_ecs)]
#[derive(Clone, Debug, Default, PartialEq)]
struct Eaten {
    by: i64,
}

fn types() -> [ModelTypeInfo; 7] {
    [
        ModelTypeInfo::component::<Position>(),
        ModelTypeInfo::component::<Cargo>(),
        ModelTypeInfo::component::<Frozen>(),
        ModelTypeInfo::component::<Smoke>(),
        ModelTypeInfo::component::<Wet>(),
        ModelTypeInfo::resource::<Tide>(),
        ModelTypeInfo::event::<Eaten>(),
    ]
}

fn new_world() -> World {
    let mut world = World::new();
    types().into_iter().try_for_each(|info| world.register(info)).unwrap();
    world
}

fn at(x: f32) -> Position {
    Position { x, y: 0.0 }
}

fn save(world: &World) -> WorldSnapshot {
    let mut snapshot = WorldSnapshot::new();
    world.save(&mut snapshot).unwrap();
    snapshot
}

/// The snapshot as a file, and read again.
fn through_a_file(snapshot: &WorldSnapshot) -> WorldSnapshot {
    let mut file = SnapshotWriter::new(Vec::new());
    snapshot.write(&mut file).unwrap();
    let bytes = file.finish();
    WorldSnapshot::read(&Snapshot::parse(&bytes).unwrap()).unwrap()
}

fn restore(snapshot: &WorldSnapshot) -> World {
    World::from_snapshot(types().map(Into::into), snapshot, false).unwrap().0
}

/// Numbers that follow from a seed.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end` (splitmix64, by Steele, Lea and Flood, 2014).
    fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % u64::from(end)) as u32
    }
}
