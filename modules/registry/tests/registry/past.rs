//! A registry that goes on with the game of one before it: what it can go back to, by which numbers, and what is opened.

use std::path::{Path, PathBuf};
use std::time::Duration;

use keel::engine::EngineConfig;
use keel_registry::{Code, Consent, Past, RegistryConfig, State};

use crate::rig::{Rig, check_refused};
use crate::rollback::{back, check_back};
use crate::sources::{Swim, model, types, user};

/// Generations `v0` to `vN`, and the libraries that they were opened from.
fn rig_of(generations: u64) -> (Rig, Vec<PathBuf>) {
    let (mut rig, mut libraries) = (Rig::new(), Vec::new());
    for number in 0..generations {
        rig.load(&Swim::new(&format!("v{number}")).build()).unwrap();
        rig.steps(1);
        rig.registry.tidy();
        libraries.push(rig.registry.modules()[0].library.clone());
    }
    (rig, libraries)
}

/// The game of a rig, in one with these modules and this past. The one before is gone.
fn gone_on_with(mut rig: Rig, past: Past, live: &[(&Path, u64)]) -> Rig {
    let game = rig.registry.save_game(&rig.engine, Vec::new()).unwrap();
    let config = RegistryConfig { probation: Duration::from_secs(5), ..RegistryConfig::default() };
    let mut next = Rig::with(config);
    std::mem::swap(&mut rig.scratch, &mut next.scratch);
    rig.registry.close(rig.engine);
    let checker = next.registry.checker();
    let candidates = live.iter().map(|(path, generation)| checker.check(path, *generation).unwrap());
    let candidates = candidates.collect();
    next.registry.resume_game(&mut next.engine, candidates, &game, Consent::AcceptLoss).unwrap();
    next.registry.take_up(past);
    next
}

/// The game of a rig in another one, with all that runs.
fn gone_on(rig: Rig) -> Rig {
    let (past, live) = (rig.registry.past(), rig.registry.modules());
    let live: Vec<_> = live.iter().map(|status| (status.library.as_path(), status.generation)).collect();
    gone_on_with(rig, past, &live)
}

#[test]
fn it_goes_back_as_deep_as_the_ring_of_the_one_before_and_forward_again() {
    let (rig, _) = rig_of(6);
    let mut rig = gone_on(rig);
    assert_eq!(
        (rig.registry.census().opened, rig.mapped()),
        (1, 1),
        "nothing is opened before it is asked for"
    );
    assert_eq!((rig.generations(), rig.state("swim")), (vec![("swim".to_owned(), 5)], Some(State::Live)));
    for (from, origin) in [(5, 4), (6, 3), (7, 2), (8, 1)] {
        check_back(&mut rig, None, [from, origin, from + 1], &format!("v{origin}"));
        rig.registry.tidy();
        assert_eq!(rig.registry.census().opened, from - 3, "one more");
    }
    let refused = "module `swim` runs generation 9 and has nothing before it to go back to: kept are 5, 4, 3, 2; \
                   name one by `--to N`";
    check_refused(back(&mut rig, None), Code::NoSuchModule, refused);
    check_refused(
        back(&mut rig, Some(0)),
        Code::NoSuchModule,
        "no generation 0 to go back to: kept are 5, 4",
    );
    check_back(&mut rig, Some(5), [9, 5, 10], "v5");
    rig.load(&Swim::new("v11").build()).unwrap();
    rig.check_runs("v11");
    assert_eq!(rig.generations(), [("swim".to_owned(), 11)]);
    check_back(&mut rig, None, [11, 5, 12], "v5");
}

#[test]
fn what_was_gone_on_with_often_has_the_same_past_and_what_was_taken_back_is_known_as_such() {
    let (mut rig, _) = rig_of(4);
    check_back(&mut rig, None, [3, 2, 4], "v2");
    let past = rig.registry.past();
    let mut rig = gone_on(gone_on(rig));
    assert_eq!(rig.registry.past(), past);
    assert_eq!(rig.registry.modules()[0].same_as, 2);
    check_back(&mut rig, None, [4, 1, 5], "v1");
    check_back(&mut rig, Some(3), [5, 3, 6], "v3");
    check_back(&mut rig, None, [6, 2, 7], "v2");
}

#[test]
fn a_ring_that_is_full_lets_the_oldest_go_whether_it_was_opened_or_not() {
    let (rig, _) = rig_of(5);
    let mut rig = gone_on(rig);
    for number in 5..8 {
        rig.load(&Swim::new(&format!("v{number}")).build()).unwrap();
        rig.registry.tidy();
    }
    check_refused(back(&mut rig, Some(2)), Code::NoSuchModule, "kept are 6, 5, 4, 3; name one");
    assert_eq!(rig.mapped(), 4, "what runs and has run here");
}

