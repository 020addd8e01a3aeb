//! The other engines: a program that is built when it is asked for, and that is talked to.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::rc::Rc;

use anyhow::{Context, bail};
use keel_builder::{BuildFailure, BuildRequest, Builder, BuilderConfig, CancelToken};

use crate::ecs::contest::Contestant;
use crate::ecs::protocol::{Absent, Answer, Case, Request};

/// Its folder: a workspace of its own.
const FOLDER: &str = "apps/bench/peers";

/// The package and its binary.
const PACKAGE: &str = "keel-bench-peers";

/// The features of the engines.
pub(crate) const ENGINES: [&str; 6] = ["hecs", "bevy", "flecs", "shipyard", "legion", "sparsey"];

/// Beside the engines, what `--against` may say.
const NONE: &str = "none";
const FLOOR: &str = "floor";

/// Those who do a case, and those who can't.
pub(crate) type Listed = (Vec<Box<dyn Contestant>>, Vec<Absent>);

/// The program, running.
pub(crate) struct Peers {
    process: Rc<RefCell<Process>>,
}

struct Process {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Peers {
    /// Builds the engines that are asked for, all if none is, and starts them; `None` if nobody is wanted. One that can't
    /// be built is told, and left out.
    pub(crate) fn start(
        root: &Path,
        against: &[String],
        told: &mut impl FnMut(&str),
    ) -> anyhow::Result<Option<Self>> {
        let Some(engines) = wanted(against)? else { return Ok(None) };
        told("building the other engines; the first time takes minutes");
        build(root, &engines, told)?.map(|program| Self::open(&program)).transpose()
    }

    fn open(program: &Path) -> anyhow::Result<Self> {
        let mut command = Command::new(program);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("{} can't be started", program.display()))?;
        let requests = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().context("its output was asked for")?);
        Ok(Self { process: Rc::new(RefCell::new(Process { child, requests, answers })) })
    }

    /// What the engines do, and what they can't do.
    pub(crate) fn into_contestants(self) -> anyhow::Result<Listed> {
        let answer = self.process.borrow_mut().ask(&Request::List)?;
        let Answer::Cases { cases, absent } = answer else {
            bail!("the other engines have listed no cases: {answer:?}")
        };
        let contestant = |(id, case)| -> Box<dyn Contestant> {
            Box::new(InPeers { id, case, process: Rc::clone(&self.process) })
        };
        Ok((cases.into_iter().enumerate().map(contestant).collect(), absent))
    }
}

/// The engines' features; `None` where not even the floor is wanted.
fn wanted(against: &[String]) -> anyhow::Result<Option<Vec<&'static str>>> {
    if against.is_empty() {
        return Ok(Some(ENGINES.to_vec()));
    }
    if against.iter().any(|name| name == NONE) {
        return Ok(None);
    }
    let mut engines = Vec::new();
    for name in against.iter().filter(|name| *name != FLOOR) {
        let Some(engine) = ENGINES.iter().find(|engine| *engine == name) else {
            bail!("there is no engine `{name}`; there are {}, {FLOOR} and {NONE}", ENGINES.join(", "));
        };
        engines.push(*engine);
    }
    Ok(Some(engines))
}

