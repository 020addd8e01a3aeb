//! The calls of the reflection view.

use keel::ecs::{Commands, ComponentDefinition, Entity, PreparedTerms, ReflectionView};
use keel::state::Value;
use keel::types::ComponentId;

use crate::{Hull, Position, Tide, Velocity, at, new_world, refuses, saved, stale, view};

fn reflection() -> &'static dyn ReflectionView {
    view::<dyn ReflectionView>()
}

#[test]
fn types_are_told() {
    let world = new_world();
    let names: Vec<_> = reflection().types(&world).into_iter().map(|it| it.name).collect();
    let games =
        ["Called", "Chart", "Children", "Eaten", "Hull", "Name", "Parent", "Position", "Tide", "Velocity"];
    assert_eq!(names, [&games[..], &["keel.PrefabPart", "keel.Prefabs"]].concat());
    let hull = reflection().info(&world, "Hull").unwrap();
    assert_eq!((&*hull.doc, hull.default), ("It has no default.", None));
    refuses(reflection().info(&world, "Sail"), "type `Sail` is not registered");
}

#[test]
fn components_are_read_and_written_by_paths() {
    let mut world = new_world();
    let ship = world.spawn((at(1.0), Hull { plates: vec![7, 8] }));
    assert_eq!(reflection().read(&world, ship, "Position.x").unwrap(), 1.0_f32.into());
    assert_eq!(reflection().read(&world, ship, "Hull.plates[1]").unwrap(), 8_u8.into());
    reflection().write(&mut world, ship, "Position.x", &3.into()).unwrap();
    reflection().write(&mut world, ship, "Hull.plates", &vec![1].into()).unwrap();
    assert_eq!(*world.get::<Position>(ship).unwrap(), at(3.0));
    assert_eq!(world.get::<Hull>(ship).unwrap().plates, [1]);
    let mut x = reflection().prepare(&world, "Position.x").unwrap();
    assert_eq!(x.read::<f32>(&world, ship).unwrap(), 3.0);

    let gone = stale(&mut world);
    refuses(reflection().read(&world, gone, "Position.x"), "does not live");
    refuses(reflection().read(&world, ship, "Velocity.x"), "has no component `Velocity`");
    refuses(reflection().read(&world, ship, "Tide.level"), "`Tide` is a resource");
    refuses(reflection().prepare(&world, "Position.z"), "has no field `z`; there are x, y");
    refuses(reflection().prepare(&world, "Position["), "is no path");
    let wrong = reflection().write(&mut world, ship, "Position.x", &"abc".into());
    refuses(wrong, "Position.x is f32; found text \"abc\"; write a number");
}

#[test]
fn resources_are_read_and_written_by_paths() {
    let mut world = new_world();
    refuses(reflection().read_resource(&world, "Tide.level"), "no resource `Tide`");
    reflection().insert_resource(&mut world, "Tide", &Value::named([("level", 1.into())])).unwrap();
    assert_eq!(reflection().read_resource(&world, "Tide.level").unwrap(), 1.0_f32.into());
    reflection().write_resource(&mut world, "Tide.level", &0.5.into()).unwrap();
    assert_eq!(*world.resource::<Tide>().unwrap(), Tide { level: 0.5 });
    refuses(reflection().write_resource(&mut world, "Position.x", &1.into()), "`Position` is a component");
    refuses(reflection().insert_resource(&mut world, "Tide", &1.into()), "Tide is Tide; found 1");
}

#[test]
fn values_are_made_of_names() {
    let mut world = new_world();
    let fields = Value::named([("x", 2.into())]);
    assert_eq!(reflection().make(&world, "Position", &fields).unwrap(), saved(&at(2.0)));
    let ship = reflection().spawn(&mut world, &[("Position", fields.clone())]).unwrap();
    assert_eq!(*world.get::<Position>(ship).unwrap(), at(2.0));
    reflection().insert(&mut world, ship, "Velocity", &fields).unwrap();
    assert_eq!(world.get::<Velocity>(ship).unwrap().x, 2.0);
    reflection().send(&world, "Eaten", &Value::named([("by", 3.into())])).unwrap();
    assert_eq!(world.event_count("Eaten").unwrap().sent, 1);

    let count = world.len();
    refuses(reflection().spawn(&mut world, &[("Hull", fields.clone())]), "`Hull` (Hull) has no field `x`");
    refuses(reflection().insert(&mut world, Entity::DANGLING, "Velocity", &fields), "does not live");
    refuses(reflection().insert(&mut world, ship, "Tide", &Value::named([])), "`Tide` is a resource");
    refuses(reflection().send(&world, "Eaten", &Value::named([("by", (-1).into())])), "Eaten.by is u64; -1");
    assert_eq!((world.len(), world.event_count("Eaten").unwrap().sent), (count, 1));
}

#[test]
fn components_are_defined_at_run_time() {
    let mut world = new_world();
    let health = ComponentDefinition::parse("struct Health { left: f32, log: Vec<String> }").unwrap();
    assert_eq!(reflection().define(&mut world, &health).unwrap(), ComponentId::of("Health"));
    let fields = Value::named([("left", 2.into())]);
    let ship =
        reflection().spawn(&mut world, &[("Health", fields.clone()), ("Position", fields_of(1))]).unwrap();
    reflection().write(&mut world, ship, "Health.log", &vec!["hit"].into()).unwrap();
    assert_eq!(reflection().read(&world, ship, "Health.log[0]").unwrap(), "hit".into());
    assert!(reflection().info(&world, "Health").unwrap().is_defined);
    let defined = reflection().definitions(&world);
    assert_eq!(defined.iter().map(|it| it.name()).collect::<Vec<_>>(), ["Health"]);

    let taken = ComponentDefinition::parse("struct Position { x: u8 }").unwrap();
    refuses(reflection().define(&mut world, &taken), "a module registers a component of that name");
    let poorer = ComponentDefinition::parse("struct Health { left: f32 }").unwrap();
    refuses(reflection().define(&mut world, &poorer), "`Health.log` of type Vec<String> is gone");
    let mut commands = Commands::new();
    commands.define_component(poorer.accept_losses());
    assert!(commands.apply(&mut world).is_empty());
    assert_eq!(reflection().info(&world, "Health").unwrap().fields().len(), 1);
}

fn fields_of(x: i32) -> Value {
    Value::named([("x", x.into())])
}

#[test]
fn rows_are_read_by_paths() {
    let mut world = new_world();
    let (slow, fast) = (world.spawn((at(1.0),)), world.spawn((at(2.0), Velocity { x: 5.0, y: 0.0 })));
    let mut terms = PreparedTerms::new("Position".parse().unwrap());
    let mut paths = ["Position.x", "Velocity.x"].map(|path| reflection().prepare(&world, path).unwrap());
    let rows = reflection().rows(&world, &mut terms, &mut paths).unwrap();
    let found: Vec<_> = rows.into_iter().map(|row| (row.entity, row.values)).collect();
    let number = |value: f32| Some(Value::from(value));
    assert_eq!(found, [(slow, vec![number(1.0), None]), (fast, vec![number(2.0), number(5.0)])]);
    let mut unknown = PreparedTerms::new("Sail".parse().unwrap());
    refuses(reflection().rows(&world, &mut unknown, &mut paths), "type `Sail` is not registered");
}
