//! Reading and writing a world by paths, and making values of names.

use std::collections::BTreeMap;
use std::sync::Arc;

use keel_ecs::{
    EcsError, Entity, ModelTypeInfo, ModelTypeKind, PreparedPath, PreparedTerms, World, component, event,
    resource,
};
use keel_module_macros::data;
use keel_state::{TypeRef, Value};

#[data(crate = keel_state)]
#[derive(Clone, Debug, Default, PartialEq)]
struct Vector {
    /// To the east.
    x: f32,
    y: f32,
}

/// Where a ship is.
///
/// In fathoms.
#[component(crate = keel_ecs)]
#[derive(Clone, Debug, Default, PartialEq)]
struct Place {
    at: Vector,
    /// How deep.
    #[keel(default = 2.5)]
    depth: f64,
    target: Option<Entity>,
}

/// What a crew feels.
#[component(crate = keel_ecs)]
#[derive(Clone, Debug, Default, PartialEq)]
enum Mood {
    #[default]
    Calm,
    /// Of something.
    Afraid {
        /// Since which step.
        since: u32,
        of: String,
    },
}

#[component(crate = keel_ecs)]
#[derive(Clone, Debug, Default, PartialEq)]
struct Frozen;

#[component(crate = keel_ecs)]
#[derive(Clone, Debug, PartialEq)]
struct Hull {
    plates: Vec<u8>,
    scores: BTreeMap<String, u32>,
    #[keel(skip)]
    cache: u8,
}

#[resource(crate = keel_ecs)]
#[derive(Clone, Debug, Default, PartialEq)]
struct Tide {
    level: f32,
    names: Vec<String>,
}

#[event(crate = keel_ecs)]
#[derive(Clone, Debug, PartialEq)]
struct Called {
    by: Entity,
    loud: u8,
    how: Manner,
}

/// It has no default.
#[data(crate = keel_state)]
#[derive(Clone, Debug, PartialEq)]
enum Manner {
    Aloud,
    Low,
}

fn new_world() -> World {
    let mut world = World::new();
    let types = [
        ModelTypeInfo::component::<Place>(),
        ModelTypeInfo::component::<Mood>(),
        ModelTypeInfo::component::<Frozen>(),
        ModelTypeInfo::component::<Hull>(),
        ModelTypeInfo::resource::<Tide>(),
        ModelTypeInfo::event::<Called>(),
    ];
    types.into_iter().try_for_each(|info| world.register(info)).unwrap();
    world
}

fn place(x: f32) -> Place {
    Place { at: Vector { x, y: 0.0 }, depth: 1.0, target: None }
}

fn hull() -> Hull {
    Hull { plates: vec![1, 2, 3], scores: [("anna".to_owned(), 3)].into(), cache: 9 }
}

#[track_caller]
fn refuses<T>(result: Result<T, EcsError>, expected: &str) {
    let error = result.err().expect("the call was accepted").to_string();
    assert!(error.contains(expected), "{error}\nlacks: {expected}");
}

#[test]
fn components_are_read_and_written_by_paths() {
    let mut world = new_world();
    let ship = world.spawn((place(1.5), Mood::Afraid { since: 3, of: "reefs".to_owned() }, hull()));
    assert_eq!(world.read_path::<f32>(ship, "Place.at.x").unwrap(), 1.5);
    assert_eq!(world.read_path::<f64>(ship, "Place.at.x").unwrap(), 1.5);
    assert_eq!(world.read_path::<Option<Entity>>(ship, "Place.target").unwrap(), None);
    assert_eq!(world.read_path::<String>(ship, "Mood").unwrap(), "Afraid");
    assert_eq!(world.read_path::<String>(ship, "Mood.Afraid.of").unwrap(), "reefs");
    assert_eq!(world.read_path::<u8>(ship, "Hull.plates[2]").unwrap(), 3);
    assert_eq!(world.read_path::<u64>(ship, "Hull.scores[\"anna\"]").unwrap(), 3);

    world.write_path(ship, "Place.at.x", 7).unwrap();
    world.write_path(ship, "Place.target", ship).unwrap();
    world.write_path(ship, "Mood", "Calm").unwrap();
    world.write_path(ship, "Hull.plates", [4, 5].as_slice()).unwrap();
    world.write_path(ship, "Hull.scores[\"otto\"]", 4).unwrap();
    assert_eq!(*world.get::<Place>(ship).unwrap(), Place { target: Some(ship), ..place(7.0) });
    assert_eq!(*world.get::<Mood>(ship).unwrap(), Mood::Calm);
    let scores = [("anna".to_owned(), 3), ("otto".to_owned(), 4)].into();
    assert_eq!(*world.get::<Hull>(ship).unwrap(), Hull { plates: vec![4, 5], scores, cache: 9 });
    assert_eq!(world.read_path::<Entity>(ship, "Place.target").unwrap(), ship);
}

