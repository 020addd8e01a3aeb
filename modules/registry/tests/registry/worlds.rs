//! Worlds in their pool: the rooms that a game has beside the world that its engine runs.

use std::path::{Path, PathBuf};

use keel::binding::PoolError;
use keel::console::PictureView;
use keel::ecs::WorldSnapshot;
use keel::engine::ModuleTag;
use keel::prelude::*;
use keel_fixture::Fixture;
use keel_registry::{Code, Consent, RegistryConfig};

use crate::rig::{Rig, check_refused};
use crate::sources::{Swim, model, types, user};

const ROOM: ModelId = ModelId::new(1, 0);

/// A fish, with these fields.
fn fish(fields: &str) -> PathBuf {
    types(&format!(
        "use keel::prelude::*;
         #[component] #[derive(Debug, Default)] pub struct Fish {{ {fields} }}
         keel::model! {{ components: [Fish] }}"
    ))
}

fn both(types: &Path, update: &str) -> [PathBuf; 2] {
    [model(types), user("game-user", types, update)]
}

/// Two rooms are taken and the first is given back; in the other live ten fish, and one in the running world.
const BEGIN: &str = "if self.steps == 1 {
    let rooms = frame.models::<World>()?;
    let (first, second) = (rooms.take()?, rooms.take()?);
    rooms.release(first)?;
    frame.on_world(second, |room| {
        for age in 0..10 { room.spawn((Fish { age, ..Default::default() },)); }
    })?;
    frame.on_world(World::RUNNING, |world| drop(world.spawn((Fish { age: 100, ..Default::default() },))))?;
}";

const GROW: &str = "for id in [ModelId::new(1, 0), World::RUNNING] {
    frame.on_world(id, |world| world.query::<&mut Fish>().for_each(|fish| fish.age += 1))?;
}";

fn begun(config: RegistryConfig, fields: &str) -> Rig {
    let mut rig = Rig::with(config);
    rig.load_together(&both(&fish(fields), &[BEGIN, GROW].concat()), Consent::Lossless).unwrap();
    rig.steps(5);
    assert_eq!(rig.engine.take_faults(), []);
    rig
}

/// The values of the room and of the running world, as text.
fn lines(rig: &mut Rig) -> Vec<String> {
    let mut snapshot = WorldSnapshot::new();
    let mut lines = Vec::new();
    for id in [ROOM, World::RUNNING] {
        let saved = rig.engine.run_as(&ModuleTag::new("test"), |frame| {
            frame.on_world(id, |world| world.save(&mut snapshot).unwrap()).map_err(|error| error.to_string())
        });
        saved.unwrap();
        let values = snapshot.describe().unwrap().into_values();
        lines.extend(values.filter(|value| value.starts_with("Fish")));
    }
    lines.sort();
    lines
}

fn ages(range: std::ops::Range<u32>, last: u32, rest: &str) -> Vec<String> {
    let mut lines: Vec<_> = range.chain([last]).map(|age| format!("Fish {{ age: {age}{rest} }}")).collect();
    lines.sort();
    lines
}

#[test]
fn a_room_lives_beside_the_running_world() {
    let mut rig = begun(RegistryConfig::default(), "pub age: u32,");
    assert_eq!(lines(&mut rig), ages(5..15, 105, ""));
    assert_eq!(rig.engine.world().len(), 1);
    let picture = rig.binding.pin();
    let rooms = picture.pool_of::<World>().unwrap();
    assert!(matches!(rooms.get(World::RUNNING), Err(PoolError::Unknown { .. })), "the engine lends that one");
    assert!(matches!(rooms.get(ModelId::new(0, 0)), Err(PoolError::Stale { .. })));
    assert_eq!(rooms.get(ROOM).unwrap().len(), 10);
}

