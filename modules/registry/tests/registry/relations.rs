//! Relations across swaps of the libraries that their types lie in.

use std::path::{Path, PathBuf};

use keel::ecs::Entity;
use keel_registry::{Code, Consent, RegistryConfig};

use crate::rig::{Rig, check_refused};
use crate::sources::{Swim, model, types, user};

/// The types: `RULES` of the relation, `FIELDS` of a component.
const TYPES: &str = "use keel::prelude::*;
    #[component] #[derive(Default)] pub struct Fish { pub age: u32, FIELDS }
    #[relation(RULES)] pub struct Likes;
    #[relation(exclusive, cascade = despawn)] pub struct LivesOn;
    keel::model! { components: [Fish], relations: [Likes, LivesOn] }";

fn types_of(rules: &str, fields: &str) -> PathBuf {
    types(&TYPES.replace("RULES", rules).replace("FIELDS", fields))
}

/// In the first step, 0 likes 1 and 2, 2 likes 0, and 3 lives on 0; in every second one after, 1 likes who comes.
const UPDATE: &str = r#"
    if frame.time.step == 1 {
        let fish: Vec<_> = (0..4).map(|age| frame.world.spawn((Fish { age, ..Fish::default() },))).collect();
        for (source, target) in [(0, 1), (0, 2), (2, 0)] {
            frame.commands.relate::<Likes>(fish[source], fish[target]);
        }
        frame.commands.relate::<LivesOn>(fish[3], fish[0]);
    }
"#;

fn both(types: &Path, update: &str) -> [PathBuf; 2] {
    [model(types), user("game-user", types, update)]
}

fn id(index: u32) -> Entity {
    format!("{index}v1").parse().unwrap()
}

#[track_caller]
fn check(rig: &mut Rig, relation: &str, expected: [&[u32]; 4]) {
    assert_eq!(rig.engine.take_faults(), []);
    let world = rig.engine.world();
    for (index, expected) in (0..).zip(expected) {
        let targets = world.targets_named(relation, id(index)).unwrap();
        assert_eq!(targets, expected.iter().map(|index| id(*index)).collect::<Vec<_>>(), "of {index}");
        for target in targets {
            assert!(world.sources_named(relation, *target).unwrap().contains(&id(index)));
        }
    }
}

fn begun(ring: usize) -> (Rig, PathBuf) {
    let mut rig = Rig::with(RegistryConfig { ring, ..RegistryConfig::default() });
    let types = types_of("", "");
    rig.load_together(&both(&types, UPDATE), Consent::Lossless).unwrap();
    rig.steps(1);
    check(&mut rig, "Likes", [&[1, 2], &[], &[0], &[]]);
    (rig, types)
}

#[test]
fn relations_go_on_with_new_code_and_with_a_changed_component() {
    let (mut rig, types) = begun(0);
    rig.registry.tidy();
    assert_eq!(rig.mapped(), 2);
    let spawn = "let one = frame.world.entities()[1];
        let new = frame.world.spawn((Fish::default(),));
        frame.world.relate::<Likes>(one, new)?;";
    rig.load(&user("game-user", &types, spawn)).unwrap();
    rig.steps(1);
    check(&mut rig, "Likes", [&[1, 2], &[4], &[0], &[]]);

    let wider = types_of("", "pub weight: u64");
    rig.load_together(&both(&wider, ""), Consent::Lossless).unwrap();
    rig.registry.tidy();
    assert_eq!(rig.mapped(), 2, "no relation holds an old library");
    check(&mut rig, "Likes", [&[1, 2], &[4], &[0], &[]]);
    // What is done with them is the new library's code.
    rig.engine.world_mut().despawn(id(0)).unwrap();
    check(&mut rig, "Likes", [&[], &[4], &[], &[]]);
    assert!(!rig.engine.world().contains(id(3)), "it lived on 0");
    let game = rig.registry.save_game(&rig.engine, Vec::new()).unwrap();

    let mut other = Rig::new();
    let checker = other.registry.checker();
    let candidates = both(&wider, "").map(|library| checker.check(&other.scratch.copy(&library), 0).unwrap());
    let candidates = candidates.into_iter().collect();
    other.registry.resume_game(&mut other.engine, candidates, &game, Consent::Lossless).unwrap();
    check(&mut other, "Likes", [&[], &[4], &[], &[]]);
    assert_eq!(other.engine.world().hash().unwrap(), rig.engine.world().hash().unwrap());
}

#[test]
fn a_relation_that_becomes_exclusive_needs_consent() {
    let (mut rig, _) = begun(4);
    let strict = types_of("exclusive", "");
    let refused = rig.load_together(&both(&strict, ""), Consent::Lossless);
    check_refused(refused, Code::DataLoss, "`Likes` is exclusive now, and entity 0v1 has 2 targets");
    check(&mut rig, "Likes", [&[1, 2], &[], &[0], &[]]);
    rig.load_together(&both(&strict, ""), Consent::AcceptLoss).unwrap();
    check(&mut rig, "Likes", [&[2], &[], &[0], &[]]);
    let world = rig.engine.world_mut();
    world.relate_named("Likes", id(0), id(3)).unwrap();
    check(&mut rig, "Likes", [&[3], &[], &[0], &[]]);
}

#[test]
fn a_relation_whose_module_goes_is_kept_and_comes_back_without_the_dead() {
    let (mut rig, types) = begun(0);
    rig.registry.remove_together(&mut rig.engine, &["game-user", "game-model"]).unwrap();
    rig.load(&Swim::new("other").build()).unwrap();
    rig.registry.tidy();
    assert_eq!(rig.mapped(), 1, "the other module");
    let world = rig.engine.world_mut();
    assert!(world.targets_named("Likes", id(0)).is_err(), "nobody knows it");
    world.despawn(id(1)).unwrap();
    rig.load_together(&both(&types, ""), Consent::Lossless).unwrap();
    check(&mut rig, "Likes", [&[2], &[], &[0], &[]]);
    check(&mut rig, "LivesOn", [&[], &[], &[], &[0]]);
}
