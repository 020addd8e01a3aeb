//! Explicit reloads: from a path, from memory, one or all; reset and removal; who is told.

use std::sync::{Arc, Mutex};

use keel_registry::{Code, Consent, RegistryEvent, State};

use crate::rig::{Rig, check_refused};
use crate::sources::Swim;

const NO_VIEW: [(&str, &str); 2] =
    [("setup.provide::<dyn PictureView>(Box::new(Title));", ""), (", provides: [dyn PictureView] }", " }")];

fn without_view(label: &str) -> Swim {
    NO_VIEW.iter().fold(Swim::new(label), |swim, (text, by)| swim.replace(text, by))
}

#[test]
fn a_reload_from_a_path_goes_on_where_the_old_generation_was() {
    let mut rig = Rig::new();
    rig.load(&Swim::new("v1").build()).unwrap();
    rig.steps(7);
    let report = rig.load(&Swim::new("v2").build()).unwrap();
    assert_eq!((report.modules[0].generation, report.rebuilt), (1, false));
    rig.steps(1);
    assert_eq!((rig.mark("v1"), rig.mark("v2")), (7, 8));
    assert!(!rig.has("v2 started"), "a swap is no start");
    rig.check_runs("v2");
}

#[test]
fn a_reload_from_memory() {
    let mut rig = Rig::new();
    let bytes = |label| std::fs::read(Swim::new(label).build()).unwrap();
    for (generation, label) in ["v1", "v2", "v3"].into_iter().enumerate() {
        let folder = rig.scratch.path().to_owned();
        let report =
            rig.registry.load_bytes(&mut rig.engine, &bytes(label), &folder, Consent::Lossless).unwrap();
        assert_eq!(report.modules[0].generation, generation as u64);
        let live = rig.registry.modules().remove(0).library;
        assert_eq!(std::fs::read(live).unwrap(), bytes(label), "it says which file is live");
        rig.check_runs(label);
    }
    assert_eq!(rig.mapped(), 3);
}

#[test]
fn bytes_that_are_no_module_leave_nothing_behind() {
    let mut rig = Rig::new();
    let good = std::fs::read(Swim::new("v1").build()).unwrap();
    let folder = rig.scratch.path().to_owned();
    for (bytes, code) in [
        (&good[..0], Code::NotALibrary),
        (b"no library", Code::NotALibrary),
        (&good[..5000], Code::NotALibrary),
    ] {
        check_refused(rig.registry.load_bytes(&mut rig.engine, bytes, &folder, Consent::Lossless), code, "");
    }
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0, "the files are gone");
    rig.check_runs_nothing();
    let nowhere = folder.join("nowhere");
    let outcome = rig.registry.load_bytes(&mut rig.engine, &good, &nowhere, Consent::Lossless);
    check_refused(outcome, Code::NotOpened, "nowhere can't be written");
}

#[test]
fn all_modules_are_reloaded_together_or_not_at_all() {
    let mut rig = Rig::new();
    let first = [Swim::new("v1").build(), without_view("a1").build_as("other")];
    rig.load_together(&first, Consent::Lossless).unwrap();
    rig.steps(2);
    let second = [Swim::new("v2").build(), without_view("a2").build_as("other")];
    let report = rig.load_together(&second, Consent::Lossless).unwrap();
    assert_eq!(report.modules.iter().map(|module| module.generation).collect::<Vec<_>>(), [1, 1]);
    rig.steps(1);
    assert_eq!((rig.mark("v2"), rig.mark("a2")), (3, 3));

    let bad = without_view("a3").at("RESTORE_STATE", "panic!(\"boom {}\", 1);").build_as("other");
    let outcome = rig.load_together(&[Swim::new("v3").build(), bad], Consent::Lossless);
    check_refused(
        outcome,
        Code::RestoreFailed,
        "module `other` failed in `restore_state`: panicked: boom 1; correct it",
    );
    rig.steps(1);
    assert_eq!((rig.mark("v2"), rig.mark("a2"), rig.mark("v3"), rig.mark("a3")), (4, 4, 0, 0));
    assert_eq!(rig.generations(), [("other".to_owned(), 1), ("swim".to_owned(), 1)]);
    assert_eq!(rig.mapped(), 4, "both refused libraries are let go");
}

