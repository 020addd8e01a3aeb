//! A panic soon after a swap: the code before goes on, with the game as it was when all was well.

use std::sync::Arc;
use std::time::Duration;

use keel::engine::EngineConfig;
use keel_registry::{Code, Consent, Event, RegistryConfig, State, TakenBack};

use crate::rig::{Rig, check_refused};
use crate::sources::Swim;

const ONCE: &str = "static ONCE: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);";

fn rig() -> Rig {
    Rig::with(RegistryConfig { probation: Duration::from_secs(5), ..RegistryConfig::default() })
}

/// The game `v1`, which has run for two seconds.
fn begun() -> Rig {
    let mut rig = rig();
    rig.load(&Swim::new("v1").build()).unwrap();
    assert_eq!(frames(&mut rig, 120), []);
    keep(&mut rig);
    rig
}

/// Hands the game as it is in, as one to go back to: how often the registry saves it depends on what that costs here.
fn keep(rig: &mut Rig) {
    let saved = rig.registry.save_game(&rig.engine, Vec::new()).unwrap();
    rig.registry.note_good(&rig.engine, Arc::new(saved));
}

/// Runs frames of one step each, as a host does.
fn frames(rig: &mut Rig, count: u32) -> Vec<TakenBack> {
    let mut taken_back = Vec::new();
    for _ in 0..count {
        rig.engine.update(EngineConfig::default().step);
        let faults = rig.engine.take_faults();
        taken_back.extend(rig.registry.after_frame(&mut rig.engine, &faults));
        rig.registry.tidy();
    }
    taken_back
}

/// A generation that panics once it has seen `steps` steps since the game began.
fn panics_at(label: &str, steps: u64) -> Swim {
    Swim::new(label).at("UPDATE", &format!("if self.steps == {steps} {{ panic!(\"boom {{}}\", 1) }}"))
}

fn hash(rig: &Rig) -> u64 {
    rig.registry.state_hash(&rig.engine).unwrap()
}

/// The hash of a game that has run `v1` alone for so many steps.
fn hash_of_v1(steps: u32) -> u64 {
    let mut rig = rig();
    rig.load(&Swim::new("v1").build()).unwrap();
    frames(&mut rig, steps);
    hash(&rig)
}

fn without_view(label: &str) -> Swim {
    let free = Swim::new(label).replace("setup.provide::<dyn PictureView>(Box::new(Title));", "");
    free.replace(", provides: [dyn PictureView] }", " }")
}

#[test]
fn a_panic_in_the_first_frame_costs_that_frame() {
    let mut rig = begun();
    rig.load(&panics_at("v2", 121).build()).unwrap();
    assert_eq!(rig.state("swim"), Some(State::Probation));
    let taken_back = frames(&mut rig, 1).remove(0);
    let report = taken_back.outcome.unwrap();
    assert_eq!((taken_back.fault.message.as_str(), report.frames_lost), ("panicked: boom 1", 1));
    let put_back = &report.modules[0];
    assert_eq!((put_back.from, put_back.to, put_back.generation), (1, 0, 2));
    assert_eq!((rig.state("swim"), rig.engine.time().frame), (Some(State::Rejected), 120));
    assert_eq!(hash(&rig), hash_of_v1(120), "the world that it would be without the swap");
    assert_eq!(frames(&mut rig, 30), [], "and it goes on so");
    assert_eq!(hash(&rig), hash_of_v1(150));
    rig.check_runs("v1");
    // The mended one is swapped as any other.
    rig.load(&Swim::new("v3").build()).unwrap();
    assert_eq!(rig.state("swim"), Some(State::Probation));
    assert_eq!(frames(&mut rig, 299), []);
    assert_eq!((rig.state("swim"), frames(&mut rig, 2)), (Some(State::Probation), vec![]));
    assert_eq!(rig.state("swim"), Some(State::Live));
}

#[test]
fn a_panic_within_the_first_seconds_costs_a_second_of_the_game_at_most() {
    let mut rig = begun();
    rig.load(&panics_at("v2", 301).build()).unwrap();
    assert_eq!(frames(&mut rig, 120), []);
    keep(&mut rig);
    let report = frames(&mut rig, 61).remove(0).outcome.unwrap();
    assert!((1..=61).contains(&report.frames_lost), "{}", report.frames_lost);
    assert_eq!(rig.mark("v2"), 301 - report.frames_lost, "what the new code did before stays");
    assert_eq!((rig.mark("v1"), rig.engine.time().step), (120, 301 - report.frames_lost));
    rig.check_runs("v1");
}

#[test]
fn a_later_panic_suspends_the_module_alone() {
    let mut rig = begun();
    rig.load(&panics_at("v2", 500).build()).unwrap();
    assert_eq!(frames(&mut rig, 400), []);
    assert_eq!((rig.state("swim"), rig.mark("v2")), (Some(State::Suspended), 499));
    assert_eq!(rig.generations(), [("swim".to_owned(), 1)]);
}

