//! Prefabs that modules define, and what becomes of their instances at a swap.

use std::path::{Path, PathBuf};

use keel::ecs::WorldSnapshot;
use keel::prelude::*;
use keel_fixture::Fixture;
use keel_registry::{Code, Consent, RegistryConfig};

use crate::rig::{Rig, check_refused};
use crate::sources::{model, types};

fn game(fields: &str) -> PathBuf {
    types(&format!(
        "use keel::prelude::*;
         #[component] #[derive(Debug, Default)] pub struct Fish {{ {fields} }}
         #[component] #[derive(Debug, Default)] pub struct Fin {{ pub length: u32 }}
         #[component] #[derive(Debug, Default)] pub struct Unlisted {{ pub length: u32 }}
         keel::model! {{ components: [Fish, Fin] }}"
    ))
}

/// A module that defines `shark` and spawns three of them, in the running world and in a room: one as it is, one with
/// another `Fish`, and one whose fin is changed.
fn sharks(types: &Path, prefab: &str) -> PathBuf {
    let source = r#"
use keel::prelude::*;
use game_types::*;

#[data]
#[derive(Default)]
pub struct Sharks {
    pub room: Option<ModelId>,
}

fn hatch(world: &mut World) -> Result<(), EcsError> {
    world.spawn_prefab("shark", (Name::new("plain"),))?;
    world.spawn_prefab("shark", (Name::new("old"), Fish { age: 99, ..Default::default() }))?;
    let changed = world.spawn_prefab("shark", (Name::new("changed"),))?;
    let fin = world.prefab_part(changed, "fin").unwrap();
    world.insert(fin, (Fin { length: 50 },))
}

#[view_model]
impl ViewModel for Sharks {
    fn register(&mut self, setup: &mut Setup) -> ModuleResult {
        PREFAB
        Ok(())
    }

    async fn start(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        hatch(frame.world)?;
        let room = frame.models::<World>()?.take()?;
        self.room = Some(room);
        frame.on_world(room, hatch)??;
        Ok(())
    }
}

keel::export_module! { view_model: Sharks, models: [game_types] }
"#;
    Fixture::module("game-sharks").source(source.replace("PREFAB", prefab)).with("game_types", types).build()
}

