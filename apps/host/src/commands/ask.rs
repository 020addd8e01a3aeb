//! Asking a running game of this workspace for something.

use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};

use crate::cli::EXIT_REFUSED;
use crate::os::ControlStream;
use crate::plain::plain;
use crate::protocol::Answer;
use crate::supervisor::{CONTROL_FOLDER, ControlRequest};
use crate::workspace;

/// A game answers between two frames; one that does not for so long hangs.
const ANSWER_DEADLINE: Duration = Duration::from_secs(30);

/// Asks the run named `run`, or the only one there is.
///
/// # Errors
/// When no game is running, or several are and none is named, or it does not answer.
pub(super) fn ask(run: Option<&str>, request: &ControlRequest) -> anyhow::Result<Answer> {
    let (_, workspace) = workspace::read()?;
    let folder = workspace::builder(&workspace).config().target_dir.join("run");
    let (name, stream) = choose(running(&folder), run)?;
    exchange(stream, request)
        .with_context(|| format!("the run {name} gave no answer; it has ended, or a system of it hangs"))
}

/// Tells the person who has asked.
///
/// # Errors
/// When nobody could see to it.
pub(super) fn tell(answer: Answer) -> anyhow::Result<ExitCode> {
    match answer {
        Answer::Done { message } => {
            println!("{}", plain(&message));
            Ok(ExitCode::SUCCESS)
        }
        Answer::Refused { code, message } => {
            eprintln!("error[{code}]: {}", plain(&message));
            Ok(ExitCode::from(EXIT_REFUSED))
        }
        Answer::Failed { message } => bail!(message),
    }
}

/// The runs that listen, by name. What dead ones left behind refuses the connection.
fn running(folder: &Path) -> Vec<(String, ControlStream)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let listening = entries.filter_map(|entry| {
        let stream = ControlStream::connect(&entry.path().join(CONTROL_FOLDER)).ok()?;
        Some((entry.file_name().to_string_lossy().into_owned(), stream))
    });
    let mut runs: Vec<_> = listening.collect();
    runs.sort_by(|a, b| a.0.cmp(&b.0));
    runs
}

fn choose<S>(runs: Vec<(String, S)>, wanted: Option<&str>) -> anyhow::Result<(String, S)> {
    let names = runs.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
    let is_wanted = |name: &str| wanted.is_none_or(|wanted| wanted == name);
    let mut chosen: Vec<_> = runs.into_iter().filter(|(name, _)| is_wanted(name)).collect();
    match (chosen.pop(), wanted) {
        (Some(run), _) if chosen.is_empty() => Ok(run),
        (None, None) => bail!("no game of this workspace is running; start one by `keel run`"),
        (None, Some(wanted)) if names.is_empty() => bail!("there is no run {wanted}, and no other either"),
        (None, Some(wanted)) => bail!("there is no run {wanted}; there are: {names}"),
        (Some(_), _) => {
            bail!("several games of this workspace are running: {names}; say which by `--run NAME`")
        }
    }
}

fn exchange(mut stream: ControlStream, request: &ControlRequest) -> io::Result<Answer> {
    stream.set_read_timeout(Some(ANSWER_DEADLINE))?;
    let mut json = serde_json::to_vec(request)?;
    json.push(b'\n');
    stream.write_all(&json)?;
    let mut line = String::new();
    BufReader::new(&stream).read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(runs: &[&str], wanted: Option<&str>, expected: Result<&str, &str>) {
        let runs = runs.iter().map(|name| ((*name).to_owned(), ())).collect();
        let chosen = choose(runs, wanted).map(|(name, ())| name).map_err(|error| error.to_string());
        assert_eq!(chosen, expected.map(str::to_owned).map_err(str::to_owned));
    }

    #[test]
    fn the_only_run_is_meant_and_one_of_several_is_named() {
        check(&["run-1-0"], None, Ok("run-1-0"));
        check(&["run-1-0", "run-2-0"], Some("run-1-0"), Ok("run-1-0"));
        check(&[], None, Err("no game of this workspace is running; start one by `keel run`"));
        let several =
            "several games of this workspace are running: run-1-0, run-2-0; say which by `--run NAME`";
        check(&["run-1-0", "run-2-0"], None, Err(several));
        check(&["run-1-0"], Some("run-3-0"), Err("there is no run run-3-0; there are: run-1-0"));
        check(&[], Some("run-3-0"), Err("there is no run run-3-0, and no other either"));
    }
}
