//! From a saved file to the first frame of its new code, beside the compiler alone.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use keel_builder::{BuildRequest, Builder, BuilderConfig, RustcCommand};
use keel_resolver::Workspace;
use serde_json::Value;

use crate::swap::StagesMs;
use crate::swap::samples::Samples;

/// The module that is edited: a sample of a game's system.
const MODULE: &str = "shoal-swim";
/// The line that is edited: how fast a fish swims.
const LINE: &str = "const SPEED: f32 = ";

/// The first start may have to build everything.
const READY_DEADLINE: Duration = Duration::from_secs(600);
const SWAP_DEADLINE: Duration = Duration::from_secs(60);

/// What was measured.
#[derive(Default)]
pub(crate) struct Edits {
    pub(crate) to_running: Samples,
    pub(crate) seen: Samples,
    pub(crate) rustc_alone: Samples,
    pub(crate) stages: StagesMs,
    /// Without trials.
    pub(crate) untried: Samples,
}

/// Edits the module `count` times while `host` runs the game, and as often in a game without trials. The same edit is compiled
/// by the compiler alone after each.
pub(crate) fn measure(
    root: &Path,
    host: &Path,
    count: usize,
    told: &mut impl FnMut(&str),
) -> anyhow::Result<Edits> {
    let workspace = Workspace::from_metadata(&Workspace::read(root)?)?;
    let module = workspace.modules().iter().find(|module| module.name == MODULE);
    let module = module.with_context(|| format!("this workspace has no module `{MODULE}` to be edited"))?;
    let folder = module.manifest_path.parent().context("a manifest lies in a folder")?;
    let source = Source::open(folder.join("src/lib.rs"))?;
    source.write(0)?;
    let builder = Builder::new(BuilderConfig::new(root));
    let command = builder.rustc_command(&BuildRequest::library(&module.name, &module.library))?;
    let alone = Alone::new(command, folder, &builder.config().target_dir.join("bench"))?;
    alone.time(0, &source)?;

    let mut edits = Edits::default();
    let mut stages: [Samples; 6] = Default::default();
    for (trial, from) in [(true, 1), (false, count + 2)] {
        let mut game = Game::start(host, root, trial)?;
        // The first of each warms the compiler's caches of both.
        for edit in from..=from + count {
            let begin = Instant::now();
            source.write(edit)?;
            let swap = game.next_swap()?;
            let seen = begin.elapsed();
            let rustc = alone.time(edit, &source)?;
            if edit == from {
                continue;
            }
            let (ms, how) = (rustc.as_secs_f64() * 1e3, if trial { "" } else { " without a trial" });
            told(&format!("edit {}: {:.0} ms{how}, rustc alone {ms:.0} ms", edit - from, swap.whole));
            edits.rustc_alone.push_time(rustc);
            if !trial {
                edits.untried.push(swap.whole);
                continue;
            }
            edits.to_running.push(swap.whole);
            edits.seen.push_time(seen);
            stages.iter_mut().zip(swap.stages).for_each(|(samples, ms)| samples.push(ms));
        }
        game.end()?;
    }
    let [detect, build, trial, check, swap, other] = stages.map(|samples| samples.middle());
    edits.stages = StagesMs { detect, build, trial, check, swap, other };
    Ok(edits)
}

/// The file that is edited. It is put back when this is dropped, and when the process is interrupted.
struct Source {
    path: PathBuf,
    original: String,
}

impl Source {
    fn open(path: PathBuf) -> anyhow::Result<Self> {
        let original =
            fs::read_to_string(&path).with_context(|| format!("{} can't be read", path.display()))?;
        ensure!(original.contains(LINE), "{} has no line `{LINE}...` to be edited", path.display());
        let (file, text) = (path.clone(), original.clone());
        ctrlc::set_handler(move || {
            // Nothing more can be done about a file that can't be written.
            let _ = fs::write(&file, &text);
            std::process::exit(130);
        })?;
        Ok(Self { path, original })
    }

    /// The source after edit number `edit`.
    fn edited(&self, edit: usize) -> String {
        let change = |line: &str| match line.strip_prefix(LINE) {
            Some(_) => format!("{LINE}{:.2};\n", 12.0 + edit as f64 / 100.0),
            None => format!("{line}\n"),
        };
        self.original.lines().map(change).collect()
    }

    fn write(&self, edit: usize) -> anyhow::Result<()> {
        fs::write(&self.path, self.edited(edit))
            .with_context(|| format!("{} can't be written", self.path.display()))
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        if let Err(error) = fs::write(&self.path, &self.original) {
            eprintln!("error: {} could not be put back ({error}); `git checkout` it", self.path.display());
        }
    }
}

