//! Components that a module defines at run time: they are the world's, and go with it through swaps and files.

use std::path::{Path, PathBuf};

use keel::ecs::{QueryTerms, WorldSnapshot};
use keel::engine::ModuleTag;
use keel::prelude::*;
use keel::state::Snapshot;
use keel_registry::{Code, Consent, RegistryConfig};

use crate::rig::{Rig, check_refused};
use crate::sources::{model, types, user};

const ROOM: ModelId = ModelId::new(0, 0);

/// A fish, and beside it what else modules have.
fn game(fish: &str, others: &str, names: &str) -> PathBuf {
    types(&format!(
        "use keel::prelude::*;
         #[component] #[derive(Debug, Default)] pub struct Fish {{ {fish} }}
         {others}
         keel::model! {{ components: [Fish{names}] }}"
    ))
}

fn plain() -> PathBuf {
    game("pub age: u32,", "", "")
}

/// Types in which a module has the component that was defined.
fn with_health(fields: &str) -> PathBuf {
    let health = format!("#[component(sparse)] #[derive(Debug, Default)] pub struct Health {{ {fields} }}");
    game("pub age: u32,", &health, ", Health")
}

fn both(types: &Path, update: &str) -> [PathBuf; 2] {
    [model(types), user("game-user", types, update)]
}

/// Defines the component in the running world and in a room, and gives it to fish.
const BEGIN: &str = r#"if self.steps == 1 {
    let room = frame.models::<World>()?.take()?;
    for id in [room, World::RUNNING] {
        frame.on_world(id, |world| -> ModuleResult {
            let health = "struct Health { left: f32, log: Vec<String> }";
            world.define_component(&keel::ecs::ComponentDefinition::parse(health)?)?;
            for age in 0..10_u32 {
                let fish = world.spawn((Fish { age, ..Default::default() },));
                world.insert_named(fish, "Health", &[("left", age.into()), ("log", vec!["born"].into())])?;
            }
            Ok(())
        })??;
    }
}"#;

/// All that has health, loses some.
const HURT: &str = r#"for id in [ModelId::new(0, 0), World::RUNNING] {
    frame.on_world(id, |world| -> ModuleResult {
        for fish in world.entities_matching(&"Fish, Health".parse()?)? {
            let left: f32 = world.read_path(fish, "Health.left")?;
            world.write_path(fish, "Health.left", left - 1.0)?;
        }
        Ok(())
    })??;
}"#;

fn begun(config: RegistryConfig) -> Rig {
    let mut rig = Rig::with(config);
    rig.load_together(&both(&plain(), &[BEGIN, HURT].concat()), Consent::Lossless).unwrap();
    rig.steps(2);
    assert_eq!(rig.engine.take_faults(), []);
    rig
}

/// What is left of all health in both worlds, and the last one's value as text.
fn left(rig: &mut Rig) -> (f32, String) {
    let (mut sum, mut last) = (0.0, String::new());
    for id in [ROOM, World::RUNNING] {
        let counted = rig.engine.run_as(&ModuleTag::new("test"), |frame| {
            let counted = frame.on_world(id, |world| {
                let found = world.entities_matching(&"Health".parse::<QueryTerms>().unwrap()).unwrap();
                assert_eq!(found.len(), 10);
                for fish in found {
                    sum += world.read_path::<f32>(fish, "Health.left").unwrap();
                    last = world.value(fish, "Health").unwrap().display().unwrap();
                }
            });
            counted.map_err(|error| error.to_string())
        });
        counted.unwrap();
    }
    (sum, last)
}

#[track_caller]
fn check_left(rig: &mut Rig, sum: f32, last: &str) {
    assert_eq!(left(rig), (sum, last.to_owned()));
}

#[test]
fn a_component_that_is_defined_goes_through_swaps_of_others() {
    let mut rig = begun(RegistryConfig::default());
    check_left(&mut rig, 50.0, "Health { left: 7.0, log: [\"born\"] }");
    // The code is another one, and no type.
    let report = rig.load(&user("game-user", &plain(), HURT)).unwrap();
    assert!(!report.rebuilt, "what was defined is no type that has gone");
    rig.steps(1);
    check_left(&mut rig, 30.0, "Health { left: 6.0, log: [\"born\"] }");
    // Another type, for which both worlds are built anew.
    let wider = game("pub age: u32, pub fins: u8,", "", "");
    let report = rig.load_together(&both(&wider, HURT), Consent::Lossless).unwrap();
    assert_eq!((report.world.converted, report.pools.converted), (10, 10));
    assert_eq!(report.world.kept, Vec::<String>::new());
    rig.steps(1);
    assert_eq!(rig.engine.take_faults(), []);
    check_left(&mut rig, 10.0, "Health { left: 5.0, log: [\"born\"] }");
}

