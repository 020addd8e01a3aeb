//! `keel check`: do the modules fit together, and can each be loaded? Nothing of the game runs.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use keel::types::ModuleId;
use keel_builder::CancelToken;
use keel_loader::LibraryFile;
use keel_registry::{Code, Stated};
use serde::Serialize;

use crate::cli::{EXIT_FAILURE, EXIT_REFUSED, FormatArgs};
use crate::event::code_name;
use crate::plain::plain;
use crate::refusal::{build_code, in_brackets, read_code, with_causes};
use crate::workspace;

#[derive(Serialize)]
struct Row {
    module: String,
    path: PathBuf,
    fits: bool,
    /// The stable name of the reason why not.
    code: Option<String>,
    message: Option<String>,
    /// Statics of the module: they start afresh in each generation.
    statics: Vec<String>,
    /// Whether it starts threads of its own.
    starts_threads: bool,
    /// Whether it can be unmapped after it was replaced.
    can_be_unmapped: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Answer {
    fits: bool,
    /// The stable name of that reason; null where they could be.
    code: Option<String>,
    /// Why the modules could not be looked at one by one.
    message: Option<String>,
    modules: Vec<Row>,
}

pub(crate) fn run(args: &FormatArgs) -> anyhow::Result<ExitCode> {
    let workspace = match workspace::read() {
        Ok((_, workspace)) => workspace,
        Err(error) => return answer(args, Err((read_code(error.as_ref()), format!("{error:#}")))),
    };
    let requests = workspace::everything(&workspace);
    let report = match workspace::builder(&workspace).build(&requests, &CancelToken::new()) {
        Ok(report) => report,
        Err(failure) => return answer(args, Err((build_code(&failure), with_causes(&failure)))),
    };
    let (hosts, modules): (Vec<_>, Vec<_>) =
        report.artifacts.iter().partition(|artifact| workspace::is_host(&artifact.package));
    // The modules must fit the host of their workspace, built as they are; this program may be another one.
    if let Some(host) = hosts.iter().find(|host| !is_this_program(&host.path)) {
        return hand_over(&host.path, args);
    }
    let rows = modules.iter().filter_map(|artifact| {
        let module = workspace.module(ModuleId::of(&artifact.package))?;
        Some(row(&artifact.package, &artifact.path, &workspace::stated(module)))
    });
    answer(args, Ok(rows.collect()))
}

fn is_this_program(path: &Path) -> bool {
    let this = std::env::current_exe().and_then(|this| this.canonicalize());
    this.is_ok_and(|this| path.canonicalize().is_ok_and(|path| path == this))
}

/// Lets the workspace's own host answer.
fn hand_over(host: &Path, args: &FormatArgs) -> anyhow::Result<ExitCode> {
    let mut command = std::process::Command::new(host);
    command.arg("check").args(args.json.then_some("--json"));
    let status = command.status().with_context(|| format!("{} could not be started", host.display()))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.unwrap_or(EXIT_FAILURE)))
}

fn answer(args: &FormatArgs, rows: Result<Vec<Row>, (Code, String)>) -> anyhow::Result<ExitCode> {
    let (modules, code, message) = match rows {
        Ok(modules) => (modules, None, None),
        Err((code, message)) => (Vec::new(), Some(code), Some(message)),
    };
    let fits = message.is_none() && modules.iter().all(|row| row.fits);
    let answer = Answer { fits, code: code.map(code_name), message, modules };
    let mut out = std::io::stdout().lock();
    if args.json {
        serde_json::to_writer_pretty(&mut out, &answer)?;
        writeln!(out)?;
    } else {
        answer.modules.iter().try_for_each(|row| tell(row, &mut out))?;
    }
    if let Some(message) = &answer.message {
        eprintln!("error{}: {}", in_brackets(answer.code.as_ref()), plain(message));
    }
    Ok(if answer.fits { ExitCode::SUCCESS } else { ExitCode::from(EXIT_REFUSED) })
}

fn tell(row: &Row, out: &mut impl Write) -> std::io::Result<()> {
    let verdict = row.message.as_deref().unwrap_or("fits");
    writeln!(out, "{:24}{}  {verdict}", row.module, in_brackets(row.code.as_ref()))?;
    if !row.statics.is_empty() {
        let statics = row.statics.join(", ");
        writeln!(out, "{:24}  its statics start afresh in each generation: {statics}", "")?;
    }
    if !row.can_be_unmapped {
        let why = if row.starts_threads { "starts threads of its own" } else { "has thread-local storage" };
        writeln!(out, "{:24}  it {why}, so old generations stay in memory", "")?;
    }
    Ok(())
}

/// Reads the library's descriptor. What only its code could tell is found when it is loaded.
fn row(module: &str, path: &Path, stated: &Stated) -> Row {
    let refused = stated.check_file(path).err();
    // One that does not fit this host may mean something else by what it says of itself.
    let file = LibraryFile::read(path).ok().filter(|file| file.check_fit().is_ok());
    Row {
        module: module.to_owned(),
        path: path.to_owned(),
        fits: refused.is_none(),
        code: refused.as_ref().map(|refused| code_name(refused.code)),
        message: refused.map(|refused| refused.to_string()),
        statics: file.as_ref().map(|file| file.statics().to_vec()).unwrap_or_default(),
        starts_threads: file.as_ref().is_some_and(LibraryFile::starts_threads),
        can_be_unmapped: file.is_none_or(|file| !file.has_thread_locals() && !file.starts_threads()),
    }
}