/// The compiler alone: the very call that cargo made, on a copy of the crate and into a folder of its own, so that
/// the watcher and cargo see nothing of it.
struct Alone {
    command: RustcCommand,
    copy: PathBuf,
}

impl Alone {
    fn new(mut command: RustcCommand, folder: &Path, scratch: &Path) -> anyhow::Result<Self> {
        let copy = scratch.join(MODULE);
        if copy.exists() {
            fs::remove_dir_all(&copy)?;
        }
        copy_folder(&folder.join("src"), &copy.join("src"))?;
        let (out, incremental) = (scratch.join("out"), scratch.join("incremental"));
        fs::create_dir_all(&out)?;
        let lib = copy.join("src/lib.rs").display().to_string();
        let mut is_next_out = false;
        for argument in &mut command.arguments {
            if std::mem::take(&mut is_next_out) {
                *argument = out.display().to_string();
            } else if argument.ends_with("src/lib.rs") {
                argument.clone_from(&lib);
            } else if argument.starts_with("incremental=") {
                *argument = format!("incremental={}", incremental.display());
            }
            is_next_out = argument == "--out-dir";
        }
        ensure!(command.arguments.contains(&lib), "the compiler's call names no src/lib.rs");
        Ok(Self { command, copy })
    }

    fn time(&self, edit: usize, source: &Source) -> anyhow::Result<Duration> {
        fs::write(self.copy.join("src/lib.rs"), source.edited(edit))?;
        Ok(self.command.time()?)
    }
}

fn copy_folder(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy_folder(&path, &target)?;
        } else {
            fs::copy(&path, &target)?;
        }
    }
    Ok(())
}

/// `keel run --headless --json`.
struct Game {
    child: Child,
    events: Receiver<Value>,
}

/// One swap, in milliseconds.
struct Swap {
    whole: f64,
    stages: [f64; 6],
}

impl Game {
    /// Starts it, and waits until the first frame is about to run.
    fn start(host: &Path, root: &Path, trial: bool) -> anyhow::Result<Self> {
        let mut command = Command::new(host);
        command.args(["run", "--headless", "--json"]).current_dir(root);
        if !trial {
            command.args(["--trial", "off"]);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("{} can't be started", host.display()))?;
        let lines = BufReader::new(child.stdout.take().context("its output was asked for")?).lines();
        let (sender, events) = channel();
        thread::spawn(move || {
            let events = lines.map_while(Result::ok).filter_map(|line| serde_json::from_str(&line).ok());
            for event in events {
                if sender.send(event).is_err() {
                    break;
                }
            }
        });
        let mut game = Self { child, events };
        game.wait_for("ready", READY_DEADLINE)?;
        Ok(game)
    }

    fn next_swap(&mut self) -> anyhow::Result<Swap> {
        let event = self.wait_for("swap", SWAP_DEADLINE)?;
        let ms =
            |of: &Value, name: &str| of[name].as_f64().with_context(|| format!("a swap without `{name}`"));
        let whole = ms(&event, "edit_to_running_ms")?;
        let of = |name| ms(&event["stages_ms"], name);
        let [detect, build, trial] = [of("detect")?, of("build")?, of("trial")?];
        let [check, swap] = [of("check")?, of("swap")?];
        let other = whole - detect - build - trial - check - swap;
        Ok(Swap { whole, stages: [detect, build, trial, check, swap, other] })
    }

    fn wait_for(&mut self, wanted: &str, deadline: Duration) -> anyhow::Result<Value> {
        let expiry = Instant::now() + deadline;
        loop {
            let left = expiry.saturating_duration_since(Instant::now());
            let event = self.events.recv_timeout(left);
            let event = event.with_context(|| format!("the host told no `{wanted}` within {deadline:?}"))?;
            match event["event"].as_str() {
                Some(kind) if kind == wanted => return Ok(event),
                Some("rejected" | "fault") => bail!("the host says {event}"),
                _ => {}
            }
        }
    }

    fn end(mut self) -> anyhow::Result<()> {
        let mut stdin = self.child.stdin.take().context("its input was asked for")?;
        writeln!(stdin, "quit")?;
        let status = self.child.wait()?;
        ensure!(status.success(), "the host ended with {status}");
        Ok(())
    }
}

impl Drop for Game {
    fn drop(&mut self) {
        // After `end` it has ended already, and there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
