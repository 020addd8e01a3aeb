//! What `keel bench` measures with libraries that it has built.

use keel_fixture::require;
use serde_json::Value;

use crate::keys::{check_ecs_figures, check_figures};
use crate::workspace::{Workspace, text};

/// The smallest run that measures everything. Its soak has more swaps than the ring of old generations takes to fill, so
/// that what is kept for good would show as growth.
#[test]
fn the_figures_of_a_swap_have_every_key_of_the_guide_and_a_bounded_number_of_libraries() {
    let mut workspace = Workspace::take();
    workspace.remember("systems/shoal-swim/src/lib.rs");
    let json = workspace.scratch("swap.json");
    let least = "bench swap --quick --edits 2 --entities 1000 --swaps 200 --every 50 --json";
    let mut bench = workspace.command(env!("CARGO_BIN_EXE_keel"));
    let output = bench.args(least.split(' ')).arg(&json).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let soak = workspace.scratch("soak.json");
    let command = ["bench", "soak", "--swaps", "2", "--every", "1", "--json", soak.to_str().unwrap()];
    let told = workspace.keel(&command);
    assert!(told.status.success(), "{}", text(&told));
    let soak: Value = serde_json::from_slice(&std::fs::read(soak).unwrap()).unwrap();
    assert_eq!(soak["rebuilt"], 1, "{soak}");

    let report: Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    check_named_keys(&report);
    check_soak(&report);
    check_figures(&report);
    // The table has the same figures.
    let median = report["edit_to_running_ms"]["median"].as_f64().unwrap();
    assert!(text(&output).contains(&format!("  whole        {median:>8.1}   p90 ")), "{}", text(&output));
}

const RACES: &str = r#"//! Cases.

use keel::bench::{BenchCase, CheckedRoutine};
use keel::prelude::*;

/// No state.
#[data]
#[derive(Default)]
pub struct Races {}

#[view_model]
impl ViewModel for Races {
    fn register(&mut self, setup: &mut Setup) -> ModuleResult {
        let add = |count: &mut u64| *count = std::hint::black_box(*count) + 1;
        let case = BenchCase::new("races_agree").form("one by one").operations(1000);
        setup.bench(case, move || CheckedRoutine::new(0, add, |count| *count as f64));
        for (variant, result) in [("one", 1.0), ("other", 2.0)] {
            let case = BenchCase::new("races_differ").variant(variant);
            setup.bench(case, move || CheckedRoutine::new((), |()| (), move |()| result));
        }
        setup.bench(BenchCase::new("races_fail"), || || panic!("out of {}", "water"));
        Ok(())
    }
}

keel::export_module! { view_model: Races }
"#;

#[test]
fn the_suite_and_a_module_of_ones_own_are_measured_and_are_no_part_of_the_game() {
    let mut workspace = Workspace::take();
    let suite = workspace.read("apps/bench/suite/Cargo.toml");
    let manifest = suite
        .replace("keel-bench-suite\"", "races\"")
        .replace("keel-bench-suite-types = { path = \"types\" }\n", "");
    workspace.new_crate("systems/races", &[("Cargo.toml", &manifest), ("src/lib.rs", RACES)]);
    let [json, html, svg] = ["ecs.json", "ecs.html", "ecs.svg"].map(|name| workspace.scratch(name));
    let cases = ["--case", "simple_iter", "--case", "growth/1000", "--case", "races_agree"];
    let paths = [&json, &html, &svg].map(|path| path.to_str().unwrap());
    let files = ["--json", paths[0], "--html", paths[1], "--svg", paths[2]];
    let bench =
        |cases: &[&str]| workspace.keel(&[&["bench", "ecs", "--quick", "--against", "none"], cases].concat());
    let measured = bench(&[&cases[..], &files].concat());
    assert!(measured.status.success(), "{}", text(&measured));

    let report: Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    let names: Vec<_> = report["cases"].as_array().unwrap().iter().map(|case| &case["case"]).collect();
    assert_eq!(names, ["simple_iter", "growth/1000", "races_agree"]);
    let engines = |case: usize| report["cases"][case]["engines"].as_object().unwrap();
    assert_eq!(engines(0).keys().collect::<Vec<_>>(), ["keel", "keel (borrowed)", "keel (for)"]);
    assert_eq!(report["cases"][2]["unit"], "ns", "{report}");
    for figures in (0..3).flat_map(engines).map(|(_, figures)| figures) {
        let [min, p25, median, p75] =
            ["min", "p25", "median", "p75"].map(|key| figures[key].as_f64().unwrap());
        assert!(0.0 < min && min <= p25 && p25 <= median && median <= p75, "{figures}");
    }
    let bytes = &engines(1)["keel"]["bytes_per_entity"];
    // A place and a speed are 24.
    assert!(bytes.as_f64().is_some_and(|bytes| (24.0..200.0).contains(&bytes)), "{bytes}");
    let page = std::fs::read_to_string(html).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.contains("one by one"), "{page}");
    let plot = std::fs::read_to_string(svg).unwrap();
    assert!(plot.starts_with("<svg") && plot.contains("times as long as Keel"), "{plot}");
    assert!(text(&measured).contains("races_agree"), "{}", text(&measured));

    check_against_hecs(&workspace);

    for (case, problem) in [
        ("races_differ", "keel (one) computes 1, and keel (other) 2: they don't do the same"),
        ("races_fail", "the case `races_fail` panicked: out of water"),
        ("races_lost", "there is no case `races_lost`; there are simple_insert, simple_iter, "),
    ] {
        let failed = bench(&["--case", case]);
        assert_eq!(failed.status.code(), Some(1), "{}", text(&failed));
        assert!(text(&failed).contains(problem), "{}", text(&failed));
    }
    let modules = workspace.keel(&["modules"]);
    assert!(modules.status.success() && !text(&modules).contains("races"), "{}", text(&modules));
}

