//! `keel modules`: what modules the workspace has.

use std::io::Write;
use std::process::ExitCode;

use keel_resolver::{ModuleManifest, Workspace};
use serde::Serialize;

use crate::cli::FormatArgs;
use crate::workspace;

#[derive(Serialize)]
struct ModuleRow<'m> {
    name: &'m str,
    kind: &'static str,
    version: String,
    provides: Vec<&'m str>,
    requires: Vec<&'m str>,
    models: &'m [String],
    manifest: String,
}

pub(crate) fn run(args: &FormatArgs) -> anyhow::Result<ExitCode> {
    let (_, workspace) = workspace::read()?;
    let rows = rows(&workspace);
    let mut out = std::io::stdout().lock();
    if args.json {
        serde_json::to_writer_pretty(&mut out, &rows)?;
        writeln!(out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let width = rows.iter().map(|row| row.name.len()).max().unwrap_or(4).max(4);
    writeln!(out, "{:width$}  {:10}  {:8}  VIEWS", "NAME", "KIND", "VERSION")?;
    for row in &rows {
        let provides = row.provides.iter().map(|view| format!("+{view}"));
        let requires = row.requires.iter().map(|view| format!("-{view}"));
        let views: Vec<_> = provides.chain(requires).collect();
        writeln!(out, "{:width$}  {:10}  {:8}  {}", row.name, row.kind, row.version, views.join(" "))?;
    }
    writeln!(out, "\n+ provides, - requires. `keel check` says whether they fit together.")?;
    Ok(ExitCode::SUCCESS)
}

fn rows(workspace: &Workspace) -> Vec<ModuleRow<'_>> {
    workspace.modules().iter().map(row).collect()
}

fn row(module: &ModuleManifest) -> ModuleRow<'_> {
    ModuleRow {
        name: &module.name,
        kind: module.kind.name(),
        version: module.version.to_string(),
        provides: module.provides.iter().map(|view| view.view.as_str()).collect(),
        requires: module.requires.iter().map(|view| view.view.as_str()).collect(),
        models: &module.model_crates,
        manifest: module.manifest_path.display().to_string(),
    }
}
