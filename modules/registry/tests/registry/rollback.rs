//! Going back by hand: what runs then, with which data, how far, and what is refused.

use keel_registry::{Code, Consent, PutBack, RegistryConfig, Rejection, RollbackReport, State};

use crate::rig::{Rig, check_refused};
use crate::sources::{Swim, model, types, user};

pub(crate) fn back(rig: &mut Rig, to: Option<u64>) -> Result<RollbackReport, Rejection> {
    rig.registry.rollback(&mut rig.engine, "swim", to, Consent::Lossless)
}

/// Goes back, and checks from which generation to which, as which, and that `label` runs.
#[track_caller]
pub(crate) fn check_back(rig: &mut Rig, to: Option<u64>, [from, origin, generation]: [u64; 3], label: &str) {
    let report = back(rig, to).unwrap();
    assert_eq!(report.modules, [PutBack { name: "swim".to_owned(), from, to: origin, generation }]);
    assert_eq!(report.frames_lost, 0);
    rig.check_runs(label);
    let status = rig.registry.modules().remove(0);
    assert_eq!((status.generation, status.same_as), (generation, origin));
}

/// Generations `v0` to `vN`.
fn rig_of(generations: u64) -> Rig {
    let mut rig = Rig::new();
    for number in 0..generations {
        rig.load(&Swim::new(&format!("v{number}")).build()).unwrap();
        rig.steps(1);
        rig.registry.tidy();
    }
    rig
}

#[test]
fn the_code_before_goes_on_with_the_game_as_it_is() {
    let mut rig = rig_of(2);
    rig.steps(3);
    assert_eq!((rig.mark("v0"), rig.mark("v1")), (1, 5));
    check_back(&mut rig, None, [1, 0, 2], "v0");
    assert_eq!((rig.mark("v0"), rig.mark("v1"), rig.state("swim")), (6, 5, Some(State::Rejected)));
    // The next save counts on from there.
    rig.load(&Swim::new("v3").build()).unwrap();
    rig.check_runs("v3");
    assert_eq!((rig.generations(), rig.state("swim")), (vec![("swim".to_owned(), 3)], Some(State::Live)));
}

#[test]
fn it_goes_as_deep_as_the_ring_and_forward_again_and_no_further() {
    let mut rig = rig_of(6);
    for (from, origin) in [(5, 4), (6, 3), (7, 2), (8, 1)] {
        check_back(&mut rig, None, [from, origin, from + 1], &format!("v{origin}"));
        rig.registry.tidy();
    }
    let refused = "module `swim` runs generation 9 and has nothing before it to go back to: kept are 5, 4, 3, 2; \
                   name one by `--to N`";
    check_refused(back(&mut rig, None), Code::NoSuchModule, refused);
    check_refused(
        back(&mut rig, Some(0)),
        Code::NoSuchModule,
        "no generation 0 to go back to: kept are 5, 4",
    );
    check_refused(back(&mut rig, Some(9)), Code::NoSuchModule, "runs generation 9 already");
    check_refused(back(&mut rig, Some(1)), Code::NoSuchModule, "runs generation 1 already");
    rig.check_runs("v1");
    check_back(&mut rig, Some(5), [9, 5, 10], "v5");
    assert_eq!(rig.mapped(), 5, "the ring, and what runs");
}

#[test]
fn what_was_taken_back_is_not_what_a_newer_one_goes_back_to() {
    let mut rig = rig_of(2);
    // More often than the ring is large: those that were taken back leave it first.
    for round in 0..6 {
        check_back(&mut rig, None, [2 * round + 1, 0, 2 * round + 2], "v0");
        rig.load(&Swim::new(&format!("w{round}")).build()).unwrap();
        rig.registry.tidy();
        rig.check_runs(&format!("w{round}"));
    }
    assert_eq!(rig.mapped(), 5);
}

#[test]
fn fields_that_came_since_go_with_consent_only() {
    let mut rig = rig_of(1);
    let deep = Swim::new("v1").fields("pub depth: u64,").at("UPDATE", "self.depth = 7;");
    rig.load(&deep.build()).unwrap();
    rig.steps(2);
    check_refused(back(&mut rig, None), Code::DataLoss, "depth");
    rig.check_runs("v1");
    assert_eq!(rig.state("swim"), Some(State::Live), "as it was");
    let report = rig.registry.rollback(&mut rig.engine, "swim", None, Consent::AcceptLoss).unwrap();
    assert_eq!(report.swap.modules[0].changes.len(), 1, "{report:?}");
    rig.check_runs("v0");
    assert_eq!(rig.mark("v0"), 5, "its other fields went on");
}

