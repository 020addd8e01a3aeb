//! Views that collide, or that are not as they were declared.

use keel_registry::{Code, State};

use crate::rig::{Rig, check_refused};
use crate::sources::Swim;

const PROVIDE: &str = "setup.provide::<dyn PictureView>(Box::new(Title));";
const DECLARE: &str = ", provides: [dyn PictureView] }";

#[test]
fn a_view_of_two_modules() {
    let mut rig = Rig::new();
    rig.load(&Swim::new("v1").build()).unwrap();
    let outcome = rig.load(&Swim::new("other").build_as("other"));
    check_refused(outcome, Code::ViewsCollide, "view `keel.PictureView` is provided by module `");
    rig.check_runs("v1");
    assert_eq!(rig.generations(), [("swim".to_owned(), 0)]);
    assert_eq!(rig.mapped(), 1);
}

#[test]
fn a_view_of_two_new_modules_at_once() {
    let mut rig = Rig::new();
    let both = [Swim::new("v1").build(), Swim::new("other").build_as("other")];
    let outcome = rig.load_together(&both, keel_registry::Consent::Lossless);
    check_refused(outcome, Code::ViewsCollide, "keel.PictureView");
    rig.check_runs_nothing();
    assert_eq!(rig.mapped(), 0);
}

#[test]
fn a_view_that_is_provided_and_not_declared() {
    let mut rig = Rig::new();
    let outcome = rig.load(&Swim::new("v1").replace(DECLARE, " }").build());
    check_refused(outcome, Code::ViewsCollide, "its `export_module!` does not say so");
    rig.check_runs_nothing();
}

#[test]
fn a_view_that_is_declared_and_not_provided() {
    let mut rig = Rig::new();
    let outcome = rig.load(&Swim::new("v1").replace(PROVIDE, "").build());
    check_refused(outcome, Code::ViewsCollide, "says in `export_module!` that it provides 1 views");
    rig.check_runs_nothing();
}

#[test]
fn a_view_that_is_provided_twice_by_one_module() {
    let mut rig = Rig::new();
    let twice = Swim::new("bad").replace(PROVIDE, &[PROVIDE, PROVIDE].concat());
    let outcome = rig.load(&twice.build());
    check_refused(outcome, Code::ViewsCollide, "keel.PictureView");
    rig.check_runs_nothing();
}

#[test]
fn a_view_moves_from_one_module_to_another_when_both_are_swapped_together() {
    let mut rig = Rig::new();
    let without = |label| Swim::new(label).replace(PROVIDE, "").replace(DECLARE, " }");
    rig.load_together(&[Swim::new("v1").build(), without("other").build_as("other")], Default::default())
        .unwrap();
    assert_eq!(rig.title().as_deref(), Some("v1"));
    rig.load_together(&[without("v2").build(), Swim::new("other2").build_as("other")], Default::default())
        .unwrap();
    assert_eq!(rig.title().as_deref(), Some("other2"));
    assert_eq!(rig.state("swim"), Some(State::Live));
    assert_eq!(rig.generations(), [("other".to_owned(), 1), ("swim".to_owned(), 1)]);
}
