//! Component types: modules that disagree, schemas that change, and what becomes of the world.

use std::path::{Path, PathBuf};

use keel_fixture::Fixture;
use keel_registry::{Code, Consent, RegistryConfig, SwapReport};

use crate::rig::{Rig, check_refused};
use crate::sources::{Swim, model, types, user};

/// A fish, with these fields.
fn fish(fields: &str) -> PathBuf {
    types(&format!(
        "use keel::prelude::*;
         #[component] #[derive(Debug, Default)] pub struct Fish {{ {fields} }}
         #[resource] #[derive(Debug, Default)] pub struct Shoal {{ pub count: u32 }}
         #[event] pub struct Splash {{ pub loud: f32 }}
         keel::model! {{ components: [Fish], resources: [Shoal], events: [Splash] }}"
    ))
}

const BEGIN: &str = "if self.steps == 1 {
    for age in 0..100 { frame.world.spawn((Fish { age, ..Default::default() },)); }
    frame.world.insert_resource(Shoal { count: 100 })?;
}
frame.world.send(Splash { loud: self.steps as f32 });";

const GROW: &str = "frame.world.query::<&mut Fish>().for_each(|fish| fish.age += 1);";

/// Model and user, with the same types.
fn both(types: &Path, update: &str) -> [PathBuf; 2] {
    [model(types), user("game-user", types, update)]
}

/// A rig in which a hundred fish have lived for five steps.
fn begun() -> Rig {
    let mut rig = Rig::new();
    rig.load_together(&both(&fish("pub age: u32,"), &[BEGIN, GROW].concat()), Consent::Lossless).unwrap();
    rig.steps(5);
    assert_eq!(rig.engine.take_faults(), []);
    rig
}

/// The saved world as text.
fn lines(rig: &Rig) -> Vec<String> {
    let mut snapshot = keel::ecs::WorldSnapshot::new();
    rig.engine.world().save(&mut snapshot).unwrap();
    snapshot.describe().unwrap().into_iter().map(|(key, value)| format!("{key} {value}")).collect()
}

#[track_caller]
fn check_world_has(rig: &Rig, part: &str, times: usize) {
    let lines = lines(rig);
    let found = lines.iter().filter(|line| line.contains(part)).count();
    assert_eq!(found, times, "`{part}` in:\n{}", lines.join("\n"));
}

#[test]
fn a_swap_without_a_change_of_types_keeps_the_living_world() {
    let mut rig = begun();
    let report = rig.load_together(&both(&fish("pub age: u32,"), GROW), Consent::Lossless).unwrap();
    assert!(!report.rebuilt);
    check_world_has(&rig, "age: 104 ", 1);
    rig.steps(1);
    check_world_has(&rig, "age: 105 ", 1);
}

#[test]
fn a_new_field_of_a_component_rebuilds_the_world() {
    let mut rig = begun();
    let before = lines(&rig).len();
    let wider = fish("pub age: u32, #[keel(default = 2.5)] pub weight: f32,");
    let report = rig.load_together(&both(&wider, GROW), Consent::Lossless).unwrap();
    assert!(report.rebuilt);
    assert_eq!(report.world.converted, 100);
    check_world_has(&rig, "weight: 2.5", 100);
    assert_eq!(lines(&rig).len(), before);
    rig.steps(1);
    check_world_has(&rig, "age: 105", 1);
    assert_eq!(rig.engine.take_faults(), []);
}

#[test]
fn a_panic_while_a_replaced_world_is_dropped_ends_nothing() {
    let source = "use keel::prelude::*;
         #[component] #[derive(Debug, Default)] pub struct Fish { pub age: u32, FIELD }
         #[resource] #[derive(Debug, Default)] pub struct Shoal { pub count: u32 }
         #[event] pub struct Splash { pub loud: f32 }
         DROP
         keel::model! { components: [Fish], resources: [Shoal], events: [Splash] }";
    let drop = "impl Drop for Fish { fn drop(&mut self) { if self.age == 7 { panic!(\"boom {}\", 7) } } }";
    let old = types(&source.replace("FIELD", "").replace("DROP", drop));
    let new = types(&source.replace("FIELD", "pub weight: f32").replace("DROP", ""));
    let begin = "if self.steps == 1 { for age in 0..9 { frame.world.spawn((Fish { age },)); } }";
    let mut rig = Rig::new();
    rig.load_together(&both(&old, begin), Consent::Lossless).unwrap();
    rig.steps(2);
    assert!(rig.load_together(&both(&new, GROW), Consent::Lossless).unwrap().rebuilt);
    rig.registry.tidy();
    rig.steps(1);
    check_world_has(&rig, "age: 8", 1);
    assert_eq!(rig.engine.take_faults(), []);
}

