//! What the soak counts and tells.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value, json};

/// What has happened in all.
#[derive(Default)]
pub(super) struct Figures {
    pub(super) seed: u64,
    pub(super) seconds: f64,
    /// What was done, by its name.
    pub(super) done: BTreeMap<&'static str, u64>,
    /// Faults by `FAULT in CALL`, those that a trial caught and those that got past one.
    pub(super) caught: BTreeMap<String, u64>,
    pub(super) passed: BTreeMap<String, u64>,
    pub(super) swaps: u64,
    pub(super) checks: u64,
    /// How many frames each way back has cost, by its kind.
    pub(super) frames_lost: BTreeMap<&'static str, Vec<u64>>,
    pub(super) resume_ms: Vec<f64>,
    pub(super) rows: Vec<Row>,
}

/// A moment of the soak.
pub(super) struct Row {
    pub(super) seconds: f64,
    pub(super) swaps: u64,
    pub(super) faults: u64,
    pub(super) kills: u64,
    /// Steps that the game has run.
    pub(super) steps: u64,
    pub(super) supervisor_kib: u64,
    pub(super) engine_kib: u64,
    /// Libraries of modules that the engine has mapped.
    pub(super) libraries: u64,
}

impl Figures {
    pub(super) fn count(&mut self, what: &'static str) {
        *self.done.entry(what).or_default() += 1;
    }

    pub(super) fn faults(&self) -> u64 {
        self.caught.values().chain(self.passed.values()).sum()
    }

    pub(super) fn kills(&self) -> u64 {
        self.done.iter().filter(|(what, _)| what.starts_with("kill")).map(|(_, count)| count).sum()
    }

    pub(super) fn lose(&mut self, how: &'static str, frames: u64) {
        self.frames_lost.entry(how).or_default().push(frames);
    }

    pub(super) fn json(&self) -> Value {
        let lost = |(how, frames): (&&str, &Vec<u64>)| {
            let (most, mean) = most_and_mean(frames.iter().map(|it| *it as f64));
            ((*how).to_owned(), json!({ "times": frames.len(), "most": most, "mean": mean }))
        };
        let (most, mean) = most_and_mean(self.resume_ms.iter().copied());
        let row = |row: &Row| {
            json!({
                "seconds": row.seconds, "swaps": row.swaps, "faults": row.faults, "kills": row.kills,
                "steps": row.steps, "supervisor_rss_kib": row.supervisor_kib, "engine_rss_kib": row.engine_kib,
                "libraries": row.libraries,
            })
        };
        json!({
            "seed": self.seed, "seconds": self.seconds, "swaps": self.swaps, "faults": self.faults(),
            "kills": self.kills(), "checks": self.checks, "lost": 0, "done": self.done,
            "caught_by_a_trial": self.caught, "past_a_trial": self.passed,
            "frames_lost": self.frames_lost.iter().map(lost).collect::<serde_json::Map<_, _>>(),
            "resume_ms": { "most": most, "mean": mean },
            "rows": self.rows.iter().map(row).collect::<Vec<_>>(),
        })
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "{:>8} {:>7} {:>7} {:>6} {:>8} {:>15} {:>11} {:>9}",
            "seconds", "swaps", "faults", "kills", "steps", "supervisor KiB", "engine KiB", "libraries"
        )?;
        for Row { seconds, swaps, faults, kills, steps, supervisor_kib, engine_kib, libraries } in &self.rows
        {
            writeln!(
                out,
                "{seconds:>8.0} {swaps:>7} {faults:>7} {kills:>6} {steps:>8} {supervisor_kib:>15} {engine_kib:>11} \
                 {libraries:>9}"
            )?;
        }
        for (title, counts) in [("caught by a trial", &self.caught), ("past a trial", &self.passed)] {
            writeln!(out, "{title}:")?;
            counts.iter().try_for_each(|(what, count)| writeln!(out, "{count:>8} {what}"))?;
        }
        writeln!(out, "done:")?;
        self.done.iter().try_for_each(|(what, count)| writeln!(out, "{count:>8} {what}"))?;
        for (how, frames) in &self.frames_lost {
            let (most, mean) = most_and_mean(frames.iter().map(|it| *it as f64));
            writeln!(out, "{how}: {} times, {most} frames at most, {mean:.1} on average", frames.len())?;
        }
        let (most, mean) = most_and_mean(self.resume_ms.iter().copied());
        writeln!(out, "gone on after {mean:.0} ms, {most:.0} at most")?;
        writeln!(
            out,
            "seed {}: {} swaps, {} faults, {} kills in {:.0} s; {} saved games checked, lost: 0",
            self.seed,
            self.swaps,
            self.faults(),
            self.kills(),
            self.seconds,
            self.checks
        )
    }
}

fn most_and_mean(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let count = values.clone().count().max(1) as f64;
    (values.clone().fold(0.0, f64::max), values.sum::<f64>() / count)
}

/// proc(5), `VmRSS`.
pub(super) fn resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