/// Against the engine that is built soonest: it takes its turns, and says why it does not do a case.
#[track_caller]
fn check_against_hecs(workspace: &Workspace) {
    let json = workspace.scratch("against.json");
    let cases = ["--case", "schedule", "--case", "events", "--case", "growth/1000"];
    let against = ["--against", "hecs", "--json", json.to_str().unwrap()];
    let compared = workspace.keel(&[&["bench", "ecs", "--quick"], &cases[..], &against].concat());
    let told = text(&compared);
    assert!(compared.status.success(), "{told}");
    let has_network = !["failed to download", "Could not resolve host"].iter().any(|it| told.contains(it));
    if !require("network", has_network) {
        return;
    }
    let report: Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    check_ecs_figures(&report);
    let engines = |case: usize| report["cases"][case]["engines"].as_object().unwrap().keys();
    let ways = ["floor", "hecs", "keel", "keel (for)", "keel (sequence)"];
    assert_eq!(engines(0).collect::<Vec<_>>(), ways, "{report}");
    assert!(report["versions"]["hecs"].is_string(), "{report}");
    assert_eq!(report["cases"][2]["case"], "events", "{report}");
    assert!(!engines(2).any(|engine| engine == "hecs"), "{report}");
    assert_eq!(report["cases"][2]["without"]["hecs"], "it has no events", "{report}");
    assert!(told.contains("hecs: it has no events (events)"), "{told}");
    assert!(told.contains("A schedule against the same systems called by hand"), "{told}");
}

/// The keys that others rely on.
#[track_caller]
fn check_named_keys(report: &Value) {
    let ms = |path: &str| {
        let value = report.pointer(path).and_then(Value::as_f64);
        value.filter(|ms| *ms > 0.0).unwrap_or_else(|| panic!("{path} is no time: {report}"))
    };
    assert!(ms("/edit_to_running_ms/median") <= ms("/edit_to_running_ms/p90"));
    assert!(ms("/edit_to_running_untried_ms/median") <= ms("/edit_to_running_untried_ms/p90"));
    assert!(ms("/stages_ms/trial") > 0.0, "a trial was on the way");
    assert!(ms("/rustc_alone_ms/median") > 1.0);
    assert!(ms("/call_ns") < 1e4);
    let lookups = report["binding_lookup_ns"].as_object().unwrap();
    assert_eq!(lookups.keys().collect::<Vec<_>>(), ["1", "2", "4", "8"]);
    for threads in lookups.keys() {
        ms(&format!("/binding_lookup_ns/{threads}"));
    }
    let pauses = report["pause"].as_array().unwrap();
    // Plain and heap, unchanged and changed, one archetype and many.
    assert_eq!(pauses.len(), 8, "{pauses:?}");
    for (at, row) in pauses.iter().enumerate() {
        assert_eq!(row["entities"], 1000, "{row}");
        assert!(row["archetypes"].as_u64().unwrap() >= 1 && row["changed"].is_boolean(), "{row}");
        for key in ["pause_ms", "copy_reused_ms", "copy_fresh_ms"] {
            ms(&format!("/pause/{at}/{key}"));
        }
    }
    for changed in [false, true] {
        assert_eq!(pauses.iter().filter(|row| row["changed"] == changed).count(), 4, "{pauses:?}");
    }
    assert_eq!(report["edits"], 2);
}

#[track_caller]
fn check_soak(report: &Value) {
    // Each Model module is there for two generations: every second swap brings other types.
    assert_eq!(report["soak_rebuilt"], 100);
    let rows = report["soak"].as_array().unwrap();
    let column = |name: &str| rows.iter().map(|row| row[name].as_u64().unwrap()).collect::<Vec<_>>();
    assert_eq!(column("swaps"), [50, 100, 150, 200]);
    let libraries = column("libraries");
    assert!(libraries.iter().all(|mapped| (2..=16).contains(mapped)), "{libraries:?}");
    assert!(!cfg!(target_os = "linux") || column("rss_kib").iter().all(|kib| *kib > 0), "{report}");
}