#[test]
fn a_view_leads_to_the_pool_of_what_it_works_on() {
    let mut rig = Rig::new();
    let provide = "setup.provide::<dyn PictureView>(Box::new(Title));";
    rig.load(&Swim::new("v1").build()).unwrap();
    assert_eq!(rig.binding.model_type_of(<dyn PictureView>::ID), None);
    let on_worlds = "setup.provide_on::<dyn PictureView, World>(Box::new(Title));";
    rig.load(&Swim::new("v2").replace(provide, on_worlds).build()).unwrap();
    let model_type = rig.binding.model_type_of(<dyn PictureView>::ID).unwrap();
    assert_eq!(model_type, World::TYPE);
    assert_eq!(rig.binding.pool(model_type).unwrap().name(), "World");
}

#[test]
fn a_swap_converts_the_rooms_too() {
    let mut rig = begun(RegistryConfig::default(), "pub age: u32,");
    let wider = fish("pub age: u32, #[keel(default = 2)] pub fins: u8,");
    let report = rig.load_together(&both(&wider, GROW), Consent::Lossless).unwrap();
    assert_eq!((report.world.converted, report.pools.converted), (1, 10));
    assert_eq!(lines(&mut rig), ages(5..15, 105, ", fins: 2"));
    rig.steps(1);
    assert_eq!(rig.engine.take_faults(), []);
    assert_eq!(lines(&mut rig), ages(6..16, 106, ", fins: 2"));

    let again = rig.load_together(&both(&wider, GROW), Consent::Lossless).unwrap();
    assert_eq!((again.pools.carried, again.pools.converted), (10, 0));
    rig.steps(1);
    assert_eq!(lines(&mut rig), ages(7..17, 107, ", fins: 2"));
}

#[test]
fn a_loss_in_a_room_refuses_the_swap_of_all() {
    let mut rig = begun(RegistryConfig::default(), "pub age: u32,");
    // The running world's fish fits into a byte, one in the room does not.
    rig.engine
        .run_as(&ModuleTag::new("test"), |frame| {
            frame.on_world(World::RUNNING, World::clear_entities).map_err(|error| error.to_string())
        })
        .unwrap();
    let grow_fast =
        "frame.on_world(ModelId::new(1, 0), |room| room.query::<&mut Fish>().for_each(|it| it.age += 100))?;";
    rig.load(&user("game-user", &fish("pub age: u32,"), grow_fast)).unwrap();
    rig.steps(3);
    let before = lines(&mut rig);
    let narrow = both(&fish("pub age: u8,"), "");
    check_refused(rig.load_together(&narrow, Consent::Lossless), Code::DataLoss, "age");
    assert_eq!(lines(&mut rig), before);
    rig.steps(1);
    assert_eq!(rig.engine.take_faults(), [], "the old code goes on");
    rig.load_together(&narrow, Consent::AcceptLoss).unwrap();
    assert!(lines(&mut rig).iter().all(|line| line == "Fish { age: 255 }"));
}

#[test]
fn a_reset_takes_the_rooms_away_and_new_ones_know_the_types() {
    let mut rig = begun(RegistryConfig::default(), "pub age: u32,");
    rig.registry.reset(&mut rig.engine).unwrap();
    assert_eq!(rig.binding.pin().pool_of::<World>().unwrap().counts().live, 0);
    rig.steps(1);
    assert_eq!(rig.engine.take_faults(), []);
    assert_eq!(lines(&mut rig), ages(1..11, 101, ""));
}

