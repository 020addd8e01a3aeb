//! What `keel bench` measures with libraries that it has built.

use serde_json::Value;

use crate::workspace::{Workspace, text};

/// More than the ring of old generations takes to fill, so that what is kept for good would show as growth.
#[test]
fn a_soak_tells_memory_and_a_bounded_number_of_libraries() {
    let workspace = Workspace::take();
    let json = workspace.scratch("soak.json");
    // Measures with what it was built with itself, so the workspace's own host is needed. Playing builds it.
    let output = workspace.keel(&["run", "--headless", "--frames", "1", "--no-watch"]);
    assert!(output.status.success(), "{}", text(&output));
    let host = workspace.path("target/live/live").join(format!("keel{}", std::env::consts::EXE_SUFFIX));
    let soak = ["bench", "soak", "--swaps", "200", "--every", "50", "--json", json.to_str().unwrap()];
    let output = workspace.command(host.to_str().unwrap()).args(soak).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));

    let report: Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    // Each Model module is there for two generations: every second swap brings other types.
    assert_eq!(report["rebuilt"], 100);
    let rows = report["rows"].as_array().unwrap();
    let column = |name: &str| rows.iter().map(|row| row[name].as_u64().unwrap()).collect::<Vec<_>>();
    assert_eq!(column("swaps"), [50, 100, 150, 200]);
    let libraries = column("libraries");
    assert!(libraries.iter().all(|mapped| (2..=16).contains(mapped)), "{libraries:?}");
    assert!(!cfg!(target_os = "linux") || column("rss_kib").iter().all(|kib| *kib > 0), "{report}");
}
