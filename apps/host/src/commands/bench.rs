//! `keel bench`: what Keel costs.

use std::fmt::Display;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use keel_bench::soak::{self, SoakOptions};
use keel_bench::swap::{self, Options};
use serde::Serialize;

use crate::cli::{BenchCommand, SoakBenchArgs, SwapBenchArgs};
use crate::workspace;

pub(crate) fn run(command: BenchCommand) -> anyhow::Result<ExitCode> {
    match command {
        BenchCommand::Swap(args) => swap(args),
        BenchCommand::Soak(args) => soak(args),
    }
}

fn swap(args: SwapBenchArgs) -> anyhow::Result<ExitCode> {
    let (_, workspace) = workspace::read()?;
    let host = std::env::current_exe().context("the path of this program is not known")?;
    let bench = swap::run(workspace.root(), &host, options(&args), tell)?;
    write(&bench, args.json)
}

/// What the command line says, and where it says nothing, what is usual.
fn options(args: &SwapBenchArgs) -> Options {
    let usual = Options::new(args.quick);
    let soak = SoakOptions {
        swaps: args.swaps.unwrap_or(usual.soak.swaps),
        report_every: args.every.unwrap_or(usual.soak.report_every),
    };
    Options {
        edits: args.edits.map_or(usual.edits, |edits| edits as usize),
        entities_max: args.entities.map_or(usual.entities_max, |entities| entities as usize),
        soak,
        ..usual
    }
}

fn soak(args: SoakBenchArgs) -> anyhow::Result<ExitCode> {
    let (_, workspace) = workspace::read()?;
    let options = SoakOptions { swaps: args.swaps, report_every: args.every };
    write(&soak::run(workspace.root(), options, tell)?, args.json)
}

fn tell(text: &str) {
    eprintln!("keel: {text}");
}

fn write(report: &(impl Display + Serialize), json: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    write!(std::io::stdout().lock(), "{report}")?;
    if let Some(path) = json {
        write_json(&path, report)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn write_json(path: &Path, report: &impl Serialize) -> anyhow::Result<()> {
    let mut json = serde_json::to_vec_pretty(report)?;
    json.push(b'\n');
    std::fs::write(path, json).with_context(|| format!("{} can't be written", path.display()))
}
