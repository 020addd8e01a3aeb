//! Each conflict, and all of them at once.

use keel_resolver::Conflict;
use serde_json::{Value, json};

use crate::fixture::{Fixture, game, modules};

/// Checks that the report of modules given as `"a -> b"` has `expected` in it.
#[track_caller]
fn check(requirements: &[&str], expected: &str) {
    check_report(&modules(requirements), &[expected]);
}

/// Checks that the report has exactly one conflict for each of `expected`, which are in it in this order.
#[track_caller]
fn check_report(fixture: &Fixture, expected: &[&str]) {
    let report = fixture.report();
    let lines: Vec<_> = report.lines().skip(1).collect();
    assert_eq!(lines.len(), expected.len(), "{report}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.contains(expected), "expected `{expected}` in:\n{report}");
    }
}

/// Checks the conflicts of one package with the section `keel`.
#[track_caller]
fn check_section(keel: Value, expected: &[&str]) {
    check_report(&Fixture::default().package("a", "systems/a", keel, &[]), expected);
}

#[test]
fn resolver_names_the_whole_cycle() {
    check(&["a -> b", "b -> c", "c -> a"], "cycle: a -> b -> c -> a");
    check(&["c -> b", "b -> a", "a -> c", "d -> a"], "cycle: a -> c -> b -> a");
    check(&["a -> a"], "cycle: a -> a");
}

#[test]
fn each_cycle_is_named_once() {
    let two = modules(&["a -> b", "b -> a", "c -> d", "d -> c", "a -> c"]);
    check_report(&two, &["cycle: a -> b -> a", "cycle: c -> d -> c"]);
}

#[test]
fn a_missing_provider_is_named_with_the_manifest() {
    let fixture = Fixture::default().module("a", json!([]), json!(["keel.Sky"]));
    check_report(&fixture, &["`a` requires the view `keel.Sky`, which no module provides"]);
    assert!(fixture.report().contains("/game/systems/a/Cargo.toml"));
}

#[test]
fn what_an_area_requires_must_be_provided() {
    let area = json!({ "kind": "area", "requires": ["keel.EcsView"] });
    let fixture = Fixture::default().package("keel-ecs", "core/ecs", area.clone(), &[]);
    check_report(&fixture, &["`keel-ecs` requires the view `keel.EcsView`"]);
    let provided = modules(&["keel.EcsView"]).package("keel-ecs", "core/ecs", area, &[]);
    assert_eq!(provided.workspace().unwrap().modules().len(), 1, "an area is no module");
}

#[test]
fn two_providers_are_both_named() {
    let fixture = modules(&["a"]).module("b", json!(["a"]), json!([])).module("c", json!(["a"]), json!([]));
    check_report(&fixture, &["the view `a` is provided by `a`, `b` and `c`"]);
}

#[test]
fn a_feature_must_be_offered() {
    let requires = json!([{ "view": "sea.Tide", "features": ["color", "depth"] }]);
    let provider = json!({ "kind": "view", "provides": ["sea.Tide"], "features": ["color"] });
    let fixture =
        Fixture::default().module("a", json!([]), requires).package("sea", "systems/sea", provider, &[]);
    check_report(&fixture, &["feature `depth`, which its provider `sea` doesn't offer (it offers `color`)"]);
}

#[test]
fn a_version_must_be_accepted() {
    let with = |required: &str, provided: Value| {
        Fixture::default()
            .module("a", json!([]), json!([{ "view": "sea.Tide", "version": required }]))
            .module("sea", json!([provided]), json!([]))
    };
    check_report(&with("0.2", json!("sea.Tide")), &["in version ^0.2, and `sea` provides 0.1.0"]);
    let newer = json!({ "view": "sea.Tide", "version": "0.2.3" });
    assert!(with("0.2", newer.clone()).workspace().is_ok());
    check_report(&with("0.1", newer), &["in version ^0.1, and `sea` provides 0.2.3"]);
}

#[test]
fn a_malformed_section_is_reported_with_file_and_key() {
    check_section(
        json!({ "kind": "plugin" }),
        &["/game/systems/a/Cargo.toml: package.metadata.keel.kind: expected"],
    );
    check_section(json!({}), &["package.metadata.keel.kind: missing"]);
    check_section(json!(true), &["package.metadata.keel: expected a table, found `true`"]);
    let many = json!({ "kind": "area", "provide": [], "requires": [
        { "version": "0.1" }, { "view": "v", "version": "one", "optional": "no", "features": "f" }, 7,
    ] });
    check_section(
        many,
        &[
            "package.metadata.keel.provide: not a key Keel knows",
            "package.metadata.keel.requires[0].view: missing",
            "package.metadata.keel.requires[1].version: expected a version",
            "package.metadata.keel.requires[1].features: expected a list",
            "package.metadata.keel.requires[1].optional: expected `true` or `false`, found `\"no\"`",
            "package.metadata.keel.requires[2]: expected a table, found `7`",
            "requires the view `v`, which no module provides",
        ],
    );
}