#[test]
fn texts_and_bytes_are_shown_without_a_copy() {
    let mut world = new_world();
    let ship = world.spawn((hull(),));
    let stored = world.get::<Hull>(ship).unwrap().plates.as_ptr();
    let shown = world.prepare_path("Hull.plates").unwrap().with(&world, ship, |value| match value {
        keel_state::ValueRef::Bytes(bytes) => bytes.as_ptr(),
        other => panic!("{other:?}"),
    });
    assert_eq!(shown.unwrap(), stored);
}

#[test]
fn resources_are_read_and_written_by_paths() {
    let mut world = new_world();
    refuses(world.read_resource_path::<f32>("Tide.level"), "the world has no resource `Tide`");
    world.insert_resource(Tide { level: 0.5, names: vec!["ebb".to_owned()] }).unwrap();
    assert_eq!(world.read_resource_path::<f32>("Tide.level").unwrap(), 0.5);
    assert_eq!(
        world.read_resource_path::<Value>("Tide").unwrap().to_string(),
        r#"Tide { level: 0.5, names: ["ebb"] }"#
    );
    world.write_resource_path("Tide.level", 2).unwrap();
    world.write_resource_path("Tide.names", &Value::from(vec!["flood"])).unwrap();
    assert_eq!(*world.resource::<Tide>().unwrap(), Tide { level: 2.0, names: vec!["flood".to_owned()] });
    let borrowed = world.resource::<Tide>().unwrap();
    refuses(world.write_resource_path("Tide.level", 1), "`Tide` is in use elsewhere");
    drop(borrowed);
}

#[test]
fn what_leads_nowhere_or_does_not_fit_is_refused_with_the_next_step() {
    let mut world = new_world();
    let (ship, bare) = (world.spawn((place(1.0),)), world.spawn(()));
    let gone = world.spawn((place(1.0),));
    world.despawn(gone).unwrap();
    refuses(world.read_path::<f32>(gone, "Place.at.x"), "does not live in this world");
    refuses(world.read_path::<f32>(bare, "Place.at.x"), "has no component `Place`");
    refuses(world.write_path(gone, "Place.at.x", 1), "does not live in this world");
    refuses(world.write_path(bare, "Place.at.x", 1), "has no component `Place`");
    refuses(world.read_path::<f32>(ship, "Sail.x"), "type `Sail` is not registered");
    refuses(
        world.read_path::<f32>(ship, "Place.z"),
        "`Place` (Place) has no field `z`; there are at, depth, target",
    );
    refuses(world.read_path::<f32>(ship, "Place..z"), "`Place..z` is no path");
    refuses(world.read_path::<f32>(ship, "Tide.level"), "`Tide` is a resource, a component was expected");
    refuses(world.write_path(ship, "Tide.level", 1), "`Tide` is a resource, a component was expected");
    refuses(
        world.read_resource_path::<f32>("Place.depth"),
        "`Place` is a component, a resource was expected",
    );
    refuses(world.write_resource_path("Place.depth", 1), "`Place` is a component, a resource was expected");
    refuses(world.read_path::<u8>(ship, "Called.loud"), "`Called` is an event, a component was expected");
    refuses(
        world.read_path::<u8>(ship, "Place.at"),
        "Place.at is Vector; Vector { x: 1.0, y: 0.0 } is no u8",
    );
    refuses(
        world.write_path(ship, "Place.depth", "deep"),
        "Place.depth is f64; found text \"deep\"; write a number",
    );
    assert_eq!(*world.get::<Place>(ship).unwrap(), place(1.0));
    // By way of the bytes where there is nothing, and in place where there is.
    refuses(world.write_path(ship, "Place.target", 0), "0 in the high half is no entity id");
    world.write_path(ship, "Place.target", ship).unwrap();
    refuses(world.write_path(ship, "Place.target", 0), "Place.target is Entity; 0 does not fit");
}

#[test]
fn what_the_world_has_an_index_of_is_not_written_in_place() {
    let mut world = new_world();
    let ship = world.spawn(());
    world.set_name(ship, Some("Keel")).unwrap();
    let child = world.spawn_child(ship, ()).unwrap();
    assert_eq!(world.read_path::<String>(ship, "Name.text").unwrap(), "Keel");
    refuses(world.write_path(ship, "Name.text", "Mast"), "`Name` is not changed in place");
    refuses(world.write_path(child, "Parent.entity", child), "`Parent` is written by the world alone");
    assert_eq!(world.find("Keel"), Some(ship));
}

#[test]
#[should_panic = "already borrowed"]
fn what_a_query_writes_is_not_written_by_a_path() {
    let mut world = new_world();
    let ship = world.spawn((place(1.0),));
    let _held = world.get_mut::<Place>(ship).unwrap();
    let _ = world.write_path(ship, "Place.depth", 1);
}

