//! `keel build`: builds modules as `keel run` does.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use keel_builder::{BuildFailure, BuildReport, CancelToken, Diagnostic, Level};
use keel_registry::Code;
use keel_resolver::Workspace;
use serde::Serialize;

use crate::cli::{BuildArgs, EXIT_FAILURE, EXIT_REFUSED};
use crate::event::code_name;
use crate::plain::plain;
use crate::refusal::{build_code, in_brackets, read_code, with_causes};
use crate::workspace;

/// What `--json` prints.
#[derive(Serialize)]
struct Answer {
    built: bool,
    /// The stable name of the reason why not.
    code: Option<String>,
    message: Option<String>,
    libraries: Vec<LibraryRow>,
    diagnostics: Vec<DiagnosticRow>,
    /// Cargo, from its start to its end.
    build_ms: Option<f64>,
}

#[derive(Serialize)]
struct LibraryRow {
    module: String,
    path: PathBuf,
    /// Whether cargo had nothing to do for it.
    fresh: bool,
}

#[derive(Serialize)]
struct DiagnosticRow {
    /// The crate that was compiled.
    target: String,
    level: &'static str,
    /// The compiler's code, such as `E0308`.
    code: Option<String>,
    message: String,
    file: Option<String>,
    line: Option<usize>,
    column: Option<usize>,
    /// As the compiler shows it, without colours.
    rendered: String,
}

pub(crate) fn run(args: &BuildArgs) -> anyhow::Result<ExitCode> {
    let workspace = match workspace::read() {
        Ok((_, workspace)) => workspace,
        Err(error) => {
            let answer = Answer::refused(read_code(error.as_ref()), format!("{error:#}"), &[]);
            return tell(args, &answer, EXIT_REFUSED);
        }
    };
    if let Some(message) = unknown(&workspace, &args.modules) {
        return tell(args, &Answer::refused(Code::NoSuchModule, message, &[]), EXIT_FAILURE);
    }
    let is_wanted = |name: &String| args.modules.is_empty() || args.modules.contains(name);
    let wanted = workspace.modules().iter().filter(|module| is_wanted(&module.name));
    let requests: Vec<_> = wanted.map(workspace::request).collect();
    match workspace::builder(&workspace).build(&requests, &CancelToken::new()) {
        Ok(report) => tell(args, &Answer::built(&report), EXIT_FAILURE),
        Err(failure) => {
            if !args.json {
                tell_compiler(&failure);
            }
            let code = build_code(&failure);
            tell(args, &Answer::refused(code, with_causes(&failure), failure.diagnostics()), EXIT_FAILURE)
        }
    }
}

/// What is wrong with the names, if one is no module's.
fn unknown(workspace: &Workspace, names: &[String]) -> Option<String> {
    let known: Vec<_> = workspace.modules().iter().map(|module| module.name.as_str()).collect();
    let name = names.iter().find(|name| !known.contains(&name.as_str()))?;
    Some(format!("there is no module `{name}`; there are: {}", known.join(", ")))
}

impl Answer {
    fn built(report: &BuildReport) -> Self {
        let library = |artifact: &keel_builder::BuiltArtifact| LibraryRow {
            module: artifact.package.clone(),
            path: artifact.path.clone(),
            fresh: artifact.is_fresh,
        };
        Self {
            built: true,
            code: None,
            message: None,
            libraries: report.artifacts.iter().map(library).collect(),
            diagnostics: report.warnings.iter().map(diagnostic).collect(),
            build_ms: Some(report.elapsed.as_secs_f64() * 1e3),
        }
    }

    fn refused(code: Code, message: String, diagnostics: &[Diagnostic]) -> Self {
        Self {
            built: false,
            code: Some(code_name(code)),
            message: Some(message),
            libraries: Vec::new(),
            diagnostics: diagnostics.iter().map(diagnostic).collect(),
            build_ms: None,
        }
    }
}

fn diagnostic(it: &Diagnostic) -> DiagnosticRow {
    let place = it.place.as_ref();
    DiagnosticRow {
        target: it.target.clone(),
        level: if it.level == Level::Error { "error" } else { "warning" },
        code: it.code.clone(),
        message: it.message.clone(),
        file: place.map(|(file, ..)| file.clone()),
        line: place.map(|(_, line, _)| *line),
        column: place.map(|(.., column)| *column),
        rendered: it.plain.clone(),
    }
}

/// Prints the answer; a build that failed ends with `failed`.
fn tell(args: &BuildArgs, answer: &Answer, failed: u8) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    if args.json {
        serde_json::to_writer_pretty(&mut out, answer)?;
        writeln!(out)?;
    }
    for LibraryRow { module, path, fresh } in answer.libraries.iter().filter(|_| !args.json) {
        let state = if *fresh { "is up to date" } else { "was built" };
        writeln!(out, "{module} {state}: {}", path.display())?;
    }
    if let Some(message) = &answer.message {
        // What the compiler says stands above.
        let is_told = !args.json && !answer.diagnostics.is_empty();
        let message = if is_told { message.lines().next().unwrap_or_default() } else { message };
        eprintln!("error{}: {}", in_brackets(answer.code.as_ref()), plain(message));
    }
    Ok(if answer.built { ExitCode::SUCCESS } else { ExitCode::from(failed) })
}

/// As the compiler shows it, with its colours where somebody sees them.
pub(super) fn tell_compiler(failure: &BuildFailure) {
    let is_terminal = std::io::stderr().is_terminal();
    for diagnostic in failure.diagnostics() {
        eprintln!("{}", if is_terminal { &diagnostic.colored } else { &diagnostic.plain });
    }
}
