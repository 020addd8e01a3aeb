//! Observers and hooks across swaps of the libraries that their code lies in.

use std::path::{Path, PathBuf};

use keel_fixture::Fixture;
use keel_registry::{Consent, RegistryConfig};

use crate::rig::Rig;
use crate::sources::{model, types};

/// The types: `HOOK` is what the hook of `Health` calls itself, `FIELDS` are more of its fields.
const TYPES: &str = r#"use keel::prelude::*;
    #[component(on_insert = inserted)] #[derive(Default)] pub struct Health { pub points: i32, FIELDS }
    #[component(sparse)] pub struct Hurt { pub by: String }
    #[resource] #[derive(Default)] pub struct Told { pub lines: Vec<String> }
    #[event] pub struct Hit { pub target: Entity }
    fn inserted(world: &World, entity: Entity) {
        if let Ok(mut told) = world.resource_mut::<Told>() {
            told.lines.push(format!("hook HOOK {entity}"));
        }
    }
    keel::model! { components: [Health, Hurt], resources: [Told], events: [Hit] }"#;

fn types_of(hook: &str, fields: &str) -> PathBuf {
    types(&TYPES.replace("HOOK", hook).replace("FIELDS", fields))
}

/// A module that writes down what it observes, as `LABEL`.
fn watcher(label: &str, types: &Path) -> PathBuf {
    let source = r#"
use keel::prelude::*;
use game_types::*;

#[data]
#[derive(Default)]
pub struct Watcher {
    pub deaths: u32,
}

fn born(on: On<Insert, Health>, mut told: ResMut<Told>, mut count: Local<u32>) {
    *count += 1;
    told.lines.push(format!("LABEL insert {} the {}th", on.entity(), *count));
}

fn hit(hit: On<Sent, Hit>, commands: &mut Commands) {
    commands.insert(hit.target, (Hurt { by: "LABEL".to_owned() },));
    commands.despawn(hit.target);
}

fn healed(on: On<Remove, Hurt>, mut told: ResMut<Told>) {
    told.lines.push(format!("LABEL knows that {} was hurt by {}", on.entity(), on.old().by));
}

impl Watcher {
    fn mourn(&mut self, on: On<Despawn, Health>, mut told: ResMut<Told>) {
        self.deaths += 1;
        told.lines.push(format!("LABEL despawn {} with {}, death {}", on.entity(), on.old().points, self.deaths));
    }
}

#[view_model]
impl ViewModel for Watcher {
    fn register(&mut self, setup: &mut Setup) -> ModuleResult {
        setup.observer("born", born).observer("hit", hit).observer("healed", healed);
        setup.observer_of("mourn", Self::mourn);
        Ok(())
    }

    async fn start(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        frame.world.insert_resource(Told::default())?;
        frame.world.spawn((Health { points: 1, ..Health::default() },));
        Ok(())
    }

    fn update(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        if frame.time.step % 2 == 0 {
            let target = frame.world.spawn((Health { points: frame.time.step as i32, ..Health::default() },));
            frame.world.send(Hit { target });
        }
        Ok(())
    }
}

keel::export_module! { view_model: Watcher, models: [game_types] }
"#;
    Fixture::module("watcher").source(source.replace("LABEL", label)).with("game_types", types).build()
}

/// The lines that were written down since this was asked.
fn told(rig: &mut Rig) -> Vec<String> {
    assert_eq!(rig.engine.take_faults(), []);
    let told = rig.engine.world().resource_value("Told").unwrap();
    let text = told.schema().display(&mut told.bytes()).unwrap();
    rig.engine.world_mut().remove_resource_value("Told").unwrap();
    let empty = rig.engine.world().default_of("Told").unwrap();
    rig.engine.world_mut().insert_resource_value("Told", &empty).unwrap();
    text.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_new_code_observes_and_nothing_is_told_twice() {
    let old = types_of("one", "");
    let mut rig = Rig::new();
    rig.load_together(&[model(&old), watcher("v1", &old)], Consent::Lossless).unwrap();
    assert_eq!(told(&mut rig), ["hook one 0v1", "v1 insert 0v1 the 1th"], "also what `start` does");
    rig.steps(2);
    let expected = [
        "hook one 1v1",
        "v1 insert 1v1 the 2th",
        "v1 despawn 1v1 with 2, death 1",
        "v1 knows that 1v1 was hurt by v1",
    ];
    let mut lines = told(&mut rig);
    lines[2..].sort();
    assert_eq!(lines, expected);

    // The old code's observers are gone, the new ones go on where they were.
    rig.load(&watcher("v2", &old)).unwrap();
    assert_eq!(rig.engine.observers(), ["watcher/born", "watcher/hit", "watcher/healed", "watcher/mourn"]);
    assert_eq!(told(&mut rig), Vec::<String>::new());
    rig.steps(2);
    let expected = [
        "hook one 1v2",
        "v2 insert 1v2 the 3th",
        "v2 despawn 1v2 with 4, death 2",
        "v2 knows that 1v2 was hurt by v2",
    ];
    let mut lines = told(&mut rig);
    lines[2..].sort();
    assert_eq!(lines, expected);

    // The types' own code is exchanged, and one of them converted: nothing of it is told.
    let new = types_of("two", "pub shield: u8");
    rig.load_together(&[model(&new), watcher("v3", &new)], Consent::Lossless).unwrap();
    assert_eq!(told(&mut rig), Vec::<String>::new());
    rig.steps(2);
    let lines = told(&mut rig);
    assert_eq!(lines[..2], ["hook two 1v3", "v3 insert 1v3 the 4th"]);
    assert_eq!(lines.len(), 4);

    rig.registry.remove(&mut rig.engine, "watcher").unwrap();
    assert_eq!(rig.engine.observers(), Vec::<String>::new());
    rig.engine.world_mut().clear_entities();
    rig.steps(2);
    assert_eq!(told(&mut rig), Vec::<String>::new(), "nobody is left who would tell");
}

#[test]
fn what_waits_over_a_swap_is_told_by_the_new_code_and_the_old_library_goes() {
    let types = types_of("one", "");
    let mut rig = Rig::with(RegistryConfig { ring: 0, ..RegistryConfig::default() });
    rig.load_together(&[model(&types), watcher("v0", &types)], Consent::Lossless).unwrap();
    told(&mut rig);
    for round in 1..6 {
        let before = rig.mapped();
        rig.engine.world_mut().clear_entities();
        let health = rig.engine.world().default_of("Health").unwrap();
        let health = keel::ecs::ComponentValue::new("Health", health);
        rig.engine.world_mut().spawn_values(&[health]).unwrap();
        rig.load(&watcher(&format!("v{round}"), &types)).unwrap();
        rig.registry.tidy();
        assert_eq!(rig.mapped(), before, "round {round}");
        rig.steps(1);
        let lines = told(&mut rig);
        let begin = format!("v{round} ");
        let own: Vec<_> = lines.iter().filter(|line| line.starts_with(&begin)).collect();
        assert!(own[0].contains("despawn") && own[1].contains("insert"), "round {round}: {lines:?}");
        let others = lines.iter().filter(|line| !line.starts_with(&begin) && !line.starts_with("hook"));
        assert_eq!(others.count(), 0, "round {round}: {lines:?}");
    }
}
