//! What a swap costs: from the saved file to the first frame of new code, the pause of the game, and the calls
//! between modules.
//!
//! All that is compared is measured in turn within one run, so that a disturbance meets both sides; figures are
//! medians.

mod call;
mod edit;
mod machine;
mod pause;
mod probe;
mod report;
mod samples;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use keel_builder::{BuilderConfig, RunDirectory};

use crate::binding::{self, BindingReport, THREADS};
use crate::soak::{SoakOptions, SoakReport};

pub use machine::{Machine, Versions};
pub use report::{Median, MedianAndP90, PauseRow, StagesMs, SwapBench};

/// The case of [`binding`] that is the lookup of a view as a module does it.
const LOOKUP: &str = "view lookup, pinned";

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// A look within a minute, instead of figures to be quoted: fewer rounds of everything.
    pub quick: bool,
    /// How many edits of a running game.
    pub edits: usize,
    /// The pause is measured in worlds of up to so many entities.
    pub entities_max: usize,
    /// Swaps in one process.
    pub soak: SoakOptions,
}

impl Options {
    /// All that is measured, with fewer rounds of it for `quick`.
    pub fn new(quick: bool) -> Self {
        let edits = if quick { 5 } else { 20 };
        Self { quick, edits, entities_max: 1_000_000, soak: SoakOptions::new(quick) }
    }
}

/// Measures everything in the workspace at `root`, which `host` is the built host of. A source file of the workspace
/// is edited meanwhile and put back at the end. `told` is called with what is going on.
///
/// # Errors
/// When a build fails, the host refuses a swap, or a file can't be written.
pub fn run(
    root: &Path,
    host: &Path,
    options: Options,
    mut told: impl FnMut(&str),
) -> anyhow::Result<SwapBench> {
    told("building the probe in two shapes");
    let probe = probe::Probe::build(root)?;
    told("edits of a running game, and rustc alone");
    let edits = edit::measure(root, host, options.edits, &mut told)?;
    let soak = soak_alone(root, options.soak)?;
    told("the pause at a swap");
    let pause = pause::measure(&probe, options, &mut told)?;
    told("calls and lookups");
    let calls = call::measure(&probe, options.quick)?;
    let lookup = binding::run(options.quick);
    Ok(SwapBench {
        edit_to_running_ms: edits.to_running.median_and_p90(),
        edit_to_running_untried_ms: edits.untried.median_and_p90(),
        rustc_alone_ms: edits.rustc_alone.median(),
        stages_ms: edits.stages,
        call_ns: calls.across,
        call_within_ns: calls.within,
        binding_lookup_ns: lookup_ns(&lookup),
        binding: lookup,
        pause,
        soak: soak.rows,
        soak_rebuilt: soak.rebuilt,
        edits: edits.to_running.count(),
        seen_from_outside_ms: edits.seen.median(),
        machine: Machine::this(),
        versions: Versions::this(),
        profile: keel::module::FINGERPRINT.profile.to_owned(),
    })
}

/// In a process of its own: what was measured before would show in its memory, and its memory in what is measured after.
fn soak_alone(root: &Path, options: SoakOptions) -> anyhow::Result<SoakReport> {
    let SoakOptions { swaps, report_every } = options;
    let json = RunDirectory::create(&BuilderConfig::new(root).target_dir.join("run"))?;
    let json_path = json.path().join("soak.json");
    let request = serde_json::json!({"soak": {"swaps": swaps, "every": report_every, "json": &json_path}});
    let this = std::env::current_exe().context("the path of this program is not known")?;
    let mut command = Command::new(&this);
    // A soak starts no host.
    command.arg(root).args(["", &request.to_string()]).stdout(Stdio::null());
    let status = command.status().with_context(|| format!("{} can't be started", this.display()))?;
    ensure!(status.success(), "the soak ended with {status}");
    Ok(serde_json::from_slice(&fs::read(&json_path)?)?)
}

fn lookup_ns(report: &BindingReport) -> std::collections::BTreeMap<String, f64> {
    let figures = report.row(LOOKUP).map(|row| row.cpu_ns).unwrap_or_default();
    THREADS.iter().map(ToString::to_string).zip(figures).collect()
}
