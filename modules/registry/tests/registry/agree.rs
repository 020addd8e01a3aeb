//! Modules that were compiled from different sources of what they share, and views that nobody provides.

use std::path::{Path, PathBuf};

use keel::types::ViewId;
use keel_fixture::Fixture;
use keel_registry::{Code, Consent, Stated};

use crate::rig::{Rig, check_refused};
use crate::sources::types;

/// A types crate with a view; `note` changes its sources and nothing else.
fn pond(note: &str) -> PathBuf {
    types(&format!(
        "use keel::prelude::*;
         // {note}
         #[component] #[derive(Debug, Default)] pub struct Fish {{ pub age: u32 }}
         #[view] pub trait TideView: View {{ fn level(&self) -> f32; }}
         keel::model! {{ components: [Fish], resources: [], events: [] }}"
    ))
}

/// A module that exports what `export` says after its view model.
fn module(package: &str, types: &Path, register: &str, export: &str) -> PathBuf {
    let source = format!(
        "use keel::prelude::*;
         use game_types::*;
         #[data] #[derive(Default)] pub struct User {{ pub steps: u64 }}
         pub struct Water;
         impl TideView for Water {{ fn level(&self) -> f32 {{ 1.0 }} }}
         #[view_model] impl ViewModel for User {{
             fn register(&mut self, setup: &mut Setup) -> ModuleResult {{ let _ = &setup; {register} Ok(()) }}
         }}
         keel::export_module! {{ view_model: User{export} }}"
    );
    Fixture::module(package).source(source).with("game_types", types).build()
}

fn tide(types: &Path) -> PathBuf {
    let provide = "setup.provide::<dyn TideView>(Box::new(Water));";
    module("tide", types, provide, ", provides: [dyn TideView]")
}

fn swim(types: &Path) -> PathBuf {
    module("swim", types, "", ", requires: [dyn TideView]")
}

const VIEW: &str = "game-types.TideView";

#[test]
fn a_provider_and_a_user_of_different_sources_are_never_live_together() {
    let (old, new) = (pond("old"), pond("new"));
    let mut rig = Rig::new();
    let part = "view `game-types.TideView` was compiled from sources ";
    check_refused(rig.load_together(&[tide(&old), swim(&new)], Consent::Lossless), Code::ViewsCollide, part);
    assert_eq!((rig.generations(), rig.mapped()), (vec![], 0));

    rig.load_together(&[tide(&old), swim(&old)], Consent::Lossless).unwrap();
    check_refused(rig.load(&swim(&new)), Code::ViewsCollide, "in module `tide`, from ");
    check_refused(rig.load(&tide(&new)), Code::ViewsCollide, "in its user `swim`; build both again");
    assert_eq!(rig.generations(), [("swim".to_owned(), 0), ("tide".to_owned(), 0)]);
    rig.load_together(&[swim(&new), tide(&new)], Consent::Lossless).unwrap();
}

#[test]
fn modules_of_different_sources_of_a_model_crate_are_never_live_together() {
    let user = |package, types: &Path| module(package, types, "", ", models: [game_types]");
    let (old, new) = (pond("old"), pond("new"));
    let mut rig = Rig::new();
    rig.load_together(&[user("one", &old), user("two", &old)], Consent::Lossless).unwrap();
    let part = "different sources of the model crate `game-types`; build both again";
    check_refused(rig.load(&user("two", &new)), Code::TypesDisagree, part);
    check_refused(rig.load(&user("three", &new)), Code::TypesDisagree, "modules `three` and `");
    rig.load_together(&[user("one", &new), user("two", &new)], Consent::Lossless).unwrap();
}

#[test]
fn a_view_that_is_required_is_provided() {
    let types = pond("");
    let mut rig = Rig::new();
    let part = "module `swim` requires the view `game-types.TideView`, which no live module would provide";
    check_refused(rig.load(&swim(&types)), Code::Conflict, part);
    assert_eq!(rig.mapped(), 0);
    rig.load_together(&[swim(&types), tide(&types)], Consent::Lossless).unwrap();

    check_refused(rig.registry.remove(&mut rig.engine, "tide"), Code::Conflict, part);
    check_refused(
        rig.load(&module("tide", &types, "", "")),
        Code::Conflict,
        "bring its provider in the same change",
    );
    assert_eq!(rig.generations().len(), 2);
    rig.registry.remove_together(&mut rig.engine, &["tide", "swim"]).unwrap();
    assert_eq!(rig.generations(), []);
}

#[test]
fn a_view_moves_to_another_provider_in_one_swap() {
    let types = pond("");
    let mut rig = Rig::new();
    rig.load_together(&[swim(&types), tide(&types)], Consent::Lossless).unwrap();
    let provide = "setup.provide::<dyn TideView>(Box::new(Water));";
    let moon = module("moon", &types, provide, ", provides: [dyn TideView]");
    rig.load_together(&[moon, module("tide", &types, "", "")], Consent::Lossless).unwrap();
}

#[test]
fn an_optional_view_and_a_planned_one_may_be_missing() {
    let types = pond("");
    let mut rig = Rig::new();
    rig.load(&module("drift", &types, "", ", optional: [dyn TideView]")).unwrap();
    rig.registry.plan_views([ViewId::of(VIEW)]);
    rig.load(&swim(&types)).unwrap();
    // It is not worse off than before.
    rig.registry.plan_views([]);
    rig.load(&swim(&types)).unwrap();
}

#[test]
fn a_manifest_and_its_library_say_the_same() {
    let types = pond("");
    let library = module("sea", &types, "", ", requires: [dyn TideView]");
    let file = keel_loader::LibraryFile::read(&library).unwrap();
    let stated =
        Stated { kind: "view-model".to_owned(), requires: vec![VIEW.to_owned()], ..Stated::default() };
    stated.check(file.descriptor()).unwrap();

    let refused =
        |stated: &Stated, part| check_refused(stated.check(file.descriptor()), Code::ViewsCollide, part);
    refused(&Stated { kind: "view".to_owned(), ..stated.clone() }, "says kind = \"view\", and the");
    refused(
        &Stated { requires: vec![], ..stated.clone() },
        "says requires = [], and the `export_module!` of its library says requires: [game-types.TideView]",
    );
    refused(
        &Stated { requires: vec![], optional: stated.requires.clone(), ..stated.clone() },
        "module `sea`",
    );
    refused(
        &Stated { provides: vec!["a.B".to_owned()], ..stated.clone() },
        "says provides = [a.B], and the `export_module!` of its library says provides: []",
    );
}