#[test]
fn what_has_ended_the_engine_is_not_gone_back_to_and_its_number_names_nothing_else() {
    let (mut rig, libraries) = rig_of(4);
    check_back(&mut rig, None, [3, 2, 4], "v2");
    let mut past = rig.registry.past();
    past.forget("swim", &libraries[2]);
    let mut rig = gone_on_with(rig, past, &[(&libraries[1], 1)]);
    check_refused(
        back(&mut rig, Some(2)),
        Code::NoSuchModule,
        "no generation 2 to go back to: kept are 3, 0",
    );
    // The mended one is none of those that are known.
    rig.load(&Swim::new("mended").build()).unwrap();
    assert_eq!(rig.generations(), [("swim".to_owned(), 4)]);
    check_back(&mut rig, None, [4, 1, 5], "v1");
    check_back(&mut rig, Some(3), [5, 3, 6], "v3");
    check_back(&mut rig, None, [6, 1, 7], "v1");
    check_back(&mut rig, None, [7, 0, 8], "v0");
}

#[test]
fn a_library_that_is_gone_or_damaged_is_refused_and_the_others_are_not() {
    let (rig, libraries) = rig_of(4);
    let mut rig = gone_on(rig);
    let whole = std::fs::read(&libraries[2]).unwrap();
    let mut other = whole.clone();
    let middle = other.len() / 2;
    other[middle] ^= 1;
    let step = "; kept are 1, 0; name one by `--to N`";
    for (bytes, why) in [(None, "can't be read: "), (Some(&other[..]), ""), (Some(&whole[..1000]), "")] {
        match bytes {
            None => std::fs::remove_file(&libraries[2]).unwrap(),
            Some(bytes) => std::fs::write(&libraries[2], bytes).unwrap(),
        }
        let refused = back(&mut rig, None).unwrap_err();
        let why = if why.is_empty() { "is not what it was when it ran" } else { why };
        assert!(
            refused.message.starts_with("generation 2 of module `swim` can't be gone back to: its library ")
        );
        assert!(refused.message.contains(why) && refused.message.ends_with(step), "{refused}");
        assert_eq!((refused.code, refused.module.as_str()), (Code::NotALibrary, "swim"));
        rig.check_runs("v3");
        assert_eq!((rig.state("swim"), rig.registry.census().opened), (Some(State::Live), 1));
    }
    check_back(&mut rig, Some(1), [3, 1, 4], "v1");
    std::fs::write(&libraries[2], whole).unwrap();
    check_back(&mut rig, Some(2), [4, 2, 5], "v2");
}

#[test]
fn one_that_was_opened_and_refused_is_there_for_the_next_time() {
    // With a thread-local, so that it can't be closed: a path that is open is not opened again.
    let local = "thread_local! { static SEEN: std::cell::RefCell<Vec<u64>> = const { std::cell::RefCell::new(Vec::new()) }; }";
    let mut rig = Rig::new();
    let first = Swim::new("v0").at("ITEMS", local).at("UPDATE", "SEEN.with_borrow_mut(|seen| seen.push(1));");
    rig.load(&first.build()).unwrap();
    rig.load(&Swim::new("v1").fields("pub depth: u64,").build()).unwrap();
    rig.steps(2);
    let mut rig = gone_on(rig);
    for _ in 0..2 {
        check_refused(back(&mut rig, None), Code::DataLoss, "depth");
        rig.check_runs("v1");
        assert_eq!(rig.registry.census().opened, 2, "once");
    }
    rig.registry.rollback(&mut rig.engine, "swim", None, Consent::AcceptLoss).unwrap();
    rig.check_runs("v0");
}

#[test]
fn what_one_swap_has_brought_goes_back_together_and_what_came_alone_does_not() {
    let build = |fields: &str, update: &str| {
        let source = format!("#[component] #[derive(Debug, Default)] pub struct Position {{ {fields} }}");
        let model_of = "keel::model! { components: [Position], resources: [], events: [] }";
        let types = types(&format!("use keel::prelude::*; {source} {model_of}"));
        [model(&types), user("user", &types, update)]
    };
    let mut rig = Rig::new();
    rig.load_together(&build("pub x: f32,", ""), Consent::Lossless).unwrap();
    rig.load_together(&build("pub x: f32, pub y: f32,", ""), Consent::Lossless).unwrap();
    let alone = build("pub x: f32, pub y: f32,", "let _ = frame;");
    rig.load(&alone[1]).unwrap();
    let mut rig = gone_on(rig);
    let mut names = |consent| {
        let report = rig.registry.rollback(&mut rig.engine, "user", None, consent).unwrap();
        report.modules.into_iter().map(|module| (module.name, module.to)).collect::<Vec<_>>()
    };
    assert_eq!(names(Consent::Lossless), [("user".to_owned(), 1)]);
    assert_eq!(names(Consent::Lossless), [("user".to_owned(), 0), ("game-model".to_owned(), 0)]);
}

