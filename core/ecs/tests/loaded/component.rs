//! The calls of the component view.

use keel::ecs::{ComponentView, Entity, ModelTypeKind, World};
use keel::types::ComponentId;

use crate::{Hull, Position, Tide, Velocity, at, new_world, position, refuses, saved, stale, velocity, view};

fn components() -> &'static dyn ComponentView {
    view::<dyn ComponentView>()
}

#[test]
fn types_are_listed_and_described() {
    let world = new_world();
    let expected = ["Children", "Hull", "Name", "Parent", "Position", "Velocity", "keel.PrefabPart"];
    assert_eq!(components().names(&world), expected);
    let info = components().info(&world, "Position").unwrap();
    assert_eq!((info.id, info.kind), (ComponentId::of("Position"), ModelTypeKind::Component));
    assert_eq!((info.size, info.align), (8, 4));
    assert_eq!(info.schema.to_string(), "struct Position {\n    x: f32,\n    y: f32,\n}");
    assert_eq!(components().default_value(&world, "Position").unwrap(), saved(&Position::default()));

    refuses(components().info(&world, "Sail"), "type `Sail` is not registered");
    refuses(components().info(&world, "Tide"), "`Tide` is a resource, a component was expected");
    refuses(components().default_value(&world, "Hull"), "`Hull` has no default");
    refuses(components().default_value(&world, "Eaten"), "`Eaten` is an event");
}

#[test]
fn components_are_read() {
    let mut world = new_world();
    let ship = world.spawn((at(1.0), Hull { plates: vec![7] }));
    assert!(components().has(&world, ship, "Position").unwrap());
    assert!(!components().has(&world, ship, "Velocity").unwrap());
    assert_eq!(components().get(&world, ship, "Position").unwrap(), saved(&at(1.0)));
    assert_eq!(components().get_value(&world, ship, "Hull").unwrap().to_string(), "Hull { plates: [7] }");
    let all = components().get_all(&world, ship).unwrap();
    assert_eq!(all.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["Hull", "Position"]);

    let gone = stale(&mut world);
    let says = format!("entity {gone} does not live");
    refuses(components().has(&world, gone, "Position"), &says);
    refuses(components().has(&world, ship, "Sail"), "type `Sail` is not registered");
    refuses(components().get(&world, gone, "Position"), &says);
    refuses(components().get(&world, ship, "Velocity"), "has no component `Velocity`");
    refuses(components().get_value(&world, ship, "Velocity"), "has no component `Velocity`");
    refuses(components().get_all(&world, gone), &says);
}

#[test]
fn components_are_written() {
    let mut world = new_world();
    let ship = world.spawn(());
    components().insert(&mut world, ship, "Position", &saved(&at(1.0))).unwrap();
    components().insert_many(&mut world, ship, &[position(2.0), velocity(3.0)]).unwrap();
    assert_eq!(*world.get::<Position>(ship).unwrap(), at(2.0));
    let before = components().replace(&mut world, ship, "Position", &saved(&at(4.0))).unwrap();
    assert_eq!(before, saved(&at(2.0)));
    assert_eq!(*world.get::<Position>(ship).unwrap(), at(4.0));

    let hash = world.hash().unwrap();
    let gone = stale(&mut world);
    let wrong = saved(&Tide { level: 1.0 });
    refuses(components().insert(&mut world, gone, "Position", &saved(&at(1.0))), "does not live");
    refuses(components().insert(&mut world, ship, "Position", &wrong), "the value is no `Position`");
    refuses(components().insert(&mut world, ship, "Sail", &wrong), "not registered");
    refuses(components().insert(&mut world, ship, "Tide", &wrong), "`Tide` is a resource");
    refuses(components().insert_many(&mut world, ship, &[position(9.0), wrong_position()]), "no `Position`");
    refuses(components().replace(&mut world, ship, "Hull", &wrong), "has no component `Hull`");
    refuses(components().replace(&mut world, ship, "Position", &wrong), "the value is no `Position`");
    let cut = keel::state::SavedValue::from_parts(
        components().info(&world, "Position").unwrap().schema,
        vec![1, 2, 3],
    );
    refuses(components().insert(&mut world, ship, "Position", &cut), "the bytes end too early");
    let long = keel::state::SavedValue::from_parts(
        components().info(&world, "Position").unwrap().schema,
        vec![0; 9],
    );
    refuses(components().insert(&mut world, ship, "Position", &long), "1 bytes are left");
    refuses(
        components().insert(&mut world, ship, "Parent", &saved(&1_u64)),
        "`Parent` is written by the world alone",
    );
    assert_eq!(world.hash().unwrap(), hash, "a refused call changed the world");
}