mod changed {
    //! `Place` as another build of its crate declares it.

    #[keel_ecs::component(crate = keel_ecs)]
    #[derive(Default)]
    pub(super) struct Place {
        pub(super) added: [u64; 3],
        pub(super) depth: f32,
    }
}

#[test]
fn a_prepared_path_meets_other_worlds_and_other_types() {
    let mut depth = PreparedPath::parse("Place.depth").unwrap();
    let mut at = PreparedPath::parse("Place.at.x").unwrap();
    refuses(depth.read::<f64>(&World::new(), Entity::DANGLING), "type `Place` is not registered");
    let (mut one, mut other) = (new_world(), World::new());
    let ship = one.spawn((place(1.0),));
    other.register(ModelTypeInfo::component::<changed::Place>()).unwrap();
    let changed = other.spawn((changed::Place { added: [7; 3], depth: 8.0 },));
    for _ in 0..3 {
        assert_eq!(depth.read::<f64>(&one, ship).unwrap(), 1.0);
        assert_eq!(depth.read::<f64>(&other, changed).unwrap(), 8.0);
        assert_eq!(at.read::<f32>(&one, ship).unwrap(), 1.0);
        refuses(at.read::<f32>(&other, changed), "`Place` (Place) has no field `at`; there are added, depth");
    }
    // As at a swap: the same type, registered by other code.
    one.register(ModelTypeInfo::component::<Place>()).unwrap();
    assert_eq!(depth.read::<f64>(&one, ship).unwrap(), 1.0);
    depth.write(&one, ship, 3).unwrap();
    assert_eq!(one.get::<Place>(ship).unwrap().depth, 3.0);
}

#[test]
fn worlds_with_the_same_registrations_share_what_was_looked_up() {
    let info = Arc::new(ModelTypeInfo::component::<Place>());
    let mut depth = PreparedPath::parse("Place.depth").unwrap();
    let worlds: Vec<_> = (0..3)
        .map(|at| {
            let mut world = World::new();
            world.register(Arc::clone(&info)).unwrap();
            let ship = world.spawn((Place { depth: f64::from(at), ..place(0.0) },));
            (world, ship)
        })
        .collect();
    for (at, (world, ship)) in worlds.iter().enumerate() {
        assert_eq!(depth.read::<usize>(world, *ship).unwrap(), at);
    }
}

#[test]
fn values_are_made_of_names() {
    let mut world = new_world();
    let ship = world.spawn(());
    let at = Value::named([("x", 2.into())]);
    world.insert_named(ship, "Place", &[("at", at)]).unwrap();
    // What is not named has the default that its field says, or that of its type.
    assert_eq!(*world.get::<Place>(ship).unwrap(), Place { depth: 2.5, ..place(2.0) });
    let fields = [("since", 3.into()), ("of", "sharks".into())];
    let afraid = world.value_of("Mood", &Value::variant("Afraid", fields)).unwrap();
    world.insert_values(ship, &[keel_ecs::ComponentValue::new("Mood", afraid)]).unwrap();
    assert_eq!(*world.get::<Mood>(ship).unwrap(), Mood::Afraid { since: 3, of: "sharks".to_owned() });
    let other = world.spawn_named(&[("Frozen", &[]), ("Place", &[("depth", 1.into())])]).unwrap();
    assert_eq!(world.read_path::<f32>(other, "Place.depth").unwrap(), 1.0);
    world.insert_resource_named("Tide", &[("level", 0.25.into())]).unwrap();
    assert_eq!(world.resource::<Tide>().unwrap().level, 0.25);
    world.send_named("Called", &[("by", ship.into()), ("how", "Low".into())]).unwrap();
    assert_eq!(world.event_count("Called").unwrap().sent, 1);

    let hash = world.hash().unwrap();
    refuses(
        world.insert_named(ship, "Place", &[("z", 1.into())]),
        "has no field `z`; there are at, depth, target",
    );
    refuses(
        world.insert_named(ship, "Place", &[("depth", "x".into())]),
        "Place.depth is f64; found text \"x\"",
    );
    let needs = |fields: &[(&str, Value)]| world.send_named("Called", fields);
    refuses(needs(&[("by", ship.into())]), "`Called` needs its field `how` (Manner), which has no default");
    refuses(
        needs(&[("how", "Loud".into())]),
        "`Called.how` (Manner) has no variant `Loud`; there are Aloud, Low",
    );
    refuses(
        needs(&[("by", ship.into()), ("how", "Aloud".into()), ("loud", 300.into())]),
        "Called.loud is u8; 300 does not fit; write a whole number from 0 to 255",
    );
    refuses(world.insert_named(ship, "Parent", &[]), "`Parent`");
    refuses(world.spawn_named(&[("Sail", &[])]), "type `Sail` is not registered");
    assert_eq!(world.hash().unwrap(), hash);
}