#[test]
fn a_module_that_has_the_component_takes_the_values_over() {
    let mut rig = begun(RegistryConfig::default());
    let less = both(&with_health("pub left: f32,"), "");
    check_refused(rig.load_together(&less, Consent::Lossless), Code::DataLoss, "`Health.log` of type");
    check_left(&mut rig, 50.0, "Health { left: 7.0, log: [\"born\"] }");
    rig.steps(1);
    assert_eq!(rig.engine.take_faults(), [], "the old code goes on");

    let typed = with_health("pub log: Vec<String>, pub left: f64, #[keel(default = 20.0)] pub most: f64,");
    let heal = r#"for id in [ModelId::new(0, 0), World::RUNNING] {
        frame.on_world(id, |world| {
            world.query::<&mut Health>().for_each(|health| health.left = health.left.max(0.0) + health.most);
        })?;
    }"#;
    let report = rig.load_together(&both(&typed, heal), Consent::Lossless).unwrap();
    assert_eq!((report.world.converted, report.pools.converted), (10, 10));
    check_left(&mut rig, 30.0, "Health { log: [\"born\"], left: 6.0, most: 20.0 }");
    rig.steps(1);
    assert_eq!(rig.engine.take_faults(), []);
    check_left(&mut rig, 442.0, "Health { log: [\"born\"], left: 26.0, most: 20.0 }");
    // The script that defined it is refused now: its definition is another one.
    let again = "struct Health { left: f32, log: Vec<String> }".parse().unwrap();
    let again = keel::ecs::ComponentDefinition::new("Health", again).unwrap();
    let refused = rig.engine.world_mut().define_component(&again).unwrap_err();
    assert!(matches!(refused, EcsError::NameTaken { .. }), "{refused}");
    // The type goes, and its values are kept as those of any other.
    let report = rig.load_together(&both(&plain(), ""), Consent::Lossless).unwrap();
    assert_eq!(report.world.kept, ["Health"]);
}

#[test]
fn a_saved_game_has_what_was_defined() {
    let mut rig = begun(RegistryConfig::default());
    let hash = rig.registry.state_hash(&rig.engine).unwrap();
    let bytes = rig.registry.save_game(&rig.engine, Vec::new()).unwrap();
    let lines = WorldSnapshot::read(&Snapshot::parse(&bytes).unwrap()).unwrap().describe().unwrap();
    assert_eq!(lines.keys().filter(|what| what.ends_with(" Health")).count(), 10);

    let mut other = Rig::new();
    let checker = other.registry.checker();
    let libraries = both(&plain(), HURT);
    let candidates = libraries.iter().map(|it| checker.check(&other.scratch.copy(it), 0).unwrap()).collect();
    other.registry.resume_game(&mut other.engine, candidates, &bytes, Consent::Lossless).unwrap();
    assert_eq!(other.registry.state_hash(&other.engine).unwrap(), hash);
    assert!(other.engine.world().reflect("Health").unwrap().is_defined);
    other.steps(1);
    assert_eq!(other.engine.take_faults(), []);
    check_left(&mut other, 30.0, "Health { left: 6.0, log: [\"born\"] }");
}

#[test]
fn generations_that_have_defined_components_are_unmapped() {
    let mut rig = begun(RegistryConfig { ring: 0, ..RegistryConfig::default() });
    for round in 0..3 {
        let fields = if round == 1 { "pub age: u32, pub fins: u8," } else { "pub age: u32," };
        rig.load_together(&both(&game(fields, "", ""), HURT), Consent::AcceptLoss).unwrap();
        rig.steps(1);
        assert_eq!(rig.engine.take_faults(), []);
        let retired = rig.registry.tidy();
        assert_eq!((retired.unmapped, retired.kept), (2, vec![]), "round {round}");
        assert_eq!(rig.mapped(), 2);
    }
    check_left(&mut rig, -10.0, "Health { left: 4.0, log: [\"born\"] }");
    let Rig { engine, registry, .. } = rig;
    let closed = registry.close(engine);
    assert_eq!((closed.unmapped, closed.kept), (2, vec![]));
}