#[test]
fn a_field_of_a_component_that_is_gone_needs_consent() {
    let mut rig = Rig::new();
    let wide = fish("pub age: u32, pub weight: f32,");
    rig.load_together(&both(&wide, BEGIN), Consent::Lossless).unwrap();
    rig.steps(3);
    let before = lines(&rig);
    let narrow = both(&fish("pub age: u32,"), GROW);
    check_refused(rig.load_together(&narrow, Consent::Lossless), Code::DataLoss, "Fish.weight");
    assert_eq!(lines(&rig), before, "the old world is as it was");
    assert_eq!(rig.mapped(), 2);
    rig.steps(1);
    assert_eq!(rig.engine.take_faults(), [], "the old code goes on");

    let report: SwapReport = rig.load_together(&narrow, Consent::AcceptLoss).unwrap();
    assert_eq!(report.world.converted, 100);
    check_world_has(&rig, "weight", 0);
    rig.steps(1);
    check_world_has(&rig, "age: 100", 1);
}

#[test]
fn the_same_layout_with_another_meaning_is_converted_and_not_reinterpreted() {
    // Same size, same alignment, same name, same `TypeId`: only the schema tells them apart.
    let mut rig = begun();
    let report = rig.load_together(&both(&fish("pub age: f32,"), ""), Consent::AcceptLoss).unwrap();
    assert!(report.rebuilt);
    check_world_has(&rig, "age: 104.0", 1);
}

#[test]
fn a_model_whose_users_were_not_rebuilt_is_refused() {
    let mut rig = begun();
    let before = lines(&rig);
    for changed in ["pub age: u32, pub weight: f32,", "pub age: f32,", "pub age: u64,"] {
        let outcome = rig.load(&model(&fish(changed)));
        check_refused(outcome, Code::TypesDisagree, "were compiled with different shapes of `Fish`");
        let outcome = rig.load(&user("game-user", &fish(changed), ""));
        check_refused(outcome, Code::TypesDisagree, "build both again");
    }
    assert_eq!(lines(&rig), before);
    assert_eq!(rig.mapped(), 2);
    rig.steps(1);
    check_world_has(&rig, "age: 105 ", 1);
}

#[test]
fn values_that_come_back_with_a_field_less_need_consent() {
    let mut rig = Rig::new();
    rig.load_together(&both(&fish("pub age: u32, pub weight: f32,"), BEGIN), Consent::Lossless).unwrap();
    rig.steps(2);
    rig.registry.remove(&mut rig.engine, "game-user").unwrap();
    rig.registry.remove(&mut rig.engine, "game-model").unwrap();
    let other = Fixture::types("other-types").source("use keel::prelude::*; keel::model! { components: [] }");
    let lone = Fixture::module("lone").source("keel::export_module! { model: other_types }");
    rig.load(&lone.with("other_types", &other.build()).build()).unwrap();
    check_world_has(&rig, "Fish", 0);

    let narrow = both(&fish("pub age: u32,"), GROW);
    check_refused(rig.load_together(&narrow, Consent::Lossless), Code::DataLoss, "Fish.weight");
    check_world_has(&rig, "Fish", 0);
    rig.load_together(&narrow, Consent::AcceptLoss).unwrap();
    check_world_has(&rig, "Fish Fish { age: ", 100);
    rig.steps(1);
    assert_eq!(rig.engine.take_faults(), []);
}

