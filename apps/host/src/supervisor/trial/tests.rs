//! What a trial's process says, and what it is told, without a game.

use std::io::Read;

use crossbeam_channel::Sender;
use keel::console::Key;

use super::*;
use crate::event::Event;
use crate::os::Stream;
use crate::protocol::{FromEngine, receive_order};

/// A trial of new code for these modules, what its process is to say, and where that is told something.
fn trial(modules: &[&str]) -> (Trial, Sender<Received>, Stream) {
    let (process, says, told) = EngineProcess::idle();
    (Trial::begin(Copy::with(process), request(modules)), says, told)
}

fn library(module: &str) -> Library {
    Library { module: module.to_owned(), path: format!("{module}.so").into(), generation: 0, stated: None }
}

fn request(modules: &[&str]) -> SwapRequest {
    SwapRequest::of(1, modules.iter().map(|module| library(module)).collect())
}

fn said(message: FromEngine) -> Option<Received> {
    Some(Received::Message(message))
}

fn pressed(key: char) -> FrameInput {
    FrameInput { keys: vec![Key::Letter(key)], ..FrameInput::default() }
}

/// The next order that the process has to do something about.
fn order(told: &mut impl Read) -> ToEngine {
    receive_order(told).expect("an order")
}

#[test]
fn the_end_of_its_process_is_seen_in_each_phase() {
    for to_phase in [0, 1, 2] {
        // Its pipes are closed, or what it has started holds them open.
        for end in [None, Some(Received::Ended)] {
            let (mut trial, _says, _told) = trial(&["swim"]);
            if to_phase > 0 {
                assert!(matches!(trial.note(said(FromEngine::Copied)), News::Copied));
            }
            if to_phase > 1 {
                trial.try_out(3, step_of(60));
            }
            let phase = trial.phase;
            assert!(matches!(trial.note(end), News::Ended(None)), "{phase:?}");
        }
    }
}

#[test]
fn its_outcome_comes_before_its_end() {
    let mut trials = Trials::default();
    let (running, says, _told) = trial(&["swim"]);
    trials.running = Some(running);
    says.send(Received::Message(FromEngine::Tried(TrialOutcome::Fits))).unwrap();
    says.send(Received::Ended).unwrap();
    let first = trials.messages().recv().ok();
    let news = trials.running.as_mut().unwrap().note(first);
    assert!(matches!(news, News::Ended(Some(TrialOutcome::Fits))), "{news:?}");
    trials.running = None;
    assert!(trials.messages().try_recv().is_err(), "what a trial says that is over is heard by nobody");
}

#[test]
fn a_copy_has_the_input_that_came_before_its_game() {
    let mut trials = Trials::default();
    let (mut running, _says, mut told) = trial(&["swim"]);
    running.copy.wait_for(vec![library("swim")]);
    trials.running = Some(running);
    trials.take_inputs(&[pressed('x')]);
    let running = trials.running.as_mut().unwrap();
    assert!(!running.is_due(), "it has no copy yet");
    running.copy.load(None);
    assert!(matches!(running.note(said(FromEngine::Copied)), News::Copied));
    assert!(running.is_due());
    running.try_out(3, step_of(60));
    let ToEngine::Inputs { frames } = order(&mut told) else { panic!("the input comes first") };
    assert_eq!(frames, [pressed('x')]);
    assert!(matches!(order(&mut told), ToEngine::Load { .. }));
    assert!(matches!(order(&mut told), ToEngine::Swap(_)));
}

#[test]
fn new_code_waits_for_the_input_and_for_nothing_after_it() {
    let mut trials = Trials::default();
    let (mut running, _says, mut told) = trial(&["swim"]);
    running.note(said(FromEngine::Copied));
    assert!(!running.is_due());
    trials.running = Some(running);
    // A copy beside it may have asked.
    trials.take_inputs(&[pressed('x')]);
    let running = trials.running.as_mut().unwrap();
    assert!(running.is_due());
    running.try_out(3, step_of(60));
    assert!(!running.is_due(), "it has the code");
    assert!(matches!(order(&mut told), ToEngine::Inputs { .. }));
    assert!(matches!(order(&mut told), ToEngine::Swap(_)));
}

