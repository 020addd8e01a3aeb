//! Components that no Rust type stands behind.

use std::sync::Arc;

use keel_ecs::{
    Component, ComponentDefinition, EcsError, Entity, ModelTypeInfo, ModelTypeKind, Prefab, PreparedPath,
    PreparedTerms, QueryTerms, StorageKind, World, WorldConversion, component,
};
use keel_state::Value;

use crate::{Frozen, Position, at, new_world, restore, save, through_a_file, types};

const HEALTH: &str = "struct Health { left: f32, of: Kind, log: Vec<String>, seen: Map<String, u8> }
                      enum Kind { Wood, Iron { rust: u16 } }";

/// The same component, as a module has it: in a set, and in a column.
mod as_set {
    #[keel_ecs::component(crate = keel_ecs, sparse)]
    #[derive(Clone, Debug, Default, PartialEq)]
    pub(super) struct Speed {
        pub(super) knots: f32,
        pub(super) crew: Vec<String>,
    }
}

mod as_column {
    #[keel_ecs::component(crate = keel_ecs)]
    #[derive(Clone, Debug, Default, PartialEq)]
    pub(super) struct Speed {
        pub(super) knots: f64,
        pub(super) crew: Vec<String>,
        #[keel(default = 7)]
        pub(super) masts: u8,
    }
}

mod poorer {
    #[keel_ecs::component(crate = keel_ecs)]
    #[derive(Clone, Debug, Default, PartialEq)]
    pub(super) struct Speed {
        pub(super) knots: f32,
    }
}

const SPEED: &str = "struct Speed { knots: f32, crew: Vec<String> }";

fn definition(text: &str) -> ComponentDefinition {
    ComponentDefinition::parse(text).unwrap()
}

fn health() -> ComponentDefinition {
    definition(HEALTH).with_default(&Value::named([("of", "Wood".into()), ("left", 100.into())])).unwrap()
}

/// A world that knows it, and a ship that has it.
fn world_of(definition: &ComponentDefinition) -> (World, Entity) {
    let mut world = new_world();
    world.define_component(definition).unwrap();
    let ship = world.spawn((at(1.0),));
    world.insert_named(ship, definition.name(), &[]).unwrap();
    (world, ship)
}

fn shown(world: &World, entity: Entity, name: &str) -> String {
    world.value(entity, name).unwrap().display().unwrap()
}

fn with<T: Component>() -> Vec<Arc<ModelTypeInfo>> {
    types().into_iter().chain([ModelTypeInfo::component::<T>()]).map(Arc::new).collect()
}

