//! The running game put back to what it was, with the code that is live.

use std::path::Path;

use keel_registry::{Code, Consent};

use crate::rig::{Rig, check_refused};
use crate::sources::Swim;

const DICE: &str = "#[data] #[derive(Default)] pub struct Count { pub runs: u64 }
    fn roll(mut count: Local<Count>, mut random: ResMut<Random>, commands: &mut Commands) {
        count.runs += 1;
        commands.spawn((Name::new(format!(\"roll {} of {}\", random.below(1000), count.runs)),));
    }";
const START: &str = "frame.timers.every(std::time::Duration::from_millis(40), \"ring\", &1_u32)?;";
const REGISTER: &str = "setup.system(\"roll\", roll);
    setup.handler(\"ring\", |frame: &mut Frame<'_>, _: u32| {
        let rang = frame.world.spawn((Name::new(\"it rang\"),));
        if frame.time.step % 2 == 0 { let _ = frame.world.despawn(rang); }
    });";

/// Uses all that must come back: its fields, a local, random numbers, a timer, ids that are free.
fn rolling(label: &str) -> Swim {
    Swim::new(label).at("ITEMS", DICE).at("START", START).at("REGISTER", REGISTER)
}

fn game(rig: &mut Rig) -> Vec<u8> {
    rig.registry.save_game(&rig.engine, Vec::new()).unwrap()
}

fn begun(library: &Path) -> Rig {
    let mut rig = Rig::new();
    rig.load(library).unwrap();
    rig.steps(5);
    rig
}

#[test]
fn the_same_steps_make_the_same_game_again() {
    let library = rolling("v1").build();
    let mut rig = begun(&library);
    let before = game(&mut rig);
    rig.steps(9);
    let after = game(&mut rig);
    for _ in 0..3 {
        let report = rig.registry.rewind(&mut rig.engine, &before, Consent::Lossless).unwrap();
        assert_eq!((report.modules.len(), report.failed_starts.len()), (1, 0));
        assert_eq!((rig.engine.time().step, game(&mut rig) == before), (5, true), "it is back");
        rig.steps(9);
        assert_eq!(rig.engine.take_faults(), []);
        assert!(game(&mut rig) == after, "to the byte");
    }
}

#[test]
fn a_rewind_takes_no_place_in_the_ring() {
    let mut rig = begun(&rolling("v1").build());
    rig.load(&rolling("v2").build()).unwrap();
    let before = game(&mut rig);
    for _ in 0..8 {
        rig.steps(1);
        rig.registry.rewind(&mut rig.engine, &before, Consent::Lossless).unwrap();
        rig.registry.tidy();
    }
    assert_eq!((rig.mapped(), rig.generations()), (2, vec![("swim".to_owned(), 1)]));
}

#[test]
fn the_code_stays_and_takes_the_old_values_over() {
    let mut rig = begun(&rolling("v1").build());
    let before = game(&mut rig);
    rig.steps(4);
    let wider = rolling("v2").fields("#[keel(default = 7)] pub extra: u32,");
    let wider = wider.at("UPDATE", "self.steps += u64::from(self.extra);");
    rig.load(&wider.build()).unwrap();
    rig.steps(4);
    rig.registry.rewind(&mut rig.engine, &before, Consent::Lossless).unwrap();
    assert_eq!((rig.mark("v1"), rig.mark("v2")), (5, 0));
    rig.steps(1);
    assert_eq!((rig.mark("v2"), rig.engine.take_faults()), (13, vec![]));
}

#[test]
fn a_module_that_was_not_there_starts_and_one_that_panicked_runs_again() {
    let mut rig = begun(&Swim::new("v1").at("UPDATE", "assert!(self.steps < 8);").build());
    let before = game(&mut rig);
    rig.steps(4);
    assert_eq!((rig.engine.take_faults().len(), rig.mark("v1")), (1, 7));
    let other = Swim::new("other").replace("pub struct Swim", "pub struct Other");
    let other = other.replace("for Swim", "for Other").replace("view_model: Swim", "view_model: Other");
    let other = other.replace(", provides: [dyn PictureView]", "");
    let other = other.replace("setup.provide::<dyn PictureView>(Box::new(Title));", "let _ = Title;");
    let library = keel_fixture::Fixture::module("other").source(other.source()).build();
    rig.load(&library).unwrap();
    rig.steps(2);
    rig.registry.rewind(&mut rig.engine, &before, Consent::Lossless).unwrap();
    assert!(rig.has("other started") && !rig.has("other at 1"));
    rig.steps(2);
    assert_eq!((rig.mark("v1"), rig.mark("other"), rig.engine.take_faults()), (7, 2, vec![]));
}

#[test]
fn a_game_that_is_damaged_or_does_not_fit_changes_nothing() {
    let mut rig = begun(&rolling("v1").fields("pub depth: u32,").build());
    let before = game(&mut rig);
    rig.steps(1);
    let now = game(&mut rig);
    for length in [0, 10, before.len() / 2, before.len() - 1] {
        let outcome = rig.registry.rewind(&mut rig.engine, &before[..length], Consent::Lossless);
        assert_eq!(outcome.unwrap_err().code, Code::RestoreFailed);
        assert!(game(&mut rig) == now, "to the byte");
    }
    rig.load_with(&rolling("v2").build(), Consent::AcceptLoss).unwrap();
    let changed = game(&mut rig);
    let outcome = rig.registry.rewind(&mut rig.engine, &before, Consent::Lossless);
    check_refused(outcome, Code::DataLoss, "depth");
    assert_eq!(rig.registry.census().kept, 0, "the live library is not let go");
    assert!(game(&mut rig) == changed, "to the byte");
    rig.steps(1);
    assert_eq!((rig.mark("v2"), rig.engine.take_faults()), (7, vec![]));
}