#[test]
fn swaps_in_the_next_engine_are_none_of_those_before() {
    let other = |label: &str| {
        let free = Swim::new(label).replace("setup.provide::<dyn PictureView>(Box::new(Title));", "");
        free.replace(", provides: [dyn PictureView] }", " }").build_as("other")
    };
    let mut rig = Rig::new();
    rig.load_together(&[Swim::new("v0").build(), other("a0")], Consent::Lossless).unwrap();
    rig.load(&Swim::new("v1").build()).unwrap();
    rig.load(&Swim::new("v2").build()).unwrap();
    let mut rig = gone_on(rig);
    rig.load(&other("a1")).unwrap();
    rig.load(&other("a2")).unwrap();
    let report = back(&mut rig, None).unwrap();
    assert_eq!(report.modules.len(), 1, "alone: {:?}", report.modules);
}

/// Runs frames of one step each, as a host does; how often something was taken back.
fn frames(rig: &mut Rig, count: u32) -> usize {
    let frame = |rig: &mut Rig| {
        rig.engine.update(EngineConfig::default().step);
        let faults = rig.engine.take_faults();
        rig.registry.after_frame(&mut rig.engine, &faults).len()
    };
    (0..count).map(|_| frame(rig)).sum()
}

#[test]
fn what_was_gone_on_with_has_no_probation_and_what_is_swapped_in_after_it_has() {
    let boom = |label: &str, at: u64| {
        Swim::new(label).at("UPDATE", &format!("if self.steps == {at} {{ panic!(\"boom {{}}\", 1) }}"))
    };
    let mut rig = Rig::new();
    rig.load(&Swim::new("v0").build()).unwrap();
    rig.load(&boom("v1", 10).build()).unwrap();
    let mut rig = gone_on(rig);
    assert_eq!(frames(&mut rig, 20), 0);
    assert_eq!(rig.state("swim"), Some(State::Suspended), "as any that has stood its probation");
    rig.load(&boom("v2", 15).build()).unwrap();
    assert_eq!((rig.state("swim"), frames(&mut rig, 10)), (Some(State::Probation), 1));
    rig.check_runs("v0");
    assert_eq!(rig.registry.modules()[0].same_as, 0, "past the one that has failed");
}

#[test]
fn what_a_fault_had_stopped_and_runs_again_counts_as_good() {
    let boom = |label: &str, at: u64| {
        Swim::new(label).at("UPDATE", &format!("if self.steps == {at} {{ panic!(\"boom {{}}\", 1) }}"))
    };
    let mut rig = Rig::new();
    rig.load(&Swim::new("v0").build()).unwrap();
    rig.load(&boom("v1", 3).build()).unwrap();
    frames(&mut rig, 5);
    assert_eq!(rig.state("swim"), Some(State::Suspended));
    let mut rig = gone_on(rig);
    assert_eq!((rig.state("swim"), frames(&mut rig, 5)), (Some(State::Live), 0));
    rig.load(&boom("v2", 10).build()).unwrap();
    assert_eq!(frames(&mut rig, 5), 1);
    rig.check_runs("v1");
}

#[test]
fn nothing_is_known_of_modules_that_are_not_live_or_run_other_code() {
    let (rig, libraries) = rig_of(2);
    let past = rig.registry.past();
    let copy = rig.scratch.copy(&libraries[1]);
    let mut rig = gone_on_with(rig, past.clone(), &[(&copy, 1)]);
    let nothing =
        "runs generation 1 and has nothing before it to go back to: no earlier generation of it is kept";
    check_refused(back(&mut rig, None), Code::NoSuchModule, nothing);
    let mut rig = Rig::new();
    rig.registry.take_up(past);
    assert!(rig.registry.past().is_empty());
    rig.load(&Swim::new("v9").build()).unwrap();
    assert_eq!(rig.generations(), [("swim".to_owned(), 0)], "it begins at its beginning");
    check_refused(back(&mut rig, None), Code::NoSuchModule, "no earlier generation of it is kept");
}
