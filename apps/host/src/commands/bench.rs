//! `keel bench`: what Keel costs.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use keel_bench::swap::{self, Options, SwapBench};

use crate::cli::{BenchCommand, SwapBenchArgs};
use crate::workspace;

pub(crate) fn run(command: BenchCommand) -> anyhow::Result<ExitCode> {
    match command {
        BenchCommand::Swap(args) => swap(args),
    }
}

fn swap(args: SwapBenchArgs) -> anyhow::Result<ExitCode> {
    let (_, workspace) = workspace::read()?;
    let host = std::env::current_exe().context("the path of this program is not known")?;
    let told = |text: &str| eprintln!("keel: {text}");
    let bench = swap::run(workspace.root(), &host, Options { quick: args.quick }, told)?;
    write!(std::io::stdout().lock(), "{bench}")?;
    if let Some(path) = args.json {
        write_json(&path, &bench)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn write_json(path: &PathBuf, bench: &SwapBench) -> anyhow::Result<()> {
    let mut json = serde_json::to_vec_pretty(bench)?;
    json.push(b'\n');
    std::fs::write(path, json).with_context(|| format!("{} can't be written", path.display()))
}
