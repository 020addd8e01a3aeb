//! Startup, states and sets, across swaps of the libraries that their code lies in.

use std::path::{Path, PathBuf};

use keel_fixture::Fixture;
use keel_registry::Consent;

use crate::rig::Rig;
use crate::sources::{model, types};

const TYPES: &str = "use keel::prelude::*;
    #[resource] #[derive(Debug, Default, PartialEq)] pub enum Phase { #[default] Menu, Dive { depth: u32 } }
    #[event] pub struct Splash { pub loud: u32 }
    keel::model! { components: [], resources: [Phase], events: [Splash] }";

/// A module that leaves marks `LABEL WHAT at STEP`.
fn diver(label: &str, types: &Path) -> PathBuf {
    let source = r#"
use keel::prelude::*;
use game_types::*;

#[data]
#[derive(Default)]
pub struct Diver {
    pub dives: u32,
}

fn mark(commands: &mut Commands, what: &str, time: Time) {
    commands.spawn((Name::new(format!("LABEL {what} at {}", time.step)),));
}

fn begin(commands: &mut Commands) {
    commands.spawn((Name::new("LABEL began at 1"),));
}

fn choose(time: Time, mut phase: NextState<Phase>, mut splashes: EventWriter<Splash>) {
    splashes.send(Splash { loud: time.step as u32 });
    if time.step == 3 {
        phase.set(Phase::Dive { depth: 7 });
    }
}

fn hear(mut splashes: EventReader<Splash>, commands: &mut Commands, time: Time) {
    for splash in splashes.read() {
        commands.spawn((Name::new(format!("heard {} at {}", splash.loud, time.step)),));
    }
}

impl Diver {
    fn enter(&mut self, commands: &mut Commands, time: Time) {
        self.dives += 1;
        mark(commands, "entered", time);
    }
}

#[view_model]
impl ViewModel for Diver {
    fn register(&mut self, setup: &mut Setup) -> ModuleResult {
        let system = SystemDescriptor::new;
        setup.system_with(system("begin").stage(Stage::Startup), begin);
        setup.system("choose", choose).system("hear", hear);
        setup.system_of_with(system("enter").on_enter(Phase::Dive { depth: 7 }), Self::enter);
        setup.system_with(system("dive").in_set("diving"), |commands: &mut Commands, time: Time| {
            mark(commands, "dived", time);
        });
        setup.set(SetDescriptor::new("diving").run_if(in_state(Phase::Dive { depth: 7 })));
        Ok(())
    }
}

keel::export_module! { view_model: Diver, models: [game_types] }
"#;
    Fixture::module("diver").source(source.replace("LABEL", label)).with("game_types", types).build()
}

#[test]
fn startup_states_and_readers_go_on_where_they_were() {
    let types = types(TYPES);
    let mut rig = Rig::new();
    rig.load_together(&[model(&types), diver("v1", &types)], Consent::Lossless).unwrap();
    rig.steps(3);
    assert_eq!(rig.engine.take_faults(), []);
    assert_eq!((rig.mark("v1 began"), rig.mark("v1 entered"), rig.mark("v1 dived")), (1, 0, 0));

    // The state is to change in the next step, and the last event is unheard.
    rig.load(&diver("v2", &types)).unwrap();
    rig.steps(2);
    assert_eq!(rig.engine.take_faults(), []);
    assert_eq!(rig.mark("v2 began"), 0, "startup is over");
    assert_eq!((rig.mark("v2 entered"), rig.mark("v2 dived")), (4, 5));
    let heard: Vec<_> =
        (1..=5).filter(|loud| (1..=5).any(|step| rig.has(&format!("heard {loud} at {step}")))).collect();
    assert_eq!(heard, [1, 2, 3, 4, 5], "each event is heard");
    let twice =
        (1..=5).filter(|loud| (1..=5).filter(|step| rig.has(&format!("heard {loud} at {step}"))).count() > 1);
    assert_eq!(twice.count(), 0, "and none twice");

    rig.load(&diver("v3", &types)).unwrap();
    let game = rig.registry.save_game(&rig.engine, Vec::new()).unwrap();
    rig.steps(1);
    assert_eq!((rig.mark("v3 entered"), rig.mark("v3 dived")), (0, 6), "a swap enters nothing");

    let mut other = Rig::new();
    let checker = other.registry.checker();
    let candidates = [model(&types), diver("v4", &types)]
        .map(|library| checker.check(&other.scratch.copy(&library), 0).unwrap());
    let candidates = candidates.into_iter().collect();
    other.registry.resume_game(&mut other.engine, candidates, &game, Consent::Lossless).unwrap();
    other.steps(1);
    assert_eq!((other.mark("v4 began"), other.mark("v4 entered"), other.mark("v4 dived")), (0, 0, 6));

    rig.registry.reset(&mut rig.engine).unwrap();
    rig.steps(4);
    assert_eq!(rig.engine.take_faults(), []);
    assert_eq!((rig.mark("v3 began"), rig.mark("v3 entered")), (1, 4), "a reset begins the game afresh");
}
