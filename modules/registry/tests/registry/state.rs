//! What a module keeps across a swap, when its fields change.

use keel_registry::{Code, Consent};

use crate::rig::{Rig, check_refused};
use crate::sources::Swim;

#[test]
fn a_new_field_takes_its_default_and_the_others_stay() {
    let mut rig = Rig::new();
    rig.load(&Swim::new("v1").build()).unwrap();
    rig.steps(4);
    let report = rig.load(&Swim::new("v2").fields("#[keel(default = 40)] pub extra: u32,").build()).unwrap();
    let changes: Vec<_> = report.modules[0].changes.iter().map(ToString::to_string).collect();
    assert_eq!(changes, ["`Swim.extra` is new and takes its default"]);
    rig.steps(1);
    assert_eq!(rig.mark("v2"), 5);
}

#[test]
fn a_field_that_is_gone_needs_consent() {
    let mut rig = Rig::new();
    rig.load(&Swim::new("v1").fields("pub depth: f32,").build()).unwrap();
    rig.steps(4);
    let smaller = Swim::new("v2").build();
    check_refused(rig.load(&smaller), Code::DataLoss, "depth");
    rig.check_runs("v1");
    assert_eq!(rig.mark("v1"), 5);
    rig.load_with(&smaller, Consent::AcceptLoss).unwrap();
    rig.steps(1);
    assert_eq!(rig.mark("v2"), 6);
}

#[test]
fn timers_and_calls_outlive_the_code_that_made_them() {
    let handler = "setup.handler(\"ring\", |frame: &mut Frame<'_>, count: u32| {
        frame.world.spawn((Name::new(format!(\"LABEL rang {count}\")),));
    });";
    let start = "frame.timers.once(std::time::Duration::from_millis(100), \"ring\", &7_u32)?;
                 frame.calls.call(\"ring\", &8_u32)?;";
    let mut rig = Rig::new();
    rig.load(&Swim::new("v1").at("REGISTER", handler).at("START", start).build()).unwrap();
    rig.load(&Swim::new("v2").at("REGISTER", handler).at("START", start).build()).unwrap();
    rig.steps(1);
    assert!(rig.has("v2 rang 8") && !rig.has("v2 rang 7"));
    rig.steps(10);
    assert!(rig.has("v2 rang 7") && !rig.has("v1 rang 7"));
}

#[test]
fn a_whole_game_is_saved_and_resumed_by_other_code() {
    let mut rig = Rig::new();
    rig.load(&Swim::new("v1").build()).unwrap();
    rig.steps(6);
    let bytes = rig.registry.save_game(&rig.engine, Vec::new()).unwrap();

    let mut other = Rig::new();
    let path = other.scratch.copy(&Swim::new("v2").build());
    let candidate = other.registry.checker().check(&path, 0).unwrap();
    other.registry.resume_game(&mut other.engine, vec![candidate], &bytes, Consent::Lossless).unwrap();
    assert_eq!((other.mark("v1"), other.engine.time().step), (6, 6));
    other.steps(1);
    assert_eq!(other.mark("v2"), 7);

    for length in [0, 10, bytes.len() / 2, bytes.len() - 1] {
        let mut third = Rig::new();
        let path = third.scratch.copy(&Swim::new("v2").build());
        let candidate = third.registry.checker().check(&path, 0).unwrap();
        let resumed = third.registry.resume_game(
            &mut third.engine,
            vec![candidate],
            &bytes[..length],
            Consent::Lossless,
        );
        assert_eq!(resumed.unwrap_err().code, Code::RestoreFailed);
        third.check_runs_nothing();
    }
}

#[test]
fn two_engines_in_one_process_do_not_meet() {
    let library = Swim::new("v1").build();
    let (mut one, mut two) = (Rig::new(), Rig::new());
    one.load(&library).unwrap();
    two.load(&library).unwrap();
    one.steps(5);
    two.steps(2);
    one.load(&Swim::new("v2").build()).unwrap();
    one.steps(1);
    assert_eq!((one.mark("v2"), two.mark("v1")), (6, 2));
    two.check_runs("v1");
    drop(one);
    two.check_runs("v1");
}