/// The program with all `engines` that can be built; `None` when not even the floor can.
fn build(
    root: &Path,
    engines: &[&'static str],
    told: &mut impl FnMut(&str),
) -> anyhow::Result<Option<PathBuf>> {
    if let Ok(program) = build_with(root, engines) {
        return Ok(Some(program));
    }
    // Which of them it is: each by itself.
    let mut left = Vec::new();
    for engine in engines {
        match build_with(root, &[engine]) {
            Ok(_) => left.push(*engine),
            Err(failure) => told(&format!("{engine} is left out: {}", failure.to_string().trim_end())),
        }
    }
    match build_with(root, &left) {
        Ok(program) => Ok(Some(program)),
        Err(failure) => {
            told(&format!("the other engines are left out: {}", failure.to_string().trim_end()));
            Ok(None)
        }
    }
}

fn build_with(root: &Path, engines: &[&str]) -> Result<PathBuf, BuildFailure> {
    let mut config = BuilderConfig::new(root.join(FOLDER));
    config.target_dir = root.join("target/peers");
    config.profile = "release".to_owned();
    // As its users build each engine: with std linked in. Of two such flags, the last one counts.
    let flags = "build.rustflags=['-Cprefer-dynamic=no']";
    let features = engines.join(",");
    let arguments = ["--config", flags, "--no-default-features", "--features", &features, "--locked"];
    config.extra_arguments = arguments.map(Into::into).to_vec();
    let built = Builder::new(config).build(&[BuildRequest::binary(PACKAGE, PACKAGE)], &CancelToken::new())?;
    let no_program = || BuildFailure::NoArtifact { package: PACKAGE.to_owned(), target: PACKAGE.to_owned() };
    built.artifacts.into_iter().next().map(|program| program.path).ok_or_else(no_program)
}

impl Process {
    fn ask(&mut self, request: &Request) -> anyhow::Result<Answer> {
        self.try_ask(request).context("the process with the other engines has ended")
    }

    fn try_ask(&mut self, request: &Request) -> anyhow::Result<Answer> {
        let requests = self.requests.as_mut().context("it was told to end")?;
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        requests.write_all(&line)?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        Ok(serde_json::from_str(&answer)?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The end of its input is the end of it.
        self.requests = None;
        let _ = self.child.wait();
    }
}

/// A case of another engine.
struct InPeers {
    id: usize,
    case: Case,
    process: Rc<RefCell<Process>>,
}

impl InPeers {
    fn ask(&self, request: &Request) -> anyhow::Result<Answer> {
        match self.process.borrow_mut().ask(request)? {
            Answer::Failed { why } => {
                bail!("{} has failed at `{}`: {why}", self.case.label(), self.case.name)
            }
            answer => Ok(answer),
        }
    }

    fn unexpected<T>(&self, answer: &Answer) -> anyhow::Result<T> {
        bail!("the other engines have answered something else than they were asked: {answer:?}")
    }
}

impl Contestant for InPeers {
    fn case(&self) -> &Case {
        &self.case
    }

    fn prepare(&mut self) -> anyhow::Result<Option<u64>> {
        match self.ask(&Request::Prepare { id: self.id })? {
            Answer::Prepared { bytes } => Ok(bytes),
            answer => self.unexpected(&answer),
        }
    }

    fn run(&mut self, iterations: u64) -> anyhow::Result<f64> {
        match self.ask(&Request::Run { id: self.id, iterations })? {
            Answer::Ran { ns } => Ok(ns as f64),
            answer => self.unexpected(&answer),
        }
    }

    fn checksum(&mut self) -> anyhow::Result<Option<f64>> {
        match self.ask(&Request::Checksum { id: self.id })? {
            Answer::Checksum { value } => Ok(value),
            answer => self.unexpected(&answer),
        }
    }

    fn release(&mut self) -> anyhow::Result<()> {
        match self.ask(&Request::Release { id: self.id })? {
            Answer::Released => Ok(()),
            answer => self.unexpected(&answer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(against: &[&str], expected: Option<&[&str]>) {
        let against: Vec<_> = against.iter().map(|it| (*it).to_owned()).collect();
        assert_eq!(wanted(&against).unwrap().as_deref(), expected, "{against:?}");
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_ends_or_is_not_there_is_told() {
        let ends = Path::new("true");
        let error = Peers::open(ends).and_then(Peers::into_contestants).err().unwrap();
        assert!(
            format!("{error:#}").starts_with("the process with the other engines has ended: "),
            "{error:#}"
        );
        let error = Peers::open(Path::new("/none/such")).err().unwrap();
        assert!(format!("{error:#}").starts_with("/none/such can't be started: "), "{error:#}");
    }

    #[test]
    fn engines_are_wanted_by_name_and_all_if_none_is_named() {
        check(&[], Some(&ENGINES));
        check(&["bevy", "hecs"], Some(&["bevy", "hecs"]));
        check(&["floor"], Some(&[]));
        check(&["none"], None);
        let error = wanted(&["unity".to_owned()]).unwrap_err().to_string();
        assert!(error.starts_with("there is no engine `unity`; there are hecs, bevy,"), "{error}");
    }
}
