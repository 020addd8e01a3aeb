//! `keel check`: do the modules fit together, and can each be loaded? Nothing of the game runs.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use keel::types::ModuleId;
use keel_builder::CancelToken;
use keel_loader::{LibraryFile, LoadError};
use keel_registry::Stated;
use serde::Serialize;

use crate::cli::{EXIT_REFUSED, FormatArgs};
use crate::workspace;

#[derive(Serialize)]
struct Row {
    module: String,
    path: PathBuf,
    fits: bool,
    message: Option<String>,
    /// Statics of the module: they start afresh in each generation.
    statics: Vec<String>,
    /// Whether it starts threads of its own.
    starts_threads: bool,
    /// Whether it can be unmapped after it was replaced.
    can_be_unmapped: bool,
}

pub(crate) fn run(args: &FormatArgs) -> anyhow::Result<ExitCode> {
    let (_, workspace) = match workspace::read() {
        Ok(read) => read,
        Err(error) => return Ok(refuse(&format!("{error:#}"))),
    };
    let built =
        workspace::builder(&workspace).build(&workspace::all_modules(&workspace), &CancelToken::new());
    let report = match built {
        Ok(report) => report,
        Err(failure) => return Ok(refuse(&failure.to_string())),
    };
    let stated = |package: &str| workspace.module(ModuleId::of(package)).map(workspace::stated);
    let rows: Vec<_> = report
        .artifacts
        .iter()
        .map(|artifact| row(&artifact.package, &artifact.path, stated(&artifact.package).as_ref()))
        .collect();
    let mut out = std::io::stdout().lock();
    if args.json {
        serde_json::to_writer_pretty(&mut out, &rows)?;
        writeln!(out)?;
    } else {
        for row in &rows {
            let verdict = row.message.as_deref().unwrap_or("fits");
            writeln!(out, "{:24}  {verdict}", row.module)?;
            if !row.statics.is_empty() {
                writeln!(
                    out,
                    "{:24}  its statics start afresh in each generation: {}",
                    "",
                    row.statics.join(", ")
                )?;
            }
            if !row.can_be_unmapped {
                let why =
                    if row.starts_threads { "starts threads of its own" } else { "has thread-local storage" };
                writeln!(out, "{:24}  it {why}, so old generations stay in memory", "")?;
            }
        }
    }
    let all_fit = rows.iter().all(|row| row.fits);
    Ok(if all_fit { ExitCode::SUCCESS } else { ExitCode::from(EXIT_REFUSED) })
}

fn refuse(why: &str) -> ExitCode {
    eprintln!("error: {why}");
    ExitCode::from(EXIT_REFUSED)
}

/// Reads the library's descriptor. What only its code could tell is found when it is loaded.
fn row(module: &str, path: &std::path::Path, stated: Option<&Stated>) -> Row {
    let read = LibraryFile::read(path).and_then(|file| match file.check_fit() {
        Ok(()) => Ok(file),
        Err(error) => Err(error),
    });
    let misfit = read.as_ref().err().map(LoadError::to_string);
    let file = read.ok();
    let differs = file.as_ref().and_then(|file| stated?.check(file.descriptor()).err());
    let message = misfit.or_else(|| differs.map(|rejection| rejection.to_string()));
    Row {
        module: module.to_owned(),
        path: path.to_owned(),
        fits: message.is_none(),
        message,
        statics: file.as_ref().map(|file| file.statics().to_vec()).unwrap_or_default(),
        starts_threads: file.as_ref().is_some_and(LibraryFile::starts_threads),
        can_be_unmapped: file.is_none_or(|file| !file.has_thread_locals() && !file.starts_threads()),
    }
}
