//! What a trial is for and against, in this process.

use keel::console::Key;
use keel_fixture::{Fixture, Scratch};
use keel_registry::Past;

use super::*;
use crate::protocol::Library;

/// A module that does `REGISTER` and, in each step, `UPDATE`.
const MODULE: &str = r#"
    use keel::console::{Key, Terminal};
    use keel::prelude::*;

    #[data]
    #[derive(Default)]
    pub struct Swim {
        pub steps: u64,
    }

    #[view_model]
    impl ViewModel for Swim {
        fn register(&mut self, setup: &mut Setup) -> ModuleResult {
            let _ = &setup;
            { REGISTER }
            Ok(())
        }

        fn update(&mut self, frame: &mut Frame<'_>) -> ModuleResult {
            self.steps += 1;
            let _ = &frame;
            { UPDATE }
            Ok(())
        }
    }

    /// A key that was pressed.
    pub fn pressed(frame: &Frame<'_>) -> Option<Key> {
        frame.models::<Terminal>().ok()?.get_mut(Terminal::MAIN).ok()?.next_pressed()
    }

    keel::export_module! { view_model: Swim }
"#;

/// A task that panics as soon as it runs.
const PANICKING_TASK: &str =
    r#"if self.steps == 1 { frame.tasks.spawn("drift", async { panic!("adrift") }); }"#;

fn library(scratch: &Scratch, package: &str, register: &str, update: &str) -> Library {
    let source = MODULE.replace("REGISTER", register).replace("UPDATE", update);
    let path = scratch.copy(&Fixture::module(package).source(source).build());
    Library { module: package.to_owned(), path, generation: 0, stated: None }
}

/// What comes of new code in the place of `swim`, with these libraries live before it.
fn tried(before: Vec<Library>, new: Library, inputs: Vec<FrameInput>) -> TrialOutcome {
    let mut host = Host::alone(&["--trial", "3"]);
    host.obey(ToEngine::Load {
        modules: before,
        game: None,
        accept_loss: false,
        first_frame: None,
        past: Past::default(),
    });
    let faulty = host.frame_before();
    let request = SwapRequest::of(1, vec![new]);
    host.try_out(request, &faulty, inputs)
}

/// Tries new code that does this, in the place of code that does that, after a step of that.
fn check(old: &str, [register, update]: [&str; 2], inputs: Vec<FrameInput>, expected: Option<[&str; 2]>) {
    let scratch = Scratch::new();
    let before = library(&scratch, "swim", "", old);
    let new = library(&scratch, "swim", register, update);
    let outcome = tried(vec![before], new, inputs);
    match (&outcome, expected) {
        (TrialOutcome::Fits, None) => {}
        (TrialOutcome::Panicked { module, system, message, .. }, Some([of, says])) => {
            assert_eq!((module.as_str(), system.as_str()), ("swim", of), "{message}");
            assert!(message.contains(says), "{message}");
        }
        _ => panic!("{outcome:?} instead of {expected:?}"),
    }
}

#[test]
fn new_code_that_panics_as_the_code_before_did_is_refused() {
    check("panic!(\"first\")", ["", "panic!(\"still\")"], vec![], Some(["update", "still"]));
    check("panic!(\"first\")", ["", ""], vec![], None);
}

#[test]
fn a_module_that_failed_before_does_not_count_for_another() {
    let scratch = Scratch::new();
    let [swim, new] = ["1", "2"].map(|it| library(&scratch, "swim", "", &format!("self.steps += {it};")));
    let tide = library(&scratch, "tide", "", "panic!(\"low water\")");
    let outcome = tried(vec![swim, tide], new, vec![]);
    assert!(matches!(outcome, TrialOutcome::Fits), "{outcome:?}");
}

#[test]
fn a_task_of_the_new_code_that_panics_refuses_it() {
    // The step before was the first one.
    let task = PANICKING_TASK.replace("== 1", "== 2");
    check("", ["", &task], vec![], Some(["task drift", "adrift"]));
}

#[test]
fn a_task_of_the_code_before_is_not_the_new_codes_doing() {
    check(PANICKING_TASK, ["", ""], vec![], None);
}

#[test]
fn each_idle_system_has_a_turn() {
    let idle = |name: &str, does: &str| {
        let descriptor = format!("SystemDescriptor::new(\"{name}\").stage(Stage::Idle)");
        format!("setup.system_with({descriptor}, |_: &mut Frame<'_>| {{ {does} }});")
    };
    let sound: String = ["a", "b", "c", "d"].map(|name| idle(name, "")).concat();
    check(
        "",
        [&format!("{sound}{}", idle("e", "assert_eq!(1, 2, \"rest\");")), ""],
        vec![],
        Some(["e", "rest"]),
    );
}

#[test]
fn new_code_sees_the_keys_that_came_in_lately() {
    let update = "if pressed(frame) == Some(Key::Letter('x')) { panic!(\"it was x\"); }";
    let pressed = |key| FrameInput { keys: vec![Key::Letter(key)], ..FrameInput::default() };
    check("", ["", update], vec![pressed('y'), pressed('x')], Some(["update", "it was x"]));
    check("", ["", update], vec![pressed('y')], None);
}