#[test]
fn what_one_swap_has_brought_goes_back_together_with_the_worlds_shape() {
    let spawn = "if self.steps == 1 { frame.world.spawn((Position { x: 1.5, ..Default::default() },)); }";
    let build = |fields: &str, update: &str| {
        let source = format!("#[component] #[derive(Debug, Default)] pub struct Position {{ {fields} }}");
        let model_of = "keel::model! { components: [Position], resources: [], events: [] }";
        let types = types(&format!("use keel::prelude::*; {source} {model_of}"));
        [model(&types), user("user", &types, update)]
    };
    let mut rig = Rig::new();
    rig.load_together(&build("pub x: f32,", spawn), Consent::Lossless).unwrap();
    rig.steps(2);
    rig.load_together(&build("pub x: f32, pub y: f32,", spawn), Consent::Lossless).unwrap();
    rig.steps(2);
    let back = |rig: &mut Rig, consent| rig.registry.rollback(&mut rig.engine, "user", None, consent);
    check_refused(back(&mut rig, Consent::Lossless), Code::DataLoss, "Position.y");
    assert_eq!(rig.generations(), [("game-model".to_owned(), 1), ("user".to_owned(), 1)]);
    let report = back(&mut rig, Consent::AcceptLoss).unwrap();
    let names: Vec<_> = report.modules.iter().map(|module| (module.name.as_str(), module.to)).collect();
    assert_eq!(names, [("user", 0), ("game-model", 0)]);
    assert_eq!((report.swap.rebuilt, report.swap.world.converted), (true, 1));
    rig.steps(2);
    assert_eq!(rig.engine.take_faults(), []);
    assert_eq!(rig.engine.world().len(), 1);
}

#[test]
fn a_module_that_was_swapped_alone_since_goes_back_alone() {
    let other = |label: &str| {
        let free = Swim::new(label).replace("setup.provide::<dyn PictureView>(Box::new(Title));", "");
        free.replace(", provides: [dyn PictureView] }", " }").build_as("other")
    };
    let mut rig = Rig::new();
    rig.load_together(&[Swim::new("v0").build(), other("a0")], Consent::Lossless).unwrap();
    rig.load_together(&[Swim::new("v1").build(), other("a1")], Consent::Lossless).unwrap();
    rig.load(&Swim::new("v2").build()).unwrap();
    let names = |report: RollbackReport| {
        report.modules.into_iter().map(|module| (module.name, module.to)).collect::<Vec<_>>()
    };
    assert_eq!(names(back(&mut rig, None).unwrap()), [("swim".to_owned(), 1)]);
    let together = [("swim".to_owned(), 0), ("other".to_owned(), 0)];
    assert_eq!(names(back(&mut rig, None).unwrap()), together);
    rig.steps(1);
    assert_eq!((rig.mark("v0"), rig.mark("a0")), (1, 1));
}

#[test]
fn a_suspended_module_runs_again_what_it_ran_before() {
    let mut rig = rig_of(1);
    let bad = Swim::new("v1").at("UPDATE", "if self.steps == 3 { panic!(\"boom {}\", 1) }");
    rig.load(&bad.build()).unwrap();
    rig.steps(3);
    let faults = rig.engine.take_faults();
    rig.registry.note_faults(&faults);
    assert_eq!(rig.state("swim"), Some(State::Suspended));
    check_back(&mut rig, None, [1, 0, 2], "v0");
    assert_eq!((rig.mark("v1"), rig.mark("v0"), rig.state("swim")), (2, 4, Some(State::Rejected)));
}

#[test]
fn where_the_code_before_fails_to_come_back_nothing_has_changed() {
    let once = "static ONCE: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);";
    let load = "if ONCE.swap(true, std::sync::atomic::Ordering::Relaxed) { return Err(ModuleError::new(\"boom 1\")); }";
    let restore = "panic!(\"boom {}\", 1);";
    let cases = [
        (Swim::new("v0").at("ITEMS", once).at("LOAD", load), Code::LoadFailed),
        (Swim::new("v0").at("RESTORE_STATE", restore), Code::RestoreFailed),
    ];
    for (first, code) in cases {
        let mut rig = Rig::new();
        rig.load(&first.build()).unwrap();
        rig.load(&Swim::new("v1").build()).unwrap();
        rig.steps(2);
        check_refused(back(&mut rig, None), code, "boom 1");
        rig.check_runs("v1");
        assert_eq!(rig.state("swim"), Some(State::Live));
        assert_eq!(rig.mapped(), 2, "it stays in the ring");
    }
}

#[test]
fn there_must_be_something_to_go_back_to() {
    let mut rig = Rig::new();
    check_refused(back(&mut rig, None), Code::NoSuchModule, "there is no module `swim`");
    rig.load(&Swim::new("v0").build()).unwrap();
    let first =
        "module `swim` runs generation 0 and has nothing before it to go back to: no earlier generation";
    check_refused(back(&mut rig, None), Code::NoSuchModule, first);
    // A module that is removed takes what it ran with it.
    rig.load(&Swim::new("v1").build()).unwrap();
    rig.registry.remove(&mut rig.engine, "swim").unwrap();
    rig.load(&Swim::new("v2").build()).unwrap();
    check_refused(back(&mut rig, None), Code::NoSuchModule, first);

    let mut rig = Rig::with(RegistryConfig { ring: 0, ..RegistryConfig::default() });
    rig.load(&Swim::new("v0").build()).unwrap();
    rig.load(&Swim::new("v1").build()).unwrap();
    rig.registry.tidy();
    check_refused(back(&mut rig, None), Code::NoSuchModule, "nothing before it to go back to");
}

#[test]
fn a_generation_that_was_checked_before_a_rollback_counts_on_from_it() {
    let mut rig = rig_of(2);
    let path = rig.scratch.copy(&Swim::new("v2").build());
    let candidate = rig.registry.checker().check(&path, rig.registry.next_generation("swim")).unwrap();
    check_back(&mut rig, None, [1, 0, 2], "v0");
    let report = rig.registry.swap(&mut rig.engine, vec![candidate], Consent::Lossless).unwrap();
    assert_eq!(report.modules[0].generation, 3);
    check_back(&mut rig, None, [3, 0, 4], "v0");
}
