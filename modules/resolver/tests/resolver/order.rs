//! The load order, and how two workspaces differ.

use keel_core_types::ModuleId;
use keel_resolver::Workspace;
use serde_json::json;

use crate::fixture::{Fixture, files, game, modules};

/// Checks the waves, written as names with `|` between the waves.
#[track_caller]
fn check(fixture: &Fixture, expected: &str) {
    let workspace = fixture.workspace().unwrap();
    let waves: Vec<_> = workspace.load_order().iter().map(|wave| names(&workspace, wave)).collect();
    assert_eq!(waves.join(" | "), expected);
}

fn names(workspace: &Workspace, ids: &[ModuleId]) -> String {
    let name = |id: &ModuleId| workspace.module(*id).unwrap().name.as_str();
    ids.iter().map(name).collect::<Vec<_>>().join(" ")
}

#[test]
fn providers_load_before_those_that_require_them() {
    check(&modules(&[]), "");
    check(&modules(&["b", "a", "c"]), "a b c");
    check(&modules(&["a -> b", "b -> c", "a -> c", "d -> c", "e"]), "c e | b d | a");
}

#[test]
fn models_load_before_all_others() {
    check(&game(), "shoal | swim wind");
}

#[test]
fn the_order_does_not_depend_on_the_order_of_the_members() {
    check(&modules(&["x -> a", "m -> x"]), "a | x | m");
    let backwards = Fixture::default()
        .module("x", json!(["x"]), json!(["a"]))
        .module("m", json!(["m"]), json!(["x"]))
        .module("a", json!(["a"]), json!([]));
    check(&backwards, "a | x | m");
}

#[test]
fn an_optional_view_orders_modules_only_if_it_is_provided() {
    let user = |fixture: Fixture| fixture.module("a", json!([]), json!([{ "view": "b", "optional": true }]));
    check(&user(Fixture::default()), "a");
    check(&user(modules(&["b"])), "b | a");
}

#[test]
fn a_manifest_carries_what_cargo_and_the_section_say() {
    let workspace = game().workspace().unwrap();
    let swim = workspace.module(ModuleId::of("swim")).unwrap();
    assert_eq!(swim.library, "swim");
    assert_eq!(swim.model_crates, ["math", "shoal-model"]);
    assert_eq!(swim.source_dirs, [std::path::Path::new("/game/systems/swim/src")]);
    let wind = workspace.module(ModuleId::of("wind")).unwrap();
    assert!(wind.model_crates.is_empty(), "a dev-dependency is not linked into the module");
}

#[test]
fn a_module_of_benchmarks_is_known_and_no_part_of_the_game() {
    let bench = json!({ "kind": "bench" });
    let fixture = game().package("races", "apps/races", bench, &["modules/keel", "systems/math"]);
    check(&fixture, "shoal | swim wind");
    let workspace = fixture.workspace().unwrap();
    assert!(workspace.module(ModuleId::of("races")).is_none());
    let [races] = workspace.benches() else { panic!("{:?}", workspace.benches()) };
    assert_eq!((races.name.as_str(), races.library.as_str()), ("races", "races"));
    assert_eq!(races.model_crates, ["math"]);
    assert!(game().workspace().unwrap().benches().is_empty());

    let edited = workspace.affected(&files(&["apps/races/src/lib.rs"]));
    assert_eq!(edited.ignored, files(&["/game/apps/races/src/lib.rs"]), "a running game does not look up");
    assert!(edited.modules.is_empty() && edited.restart.is_none(), "{edited:?}");
}

#[test]
fn a_diff_names_what_came_went_and_changed() {
    let older = modules(&["gone", "same", "changed"]).workspace().unwrap();
    let newer = modules(&["same", "changed -> same", "new"]).workspace().unwrap();
    let diff = older.diff(&newer);
    assert_eq!(diff.added, [ModuleId::of("new")]);
    assert_eq!(diff.removed, [ModuleId::of("gone")]);
    assert_eq!(diff.changed, [ModuleId::of("changed")]);
    assert_eq!(older.diff(&older), Default::default());
}

#[test]
fn modules_are_started_one_after_the_other_in_load_order() {
    let workspace = Fixture::default()
        .module("ashore", json!([]), json!(["b.View"]))
        .module("boat", json!(["b.View"]), json!([]))
        .module("zebra", json!([]), json!([]))
        .workspace()
        .unwrap();
    let started: Vec<_> = workspace.in_load_order().map(|module| module.name.as_str()).collect();
    assert_eq!(started, ["boat", "zebra", "ashore"]);
    assert_eq!(started.len(), workspace.modules().len());
}
