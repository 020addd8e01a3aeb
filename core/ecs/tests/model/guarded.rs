//! Components whose fields guard themselves: several threads write them at once.

use keel_core_types::{Atomic, Shared};
use keel_ecs::{ModelTypeInfo, World};

use crate::{save, through_a_file};

/// As it is saved by a build in which only one thread writes it.
mod plain {
    #[keel_ecs::component(crate = keel_ecs)]
    pub(super) struct Beacon {
        pub(super) hits: u32,
        pub(super) log: Vec<String>,
    }
}

#[keel_ecs::component(crate = keel_ecs)]
struct Beacon {
    hits: Atomic<u32>,
    log: Shared<Vec<String>>,
}

fn world_with(info: ModelTypeInfo) -> World {
    let mut world = World::new();
    world.register(info).unwrap();
    world
}

fn world() -> World {
    world_with(ModelTypeInfo::component::<Beacon>())
}

fn restored(world: &World) -> World {
    let types = [ModelTypeInfo::component::<Beacon>().into()];
    let (restored, report) = World::from_snapshot(types, &through_a_file(&save(world)), false).unwrap();
    assert_eq!((report.converted, report.changes.len()), (0, 0));
    assert_eq!(restored.hash().unwrap(), world.hash().unwrap());
    restored
}

#[test]
fn several_threads_write_one_component_at_once() {
    let mut world = world();
    let beacon = world.spawn((Beacon { hits: Atomic::new(0), log: Shared::default() },));
    std::thread::scope(|scope| {
        for number in 0..4 {
            let world = &world;
            scope.spawn(move || {
                for _ in 0..1000 {
                    world.get::<Beacon>(beacon).unwrap().hits.update(|hits| hits + 1);
                }
                world.query::<&Beacon>().for_each(|beacon| beacon.log.write().push(format!("ship {number}")));
            });
        }
    });
    let mut copy = restored(&world);
    {
        let found = copy.get::<Beacon>(beacon).unwrap();
        assert_eq!(found.hits.get(), 4000);
        let mut log = found.log.read().clone();
        log.sort();
        assert_eq!(log, ["ship 0", "ship 1", "ship 2", "ship 3"]);
    }
    // What is restored or cloned is a value of its own.
    let clone = copy.clone_entity(beacon).unwrap();
    copy.get::<Beacon>(clone).unwrap().hits.set(1);
    copy.get::<Beacon>(clone).unwrap().log.write().clear();
    assert_eq!(copy.get::<Beacon>(beacon).unwrap().hits.get(), 4000);
    assert_eq!(copy.get::<Beacon>(beacon).unwrap().log.read().len(), 4);
    assert_eq!(world.get::<Beacon>(beacon).unwrap().hits.get(), 4000);
}

#[test]
fn a_field_may_begin_to_guard_itself() {
    let mut before = world_with(ModelTypeInfo::component::<plain::Beacon>());
    let beacon = before.spawn((plain::Beacon { hits: 7, log: vec!["ship".to_owned()] },));
    let after = restored(&before);
    let found = after.get::<Beacon>(beacon).unwrap();
    assert_eq!((found.hits.get(), found.log.read().len()), (7, 1));
}

#[test]
fn by_path_a_guarded_field_is_as_any_other() {
    let mut world = world();
    let beacon = world.spawn((Beacon { hits: Atomic::new(3), log: Shared::new(vec!["ship".to_owned()]) },));
    assert_eq!(world.read_path::<u32>(beacon, "Beacon.hits").unwrap(), 3);
    world.write_path(beacon, "Beacon.hits", 9).unwrap();
    world.write_path(beacon, "Beacon.log[0]", "boat").unwrap();
    let found = world.get::<Beacon>(beacon).unwrap();
    assert_eq!((found.hits.get(), found.log.read()[0].as_str()), (9, "boat"));
}