#[test]
fn rows_of_a_query_by_name_are_read_by_paths() {
    let mut world = new_world();
    let plain = world.spawn((place(1.0),));
    world.spawn((place(2.0), Frozen));
    let moody = world.spawn((place(3.0), Mood::Afraid { since: 4, of: "x".to_owned() }));
    let mut terms = PreparedTerms::new("Place, !Frozen, ?Mood".parse().unwrap());
    let mut paths =
        ["Place.at.x", "Mood.Afraid.since", "Place.at"].map(|path| PreparedPath::parse(path).unwrap());
    let mut found = Vec::new();
    let count = terms.for_each_row(&world, &mut paths, |row| {
        assert_eq!(row.get(2), None, "what has parts is no place of its own");
        let (x, at): (f32, Value) = (row.read(0).unwrap(), row.read(2).unwrap());
        found.push((row.entity(), x, row.read::<u32>(1).ok(), at.to_string()));
        if row.entity() == plain {
            refuses(row.read::<u32>(1), "has no component `Mood`");
        }
    });
    assert_eq!(count.unwrap(), 2);
    let shown = |x: f32| format!("Vector {{ x: {x:?}, y: 0.0 }}");
    assert_eq!(found, [(plain, 1.0, None, shown(1.0)), (moody, 3.0, Some(4), shown(3.0))]);

    let mut wrong = [PreparedPath::parse("Tide.level").unwrap()];
    refuses(
        terms.for_each_row(&world, &mut wrong, |_| panic!()),
        "`Tide` is a resource, a component was expected",
    );
    let mut wrong = [PreparedPath::parse("Place.z").unwrap()];
    refuses(terms.for_each_row(&world, &mut wrong, |_| panic!()), "has no field `z`");
}

#[test]
fn types_are_told_with_fields_docs_defaults_and_offsets() {
    let world = new_world();
    let place = world.reflect("Place").unwrap();
    assert_eq!(
        (place.kind, place.doc.as_str()),
        (ModelTypeKind::Component, "Where a ship is.\n\nIn fathoms.")
    );
    assert_eq!(place.size, size_of::<Place>());
    let fields: Vec<_> = place.fields().iter().map(|it| (&*it.name, &*it.type_name, &*it.doc)).collect();
    let expected = [("at", "Vector", ""), ("depth", "f64", "How deep."), ("target", "Option<u64>", "")];
    assert_eq!(fields, expected);
    assert_eq!(place.fields()[1].offset, Some(std::mem::offset_of!(Place, depth)));
    assert_eq!(place.fields()[1].default, Some(2.5.into()));
    let TypeRef::Named(vector) = place.fields()[0].ty else { panic!() };
    let vector = &place.types[vector as usize];
    assert_eq!((&*vector.name, &*vector.variants[0].fields[0].doc), ("Vector", "To the east."));
    assert_eq!(vector.variants[0].fields[1].offset, Some(std::mem::offset_of!(Vector, y)));

    let mood = world.reflect("Mood").unwrap();
    let named = mood.named().unwrap();
    assert_eq!((&*named.doc, &*named.variants[1].doc), ("What a crew feels.", "Of something."));
    assert_eq!(
        (&*named.variants[1].fields[0].doc, named.variants[1].fields[0].offset),
        ("Since which step.", None)
    );
    assert_eq!(mood.default.unwrap().to_string(), "Calm");
    let called = world.reflect("Called").unwrap();
    assert_eq!((called.kind, &*called.fields()[0].type_name), (ModelTypeKind::Event, "Entity"));
    assert_eq!(called.default, None);
    assert_eq!(world.reflect_all().len(), 11);
    refuses(world.reflect("Sail"), "type `Sail` is not registered");
}

#[test]
fn a_doc_comment_is_no_part_of_a_type() {
    mod documented {
        /// Something.
        #[keel_module_macros::data(crate = keel_state)]
        pub(super) struct Same {
            /// A number.
            pub(super) x: f32,
        }
    }
    mod bare {
        #[keel_module_macros::data(crate = keel_state)]
        pub(super) struct Same {
            pub(super) x: f32,
        }
    }
    let (one, other) =
        (keel_state::LiveSchema::of::<documented::Same>(), keel_state::LiveSchema::of::<bare::Same>());
    assert_eq!((one.type_doc(0), one.field_doc(0, 0, 0), other.type_doc(0)), ("Something.", "A number.", ""));
    assert_eq!((one.schema(), one.unseen_hash()), (other.schema(), other.unseen_hash()));
    let _ = (documented::Same { x: 0.0 }.x, bare::Same { x: 0.0 }.x);
}
