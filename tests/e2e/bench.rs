//! What `keel bench` measures with libraries that it has built.

use serde_json::Value;

use crate::keys::check_figures;
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

/// The keys that others rely on.
#[track_caller]
fn check_named_keys(report: &Value) {
    let ms = |path: &str| {
        let value = report.pointer(path).and_then(Value::as_f64);
        value.filter(|ms| *ms > 0.0).unwrap_or_else(|| panic!("{path} is no time: {report}"))
    };
    assert!(ms("/edit_to_running_ms/median") <= ms("/edit_to_running_ms/p90"));
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