#[test]
fn there_is_no_probation_without_a_generation_before_or_where_it_is_off() {
    let mut rig = rig();
    rig.load(&panics_at("v1", 3).build()).unwrap();
    assert_eq!(rig.state("swim"), Some(State::Live));
    assert_eq!((frames(&mut rig, 5), rig.state("swim")), (vec![], Some(State::Suspended)));

    let mut rig = Rig::new();
    rig.load(&Swim::new("v1").build()).unwrap();
    rig.load(&panics_at("v2", 3).build()).unwrap();
    assert_eq!(rig.state("swim"), Some(State::Live));
    assert_eq!((frames(&mut rig, 5), rig.state("swim")), (vec![], Some(State::Suspended)));
}

#[test]
fn a_state_that_has_changed_its_shape_goes_back_to_the_game_before_the_swap() {
    let mut rig = begun();
    let deep = panics_at("v2", 250).fields("pub depth: u64,");
    let deep = deep.replace("self.steps += 1;", "self.steps += 1; self.depth = 7;");
    rig.load(&deep.build()).unwrap();
    let report = frames(&mut rig, 130).remove(0).outcome.unwrap();
    assert_eq!(report.frames_lost, 130, "what was saved since has a field that the old code would lose");
    assert_eq!(hash(&rig), hash_of_v1(120));
    rig.check_runs("v1");
}

#[test]
fn a_generation_that_cannot_be_saved_or_dropped_is_taken_back() {
    let panic = "panic!(\"boom {}\", 2);";
    let drop = "impl Drop for Swim { fn drop(&mut self) { if self.steps > 120 { panic!(\"boom {}\", 2) } } }";
    for bad in [panics_at("v2", 250).at("SAVE_STATE", panic), panics_at("v2", 250).at("ITEMS", drop)] {
        let mut rig = begun();
        rig.load(&bad.build()).unwrap();
        let report = frames(&mut rig, 130).remove(0).outcome.unwrap();
        assert!(report.frames_lost <= 130);
        rig.check_runs("v1");
        assert_eq!(frames(&mut rig, 10), []);
    }
}

#[test]
fn a_game_that_cannot_be_saved_any_more_goes_back_to_the_last_that_could() {
    let mut rig = begun();
    let unsaved = without_view("other").at("SAVE_STATE", "panic!(\"boom {}\", 2);");
    rig.load(&unsaved.build_as("other")).unwrap();
    assert_eq!(frames(&mut rig, 90), []);
    rig.load(&panics_at("v2", 211).build()).unwrap();
    let report = frames(&mut rig, 1).remove(0).outcome.unwrap();
    assert_eq!((report.frames_lost, rig.mark("v1"), rig.mark("other")), (91, 120, 0));
    assert!(rig.has("other started"), "it was not there then, and is started");
    assert_eq!(frames(&mut rig, 5), []);
    assert_eq!((rig.mark("v1"), rig.mark("other"), rig.title()), (125, 5, Some("v1".to_owned())));
}

#[test]
fn a_game_that_was_gone_to_is_not_gone_back_from() {
    let mut rig = begun();
    rig.registry.reset(&mut rig.engine).unwrap();
    assert_eq!(frames(&mut rig, 10), []);
    rig.load(&panics_at("v2", 11).build()).unwrap();
    let report = frames(&mut rig, 1).remove(0).outcome.unwrap();
    assert!(report.frames_lost <= 11, "not to what was before the reset: {}", report.frames_lost);
    assert!(rig.mark("v1") <= 10 && rig.engine.time().step <= 10);
}

#[test]
fn other_modules_go_back_with_the_game_and_run_on() {
    let mut rig = begun();
    rig.load(&without_view("other").build_as("other")).unwrap();
    frames(&mut rig, 60);
    assert_eq!(rig.mark("other"), 60);
    keep(&mut rig);
    rig.load(&panics_at("v2", 181).build()).unwrap();
    let report = frames(&mut rig, 1).remove(0).outcome.unwrap();
    assert_eq!((report.modules.len(), report.frames_lost), (1, 1));
    assert_eq!((rig.mark("other"), rig.mark("v1")), (60, 180), "its step of that frame is undone, too");
    rig.steps(1);
    assert_eq!((rig.mark("other"), rig.mark("v1")), (61, 181), "its fields went back with the world");
    assert_eq!(rig.generations(), [("other".to_owned(), 0), ("swim".to_owned(), 2)]);
}

#[test]
fn what_was_swapped_together_is_taken_back_together() {
    let mut rig = rig();
    let first = [Swim::new("v1").build(), without_view("a1").build_as("other")];
    rig.load_together(&first, Consent::Lossless).unwrap();
    frames(&mut rig, 60);
    keep(&mut rig);
    let second = [panics_at("v2", 62).build(), without_view("a2").build_as("other")];
    rig.load_together(&second, Consent::Lossless).unwrap();
    let report = frames(&mut rig, 2).remove(0).outcome.unwrap();
    assert_eq!(report.modules.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["swim", "other"]);
    frames(&mut rig, 1);
    assert_eq!((rig.mark("v1"), rig.mark("a1"), rig.mark("a2")), (61, 61, 0));
    assert_eq!((rig.state("swim"), rig.state("other")), (Some(State::Rejected), Some(State::Rejected)));
}