#[test]
fn a_stale_copy_ends_without_a_word_about_the_trial_that_is_begun_again() {
    let mut trials = Trials::default();
    let (mut stale, said_late, _told) = trial(&["swim"]);
    stale.note(said(FromEngine::Copied));
    stale.try_out(3, step_of(60));
    trials.running = Some(stale);
    trials.waiting.push_back(request(&["tide"]));
    let (ready, _says, mut ready_told) = EngineProcess::idle();
    trials.ready = Some(Copy::with(ready));
    let again = trials.take_untried();
    let modules: Vec<_> = again.iter().map(|request| names(&request.modules)).collect();
    assert_eq!(modules, ["swim", "tide"], "all of it, in the same order");
    assert!(trials.running.is_none() && trials.ready.is_none() && trials.waiting.is_empty());
    assert!(receive_order(&mut ready_told).is_err(), "its process is ended");

    let (anew, says, _told) = trial(&["swim"]);
    trials.running = Some(anew);
    for late in [Received::Message(FromEngine::Tried(TrialOutcome::NotMade)), Received::Ended] {
        let _ = said_late.send(late);
    }
    drop(said_late);
    assert!(trials.messages().is_empty());
    assert!(matches!(trials.running.as_ref().unwrap().phase, Phase::Copying));
    says.send(Received::Ended).unwrap();
    assert_eq!(trials.messages().len(), 1);
}

#[test]
fn what_the_process_said_before_it_had_the_new_code_is_not_told_of_that() {
    let (mut trial, _says, _told) = trial(&["swim"]);
    let warn = |text: &str| said(FromEngine::Event(Event::log("warn", text.to_owned())));
    trial.note(warn("old"));
    trial.note(said(FromEngine::Copied));
    trial.try_out(3, step_of(60));
    trial.note(warn("0"));
    assert_eq!(trial.last_words, ["0"]);
    (1..9).for_each(|number| drop(trial.note(warn(&number.to_string()))));
    assert_eq!(trial.last_words, ["1", "2", "3", "4", "5", "6", "7", "8"], "the last of them");
}

/// The files of a request.
fn files(request: &SwapRequest) -> Vec<String> {
    request.modules.iter().map(|library| library.path.display().to_string()).collect()
}

#[test]
fn newer_code_of_a_module_is_tried_with_the_others_that_were_to_come_with_it() {
    let mut trials = Trials::default();
    let (running, _says, mut told) = trial(&["swim", "tide"]);
    trials.running = Some(running);
    trials.waiting.extend([request(&["hunt", "model"]), request(&["console"])]);
    let mut newer = request(&["swim", "hunt"]);
    newer.modules.iter_mut().for_each(|library| library.path = format!("{}-2.so", library.module).into());
    newer.accept_loss = true;
    let joined = trials.join(newer);
    assert_eq!(files(&joined), ["swim-2.so", "hunt-2.so", "tide.so", "model.so"]);
    assert!(!joined.accept_loss, "nobody was asked about the others");
    assert!(receive_order(&mut told).is_err(), "the older trial is ended");
    assert!(trials.running.is_none());
    let waiting: Vec<_> = trials.waiting.iter().flat_map(files).collect();
    assert_eq!(waiting, ["console.so"]);
}

#[test]
fn what_is_tried_of_a_module_that_has_gone_is_given_up() {
    for gone in ["swim", "tide", "hunt"] {
        let mut trials = Trials::default();
        let (running, _says, mut told) = trial(&["swim", "model"]);
        trials.running = Some(running);
        trials.waiting.extend([request(&["tide"]), request(&["hunt", "dive"])]);
        let gone = [gone.to_owned()];
        let left = trials.give_up(&gone).into_iter().filter_map(|it| it.without(&gone));
        let left: Vec<_> = left.flat_map(|request| files(&request)).collect();
        let (others, is_running): (&[&str], _) = match gone[0].as_str() {
            "swim" => (&["model.so"], false),
            "tide" => (&[], true),
            _ => (&["dive.so"], true),
        };
        assert_eq!(left, others, "{gone:?}");
        assert_eq!(trials.running.is_some(), is_running, "{gone:?}");
        assert_eq!(trials.waiting.len(), if is_running { 1 } else { 2 }, "{gone:?}");
        if !is_running {
            assert!(receive_order(&mut told).is_err(), "its process is ended");
        }
    }
}
