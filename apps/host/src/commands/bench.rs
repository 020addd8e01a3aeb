//! `keel bench`: what Keel costs. A program of its own measures, which is built when it is asked for: whoever plays does
//! not wait for it, and it can measure what a host is not linked with.

use std::process::{Command, ExitCode};

use anyhow::Context;
use keel_builder::{BuildRequest, CancelToken};

use crate::cli::BenchCommand;
use crate::commands::build::tell_compiler;
use crate::{os, workspace};

/// The package of the benchmarks, and its binary.
const BENCH: &str = "keel-bench";

pub(crate) fn run(command: &BenchCommand) -> anyhow::Result<ExitCode> {
    let (_, workspace) = workspace::read()?;
    eprintln!("keel: building the benchmarks");
    let request = BuildRequest::binary(BENCH, BENCH);
    let built = workspace::builder(&workspace).build(&[request], &CancelToken::new());
    let report = built.inspect_err(tell_compiler)?;
    let bench = &report.artifacts.first().context("cargo has named no benchmark")?.path;
    let host = std::env::current_exe().context("the path of this program is not known")?;
    let mut bench = Command::new(bench);
    bench.arg(workspace.root()).arg(host).arg(serde_json::to_string(command)?);
    os::hand_over_to(&mut bench)
        .with_context(|| format!("{} can't be started", bench.get_program().display()))
}