fn wrong_position() -> keel::ecs::ComponentValue {
    keel::ecs::ComponentValue::new("Position", saved(&7_u64))
}

#[test]
fn components_are_removed() {
    let mut world = new_world();
    let ship = world.spawn((at(1.0), Velocity { x: 1.0, y: 0.0 }, Hull { plates: vec![] }));
    let boat = world.spawn((Hull { plates: vec![1] },));
    assert_eq!(components().remove(&mut world, ship, "Position").unwrap(), saved(&at(1.0)));
    refuses(components().remove(&mut world, ship, "Position"), "has no component `Position`");
    refuses(
        components().remove_many(&mut world, ship, &["Velocity", "Position"]),
        "has no component `Position`",
    );
    assert!(world.has::<Velocity>(ship), "all are removed, or none");
    assert_eq!(components().remove_many(&mut world, ship, &["Velocity"]).unwrap().len(), 1);
    assert_eq!(components().remove_everywhere(&mut world, "Hull").unwrap(), 2);
    assert!(!world.has::<Hull>(boat));

    world.set_parent(boat, Some(ship)).unwrap();
    refuses(components().remove(&mut world, boat, "Parent"), "`Parent` is written by the world alone");
    refuses(components().remove_many(&mut world, ship, &["Children"]), "`Children` is written by the world");
    refuses(components().remove_everywhere(&mut world, "Parent"), "`Parent` is written by the world alone");
    refuses(components().remove_everywhere(&mut world, "Sail"), "not registered");
    let gone = stale(&mut world);
    refuses(components().remove(&mut world, gone, "Hull"), "does not live");
    refuses(components().remove_many(&mut world, gone, &["Hull"]), "does not live");
}

#[test]
fn components_are_copied_counted_and_compared() {
    let mut world = new_world();
    let (a, b) = (world.spawn((at(1.0),)), world.spawn(()));
    components().copy(&mut world, a, b, "Position").unwrap();
    assert_eq!(components().count(&world, "Position").unwrap(), 2);
    assert_eq!(entities(&world, "Position"), [a, b]);
    world.get_mut::<Position>(b).unwrap().x = 5.0;
    let differences = components().compare(&world, a, b, "Position").unwrap();
    assert_eq!(differences.len(), 1);
    assert_eq!(differences[0].path, ".x");
    components().transfer(&mut world, b, a, "Position").unwrap();
    components().transfer(&mut world, a, a, "Position").unwrap();
    assert_eq!(entities(&world, "Position"), [a]);
    assert_eq!(world.get::<Position>(a).unwrap().x, 5.0);

    let gone = stale(&mut world);
    refuses(components().copy(&mut world, a, gone, "Position"), "does not live");
    refuses(components().copy(&mut world, b, a, "Position"), "has no component `Position`");
    refuses(components().transfer(&mut world, a, gone, "Position"), "does not live");
    assert_eq!(entities(&world, "Position"), [a]);
    refuses(components().count(&world, "Sail"), "not registered");
    refuses(components().entities_with(&world, "Eaten"), "`Eaten` is an event");
    refuses(components().compare(&world, a, b, "Position"), "has no component `Position`");
}

fn entities(world: &World, name: &str) -> Vec<Entity> {
    components().entities_with(world, name).unwrap()
}
