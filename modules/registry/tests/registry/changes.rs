//! What is new to a system, across swaps of the library that its code lies in, and of the types that it watches.

use std::path::{Path, PathBuf};

use keel::ecs::Entity;
use keel::state::Value;
use keel_fixture::Fixture;
use keel_registry::Consent;

use crate::rig::Rig;
use crate::sources::{model, types};

/// The game's types: `hull` and `sail` say how they are declared.
fn ships(hull: (&str, &str), sail: (&str, &str)) -> PathBuf {
    let [(hull, planks), (sail, cloth)] = [hull, sail];
    types(&format!(
        "use keel::prelude::*;
         {hull} #[derive(Debug)] pub struct Hull {{ pub planks: {planks} }}
         {sail} #[derive(Debug)] pub struct Sail {{ pub cloth: {cloth} }}
         #[resource(tracked)] #[derive(Debug, Default)] pub struct Wind {{ pub knots: u32 }}
         keel::model! {{ components: [Hull, Sail], resources: [Wind] }}"
    ))
}

const TRACKED: &str = "#[component(tracked)]";
const SPARSE_TRACKED: &str = "#[component(sparse, tracked)]";

/// A module that names an entity for each thing that is new to it, by its label. `watched` is what it looks at.
fn watcher(label: &str, types: &Path, watched: &str) -> PathBuf {
    let source = r#"
use keel::prelude::*;
use game_types::*;

#[data]
#[derive(Default)]
pub struct Watcher {}

fn watch(
    hulls: Query<(Entity, Ref<WATCHED>), Changed<WATCHED>>,
    mut lost: Removed<WATCHED>,
    wind: Option<Res<Wind>>,
    commands: &mut Commands,
) {
    let mut note = |text: String| commands.spawn((Name::new(format!("LABEL {text}")),));
    for (entity, hull) in &hulls {
        note(format!("{} {}", if hull.is_added() { "added" } else { "changed" }, entity.index()));
    }
    lost.read().for_each(|entity| note(format!("lost {}", entity.index())));
    if wind.is_some_and(|wind| wind.is_changed()) {
        note("wind".to_owned());
    }
}

#[view_model]
impl ViewModel for Watcher {
    fn register(&mut self, setup: &mut Setup) -> ModuleResult {
        setup.system("watch", watch);
        Ok(())
    }
}

keel::export_module! { view_model: Watcher, models: [game_types] }
"#;
    let source = source.replace("LABEL", label).replace("WATCHED", watched);
    Fixture::module("game-watcher").source(source).with("game_types", types).build()
}

/// What the module of this label has noted in one step, in order.
#[track_caller]
fn check_step(rig: &mut Rig, label: &str, expected: &[String]) {
    rig.steps(1);
    assert_eq!(rig.engine.take_faults(), []);
    let mut notes = Vec::new();
    rig.engine.world().query::<&keel::ecs::Name>().for_each(|name| {
        notes.extend(name.as_str().strip_prefix(label).map(|note| note.trim().to_owned()));
    });
    notes.sort();
    assert_eq!(notes, expected, "{label}");
}

fn note(what: &str, entity: Entity) -> String {
    format!("{what} {}", entity.index())
}

/// Three ships with a hull and a sail, which the first generation has seen.
fn fleet(types: &Path, watched: &str) -> (Rig, [Entity; 3]) {
    let mut rig = Rig::new();
    rig.load_together(&[model(types), watcher("v1", types, watched)], Consent::Lossless).unwrap();
    let world = rig.engine.world_mut();
    let one = [("planks", Value::from(1_u32))];
    let fleet = [0, 1, 2].map(|cloth| {
        world.spawn_named(&[("Hull", &one), ("Sail", &[("cloth", Value::from(cloth))])]).unwrap()
    });
    world.insert_resource_named("Wind", &[]).unwrap();
    let mut expected = fleet.map(|ship| note("added", ship)).to_vec();
    expected.push("wind".to_owned());
    check_step(&mut rig, "v1", &expected);
    (rig, fleet)
}

#[test]
fn what_is_new_is_told_once_whoever_swaps_meanwhile() {
    let narrow = ships((TRACKED, "u32"), (SPARSE_TRACKED, "u32"));
    let (mut rig, [sloop, brig, raft]) = fleet(&narrow, "Hull");
    rig.engine.world_mut().write_path(brig, "Hull.planks", 2).unwrap();
    rig.load(&watcher("v2", &narrow, "Hull")).unwrap();
    check_step(&mut rig, "v2", &[note("changed", brig)]);

    // Another component changes its shape: the world is converted, and hulls move as they are.
    rig.engine.world_mut().write_path(sloop, "Hull.planks", 3).unwrap();
    rig.engine.world_mut().despawn(raft).unwrap();
    rig.engine.world_mut().write_resource_path("Wind.knots", 5).unwrap();
    let longer = ships((TRACKED, "u32"), (SPARSE_TRACKED, "u64"));
    let both = [model(&longer), watcher("v3", &longer, "Hull")];
    let report = rig.load_together(&both, Consent::Lossless).unwrap();
    assert!(report.rebuilt);
    check_step(&mut rig, "v3", &[note("changed", sloop), note("lost", raft), "wind".to_owned()]);

    // Hulls change theirs: all of them count as changed, and none as added.
    let wide = ships((TRACKED, "u64"), (SPARSE_TRACKED, "u64"));
    rig.load_together(&[model(&wide), watcher("v4", &wide, "Hull")], Consent::Lossless).unwrap();
    check_step(&mut rig, "v4", &[note("changed", sloop), note("changed", brig)]);
    let game = rig.registry.save_game(&rig.engine, Vec::new()).unwrap();
    rig.load(&watcher("v5", &wide, "Hull")).unwrap();
    check_step(&mut rig, "v5", &[]);

    // A game that goes on in another process knows what its systems have seen, and so what they have not.
    let mut other = Rig::new();
    let candidates = [model(&wide), watcher("v6", &wide, "Hull")].map(|library| {
        let copy = other.scratch.copy(&library);
        other.registry.checker().check(&copy, 0).unwrap()
    });
    let candidates = candidates.into_iter().collect();
    other.registry.resume_game(&mut other.engine, candidates, &game, Consent::Lossless).unwrap();
    other.engine.world_mut().write_path(brig, "Hull.planks", 9).unwrap();
    check_step(&mut other, "v6", &[note("changed", brig)]);
}

#[test]
fn a_component_becomes_tracked_and_changes_its_storage_while_the_game_runs() {
    let plain = ships((TRACKED, "u32"), ("#[component]", "u32"));
    let (mut rig, [sloop, brig, raft]) = fleet(&plain, "Hull");
    for (label, declared) in [("v2", TRACKED), ("v3", SPARSE_TRACKED), ("v4", TRACKED)] {
        let changed = ships((TRACKED, "u32"), (declared, "u32"));
        let both = [model(&changed), watcher(label, &changed, "Sail")];
        rig.load_together(&both, Consent::Lossless).unwrap();
        let cloth = |ship| rig.engine.world().read_path::<u32>(ship, "Sail.cloth").unwrap();
        assert_eq!([sloop, brig, raft].map(cloth), [0, 1, 2], "no value is lost");
        let expected = match label {
            // What becomes tracked counts as added.
            "v2" => [sloop, brig, raft].map(|ship| note("added", ship)).to_vec(),
            _ => vec![note("changed", raft)],
        };
        if label != "v2" {
            rig.engine.world_mut().write_path(raft, "Sail.cloth", 2).unwrap();
        }
        check_step(&mut rig, label, &expected);
    }
}
