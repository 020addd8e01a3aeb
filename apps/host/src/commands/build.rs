//! `keel build`: builds modules as `keel run` does.

use std::io::IsTerminal;
use std::process::ExitCode;

use anyhow::bail;
use keel_builder::{BuildFailure, CancelToken};

use crate::cli::EXIT_FAILURE;
use crate::plain::plain;
use crate::workspace;

pub(crate) fn run(names: &[String]) -> anyhow::Result<ExitCode> {
    let (_, workspace) = workspace::read()?;
    let known: Vec<_> = workspace.modules().iter().map(|module| module.name.as_str()).collect();
    if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
        bail!("there is no module `{name}`; there are: {}", known.join(", "));
    }
    let wanted = workspace.modules().iter().filter(|module| names.is_empty() || names.contains(&module.name));
    let requests: Vec<_> = wanted.map(workspace::request).collect();
    match workspace::builder(&workspace).build(&requests, &CancelToken::new()) {
        Ok(report) => {
            for artifact in &report.artifacts {
                let state = if artifact.is_fresh { "is up to date" } else { "was built" };
                println!("{} {state}: {}", artifact.package, artifact.path.display());
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(failure) => {
            tell(&failure);
            Ok(ExitCode::from(EXIT_FAILURE))
        }
    }
}

fn tell(failure: &BuildFailure) {
    let is_terminal = std::io::stderr().is_terminal();
    for diagnostic in failure.diagnostics() {
        eprintln!("{}", if is_terminal { &diagnostic.colored } else { &diagnostic.plain });
    }
    eprintln!("error: {}", plain(&failure.to_string()));
}