#[test]
fn a_conversion_that_panics_refuses_the_swap_and_the_world_stays() {
    let mut rig = begun();
    let before = lines(&rig);
    let other = types(
        "use keel::prelude::*;
         #[component] #[derive(Debug, Default)]
         pub struct Fish { #[keel(convert_from(u32, word))] pub age: String }
         fn word(age: u32) -> String { assert!(age < 50, \"too old: {age}\"); age.to_string() }
         #[resource] #[derive(Debug, Default)] pub struct Shoal { pub count: u32 }
         #[event] pub struct Splash { pub loud: f32 }
         keel::model! { components: [Fish], resources: [Shoal], events: [Splash] }",
    );
    let outcome = rig.load_together(&both(&other, ""), Consent::Lossless);
    check_refused(outcome, Code::RestoreFailed, "too old: 50; correct their `Serialize`");
    assert_eq!(lines(&rig), before);
    rig.steps(1);
    assert_eq!(rig.engine.take_faults(), [], "the old code goes on");
    check_world_has(&rig, "age: 105 ", 1);
}

#[test]
fn skipped_fields_of_another_type_are_seen_though_nothing_of_them_is_saved() {
    // Same schema, same size, same alignment, same `TypeId`. Such modules come from one source with other features.
    let source = |hidden: &str| {
        let types = format!(
            "use keel::prelude::*;
             #[data] #[derive(Debug, Default)] pub struct Inner {{ #[keel(skip)] pub seen: {hidden} }}
             #[component] #[derive(Debug, Default)] pub struct Fish {{ pub age: u32, pub inner: Inner }}
             keel::model! {{ components: [Fish] }}"
        );
        Fixture::types("game-types").source(types)
    };
    let fingerprint = |types: &Path, package: &str| {
        let mut rig = Rig::new();
        rig.load(&user(package, types, "frame.world.spawn((Fish::default(),));")).unwrap();
        rig.steps(1);
        let info = rig.engine.world().types().find(|info| info.name() == "Fish").unwrap();
        let fingerprint = info.fingerprint();
        assert_eq!((info.summary().size, info.summary().align), (8, 4));
        fingerprint
    };
    let number = fingerprint(&source("u32").build(), "one");
    assert_eq!(number, fingerprint(&source("u32").build(), "two"), "another module");
    let float = fingerprint(&source("f32").build(), "one");
    assert_eq!((number.schema, number.rust), (float.schema, float.rust), "what was seen before");
    assert_ne!(number, float);
}

#[test]
fn modules_that_disagree_are_never_loaded_together() {
    let mut rig = Rig::new();
    let outcome = rig.load_together(
        &[model(&fish("pub age: u32,")), user("game-user", &fish("pub age: i32,"), "")],
        Consent::Lossless,
    );
    check_refused(outcome, Code::TypesDisagree, "`game-model`");
    rig.check_runs_nothing();
    assert_eq!(rig.mapped(), 0);
}

#[test]
fn values_of_a_model_that_was_removed_come_back_with_it() {
    let mut rig = begun();
    rig.registry.remove(&mut rig.engine, "game-user").unwrap();
    rig.registry.remove(&mut rig.engine, "game-model").unwrap();
    // A swap of any other module rebuilds the world without the types that are gone.
    rig.load(&Swim::new("other").build()).unwrap();
    check_world_has(&rig, "Fish", 0);
    assert_eq!(rig.engine.world().len(), 101, "the entities are still there, beside the new module's");
    rig.load_together(&both(&fish("pub age: u32,"), GROW), Consent::Lossless).unwrap();
    check_world_has(&rig, "age: 104 ", 1);
    check_world_has(&rig, "resource Shoal Shoal { count: 100 }", 1);
    check_world_has(&rig, "event Splash", 1);
}

#[test]
fn a_world_leads_into_the_first_generation_of_its_types_alone() {
    let mut rig = Rig::with(RegistryConfig { ring: 0, ..RegistryConfig::default() });
    let plain = fish("pub age: u32, pub name: String,");
    let begin = BEGIN.replace("Fish { age,", "Fish { age, name: String::from(\"Nemo\"),");
    rig.load_together(&both(&plain, &[&begin, GROW].concat()), Consent::Lossless).unwrap();
    for round in 0..5 {
        rig.steps(2);
        let report = rig.load_together(&both(&plain, GROW), Consent::Lossless).unwrap();
        assert!(!report.rebuilt);
        let retired = rig.registry.tidy();
        // The first model stays: the world calls its code to drop names. The user that made the values may go.
        let expected = if round == 0 { (1, 1) } else { (2, 1) };
        assert_eq!((retired.unmapped, retired.held), expected, "round {round}");
        assert_eq!(rig.mapped(), 3);
    }
    let other = fish("pub age: u32, pub name: String, pub weight: f32,");
    rig.load_together(&both(&other, GROW), Consent::Lossless).unwrap();
    let retired = rig.registry.tidy();
    assert_eq!((retired.unmapped, retired.held), (3, 0), "the world was built anew");
    assert_eq!(rig.engine.take_faults(), []);
}

#[test]
fn generations_with_other_schemas_are_unmapped_one_after_the_other() {
    let mut rig = Rig::with(RegistryConfig { ring: 0, ..RegistryConfig::default() });
    let narrow = fish("pub age: u32,");
    let wide = fish("pub age: u32, #[keel(default = 1.0)] pub weight: f32,");
    rig.load_together(&both(&narrow, &[BEGIN, GROW].concat()), Consent::Lossless).unwrap();
    rig.steps(3);
    for round in 0..6 {
        let types = if round % 2 == 0 { &wide } else { &narrow };
        let report = rig.load_together(&both(types, GROW), Consent::AcceptLoss).unwrap();
        assert!(report.rebuilt);
        rig.steps(2);
        let retired = rig.registry.tidy();
        assert_eq!((retired.unmapped, retired.kept), (2, vec![]), "round {round}");
        assert_eq!(rig.mapped(), 2);
    }
    assert_eq!(rig.engine.take_faults(), []);
    check_world_has(&rig, "age: 114", 1);
}