fn shark(age: u32, length: u32) -> String {
    format!(
        "let fin = Prefab::new().with((Fin {{ length: {length} }},));
         setup.prefab(\"shark\", Prefab::new().with((Fish {{ age: {age}, ..Default::default() }},)).child(\"fin\", fin));"
    )
}

/// Name, fish and fin of each shark in a world.
fn seen(world: &World) -> Vec<String> {
    let mut snapshot = WorldSnapshot::new();
    world.save(&mut snapshot).unwrap();
    let values = snapshot.describe().unwrap();
    let mut lines = Vec::new();
    for shark in world.prefab_instances("shark") {
        let value = |entity, component: &str| {
            values.get(&format!("entity {entity} {component}")).cloned().unwrap_or_default()
        };
        let fin = world.prefab_part(shark, "fin").map(|fin| value(fin, "Fin")).unwrap_or_default();
        lines.push(format!("{} {} {fin}", world.name(shark).unwrap_or_default(), value(shark, "Fish")));
    }
    lines.sort();
    lines
}

#[track_caller]
fn check(rig: &Rig, expected: &[&str]) {
    assert_eq!(seen(rig.engine.world()), expected);
    let picture = rig.binding.pin();
    let rooms = picture.pool_of::<World>().unwrap();
    let room = rooms.ids().next().unwrap();
    assert_eq!(seen(&rooms.get(room).unwrap()), expected);
}

#[test]
fn a_prefab_edited_in_a_module_updates_what_is_unchanged_in_its_instances() {
    let old = game("pub age: u32,");
    let mut rig = Rig::with(RegistryConfig { ring: 0, ..RegistryConfig::default() });
    rig.load_together(&[model(&old), sharks(&old, &shark(1, 5))], Consent::Lossless).unwrap();
    rig.steps(1);
    assert_eq!(rig.engine.take_faults(), []);
    let fin = |age: u32, length: u32| format!("Fish {{ age: {age} }} Fin {{ length: {length} }}");
    let lines = |age, length| {
        [
            format!("changed {}", fin(age, 50)),
            format!("old {}", fin(99, length)),
            format!("plain {}", fin(age, length)),
        ]
    };
    check(&rig, &lines(1, 5).each_ref().map(String::as_str));

    let report = rig.load(&sharks(&old, &shark(2, 6))).unwrap();
    let told: Vec<_> = report.prefabs.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "prefab `shark` in 6 instances: 8 components updated, 0 added, 0 removed, 4 kept as they were changed; 0 \
          children added, 0 removed"
        ]
    );
    check(&rig, &lines(2, 6).each_ref().map(String::as_str));
    assert_eq!(rig.load(&sharks(&old, &format!("let _ = 1; {}", shark(2, 6)))).unwrap().prefabs, []);

    // A prefab that can't be is refused, and all stays.
    let wrong = "setup.prefab(\"shark\", Prefab::new().with((Unlisted { length: 1 },)));";
    let told = "module `game-sharks`: prefab `shark`, `Unlisted`: type `Unlisted` is not registered";
    check_refused(rig.load(&sharks(&old, wrong)), Code::LoadFailed, told);
    check(&rig, &lines(2, 6).each_ref().map(String::as_str));

    // A saved game has the definition that its instances are told by.
    let game_file = rig.registry.save_game(&rig.engine, Vec::new()).unwrap();
    let mut other = Rig::new();
    let checker = other.registry.checker();
    let libraries = [model(&old), sharks(&old, &shark(3, 6))];
    let candidates = libraries.iter().map(|it| checker.check(&other.scratch.copy(it), 0).unwrap()).collect();
    let report =
        other.registry.resume_game(&mut other.engine, candidates, &game_file, Consent::Lossless).unwrap();
    assert_eq!(report.prefabs[0].updated, 4);
    check(&other, &lines(3, 6).each_ref().map(String::as_str));

    // A type changes together with the prefab.
    let new = game("pub age: u32, #[keel(default = 2)] pub eyes: u8,");
    let wider = shark(7, 6).replace("..Default::default()", "eyes: 4");
    rig.load_together(&[model(&new), sharks(&new, &wider)], Consent::Lossless).unwrap();
    check(
        &rig,
        &[
            "changed Fish { age: 7, eyes: 4 } Fin { length: 50 }",
            "old Fish { age: 99, eyes: 2 } Fin { length: 6 }",
            "plain Fish { age: 7, eyes: 4 } Fin { length: 6 }",
        ],
    );
    let retired = rig.registry.tidy();
    assert_eq!(retired.kept, Vec::<String>::new());
    assert_eq!(rig.mapped(), 2, "definitions hold no generation");

    // The prefab goes with its module; what was spawned stays.
    rig.registry.remove(&mut rig.engine, "game-sharks").unwrap();
    assert_eq!(rig.engine.world().prefabs(), Vec::<String>::new());
    assert_eq!(seen(rig.engine.world()).len(), 3);
    let refused = rig.engine.world_mut().spawn_prefab("shark", ()).unwrap_err().to_string();
    assert!(refused.starts_with("there is no prefab `shark`"), "{refused}");
}

#[test]
fn a_reset_begins_with_the_prefabs_of_now() {
    let types = game("pub age: u32,");
    let mut rig = Rig::new();
    rig.load_together(&[model(&types), sharks(&types, &shark(1, 5))], Consent::Lossless).unwrap();
    rig.load(&sharks(&types, &shark(2, 6))).unwrap();
    rig.registry.reset(&mut rig.engine).unwrap();
    rig.steps(1);
    assert_eq!(rig.engine.take_faults(), []);
    let expected = [
        "changed Fish { age: 2 } Fin { length: 50 }",
        "old Fish { age: 99 } Fin { length: 6 }",
        "plain Fish { age: 2 } Fin { length: 6 }",
    ];
    check(&rig, &expected);
}
