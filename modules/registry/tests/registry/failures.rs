//! Whatever fails on the way in: the old code and the old world stay, or nothing does.

use keel_registry::{Code, State};

use crate::rig::{Rig, check_refused, short_deadlines};
use crate::sources::Swim;

const PANIC: &str = "panic!(\"boom {}\", 1);";
const ERROR: &str = "return Err(ModuleError::new(\"boom 1\"));";
const STATE_ERROR: &str = "return Err(StateError::Refused(\"boom 1\".to_owned()));";

/// A module that fails on its way in, as the first generation and as the second.
#[track_caller]
fn check_refused_on_the_way_in(bad: &Swim, code: Code, part: &str) {
    let library = bad.build();
    let mut rig = Rig::with(short_deadlines());
    check_refused(rig.load(&library), code, part);
    rig.check_runs_nothing();
    assert_eq!(rig.mapped(), 0, "the refused library is let go");

    rig.load(&Swim::new("v1").build()).unwrap();
    rig.steps(3);
    check_refused(rig.load(&library), code, part);
    assert_eq!((rig.mark("v1"), rig.mark("bad")), (3, 0));
    assert!(!rig.has("bad started"));
    rig.check_runs("v1");
    assert_eq!(rig.generations(), [("swim".to_owned(), 0)]);
    assert_eq!(rig.mapped(), 1, "the refused library is let go");

    // And the next good one goes on where the first was.
    rig.load(&Swim::new("v2").build()).unwrap();
    rig.check_runs("v2");
    assert_eq!(rig.mark("v2"), 5);
    assert_eq!(rig.state("swim"), Some(State::Live));
}

#[test]
fn a_panic_in_load() {
    check_refused_on_the_way_in(
        &Swim::new("bad").at("LOAD", PANIC),
        Code::LoadFailed,
        "`load`: panicked: boom 1; correct it",
    );
}

#[test]
fn an_error_of_load() {
    check_refused_on_the_way_in(
        &Swim::new("bad").at("LOAD", ERROR),
        Code::LoadFailed,
        "`load`: boom 1; correct it",
    );
}

#[test]
fn a_panic_in_register() {
    let bad = Swim::new("bad").at("REGISTER", PANIC);
    check_refused_on_the_way_in(&bad, Code::LoadFailed, "`register`: panicked: boom 1; correct it");
}

#[test]
fn an_error_of_register() {
    check_refused_on_the_way_in(
        &Swim::new("bad").at("REGISTER", ERROR),
        Code::LoadFailed,
        "`register`: boom 1; correct it",
    );
}

#[test]
fn a_load_that_takes_too_long() {
    let bad = Swim::new("bad").at("LOAD", "sleep(std::time::Duration::from_secs(3600)).await;");
    check_refused_on_the_way_in(&bad, Code::Deadline, "did not return from `load` within 50 ms");
}

#[test]
fn a_panic_while_the_object_is_made() {
    let bad = Swim::new("bad")
        .replace("#[derive(Default)]", "")
        .at("ITEMS", "impl Default for Swim { fn default() -> Self { panic!(\"boom {}\", 1) } }");
    check_refused_on_the_way_in(&bad, Code::LoadFailed, "panicked in `view_model`: boom 1; correct it");
}