#[test]
fn listeners_are_told_before_and_after_and_of_each_state() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let mut rig = Rig::new();
    let sink = Arc::clone(&told);
    rig.registry.listen(move |event| {
        let line = match event {
            RegistryEvent::BeforeSwap { modules } => format!("before {}", modules.join("+")),
            RegistryEvent::AfterSwap(report) => format!("after {}", report.modules[0].generation),
            RegistryEvent::StateChanged { module, from, to } => format!("{module} {from:?}->{to:?}"),
            other => panic!("{other:?}"),
        };
        sink.lock().unwrap().push(line);
    });
    rig.load(&Swim::new("v1").build()).unwrap();
    let way = [
        "before swim",
        "swim Watching->Building",
        "swim Building->Checking",
        "swim Checking->Swapping",
        "swim Swapping->Live",
        "after 0",
    ];
    assert_eq!(std::mem::take(&mut *told.lock().unwrap()), way);

    let bad = Swim::new("bad").at("RESTORE_STATE", "panic!(\"boom {}\", 1);");
    assert!(rig.load(&bad.build()).is_err());
    let way = [
        "before swim",
        "swim Live->Building",
        "swim Building->Checking",
        "swim Checking->Swapping",
        "swim Swapping->Rejected",
    ];
    assert_eq!(std::mem::take(&mut *told.lock().unwrap()), way);
}

#[test]
fn a_reset_starts_all_modules_afresh_in_an_empty_world() {
    let mut rig = Rig::new();
    rig.load(&Swim::new("v1").build()).unwrap();
    rig.load(&Swim::new("v2").build()).unwrap();
    rig.steps(5);
    let entities = rig.engine.world().len();
    assert_eq!((entities, rig.mark("v2")), (6, 5), "one mark of each step, and that of the start");
    assert_eq!(rig.registry.reset(&mut rig.engine).unwrap(), []);
    assert!(rig.has("v2 started") && !rig.has("v1 started"));
    assert_eq!((rig.engine.world().len(), rig.mark("v2"), rig.engine.time().step), (1, 0, 0));
    rig.check_runs("v2");
    assert_eq!(rig.mark("v2"), 1, "its fields are new");
    assert_eq!(rig.generations(), [("swim".to_owned(), 1)]);
}

#[test]
fn a_reset_lets_a_suspended_module_run_again() {
    let mut rig = Rig::new();
    rig.load(&Swim::new("v1").at("UPDATE", "if self.steps == 3 { panic!(\"boom {}\", 1) }").build()).unwrap();
    rig.steps(4);
    let faults = rig.engine.take_faults();
    rig.registry.note_faults(&faults);
    assert_eq!(rig.state("swim"), Some(State::Suspended));
    rig.registry.reset(&mut rig.engine).unwrap();
    assert_eq!(rig.state("swim"), Some(State::Live));
    rig.check_runs("v1");
}

#[test]
fn a_reset_that_a_module_refuses_changes_nothing() {
    let mut rig = Rig::new();
    let once = "static ONCE: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);";
    let load = "if ONCE.swap(true, std::sync::atomic::Ordering::Relaxed) { return Err(ModuleError::new(\"boom 1\")); }";
    rig.load(&Swim::new("v1").at("ITEMS", once).at("LOAD", load).build()).unwrap();
    rig.steps(2);
    check_refused(rig.registry.reset(&mut rig.engine), Code::LoadFailed, "boom 1");
    assert_eq!((rig.mark("v1"), rig.has("v1 started")), (2, true));
    rig.check_runs("v1");
    assert_eq!(rig.state("swim"), Some(State::Live));
}

#[test]
fn a_removed_module_is_stopped_and_gone_and_may_come_back() {
    let mut rig = Rig::new();
    rig.load(&Swim::new("v1").build()).unwrap();
    rig.steps(2);
    rig.registry.remove(&mut rig.engine, "swim").unwrap();
    rig.check_runs_nothing();
    assert!(rig.has("v1 stopped"));
    rig.steps(1);
    assert_eq!((rig.mark("v1"), rig.engine.take_faults()), (2, vec![]));

    let report = rig.load(&Swim::new("v2").build()).unwrap();
    assert_eq!(report.modules[0].generation, 0, "it begins again");
    assert!(rig.has("v2 started"));
    rig.check_runs("v2");
}

#[test]
fn the_next_generation_is_counted_from_the_live_one() {
    let mut rig = Rig::new();
    assert_eq!(rig.registry.next_generation("swim"), 0);
    rig.load(&Swim::new("v1").build()).unwrap();
    assert_eq!(rig.registry.next_generation("swim"), 1);
    assert!(rig.load(&Swim::new("bad").at("LOAD", "panic!(\"boom {}\", 1);").build()).is_err());
    assert_eq!(rig.registry.next_generation("swim"), 1, "a refused one does not count");
}