#[track_caller]
fn check_refused(result: Result<impl Sized, EcsError>, expected: &str) {
    let error = result.err().expect("it is refused").to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn a_defined_component_is_made_of_names_and_changed_by_path() {
    let (mut world, ship) = world_of(&health());
    assert_eq!(shown(&world, ship, "Health"), "Health { left: 100.0, of: Wood, log: [], seen: {} }");
    world.write_path(ship, "Health.left", 3).unwrap();
    world.write_path(ship, "Health.log", &Value::from(vec!["hit", "sunk"])).unwrap();
    world.write_path(ship, "Health.log[1]", "saved").unwrap();
    world.write_path(ship, "Health.seen[\"shark\"]", 2).unwrap();
    world.write_path(ship, "Health.of", &Value::variant("Iron", [("rust", 4.into())])).unwrap();
    world.write_path(ship, "Health.of.Iron.rust", 5).unwrap();
    assert_eq!(
        shown(&world, ship, "Health"),
        "Health { left: 3.0, of: Iron { rust: 5 }, log: [\"hit\", \"saved\"], seen: {\"shark\": 2} }"
    );
    assert_eq!(world.read_path::<f64>(ship, "Health.left").unwrap(), 3.0);
    assert_eq!(world.read_path::<u16>(ship, "Health.of.Iron.rust").unwrap(), 5);
    assert_eq!(world.read_path::<u8>(ship, "Health.seen[\"shark\"]").unwrap(), 2);
    assert_eq!(world.read_path::<String>(ship, "Health.log[1]").unwrap(), "saved");
    world.insert_named(ship, "Health", &[("left", 8.into())]).unwrap();
    assert_eq!(world.read_path::<u8>(ship, "Health.left").unwrap(), 8);
    let boat = world.spawn_named(&[("Health", &[]), ("Position", &[("x", 2.into())])]).unwrap();
    assert!(world.has::<Position>(boat) && world.has_named(boat, "Health").unwrap());
    let taken = world.remove_value(ship, "Health").unwrap();
    assert_eq!(taken.value().unwrap().to_string(), "Health { left: 8.0, of: Wood, log: [], seen: {} }");
    assert!(!world.has_named(ship, "Health").unwrap());
    check_refused(world.read_path::<f32>(ship, "Health.left"), "has no component `Health`");
    world.despawn(boat).unwrap();
    let next = world.spawn(());
    assert_eq!(next.index(), boat.index());
    assert!(!world.has_named(next, "Health").unwrap(), "a value goes with its entity");
    check_refused(world.read_path::<f32>(boat, "Health.left"), "does not live");
}

#[test]
fn what_does_not_fit_a_defined_component_is_refused_with_what_to_write() {
    let (mut world, ship) = world_of(&health());
    let before = world.hash().unwrap();
    check_refused(
        world.write_path(ship, "Health.left", "low"),
        "Health.left is f32; found text \"low\"; write a number",
    );
    check_refused(
        world.write_path(ship, "Health.right", 1),
        "has no field `right`; there are left, of, log, seen",
    );
    check_refused(
        world.write_path(ship, "Health.of", "Stone"),
        "has no variant `Stone`; there are Wood, Iron",
    );
    check_refused(world.write_path(ship, "Health.of.Iron.rust", 1), "is Wood now, not Iron");
    check_refused(world.write_path(ship, "Health.seen[\"a\"]", 256), "256 does not fit");
    check_refused(world.insert_named(ship, "Health", &[("hull", 1.into())]), "has no field `hull`");
    check_refused(world.read_path::<u32>(ship, "Health.of"), "is no u32");
    assert_eq!(world.hash().unwrap(), before, "nothing has changed");
    let other = world.value_of("Position", &Value::named([])).unwrap();
    let other = keel_ecs::ComponentValue::new("Health", other);
    assert!(matches!(world.insert_values(ship, &[other]), Err(EcsError::WrongSchema { .. })));
}

#[test]
fn a_prepared_path_reads_and_writes_where_the_bytes_lie() {
    let (world, ship) = world_of(&health());
    let mut left = PreparedPath::parse("Health.left").unwrap();
    assert!(left.is_direct(&world).unwrap());
    for step in 0..3 {
        left.write(&world, ship, step).unwrap();
        assert_eq!(left.read::<i64>(&world, ship).unwrap(), step);
    }
    let mut of = world.prepare_path("Health.of").unwrap();
    assert_eq!(of.read::<String>(&world, ship).unwrap(), "Wood");
    // In a world where a Rust type has the name it leads to that.
    let mut other = new_world();
    other.register(ModelTypeInfo::component::<as_set::Speed>()).unwrap();
    let boat = other.spawn((as_set::Speed { knots: 2.5, ..as_set::Speed::default() },));
    let (defined, sloop) = world_of(&definition(SPEED));
    let mut knots = PreparedPath::parse("Speed.knots").unwrap();
    knots.write(&defined, sloop, 4).unwrap();
    assert_eq!(knots.read::<f32>(&defined, sloop).unwrap(), 4.0);
    assert_eq!(knots.read::<f32>(&other, boat).unwrap(), 2.5);
    assert_eq!(knots.read::<f32>(&defined, sloop).unwrap(), 4.0);
}

#[test]
fn queries_of_text_find_it_as_any_other() {
    let (mut world, ship) = world_of(&health());
    let frozen = world.spawn((at(2.0), Frozen));
    world.insert_named(frozen, "Health", &[("left", 1.into())]).unwrap();
    let whale = world.spawn((at(3.0),));
    let found = |text: &str| world.entities_matching(&text.parse::<QueryTerms>().unwrap()).unwrap();
    assert_eq!(found("Position, Health"), [ship, frozen]);
    assert_eq!(found("Position, Health, !Frozen"), [ship]);
    assert_eq!(found("Position, !Health"), [whale]);
    assert_eq!(found("(Health|Frozen)"), [ship, frozen]);
    assert_eq!(found("Position, ?Health"), [ship, whale, frozen]);
    let terms: QueryTerms = "Position, ?Health".parse().unwrap();
    assert_eq!(world.row(&terms, whale).unwrap().components[1], None);
    assert!(world.row(&terms, ship).unwrap().components[1].is_some());
    let mut prepared = PreparedTerms::new("Health, Position".parse().unwrap());
    let mut paths = ["Health.left", "Position.x"].map(|path| PreparedPath::parse(path).unwrap());
    let mut rows = Vec::new();
    prepared
        .for_each_row(&world, &mut paths, |row| {
            rows.push((row.entity(), row.read::<f32>(0).unwrap(), row.read::<f32>(1).unwrap()));
        })
        .unwrap();
    assert_eq!(rows, [(ship, 100.0, 1.0), (frozen, 1.0, 2.0)]);
}

#[test]
fn it_is_listed_among_the_types() {
    let (world, _) = world_of(&health().with_doc("What it can take."));
    let told = world.reflect("Health").unwrap();
    assert!(told.is_defined && !world.reflect("Position").unwrap().is_defined);
    assert_eq!((told.kind, told.doc.as_str()), (ModelTypeKind::Component, "What it can take."));
    let left = &told.fields()[0];
    assert_eq!((left.name.as_str(), left.type_name.as_str(), left.offset), ("left", "f32", None));
    assert_eq!(left.default, Some(Value::F32(100_f32.to_bits())));
    assert!(world.reflect_all().iter().any(|it| it.name == "Health"));
    assert!(world.type_summaries().iter().any(|it| it.name == "Health"));
    assert_eq!(world.component_named("Health").unwrap().storage(), StorageKind::Sparse);
    assert_eq!(world.definitions().map(|it| it.name()).collect::<Vec<_>>(), ["Health"]);
    let default = world.default_of("Health").unwrap();
    assert_eq!(default.display().unwrap(), "Health { left: 100.0, of: Wood, log: [], seen: {} }");
    let statistics = world.statistics();
    assert!(statistics.sparse.iter().any(|it| it.component == "Health" && it.entities == 1));
}

#[test]
fn a_definition_that_is_none_is_refused() {
    for name in ["", "a b", "a.b", "a|b", "!a", "a,b", "a[0]", "(a"] {
        let schema = "struct A".parse().unwrap();
        check_refused(ComponentDefinition::new(name, schema), "that is no name; write letters, digits");
    }
    assert!(ComponentDefinition::new("lua:Größe-2", "struct A".parse().unwrap()).is_ok());
    check_refused(ComponentDefinition::parse("struct A { x: f33 }"), "line 1: `f33` is no type");
    check_refused(
        ComponentDefinition::parse("struct A { a: A }"),
        "`A` can't be defined: no value of `A` ends",
    );
    check_refused(ComponentDefinition::parse("Vec<u8>"), "no name; write letters");
    let none = definition("struct A { x: u8 }").with_default(&Value::named([("x", 256.into())]));
    check_refused(none, "A.x is u8; 256 does not fit");
}

#[test]
fn a_name_that_a_module_has_is_taken_unless_it_means_the_same() {
    let mut world = new_world();
    let taken = world.define_component(&definition("struct Position { x: f64 }")).unwrap_err();
    assert!(matches!(&taken, EcsError::NameTaken { kind: ModelTypeKind::Component, .. }));
    let text = taken.to_string();
    assert!(text.contains("x: f64") && text.contains("y: f32"), "both are named: {text}");
    check_refused(
        world.define_component(&definition("struct Tide { level: i64 }")),
        "a module registers a resource",
    );
    check_refused(
        world.define_component(&definition("struct Eaten { by: i64 }")),
        "a module registers an event",
    );
    let same = definition("struct Position { x: f32, y: f32 }");
    assert_eq!(world.define_component(&same).unwrap(), Position::ID);
    assert!(!world.reflect("Position").unwrap().is_defined, "the module's type stands for it");
}

#[test]
fn defined_again_it_stays_or_its_values_migrate() {
    let (mut world, ship) = world_of(&definition("struct Speed { knots: f32, crew: Vec<String> }"));
    world.write_path(ship, "Speed.knots", 2.5).unwrap();
    let before = world.hash().unwrap();
    // The same schema again.
    world.define_component(&definition(SPEED)).unwrap();
    assert_eq!(world.hash().unwrap(), before);
    let more = definition("struct Speed { masts: u8, knots: f64, crew: Vec<String> }")
        .with_default(&Value::named([("masts", 3.into())]))
        .unwrap();
    let mut knots = world.prepare_path("Speed.knots").unwrap();
    assert_eq!(knots.read::<f32>(&world, ship).unwrap(), 2.5);
    world.define_component(&more).unwrap();
    assert_eq!(shown(&world, ship, "Speed"), "Speed { masts: 3, knots: 2.5, crew: [] }");
    assert_eq!(knots.read::<f64>(&world, ship).unwrap(), 2.5, "it is looked up again");
    // What would lose something is refused, and changes nothing.
    let before = world.hash().unwrap();
    let less = definition("struct Speed { knots: f32 }");
    let refused = world.define_component(&less).unwrap_err();
    assert!(matches!(refused, EcsError::Redefinition { .. }));
    let text = refused.to_string();
    assert!(
        text.contains("masts: u8") && text.contains("`Speed.crew` of type Vec<String> is gone"),
        "{text}"
    );
    assert_eq!(world.hash().unwrap(), before);
    assert_eq!(shown(&world, ship, "Speed"), "Speed { masts: 3, knots: 2.5, crew: [] }");
    world.define_component(&less.accept_losses()).unwrap();
    assert_eq!(shown(&world, ship, "Speed"), "Speed { knots: 2.5 }");
}

#[test]
fn a_file_brings_its_definitions_along() {
    let (mut world, ship) = world_of(&health().with_doc("What it can take."));
    world.write_path(ship, "Health.log", &Value::from(vec!["hit"])).unwrap();
    // One that no entity has.
    world.define_component(&definition(SPEED)).unwrap();
    let again = restore(&through_a_file(&save(&world)));
    assert_eq!(again.hash().unwrap(), world.hash().unwrap());
    assert_eq!(world.compare(&again).unwrap(), []);
    assert_eq!(again.kept_types().count(), 0);
    assert_eq!(again.reflect("Health").unwrap(), world.reflect("Health").unwrap());
    assert!(again.reflect("Speed").unwrap().is_defined);
    let mut again = again;
    let boat = again.spawn(());
    again.insert_named(boat, "Health", &[]).unwrap();
    assert_eq!(again.read_path::<f32>(boat, "Health.left").unwrap(), 100.0, "the default came along");
    assert_eq!(again.read_path::<String>(ship, "Health.log[0]").unwrap(), "hit");
}

#[test]
fn values_become_those_of_what_the_restoring_world_knows() {
    let (world, ship) = world_of(&definition(SPEED));
    world.write_path(ship, "Speed.knots", 2.5).unwrap();
    world.write_path(ship, "Speed.crew", &Value::from(vec!["Ann"])).unwrap();
    let snapshot = through_a_file(&save(&world));
    let (restored, report) = World::from_snapshot(with::<as_column::Speed>(), &snapshot, false).unwrap();
    let expected = as_column::Speed { knots: 2.5, crew: vec!["Ann".to_owned()], masts: 7 };
    assert_eq!(*restored.get::<as_column::Speed>(ship).unwrap(), expected);
    assert_eq!(report.converted, 1);
    assert!(World::from_snapshot(with::<poorer::Speed>(), &snapshot, false).is_err());
    let (restored, _) = World::from_snapshot(with::<poorer::Speed>(), &snapshot, true).unwrap();
    assert_eq!(restored.get::<poorer::Speed>(ship).unwrap().knots, 2.5);
    // A world that defines it otherwise keeps its own definition.
    let (other, _) = world_of(&definition("struct Speed { crew: Vec<String>, knots: f64 }"));
    let (restored, _) = other.alike_from(&snapshot, false).unwrap();
    assert_eq!(shown(&restored, ship, "Speed"), "Speed { crew: [\"Ann\"], knots: 2.5 }");
}

#[test]
fn a_type_of_a_module_takes_the_values_over() {
    fn check<T: Component>(is_right: impl FnOnce(&T) -> bool) {
        let (world, ship) = world_of(&definition(SPEED));
        world.write_path(ship, "Speed.knots", 2.5).unwrap();
        let hash = world.hash().unwrap();
        let mut direct = world.duplicate().unwrap();
        // At a swap.
        let mut conversion = WorldConversion::of(world);
        conversion.make(with::<T>(), false).unwrap();
        let (converted, replaced) = conversion.accept();
        assert!(is_right(&converted.get::<T>(ship).unwrap()));
        assert_eq!(converted.definitions().count(), 0);
        drop(replaced);
        // In the same world.
        direct.register(ModelTypeInfo::component::<T>()).unwrap();
        assert_eq!(direct.compare(&converted).unwrap(), []);
        if T::STORAGE == StorageKind::Sparse {
            assert_eq!(direct.hash().unwrap(), hash, "an equal type has equal values");
        }
        let terms = "Position, Speed".parse().unwrap();
        assert_eq!(direct.entities_matching(&terms).unwrap(), [ship]);
        assert_eq!(direct.query::<(Entity, &T)>().entities(), [ship]);
    }
    check::<as_set::Speed>(|speed| speed.knots == 2.5);
    check::<as_column::Speed>(|speed| speed.knots == 2.5 && speed.masts == 7);
}

#[test]
fn a_type_that_would_lose_values_does_not_take_over() {
    let (mut world, ship) = world_of(&definition(SPEED));
    world.write_path(ship, "Speed.crew", &Value::from(vec!["Ann"])).unwrap();
    let refused = world.register(ModelTypeInfo::component::<poorer::Speed>()).unwrap_err();
    assert!(matches!(refused, EcsError::Redefinition { .. }), "{refused}");
    assert_eq!(world.read_path::<String>(ship, "Speed.crew[0]").unwrap(), "Ann");
    #[keel_ecs::resource(crate = keel_ecs, name = "Speed")]
    struct OneSpeed {
        knots: f32,
    }
    check_refused(world.register(ModelTypeInfo::resource::<OneSpeed>()), "it is a resource now");
    let hash = world.hash().unwrap();
    let mut conversion = WorldConversion::of(world);
    check_refused(
        conversion.make(with::<poorer::Speed>(), false),
        "`Speed.crew` of type Vec<String> is gone",
    );
    let world = conversion.undo();
    assert_eq!(world.hash().unwrap(), hash);
    assert!(world.reflect("Speed").unwrap().is_defined);
    let mut conversion = WorldConversion::of(world);
    conversion.make(with::<poorer::Speed>(), true).unwrap();
    let (world, _) = conversion.accept();
    assert!(world.has::<poorer::Speed>(ship));
}

#[test]
fn a_definition_goes_through_a_swap_of_others() {
    let (mut world, ship) = world_of(&health());
    let boat = world.spawn_named(&[("Health", &[("left", 3.into())])]).unwrap();
    let hash = world.hash().unwrap();
    // `Frozen` goes, `Speed` comes.
    let others =
        with::<as_set::Speed>().into_iter().filter(|info| info.name() != "Frozen").collect::<Vec<_>>();
    let mut conversion = WorldConversion::of(world);
    conversion.make(others.iter().map(Arc::clone), false).unwrap();
    let (mut world, replaced) = conversion.accept();
    drop(replaced);
    assert_eq!(world.hash().unwrap(), hash);
    assert_eq!(world.read_path::<f32>(boat, "Health.left").unwrap(), 3.0);
    world.write_path(ship, "Health.left", 4).unwrap();
    world.rebuild().unwrap();
    assert_eq!(world.read_path::<f32>(ship, "Health.left").unwrap(), 4.0);
    let mut undone = WorldConversion::of(world);
    undone.make(others, false).unwrap();
    let world = undone.undo();
    assert_eq!(world.read_path::<f32>(ship, "Health.left").unwrap(), 4.0);
}

#[test]
fn values_of_a_type_that_went_come_back_to_a_definition() {
    let mut world = new_world();
    world.register(ModelTypeInfo::component::<as_set::Speed>()).unwrap();
    let ship = world.spawn((as_set::Speed { knots: 2.5, crew: Vec::new() },));
    let mut conversion = WorldConversion::of(world);
    conversion.make(types().map(Arc::new), false).unwrap();
    let (mut world, replaced) = conversion.accept();
    drop(replaced);
    assert_eq!(world.kept_types().collect::<Vec<_>>(), ["Speed"]);
    let inside = world.transaction(|world| world.define_component(&definition(SPEED)));
    check_refused(inside, "which a transaction can't undo");
    world.define_component(&definition("struct Speed { crew: Vec<String>, knots: f64 }")).unwrap();
    assert_eq!(world.kept_types().count(), 0);
    assert_eq!(shown(&world, ship, "Speed"), "Speed { crew: [], knots: 2.5 }");
}

#[test]
fn transactions_undo_what_they_do_to_it() {
    let (mut world, ship) = world_of(&health());
    let boat = world.spawn(());
    let before = world.hash().unwrap();
    let undone = world.transaction(|world| {
        world.write_path(ship, "Health.left", 1)?;
        world.write_path(ship, "Health.log", &Value::from(vec!["hit"]))?;
        world.insert_named(boat, "Health", &[])?;
        world.define_component(&definition(SPEED))?;
        world.despawn(ship)?;
        world.read_path::<f32>(ship, "Health.left").map(drop)
    });
    check_refused(undone, "does not live");
    assert_eq!(world.hash().unwrap(), before);
    assert_eq!(world.read_path::<f32>(ship, "Health.left").unwrap(), 100.0);
    assert!(world.reflect("Speed").is_ok(), "types stay, as those of modules do");
    // The values that the journal has kept would be of another type.
    let redefined = world.transaction(|world| {
        world.write_path(ship, "Health.left", 1)?;
        world.define_component(&definition("struct Health { left: f64 }").accept_losses())
    });
    check_refused(redefined, "a transaction can't undo it");
    assert_eq!(world.hash().unwrap(), before);
    world.transaction(|world| world.write_path(ship, "Health.left", 2)).unwrap();
    assert_eq!(world.read_path::<f32>(ship, "Health.left").unwrap(), 2.0);
}

#[test]
fn copies_and_prefabs_have_it() {
    let (mut world, ship) = world_of(&health());
    world.write_path(ship, "Health.left", 5).unwrap();
    let copy = world.clone_entity(ship).unwrap();
    assert_eq!(shown(&world, copy, "Health"), shown(&world, ship, "Health"));
    let prefab = Prefab::new().with_named("Health", &[("left", 40.into())]);
    world.define_prefab("sloop", &prefab).unwrap();
    let [sloop, hurt] = [(); 2].map(|()| world.spawn_prefab("sloop", ()).unwrap());
    world.write_path(hurt, "Health.left", 9).unwrap();
    let prefab = Prefab::new().with_named("Health", &[("left", 60.into())]);
    let update = world.define_prefab("sloop", &prefab).unwrap();
    assert_eq!((update.updated, update.kept), (1, 1));
    assert_eq!(world.read_path::<f32>(sloop, "Health.left").unwrap(), 60.0);
    assert_eq!(world.read_path::<f32>(hurt, "Health.left").unwrap(), 9.0);
    let mut other = new_world();
    let moved = other.merge(&world).unwrap();
    let (_, merged) = moved.iter().find(|(old, _)| *old == ship).unwrap();
    assert_eq!(shown(&other, *merged, "Health"), shown(&world, ship, "Health"));
}

#[test]
fn each_world_has_its_own_definitions() {
    let first = new_world();
    let (mut one, other) = (first.alike(), first.alike());
    assert!(one.is_alike(&other));
    one.define_component(&health()).unwrap();
    assert!(other.reflect("Health").is_err() && !one.is_alike(&other));
    // One that is made like it has what it has.
    let mut next = one.alike();
    let ship = next.spawn_named(&[("Health", &[])]).unwrap();
    assert_eq!(next.read_path::<f32>(ship, "Health.left").unwrap(), 100.0);
    let duplicate = next.duplicate().unwrap();
    assert_eq!(duplicate.hash().unwrap(), next.hash().unwrap());
}

#[test]
fn a_set_has_each_element_once_and_in_one_order() {
    let (mut world, ship) = world_of(&definition("struct Tags { of: Set<u8>, at: Map<u8, u8> }"));
    world.write_path(ship, "Tags.of", &Value::from(vec![3, 1, 3])).unwrap();
    let hash = world.hash().unwrap();
    world.insert_named(ship, "Tags", &[("of", vec![1, 3, 1].into())]).unwrap();
    assert_eq!(world.hash().unwrap(), hash);
    assert_eq!(shown(&world, ship, "Tags"), "Tags { of: {1, 3}, at: {} }");
}

#[test]
#[should_panic(expected = "`Health` is in use elsewhere")]
fn a_value_that_is_shown_is_not_written() {
    let (world, ship) = world_of(&health());
    let mut log = world.prepare_path("Health.left").unwrap();
    let _ = log.with(&world, ship, |_| world.write_path(ship, "Health.left", 1));
}

#[test]
fn a_component_of_a_module_that_is_unlike_in_name_alone_stays() {
    #[component(crate = keel_ecs, name = "lua:Speed")]
    #[derive(Clone, Debug, PartialEq)]
    struct Other {
        knots: f32,
    }
    let mut world = new_world();
    world.register(ModelTypeInfo::component::<Other>()).unwrap();
    world.define_component(&definition(SPEED)).unwrap();
    let ship = world.spawn((Other { knots: 1.0 },));
    world.insert_named(ship, "Speed", &[("knots", 2.into())]).unwrap();
    assert_eq!(world.get::<Other>(ship).unwrap().knots, 1.0);
    assert_eq!(world.read_path::<f32>(ship, "Speed.knots").unwrap(), 2.0);
}