#[test]
fn systems_in_a_cycle() {
    let bad = Swim::new("bad").at(
        "REGISTER",
        "setup.system_with(SystemDescriptor::new(\"a\").before(\"b\"), |_: &mut Frame<'_>| {});
         setup.system_with(SystemDescriptor::new(\"b\").before(\"a\"), |_: &mut Frame<'_>| {});",
    );
    check_refused_on_the_way_in(&bad, Code::SystemsCollide, "the order of systems is a cycle: swim/");
}

#[test]
fn two_systems_of_one_name() {
    let bad = Swim::new("bad").at("REGISTER", "setup.system(\"bad\", |_: &mut Frame<'_>| {});");
    check_refused_on_the_way_in(&bad, Code::SystemsCollide, "registers system `bad` twice");
}

#[test]
fn two_handlers_of_one_name() {
    let bad = Swim::new("bad").at(
        "REGISTER",
        "setup.handler(\"h\", |_: &mut Frame<'_>, _: u8| {}); setup.handler(\"h\", |_: &mut Frame<'_>, _: u8| {});",
    );
    check_refused_on_the_way_in(&bad, Code::SystemsCollide, "registers handler `h` twice");
}

/// Failures of what only a swap calls.
#[track_caller]
fn check_swap_refused(old: &Swim, new: &Swim, code: Code, part: &str) {
    let mut rig = Rig::new();
    rig.load(&old.build()).unwrap();
    rig.steps(3);
    check_refused(rig.load(&new.build()), code, part);
    assert_eq!(rig.mark("v1"), 3);
    rig.check_runs("v1");
    assert_eq!(rig.state("swim"), Some(State::Rejected));
    assert_eq!(rig.generations(), [("swim".to_owned(), 0)]);
    assert_eq!(rig.mapped(), 1, "the refused library is let go");
}

#[test]
fn save_state_that_fails() {
    for (code, part) in
        [(PANIC, "`save_state`: panicked: boom 1; correct it"), (STATE_ERROR, "boom 1; correct it")]
    {
        let old = Swim::new("v1").at("SAVE_STATE", code);
        check_swap_refused(&old, &Swim::new("v2"), Code::SaveFailed, part);
    }
}

#[test]
fn restore_state_that_fails() {
    for (code, part) in [(PANIC, "`restore_state`: panicked: boom 1; correct it"), (STATE_ERROR, "boom 1")] {
        let new = Swim::new("bad").at("RESTORE_STATE", code);
        check_swap_refused(&Swim::new("v1"), &new, Code::RestoreFailed, part);
    }
}

#[test]
fn the_tasks_of_a_module_whose_swap_is_refused_go_on() {
    let task = "if self.steps == 1 {
        frame.tasks.spawn(\"wait\", async { loop { sleep(std::time::Duration::from_millis(1)).await; } });
    }
    assert!(frame.tasks.running() == 1, \"the task was ended\");";
    let mut rig = Rig::new();
    rig.load(&Swim::new("v1").at("UPDATE", task).build()).unwrap();
    rig.steps(2);
    check_refused(
        rig.load(&Swim::new("bad").at("RESTORE_STATE", PANIC).build()),
        Code::RestoreFailed,
        "boom 1",
    );
    rig.steps(2);
    assert_eq!(rig.engine.take_faults(), []);
    let report = rig.load(&Swim::new("v2").build()).unwrap();
    assert_eq!((report.modules[0].tasks.finished, report.modules[0].tasks.cancelled), (0, 1));
}

#[test]
fn the_tasks_of_a_start_that_fails_end_with_their_module() {
    let task = "frame.tasks.spawn(\"wait\", std::future::pending());";
    let mut rig = Rig::new();
    let report = rig.load(&Swim::new("bad").at("START", &format!("{task} {PANIC}")).build()).unwrap();
    assert_eq!(report.failed_starts.len(), 1);
    assert!(!rig.engine.has_pending_work(), "its task runs on, in a library that may be unmapped");
}

#[test]
fn a_start_that_fails_takes_the_module_out_again_with_all_it_did() {
    let deadline = "sleep(std::time::Duration::from_secs(3600)).await;";
    let cases = [
        (PANIC, Code::LoadFailed, "`start`: panicked: boom 1; correct it"),
        (ERROR, Code::LoadFailed, "`start`: boom 1; correct it"),
        (deadline, Code::Deadline, "did not return from `start`"),
    ];
    for (code, expected, part) in cases {
        let mut rig = Rig::with(short_deadlines());
        let other = Swim::new("other").replace("setup.provide::<dyn PictureView>(Box::new(Title));", "");
        let other = other.replace(", provides: [dyn PictureView] }", " }").build_as("other");
        rig.load(&other).unwrap();
        rig.steps(2);
        let mut report = rig.load(&Swim::new("bad").at("START", code).build()).unwrap();
        assert_eq!(report.failed_starts.len(), 1);
        check_refused::<()>(Err(report.failed_starts.remove(0)), expected, part);
        assert!(!rig.has("bad started"), "the world is as it was");
        assert_eq!(rig.engine.systems(), ["other/update", "other/other"]);
        assert_eq!(rig.title(), None);
        assert_eq!(rig.generations(), [("other".to_owned(), 0)]);
        rig.steps(1);
        assert_eq!(rig.mark("other"), 3, "the others go on");
        // It can be mended.
        rig.load(&Swim::new("v2").build()).unwrap();
        rig.steps(1);
        assert_eq!((rig.mark("v2"), rig.state("swim")), (1, Some(State::Live)));
        // What was taken out is let go as any other that was replaced.
        for label in ["v3", "v4", "v5", "v6"] {
            rig.load(&Swim::new(label).build()).unwrap();
        }
        rig.registry.tidy();
        assert_eq!(rig.mapped(), 6, "other, v2..v6, and not the one that did not start");
    }
}

#[test]
fn a_panic_in_update_suspends_that_module_alone_until_it_is_mended() {
    let mut rig = Rig::new();
    rig.load(&Swim::new("bad").at("UPDATE", "if self.steps == 3 { panic!(\"boom {}\", 1) }").build())
        .unwrap();
    rig.steps(5);
    let faults = rig.engine.take_faults();
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert_eq!((faults[0].module.as_str(), faults[0].system.as_str()), ("swim", "update"));
    assert_eq!((faults[0].message.as_str(), faults[0].suspended), ("panicked: boom 1", true));
    rig.registry.note_faults(&faults);
    assert_eq!(rig.state("swim"), Some(State::Suspended));
    assert_eq!(rig.mark("bad"), 2);

    rig.load(&Swim::new("v2").build()).unwrap();
    rig.check_runs("v2");
    assert_eq!((rig.mark("v2"), rig.state("swim")), (4, Some(State::Live)));
}

#[test]
fn a_refused_generation_leaves_a_suspended_module_suspended() {
    let mut rig = Rig::new();
    rig.load(&Swim::new("bad").at("UPDATE", "if self.steps == 2 { panic!(\"boom {}\", 1) }").build())
        .unwrap();
    rig.steps(3);
    let faults = rig.engine.take_faults();
    rig.registry.note_faults(&faults);
    let refused = Swim::new("v2").at("RESTORE_STATE", PANIC);
    check_refused(rig.load(&refused.build()), Code::RestoreFailed, "boom 1");
    rig.steps(3);
    assert_eq!((rig.engine.take_faults(), rig.mark("bad")), (vec![], 1));
    assert!(rig.engine.is_suspended(keel::module::ModuleId::of("swim")), "its calls are still stopped");
}

#[test]
fn a_swap_that_the_binding_refuses_leaves_a_suspended_module_suspended() {
    let free = Swim::new("bad")
        .at("UPDATE", "if self.steps == 2 { panic!(\"boom {}\", 1) }")
        .replace("setup.provide::<dyn PictureView>(Box::new(Title));", "")
        .replace(", provides: [dyn PictureView] }", " }");
    let mut rig = Rig::new();
    rig.load(&free.build()).unwrap();
    rig.load(&Swim::new("other").build_as("other")).unwrap();
    rig.steps(3);
    let faults = rig.engine.take_faults();
    rig.registry.note_faults(&faults);
    check_refused(rig.load(&Swim::new("v2").build()), Code::ViewsCollide, "keel.PictureView");
    assert!(rig.engine.is_suspended(keel::module::ModuleId::of("swim")));
    rig.steps(3);
    assert_eq!((rig.mark("bad"), rig.mark("v2")), (1, 0));
}

#[test]
fn an_error_of_update_is_told_and_the_module_goes_on() {
    let mut rig = Rig::new();
    rig.load(
        &Swim::new("v1")
            .at("UPDATE", "if self.steps == 2 { return Err(ModuleError::new(\"low tide\")); }")
            .build(),
    )
    .unwrap();
    rig.steps(4);
    let faults = rig.engine.take_faults();
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert_eq!((faults[0].message.as_str(), faults[0].suspended), ("low tide", false));
    rig.registry.note_faults(&faults);
    assert_eq!((rig.mark("v1"), rig.state("swim")), (4, Some(State::Live)));
}

#[test]
fn a_panic_in_drop_ends_nothing() {
    let thrown = "struct Thrown; impl Drop for Thrown { fn drop(&mut self) { panic!(\"boom {}\", 2) } }";
    for panic in ["panic!(\"boom {}\", 1)", "std::panic::panic_any(Thrown)"] {
        let drop = format!(
            "{thrown} impl Drop for Swim {{ fn drop(&mut self) {{ if self.steps > 0 {{ {panic} }} }} }}"
        );
        let mut rig = Rig::with(keel_registry::RegistryConfig { ring: 0, ..Default::default() });
        rig.load(&Swim::new("v1").at("ITEMS", &drop).build()).unwrap();
        rig.steps(2);
        rig.load(&Swim::new("v2").build()).unwrap();
        let report = rig.registry.tidy();
        assert_eq!(report.unmapped, 1, "{report:?}");
        rig.check_runs("v2");
        assert_eq!(rig.mapped(), 1);
        let told = rig.registry.failed_drops().take(7);
        let [fault] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!(
            (fault.module.as_str(), fault.system.as_str(), fault.frame),
            ("swim", "drop", 7),
            "{fault:?}"
        );
        assert!(fault.message.contains("panicked") && !fault.suspended, "{fault:?}");
        assert_eq!(rig.registry.failed_drops().take(8), [], "told once");
    }
}

#[test]
fn what_was_replaced_is_not_dropped_by_who_forgets_it() {
    let drop = "impl Drop for Swim { fn drop(&mut self) { if self.steps > 0 { panic!(\"boom {}\", 1) } } }";
    for forgets in [false, true] {
        let mut rig = Rig::new();
        rig.load(&Swim::new("v1").at("ITEMS", drop).build()).unwrap();
        rig.steps(2);
        rig.load(&Swim::new("v2").build()).unwrap();
        let failed = rig.registry.failed_drops();
        if forgets {
            rig.registry.forget_replaced();
        }
        std::mem::drop(rig);
        assert_eq!(failed.take(0).len(), usize::from(!forgets));
    }
}

#[test]
fn a_panic_in_the_drop_of_a_refused_candidate_ends_nothing() {
    let drop = "impl Drop for Swim { fn drop(&mut self) { panic!(\"boom {}\", 2) } }";
    let bad = Swim::new("bad").at("ITEMS", drop).at("LOAD", ERROR).build();
    let mut rig = Rig::new();
    rig.load(&Swim::new("v1").build()).unwrap();
    check_refused(rig.load(&bad), Code::LoadFailed, "boom 1");
    rig.check_runs("v1");
    assert_eq!(rig.mapped(), 1);
}

#[test]
fn a_panic_in_stop_does_not_keep_a_module_from_being_removed() {
    for code in [PANIC, ERROR] {
        let mut rig = Rig::new();
        rig.load(&Swim::new("v1").at("STOP", code).build()).unwrap();
        rig.registry.remove(&mut rig.engine, "swim").unwrap();
        rig.check_runs_nothing();
        check_refused(
            rig.registry.remove(&mut rig.engine, "swim"),
            Code::NoSuchModule,
            "there is no module `swim`",
        );
    }
}