#[test]
fn a_saved_game_has_its_rooms() {
    let mut rig = begun(RegistryConfig::default(), "pub age: u32,");
    let hash = rig.registry.state_hash(&rig.engine).unwrap();
    assert_ne!(hash, rig.engine.world().hash().unwrap());
    let bytes = rig.registry.save_game(&rig.engine, Vec::new()).unwrap();
    assert_eq!(rig.registry.state_hash(&rig.engine).unwrap(), hash);
    let shown = keel_registry::describe_pools(&keel::state::Snapshot::parse(&bytes).unwrap()).unwrap();
    let in_room =
        shown.iter().filter(|(what, _)| what.starts_with("world 1v0 entity ") && what.ends_with(" Fish"));
    assert_eq!((in_room.count(), shown.len()), (10, 20), "{shown:?}");

    let mut other = Rig::new();
    let checker = other.registry.checker();
    let libraries = both(&fish("pub age: u32,"), GROW);
    let candidates = libraries.iter().map(|it| checker.check(&other.scratch.copy(it), 0).unwrap()).collect();
    other.registry.resume_game(&mut other.engine, candidates, &bytes, Consent::Lossless).unwrap();
    assert_eq!(other.registry.state_hash(&other.engine).unwrap(), hash);
    other.steps(1);
    assert_eq!(other.engine.take_faults(), []);
    assert_eq!(lines(&mut other), ages(6..16, 106, ""));
    assert_ne!(other.registry.state_hash(&other.engine).unwrap(), hash);
}

#[test]
fn generations_that_a_room_has_known_are_unmapped() {
    let mut rig = begun(RegistryConfig { ring: 0, ..RegistryConfig::default() }, "pub age: u32,");
    for round in 0..4 {
        let fields = if round == 2 { "pub age: u32, pub fins: u8," } else { "pub age: u32," };
        rig.load_together(&both(&fish(fields), GROW), Consent::AcceptLoss).unwrap();
        rig.steps(1);
        assert_eq!(rig.engine.take_faults(), []);
        let retired = rig.registry.tidy();
        assert_eq!((retired.unmapped, retired.kept), (2, vec![]), "round {round}");
        assert_eq!(rig.mapped(), 2);
    }
    assert_eq!(lines(&mut rig), ages(9..19, 109, ""));
    let Rig { engine, registry, .. } = rig;
    let closed = registry.close(engine);
    assert_eq!((closed.unmapped, closed.kept), (2, vec![]));
}

/// A module that has so many rooms, each with ten fish, and steps them all.
fn arena(types: &Path, count: &str) -> PathBuf {
    let source = r#"
use keel::prelude::*;
use game_types::*;

#[data]
#[derive(Default)]
pub struct Arena {
    pub rooms: Vec<ModelId>,
}

fn COUNT

fn register(arena: &mut WorldSetup) {
    arena.system_with(SystemDescriptor::new("hatch").stage(Stage::Startup), |commands: &mut Commands| {
        commands.spawn_batch((0..10).map(|age| (Fish { age, ..Default::default() },)));
    });
    arena.system("count", count);
}

#[view_model]
impl ViewModel for Arena {
    fn register(&mut self, setup: &mut Setup) -> ModuleResult {
        setup.world_systems("arena", register);
        Ok(())
    }

    fn update(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
        if self.rooms.is_empty() {
            let pool = frame.models::<World>()?;
            for _ in 0..60 {
                self.rooms.push(pool.take()?);
            }
        }
        frame.step_worlds("arena", &self.rooms)?;
        Ok(())
    }
}

keel::export_module! { view_model: Arena, models: [game_types] }
"#;
    Fixture::module("game-arena").source(source.replace("COUNT", count)).with("game_types", types).build()
}

const COUNT: &str = "count(mut fish: Query<&mut Fish>, mut runs: Local<u32>) {
    *runs += 1;
    fish.for_each(|fish| fish.age = *runs);
}";

/// The fish of all rooms, as text, each once.
fn fish_of_rooms(rig: &mut Rig) -> Vec<String> {
    let picture = rig.binding.pin();
    let rooms = picture.pool_of::<World>().unwrap();
    let (mut lines, mut snapshot) = (Vec::new(), WorldSnapshot::new());
    for id in rooms.ids() {
        rooms.get(id).unwrap().save(&mut snapshot).unwrap();
        let values = snapshot.describe().unwrap();
        assert_eq!(values.values().filter(|value| value.starts_with("Fish")).count(), 10, "room {id}");
        lines.extend(values.into_values().filter(|value| value.starts_with("Fish")));
    }
    lines.sort();
    lines.dedup();
    lines
}