#[test]
fn data_requires_nothing_and_only_modules_provide() {
    let data = json!({ "kind": "types", "provides": ["v"], "requires": ["v"] });
    check_section(data, &["keel.requires: data requires no views", "keel.provides: only a module provides"]);
}

#[test]
fn a_module_of_benchmarks_stands_alone() {
    let bench = json!({ "kind": "bench", "provides": ["v"], "requires": ["v"] });
    let expected =
        ["keel.requires: a module of benchmarks is loaded without", "keel.provides: only a module"];
    check_section(bench, &expected);
    let bench = json!({ "kind": "bench" });
    let linked = game().package("races", "apps/races", bench.clone(), &["modules/keel", "systems/swim"]);
    check_report(&linked, &["`races` depends on the module `swim`"]);
    let linked = game().package("races", "apps/races", bench, &[]);
    let linked = linked.package("x", "systems/x", json!({ "kind": "view-model" }), &["apps/races"]);
    check_report(&linked, &["`x` depends on the module `races`"]);
}

#[test]
fn two_modules_of_one_name_are_reported() {
    let fixture = Fixture::default().package("a", "systems/a", json!({ "kind": "view" }), &[]).package(
        "a",
        "games/a",
        json!({ "kind": "view" }),
        &[],
    );
    let expected = "two modules are called `a`: /game/games/a/Cargo.toml and /game/systems/a/Cargo.toml";
    check_report(&fixture, &[expected]);
}

#[test]
fn a_module_links_only_the_facade_and_types() {
    let module = json!({ "kind": "view-model" });
    let linking =
        |dependency| game().package("x", "systems/x", module.clone(), &["modules/keel", dependency]);
    assert!(linking("systems/math").workspace().is_ok());
    check_report(&linking("systems/swim"), &["`x` depends on the module `swim`"]);
    check_report(&linking("dev:systems/swim"), &["`x` depends on the module `swim`"]);
    let report = linking("core/ecs").report();
    check_report(&linking("core/ecs"), &["links only the facade `keel` and crates with kind = \"types\""]);
    assert!(report.contains("take it out of the dependencies in /game/systems/x/Cargo.toml"), "{report}");
    let types = game().package("t", "systems/t", json!({ "kind": "types" }), &["systems/swim"]);
    check_report(&types, &["`t` depends on the module `swim`"]);
}

#[test]
fn a_crate_from_outside_of_the_workspace_is_free() {
    let module = json!({ "kind": "view-model" });
    let types = json!({ "kind": "types" });
    let game = game().package("x", "systems/x", module, &["/elsewhere/ext"]);
    let game = game.package("t", "systems/t", types, &["modules/keel", "dev:/elsewhere/ext"]);
    assert!(game.workspace().is_ok(), "{:?}", game.workspace());
}

#[test]
fn conflicts_name_the_modules_that_are_not_to_be_built() {
    let named = |newer: &Fixture| {
        let workspace = game().workspace().unwrap();
        let ids = workspace.named_in(&newer.workspace().unwrap_err());
        ids.iter().map(|id| workspace.module(*id).unwrap().name.clone()).collect::<Vec<_>>()
    };
    let module = |needs: Value| json!({ "kind": "view-model", "requires": needs });
    let missing = game().replace("swim", module(json!(["nobody.View"])));
    assert_eq!(named(&missing), ["swim"]);
    let malformed = game().replace("wind", json!({ "kind": "view-model", "colour": 1 }));
    assert_eq!(named(&malformed), ["wind"]);
    // What is wrong with a types crate is wrong with all that link it, also through another or in tests.
    let types = game().replace("math", json!({ "kind": "type" }));
    assert_eq!(named(&types), ["shoal", "swim", "wind"]);
    let twice = json!({ "kind": "view-model", "provides": ["keel.Sky"] });
    assert_eq!(named(&game().replace("swim", twice.clone()).replace("wind", twice)), ["swim", "wind"]);
    // A newcomer is known to nobody, and a module that it must not link is all right.
    let newcomer = game().package("x", "systems/x", module(json!([])), &["systems/swim"]);
    assert!(named(&newcomer).is_empty());
}

#[test]
fn all_conflicts_come_at_once() {
    let fixture = modules(&["a -> b", "b -> a"]).module("c", json!(["a"]), json!(["nobody"])).package(
        "d",
        "systems/d",
        json!({ "kind": "plugin" }),
        &[],
    );
    check_report(&fixture, &["found `plugin`", "provided by `a` and `c`", "`nobody`", "cycle: a -> b -> a"]);
    let errors = fixture.workspace().unwrap_err();
    assert!(matches!(errors.conflicts()[3], Conflict::Cycle { .. }));
    assert!(
        errors.to_string().starts_with("the workspace's modules don't fit together, for 4 reasons:\n  - ")
    );
}
