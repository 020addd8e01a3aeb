//! `keel-bench WORKSPACE HOST REQUEST`: measures what `keel bench` was asked for. The command line of a person is the
//! host's, which builds this, starts it, and hands on what it has read as JSON.

use std::ffi::OsString;
use std::fmt::Display;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use keel_bench::ecs::{self, EcsOptions, EcsPage, EcsPlot};
use keel_bench::soak::{self, SoakOptions};
use keel_bench::swap::{self, Options};
use serde::{Deserialize, Serialize};

/// What the host has read. The names are those of its options.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Request {
    Swap(SwapRequest),
    Soak(SoakRequest),
    Ecs(EcsRequest),
}

/// What is left out is as usual.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SwapRequest {
    json: Option<PathBuf>,
    quick: bool,
    edits: Option<usize>,
    entities: Option<usize>,
    swaps: Option<u64>,
    every: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SoakRequest {
    swaps: u64,
    every: u64,
    json: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EcsRequest {
    case: Vec<String>,
    against: Vec<String>,
    quick: bool,
    list: bool,
    json: Option<PathBuf>,
    html: Option<PathBuf>,
    svg: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let [workspace, host, request] = arguments.as_slice() else {
        bail!("this is started by `keel bench`; run `cargo keel bench --help`");
    };
    let workspace = Path::new(workspace);
    let request = serde_json::from_str(&request.to_string_lossy())
        .context("the host that started this is of another build")?;
    match request {
        Request::Swap(request) => {
            write(&swap::run(workspace, Path::new(host), options(&request), tell)?, request.json)
        }
        Request::Soak(SoakRequest { swaps, every, json }) => {
            write(&soak::run(workspace, SoakOptions { swaps, report_every: every }, tell)?, json)
        }
        Request::Ecs(request) => run_ecs(workspace, request),
    }
}

fn run_ecs(workspace: &Path, request: EcsRequest) -> anyhow::Result<()> {
    let EcsRequest { case, against, quick, list, json, html, svg } = request;
    let options = EcsOptions { cases: case, against, quick };
    if list {
        write!(std::io::stdout().lock(), "{}", ecs::list(workspace, &options, tell)?)?;
        return Ok(());
    }
    let report = ecs::run(workspace, &options, tell)?;
    let page = html.map(|path| (path, EcsPage::new(&report).to_string()));
    let plot = svg.map(|path| (path, EcsPlot::new(&report).to_string()));
    for (path, text) in [page, plot].into_iter().flatten() {
        std::fs::write(&path, text).with_context(|| format!("{} can't be written", path.display()))?;
    }
    write(&report, json)
}

fn options(request: &SwapRequest) -> Options {
    let usual = Options::new(request.quick);
    let soak = SoakOptions {
        swaps: request.swaps.unwrap_or(usual.soak.swaps),
        report_every: request.every.unwrap_or(usual.soak.report_every),
    };
    Options {
        edits: request.edits.unwrap_or(usual.edits),
        entities_max: request.entities.unwrap_or(usual.entities_max),
        soak,
        ..usual
    }
}

fn tell(text: &str) {
    eprintln!("keel: {text}");
}

fn write(report: &(impl Display + Serialize), json: Option<PathBuf>) -> anyhow::Result<()> {
    write!(std::io::stdout().lock(), "{report}")?;
    json.map_or(Ok(()), |path| write_json(&path, report))
}

fn write_json(path: &Path, report: &impl Serialize) -> anyhow::Result<()> {
    let mut json = serde_json::to_vec_pretty(report)?;
    json.push(b'\n');
    std::fs::write(path, json).with_context(|| format!("{} can't be written", path.display()))
}
