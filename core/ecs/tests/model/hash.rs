//! The hash of a world: equal for equal worlds, another one after any change.

use std::collections::HashMap;

use keel_ecs::{ModelTypeInfo, World, component};

use crate::{Cargo, Eaten, Frozen, Position, Tide, at, new_world};

fn fleet() -> World {
    let mut world = new_world();
    let ship = world.spawn((at(1.0), Cargo { goods: vec!["salt".into()] }));
    let boat = world.spawn((at(2.0),));
    world.set_parent(boat, Some(ship)).unwrap();
    world.set_name(ship, Some("Argo")).unwrap();
    world.insert_resource(Tide { level: 3 }).unwrap();
    world.send(Eaten { by: 4 });
    world
}

#[track_caller]
fn check_changes(change: impl FnOnce(&mut World)) {
    let mut world = fleet();
    assert_eq!(world.hash().unwrap(), fleet().hash().unwrap());
    change(&mut world);
    assert_ne!(world.hash().unwrap(), fleet().hash().unwrap());
}

#[test]
fn any_change_changes_the_hash() {
    let ship = |world: &World| world.find("Argo").unwrap();
    check_changes(|world| world.get_mut::<Position>(ship(world)).unwrap().x = 1.5);
    check_changes(|world| world.get_mut::<Position>(ship(world)).unwrap().y = -0.0);
    check_changes(|world| world.get_mut::<Cargo>(ship(world)).unwrap().goods[0] = "silk".into());
    check_changes(|world| world.set_name(ship(world), Some("Fram")).unwrap());
    check_changes(|world| world.set_parent(world.children(ship(world))[0], None).unwrap());
    check_changes(|world| world.insert(ship(world), (Frozen,)).unwrap());
    check_changes(|world| world.remove::<(Cargo,)>(ship(world)).map(drop).unwrap());
    check_changes(|world| world.spawn_child(ship(world), ()).map(drop).unwrap());
    check_changes(|world| {
        world.spawn(());
    });
    check_changes(|world| world.resource_mut::<Tide>().unwrap().level = 5);
    check_changes(|world| {
        world.remove_resource::<Tide>();
    });
    check_changes(|world| world.send(Eaten { by: 4 }));
    check_changes(|world| world.clear_events());
    check_changes(|world| world.end_step());
    // The same values at the same index, in the next generation.
    check_changes(|world| {
        let boat = world.children(ship(world))[0];
        world.despawn(boat).unwrap();
        let again = world.spawn((at(2.0),));
        assert_eq!(again.index(), boat.index());
        world.set_parent(again, Some(ship(world))).unwrap();
    });
    // Two entities exchange their values.
    check_changes(|world| {
        world.query::<&mut Position>().for_each(|position| position.x = 3.0 - position.x);
    });
}

#[test]
fn the_order_of_building_does_not_count() {
    let mut one = new_world();
    let (a, b) = (one.spawn(()), one.spawn(()));
    one.insert(b, (Frozen,)).unwrap();
    one.insert(a, (at(1.0), Frozen)).unwrap();
    let mut other = new_world();
    let (a, b) = (other.spawn((Frozen, at(1.0))), other.spawn(()));
    other.insert(b, (at(2.0), Frozen)).unwrap();
    other.remove::<(Position,)>(b).unwrap();
    assert_eq!(other.get::<Position>(a).unwrap().x, 1.0);
    assert_ne!(one.statistics().archetypes, other.statistics().archetypes);
    assert_eq!(one.hash().unwrap(), other.hash().unwrap());
}

#[component(crate = keel_ecs)]
struct Prices {
    of: HashMap<u32, u32>,
}

#[test]
fn the_order_of_a_hashed_map_does_not_count() {
    let world = |numbers: &mut dyn Iterator<Item = u32>| {
        let mut world = World::new();
        world.register(ModelTypeInfo::component::<Prices>()).unwrap();
        world.spawn((Prices { of: numbers.map(|number| (number, number * 2)).collect() },));
        world.hash().unwrap()
    };
    assert_eq!(world(&mut (0..100)), world(&mut (0..100).rev()));
    assert_ne!(world(&mut (0..100)), world(&mut (0..101)));
}

#[test]
fn the_parts_of_a_hash_say_what_has_changed() {
    let mut world = fleet();
    let before = world.hash_parts().unwrap();
    assert_eq!(before.values().copied().fold(0, u64::wrapping_add), world.hash().unwrap());
    let differ = |world: &World| -> Vec<String> {
        let now = world.hash_parts().unwrap();
        let all: std::collections::BTreeSet<_> = before.keys().chain(now.keys()).collect();
        all.into_iter().filter(|name| before.get(*name) != now.get(*name)).cloned().collect()
    };
    assert_eq!(differ(&world), [""; 0]);
    world.resource_mut::<Tide>().unwrap().level = 9;
    assert_eq!(differ(&world), ["Tide"]);
    let ship = world.find("Argo").unwrap();
    world.get_mut::<Position>(ship).unwrap().x = 7.0;
    assert_eq!(differ(&world), ["Position", "Tide"]);
    world.spawn(());
    world.send(Eaten { by: 1 });
    assert_eq!(differ(&world), ["Eaten", "Position", "Tide", "entities"]);
    let silent = new_world();
    assert_eq!(
        silent.hash_parts().unwrap().values().copied().fold(0, u64::wrapping_add),
        silent.hash().unwrap()
    );
}
