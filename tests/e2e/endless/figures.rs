//! What is counted and told of swaps without end.

use std::fmt;

use serde_json::{Value, json};

use super::process::Process;

#[derive(Default)]
pub(super) struct Figures {
    pub(super) rows: Vec<Row>,
}

/// After so many swaps.
pub(super) struct Row {
    pub(super) swaps: u64,
    pub(super) seconds: f64,
    pub(super) supervisor: Process,
    pub(super) engine: Process,
    /// Libraries of modules that the engine has mapped.
    pub(super) libraries: u64,
    /// Those of them that can't be unmapped.
    pub(super) libraries_kept: u64,
    /// What lies in the folder of the run.
    pub(super) files: u64,
    pub(super) files_kib: u64,
}

impl Figures {
    pub(super) fn json(&self) -> Value {
        let process =
            |it: &Process| json!({ "rss_kib": it.rss_kib, "open_files": it.files, "threads": it.threads });
        let row = |row: &Row| {
            json!({
                "swaps": row.swaps, "seconds": row.seconds, "engine": process(&row.engine),
                "supervisor": process(&row.supervisor), "libraries": row.libraries,
                "libraries_kept": row.libraries_kept, "files": row.files, "files_kib": row.files_kib,
            })
        };
        json!({ "rows": self.rows.iter().map(row).collect::<Vec<_>>() })
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "{:>7} {:>8} {:>24} {:>24} {:>14} {:>16}\n{:>7} {:>8} {:>12} {:>5} {:>5} {:>12} {:>5} {:>5} {:>9} {:>4} {:>6} {:>9}",
            "",
            "",
            "engine",
            "supervisor",
            "libraries",
            "folder of run",
            "swaps",
            "seconds",
            "KiB",
            "open",
            "thr.",
            "KiB",
            "open",
            "thr.",
            "mapped",
            "kept",
            "files",
            "KiB"
        )?;
        self.rows.iter().try_for_each(|row| writeln!(out, "{row}"))
    }
}

impl fmt::Display for Row {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { swaps, seconds, supervisor, engine, libraries, libraries_kept, files, files_kib } = self;
        write!(out, "{swaps:>7} {seconds:>8.1}")?;
        for Process { rss_kib, files, threads } in [engine, supervisor] {
            write!(out, " {rss_kib:>12} {files:>5} {threads:>5}")?;
        }
        write!(out, " {libraries:>9} {libraries_kept:>4} {files:>6} {files_kib:>9}")
    }
}