#[test]
fn a_generation_that_has_not_proven_itself_goes_on_with_its_probation() {
    let mut rig = begun();
    rig.load(&panics_at("v2", 200).build()).unwrap();
    frames(&mut rig, 10);
    rig.load(&panics_at("v3", 141).build()).unwrap();
    let first = frames(&mut rig, 11).remove(0).outcome.unwrap();
    assert_eq!((first.modules[0].from, first.modules[0].to), (2, 1));
    let second = frames(&mut rig, 100).remove(0).outcome.unwrap();
    assert_eq!((second.modules[0].from, second.modules[0].to, second.modules[0].generation), (3, 0, 4));
    assert_eq!(frames(&mut rig, 100), []);
    rig.check_runs("v1");
}

#[test]
fn a_generation_that_a_fault_has_stopped_is_passed_over() {
    let mut rig = begun();
    rig.load(&panics_at("v2", 500).build()).unwrap();
    frames(&mut rig, 400);
    assert_eq!(rig.state("swim"), Some(State::Suspended));
    rig.load(&Swim::new("v3").at("UPDATE", "panic!(\"boom {}\", 1);").build()).unwrap();
    let report = frames(&mut rig, 1).remove(0).outcome.unwrap();
    assert_eq!((report.modules[0].from, report.modules[0].to), (2, 0));
    rig.check_runs("v1");
}

#[test]
fn a_save_or_a_refusal_meanwhile_changes_nothing_of_that() {
    for ending in [None, Some(Event::Failed)] {
        let mut rig = begun();
        rig.load(&panics_at("v2", 150).build()).unwrap();
        rig.registry.note("swim", Event::Saved);
        ending.iter().for_each(|event| rig.registry.note("swim", *event));
        assert!(frames(&mut rig, 40).remove(0).outcome.is_ok());
        let state = if ending.is_some() { State::Rejected } else { State::Building };
        assert_eq!(rig.state("swim"), Some(state), "what is under way goes on");
        rig.check_runs("v1");
        rig.load(&Swim::new("v3").build()).unwrap();
        rig.check_runs("v3");
    }
}

#[test]
fn a_fault_on_the_way_back_ends_in_a_suspended_module() {
    let load = "if ONCE.swap(true, std::sync::atomic::Ordering::Relaxed) { return Err(ModuleError::new(\"boom 3\")); }";
    let mut rig = rig();
    rig.load(&Swim::new("v1").at("ITEMS", ONCE).at("LOAD", load).build()).unwrap();
    frames(&mut rig, 60);
    rig.load(&panics_at("v2", 63).build()).unwrap();
    let outcome = frames(&mut rig, 4).remove(0).outcome;
    check_refused(outcome, Code::LoadFailed, "boom 3");
    assert_eq!((rig.state("swim"), rig.mark("v2")), (Some(State::Suspended), 62));
    assert_eq!(rig.generations(), [("swim".to_owned(), 1)], "never no module");
    assert_eq!(rig.engine.time().step, 64, "never no world");
    rig.load(&Swim::new("v3").build()).unwrap();
    rig.check_runs("v3");
}

#[test]
fn a_suspended_module_stays_so_when_the_game_goes_back() {
    let mut rig = begun();
    let other = without_view("other").at("UPDATE", "if self.steps == 30 { panic!(\"boom {}\", 1) }");
    rig.load(&other.build_as("other")).unwrap();
    frames(&mut rig, 60);
    assert_eq!(rig.state("other"), Some(State::Suspended));
    keep(&mut rig);
    rig.load(&panics_at("v2", 183).build()).unwrap();
    assert!(frames(&mut rig, 3).remove(0).outcome.is_ok());
    frames(&mut rig, 5);
    assert_eq!((rig.state("other"), rig.mark("other")), (Some(State::Suspended), 29));
}

#[test]
fn a_reset_or_a_removal_ends_a_probation() {
    let mut rig = begun();
    rig.load(&panics_at("v2", 130).build()).unwrap();
    assert_eq!(rig.registry.reset(&mut rig.engine).unwrap(), []);
    assert_eq!(rig.state("swim"), Some(State::Live));
    assert_eq!((frames(&mut rig, 140), rig.state("swim")), (vec![], Some(State::Suspended)));

    let mut rig = begun();
    rig.load(&without_view("other").build_as("other")).unwrap();
    rig.load(&panics_at("v2", 130).build()).unwrap();
    rig.registry.remove(&mut rig.engine, "swim").unwrap();
    assert_eq!(frames(&mut rig, 20), []);
}