#[test]
fn one_swap_changes_the_behaviour_in_all_rooms_which_go_on_where_they_were() {
    let old = fish("pub age: u32,");
    let mut rig = Rig::new();
    rig.load_together(&[model(&old), arena(&old, COUNT)], Consent::Lossless).unwrap();
    rig.steps(3);
    assert_eq!(
        (rig.engine.take_faults(), fish_of_rooms(&mut rig)),
        (vec![], vec!["Fish { age: 3 }".to_owned()])
    );
    let schedules = rig.engine.world_schedules();
    assert_eq!((schedules[0].worlds, schedules[0].systems.len()), (60, 2));

    // The code is another one, and so is a type.
    let new = fish("pub age: u32, #[keel(default = 2)] pub fins: u8,");
    let faster = COUNT
        .replace("+= 1", "+= 10")
        .replace("Local<u32>", "Local<u64>")
        .replace("*runs);", "*runs as u32);");
    let report = rig.load_together(&[model(&new), arena(&new, &faster)], Consent::Lossless).unwrap();
    assert_eq!(report.pools.converted, 600);
    rig.steps(1);
    assert_eq!(rig.engine.take_faults(), []);
    assert_eq!(fish_of_rooms(&mut rig), ["Fish { age: 13, fins: 2 }"], "a local goes on, none hatches again");

    // What would be lost refuses the swap of all.
    let without =
        COUNT.replace(", mut runs: Local<u32>", "").replace("*runs += 1;", "").replace("*runs", "1");
    check_refused(rig.load(&arena(&new, &without)), Code::DataLoss, "`count: Local` of type u64 is gone");
    rig.steps(1);
    assert_eq!(fish_of_rooms(&mut rig), ["Fish { age: 23, fins: 2 }"], "the old code goes on");

    // A saved game has what systems keep of each room.
    let bytes = rig.registry.save_game(&rig.engine, Vec::new()).unwrap();
    let mut other = Rig::new();
    let checker = other.registry.checker();
    let libraries = [model(&new), arena(&new, &faster)];
    let candidates = libraries.iter().map(|it| checker.check(&other.scratch.copy(it), 0).unwrap()).collect();
    other.registry.resume_game(&mut other.engine, candidates, &bytes, Consent::Lossless).unwrap();
    other.steps(1);
    assert_eq!(other.engine.take_faults(), []);
    assert_eq!(fish_of_rooms(&mut other), ["Fish { age: 33, fins: 2 }"]);

    other.registry.reset(&mut other.engine).unwrap();
    other.steps(1);
    assert_eq!(fish_of_rooms(&mut other), ["Fish { age: 10, fins: 0 }"], "all begin afresh");
}

#[test]
fn generations_whose_systems_ran_in_rooms_are_unmapped() {
    let types = fish("pub age: u32,");
    let mut rig = Rig::with(RegistryConfig { ring: 0, ..RegistryConfig::default() });
    rig.load_together(&[model(&types), arena(&types, COUNT)], Consent::Lossless).unwrap();
    for round in 1..4 {
        rig.steps(1);
        let next = COUNT.replace("+= 1", &format!("+= 1 + 0 * {round}"));
        rig.load(&arena(&types, &next)).unwrap();
        rig.steps(1);
        assert_eq!(rig.engine.take_faults(), []);
        let retired = rig.registry.tidy();
        assert_eq!((retired.unmapped, retired.kept), (1, vec![]), "round {round}");
        assert_eq!(rig.mapped(), 2);
    }
    assert_eq!(fish_of_rooms(&mut rig), ["Fish { age: 6 }"]);
    let Rig { engine, registry, .. } = rig;
    let closed = registry.close(engine);
    assert_eq!((closed.unmapped, closed.kept), (2, vec![]));
}
