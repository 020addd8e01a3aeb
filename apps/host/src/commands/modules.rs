//! `keel modules`: what modules the workspace has, and how their libraries were built last. Nothing is built, and
//! nothing of them runs.

use std::io::Write;
use std::process::ExitCode;

use keel_resolver::{ModuleManifest, Workspace};
use serde::Serialize;

use crate::cli::FormatArgs;
use crate::event::code_name;
use crate::workspace;

#[derive(Serialize)]
struct ModuleRow<'m> {
    name: &'m str,
    kind: &'static str,
    version: String,
    /// `not built`, `built`, or `refused: CODE`.
    state: String,
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
    let states = rows.iter().map(|row| row.state.len()).max().unwrap_or(5).max(5);
    writeln!(out, "{:width$}  {:10}  {:8}  {:states$}  VIEWS", "NAME", "KIND", "VERSION", "STATE")?;
    for row in &rows {
        let provides = row.provides.iter().map(|view| format!("+{view}"));
        let requires = row.requires.iter().map(|view| format!("-{view}"));
        let views: Vec<_> = provides.chain(requires).collect();
        let ModuleRow { name, kind, version, state, .. } = row;
        let line = format!("{name:width$}  {kind:10}  {version:8}  {state:states$}  {}", views.join(" "));
        writeln!(out, "{}", line.trim_end())?;
    }
    writeln!(out, "\n+ provides, - requires. `keel check` builds them, and says whether they fit together.")?;
    Ok(ExitCode::SUCCESS)
}

fn rows(workspace: &Workspace) -> Vec<ModuleRow<'_>> {
    workspace.modules().iter().map(|module| row(workspace, module)).collect()
}

/// What became of the module's last build.
fn state(workspace: &Workspace, module: &ModuleManifest) -> String {
    let path = workspace::library(workspace, module);
    if !path.exists() {
        return "not built".to_owned();
    }
    match workspace::stated(module).check_file(&path) {
        Ok(_) => "built".to_owned(),
        Err(rejection) => format!("refused: {}", code_name(rejection.code)),
    }
}

fn row<'m>(workspace: &Workspace, module: &'m ModuleManifest) -> ModuleRow<'m> {
    ModuleRow {
        name: &module.name,
        kind: module.kind.name(),
        version: module.version.to_string(),
        state: state(workspace, module),
        provides: module.provides.iter().map(|view| view.view.as_str()).collect(),
        requires: module.requires.iter().map(|view| view.view.as_str()).collect(),
        models: &module.model_crates,
        manifest: module.manifest_path.display().to_string(),
    }
}
