//! The figures, as a file and as tables.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::binding::BindingReport;
use crate::soak::{self, SoakRow};
use crate::swap::{Machine, Versions};

/// What `keel bench swap` has measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SwapBench {
    /// From the moment a source file was closed to the end of the first frame of its new code.
    pub edit_to_running_ms: MedianAndP90,
    /// The same in a game without trials.
    pub edit_to_running_untried_ms: MedianAndP90,
    /// The compiler's call that these builds come down to, by itself, with the same edits.
    pub rustc_alone_ms: Median,
    /// Where the time went.
    pub stages_ms: StagesMs,
    /// A `dyn` call of a view in a library that was opened at run time, with its share of a loop.
    pub call_ns: f64,
    /// The same call within one program, nanoseconds of CPU time: the machine's own limit.
    pub call_within_ns: f64,
    /// A lookup of a view in the binding in CPU time, by the number of threads that do so at once.
    pub binding_lookup_ns: BTreeMap<String, f64>,
    /// The lookup again, and taking, using and returning objects of a pool.
    pub binding: BindingReport,
    /// How long the game stands still.
    pub pause: Vec<PauseRow>,
    /// Thousands of swaps in one process.
    pub soak: Vec<SoakRow>,
    /// How many of these swaps built the world anew.
    pub soak_rebuilt: u64,
    /// How many edits were made.
    pub edits: usize,
    /// As `edit_to_running_ms`, but by the clock of another process: from before the file is written to when the
    /// host's line about the swap has come.
    pub seen_from_outside_ms: Median,
    /// What it ran on.
    pub machine: Machine,
    /// What ran.
    pub versions: Versions,
    /// What it was built with.
    pub profile: String,
}

/// A figure in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Median {
    /// Half of the samples lie below.
    pub median: f64,
}

/// A figure in milliseconds, and how bad it gets.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MedianAndP90 {
    /// Half of the samples lie below.
    pub median: f64,
    /// Nine of ten samples lie below.
    pub p90: f64,
}

/// The medians of a swap's stages. They need not add up to the median of the whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct StagesMs {
    /// From the saved file to the watcher's word.
    pub detect: f64,
    /// Cargo, from its start to its end.
    pub build: f64,
    /// On a copy of the game, in a process of its own, beside the game.
    pub trial: f64,
    /// Opening the library and asking it what it needs, beside the game.
    pub check: f64,
    /// Between two frames.
    pub swap: f64,
    /// What none of the above has: the resolver, copying the library, the message to the engine, waiting for the
    /// end of a frame, and the first frame itself.
    pub other: f64,
}

/// How long the game stands still for one swap, beside copies of as many bytes as the world's values take when they
/// are saved.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PauseRow {
    /// Entities, of three components each.
    pub entities: usize,
    /// Over so many archetypes, in turn.
    pub archetypes: usize,
    /// `plain` for numbers, `heap` for texts and lists.
    pub data: &'static str,
    /// Whether one of the three has another field after the swap.
    pub changed: bool,
    /// The whole of `Registry::swap`.
    pub pause_ms: f64,
    /// A copy into memory that was used before.
    pub copy_reused_ms: f64,
    /// A copy into memory that was never used.
    pub copy_fresh_ms: f64,
    /// What is done after the frame, between two frames too: the old world is dropped, old generations are unmapped,
    /// and for that the world may be rebuilt.
    pub tidy_ms: f64,
    /// The longest of these: a world that no swap rebuilds is rebuilt once for each ring of generations.
    pub tidy_max_ms: f64,
}

impl SwapBench {
    /// How many times longer than the compiler alone an edit takes until it runs.
    pub fn ratio_to_rustc(&self) -> f64 {
        self.edit_to_running_ms.median / self.rustc_alone_ms.median
    }
}

impl fmt::Display for SwapBench {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let StagesMs { detect, build, trial, check, swap, other } = self.stages_ms;
        writeln!(out, "{}; {}; {}", self.machine, self.versions.rustc, self.profile)?;
        writeln!(out, "\nsaved file -> first frame of new code, medians of {} edits, ms", self.edits)?;
        writeln!(
            out,
            "  whole        {:>8.1}   p90 {:.1}",
            self.edit_to_running_ms.median, self.edit_to_running_ms.p90
        )?;
        writeln!(
            out,
            "  untried      {:>8.1}   p90 {:.1}",
            self.edit_to_running_untried_ms.median, self.edit_to_running_untried_ms.p90
        )?;
        writeln!(out, "  from outside {:>8.1}", self.seen_from_outside_ms.median)?;
        writeln!(
            out,
            "  rustc alone  {:>8.1}   ratio {:.2}",
            self.rustc_alone_ms.median,
            self.ratio_to_rustc()
        )?;
        writeln!(
            out,
            "  detect {detect:.1}, build {build:.1}, trial {trial:.1}, check {check:.2}, swap {swap:.2}, other {other:.1}"
        )?;
        self.write_pauses(out)?;
        writeln!(
            out,
            "\na call of a view in another module: {:.2} ns, within one program {:.2} ns, ratio {:.2}",
            self.call_ns,
            self.call_within_ns,
            self.call_ns / self.call_within_ns
        )?;
        write!(out, "a lookup of a view, CPU ns by threads:")?;
        for (threads, ns) in &self.binding_lookup_ns {
            write!(out, "  {threads}: {ns:.2}")?;
        }
        write!(out, "\n\nthe binding, {}", self.binding)?;
        writeln!(out, "\nswaps in one process")?;
        soak::write_rows(out, &self.soak)
    }
}

impl SwapBench {
    fn write_pauses(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "\npause at a swap, 3 components an entity; copies of the same bytes, ms")?;
        writeln!(
            out,
            "{:>9} {:>10} {:>6} {:>8} {:>9} {:>9} {:>9} {:>8} {:>8} {:>8} {:>8}",
            "entities",
            "archetypes",
            "data",
            "changed",
            "pause",
            "reused",
            "fresh",
            ": reused",
            ": fresh",
            "tidy",
            "max"
        )?;
        for row in &self.pause {
            writeln!(
                out,
                "{:>9} {:>10} {:>6} {:>8} {:>9.3} {:>9.3} {:>9.3} {:>8.2} {:>8.2} {:>8.3} {:>8.3}",
                row.entities,
                row.archetypes,
                row.data,
                if row.changed { "yes" } else { "no" },
                row.pause_ms,
                row.copy_reused_ms,
                row.copy_fresh_ms,
                row.pause_ms / row.copy_reused_ms,
                row.pause_ms / row.copy_fresh_ms,
                row.tidy_ms,
                row.tidy_max_ms
            )?;
        }
        Ok(())
    }
}
