//! A running game: what is written to it, and what it tells.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;

use crate::snapshot::Values;
use crate::workspace::Workspace;

/// How long anything may take on the slowest machine, a build of everything included. Nothing is measured by it.
const DEADLINE: Duration = Duration::from_secs(600);

/// `keel run --headless --json`, and the workspace that it runs in.
pub(crate) struct Game {
    process: Process,
    lines: Receiver<Line>,
    history: Vec<String>,
    saves: usize,
    // Dropped last: its sources are put back when nobody watches them any more.
    pub(crate) workspace: Workspace,
}

/// Killed when dropped, if it has not ended. The engine process ends when its supervisor has.
struct Process {
    child: Child,
    commands: ChildStdin,
}

struct Line {
    text: String,
    read_at: SystemTime,
}

/// What a new generation reported when it was live.
pub(crate) struct Swap {
    pub(crate) line: Value,
    /// When the line was read here.
    pub(crate) read_at: SystemTime,
}

/// A world that stands still: what it was saved as, and its hash.
#[derive(Debug, PartialEq)]
pub(crate) struct Still {
    pub(crate) hash: String,
    pub(crate) entities: u64,
    pub(crate) step: u64,
    pub(crate) values: Values,
    pub(crate) file: PathBuf,
}

impl Game {
    /// Starts the game as it is in the repository, and waits until it is ready.
    pub(crate) fn start() -> Self {
        Self::start_in(Workspace::take())
    }

    pub(crate) fn start_in(workspace: Workspace) -> Self {
        Self::start_with(workspace, &[])
    }

    pub(crate) fn start_with(workspace: Workspace, arguments: &[&str]) -> Self {
        let mut command = workspace.command(env!("CARGO_BIN_EXE_keel"));
        command.args(["run", "--headless", "--json"]).args(arguments);
        let mut game = Self::spawn(workspace, command);
        game.wait_ready();
        game
    }

    pub(crate) fn spawn(workspace: Workspace, mut command: std::process::Command) -> Self {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = channel();
        let (out, errors) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        for pipe in [Box::new(out) as Box<dyn Read + Send>, Box::new(errors)] {
            let sender = sender.clone();
            thread::spawn(move || {
                for text in BufReader::new(pipe).lines().map_while(Result::ok) {
                    let _ = sender.send(Line { text, read_at: SystemTime::now() });
                }
            });
        }
        let commands = child.stdin.take().unwrap();
        Self { process: Process { child, commands }, lines, history: Vec::new(), saves: 0, workspace }
    }

    // What is done to it.

    /// Writes a line to its standard input.
    pub(crate) fn command(&mut self, line: &str) {
        let commands = &mut self.process.commands;
        writeln!(commands, "{line}").and_then(|()| commands.flush()).unwrap();
    }

    #[track_caller]
    pub(crate) fn edit(&mut self, file: &str, from: &str, to: &str) -> SystemTime {
        self.workspace.edit(file, from, to)
    }

    /// Stops the world, or lets it go on. What is told after this was told in that state.
    pub(crate) fn pause(&mut self) {
        self.command("pause");
        self.save();
    }

    /// Saves the game and reads what was saved.
    pub(crate) fn save(&mut self) -> (PathBuf, Values) {
        let file = self.save_file();
        let values = Values::of(&self.workspace, &file);
        (file, values)
    }

    /// Saves the game.
    pub(crate) fn save_file(&mut self) -> PathBuf {
        self.saves += 1;
        let file = self.workspace.scratch(&format!("game-{}-{}.keel", self.process.child.id(), self.saves));
        self.command(&format!("save {}", file.display()));
        let saved = format!("saved {}", file.display());
        self.wait_log(&saved);
        file
    }

    /// The world, which must be paused.
    pub(crate) fn still(&mut self) -> Still {
        let (file, values) = self.save();
        let stats = self.wait("stats", |event| event["event"] == "stats");
        let hash = stats["world_hash"].as_str().unwrap().to_owned();
        let number = |key: &str| stats[key].as_u64().unwrap();
        Still { hash, entities: number("entities"), step: number("step"), values, file }
    }

    // What it tells.

    /// Waits for an event. Those that come before it are passed over.
    #[track_caller]
    pub(crate) fn wait(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        self.wait_until(what, is_it, |_| false).0
    }

    /// Waits for a module's new code to be live. That it is refused fails the scenario.
    #[track_caller]
    pub(crate) fn wait_swap(&mut self, module: &str) -> Swap {
        let is_refused = |event: &Value| event["event"] == "rejected" && concerns(event, module);
        let is_swap = |event: &Value| event["event"] == "swap" && concerns(event, module);
        let (line, read_at) = self.wait_until(&format!("a swap of {module}"), is_swap, is_refused);
        Swap { line, read_at }
    }

    /// Waits for a module's new code to be refused. That it goes live fails the scenario.
    #[track_caller]
    pub(crate) fn wait_rejected(&mut self, module: &str) -> Value {
        let is_refused = |event: &Value| event["event"] == "rejected" && concerns(event, module);
        let is_swap = |event: &Value| event["event"] == "swap" && concerns(event, module);
        self.wait_until(&format!("{module} to be refused"), is_refused, is_swap).0
    }

    /// Waits for the first frame. That anything is refused before it fails the scenario.
    #[track_caller]
    pub(crate) fn wait_ready(&mut self) {
        self.wait_until("ready", |event| event["event"] == "ready", |event| event["event"] == "rejected");
    }

    #[track_caller]
    pub(crate) fn wait_fault(&mut self, module: &str) -> Value {
        self.wait(&format!("a fault of {module}"), |event| {
            event["event"] == "fault" && event["module"] == module
        })
    }

    /// Waits for the game to be gone on with after its engine has ended.
    #[track_caller]
    pub(crate) fn wait_resumed(&mut self) -> Value {
        self.wait("the game to be gone on with", |event| event["event"] == "resumed")
    }

    #[track_caller]
    pub(crate) fn wait_log(&mut self, part: &str) -> String {
        let is_it = |event: &Value| event["event"] == "log" && message(event).contains(part);
        message(&self.wait(&format!("a log line with {part:?}"), is_it)).to_owned()
    }

    /// The next figures.
    #[track_caller]
    pub(crate) fn stats(&mut self) -> Value {
        self.wait("stats", |event| event["event"] == "stats")
    }

    /// Waits for the game to have run on from here.
    #[track_caller]
    pub(crate) fn assert_goes_on(&mut self) {
        // The first figures may be older than what has just been waited for.
        let from = self.stats()["step"].as_u64().unwrap();
        self.wait("steps", |event| event["event"] == "stats" && event["step"].as_u64().unwrap() > from);
    }

    /// Waits for cargo, or the compiler, to be at work for it.
    #[cfg(target_os = "linux")]
    pub(crate) fn wait_for_build(&self) {
        let words = ["build", "--crate-name"];
        poll("a build to be started", || words.into_iter().find_map(|word| child_of(self.pid(), word)));
    }

    /// How many libraries of the module lie in the folder of the run.
    pub(crate) fn copies_of(&self, module: &str) -> usize {
        let runs = std::fs::read_dir(self.workspace.path("target/live/run")).unwrap();
        let folders = runs.filter_map(|run| std::fs::read_dir(run.unwrap().path()).ok());
        let files = folders.flatten().map(|file| file.unwrap().file_name().to_string_lossy().into_owned());
        let generation = |file: String| {
            file.strip_prefix(module)?.strip_prefix('-')?.split('.').next()?.parse::<u64>().ok()
        };
        files.filter_map(generation).count()
    }

    /// All lines that were read so far.
    pub(crate) fn history(&self) -> &[String] {
        &self.history
    }

    #[track_caller]
    fn wait_until(
        &mut self,
        what: &str,
        is_it: impl Fn(&Value) -> bool,
        is_wrong: impl Fn(&Value) -> bool,
    ) -> (Value, SystemTime) {
        let expiry = Instant::now() + DEADLINE;
        loop {
            let line = match self.lines.recv_timeout(expiry.saturating_duration_since(Instant::now())) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => self.fail(&format!("{what} did not come")),
                Err(RecvTimeoutError::Disconnected) => self.fail(&format!("it ended before {what} came")),
            };
            self.history.push(line.text.clone());
            let Ok(event) = serde_json::from_str::<Value>(&line.text) else { continue };
            if is_it(&event) {
                return (event, line.read_at);
            }
            if is_wrong(&event) {
                self.fail(&format!("this came instead of {what}: {event}"));
            }
        }
    }

    #[track_caller]
    fn fail(&self, why: &str) -> ! {
        let tail = self.history.len().saturating_sub(40);
        panic!("{why}\nThe game told:\n{}", self.history[tail..].join("\n"))
    }

    // Its end.

    /// Ends it by `quit`, which must go well.
    pub(crate) fn quit(mut self) -> Workspace {
        self.command("quit");
        let status = self.end();
        assert!(status.success(), "{status}");
        let Self { workspace, .. } = self;
        workspace
    }

    /// The workspace of a game that has ended.
    #[cfg(target_os = "linux")]
    pub(crate) fn into_workspace(self) -> Workspace {
        let Self { workspace, .. } = self;
        workspace
    }

    /// Waits for its end, reading all that it still tells.
    #[track_caller]
    pub(crate) fn end(&mut self) -> ExitStatus {
        let expiry = Instant::now() + DEADLINE;
        while let Ok(line) = self.lines.recv_timeout(expiry.saturating_duration_since(Instant::now())) {
            self.history.push(line.text);
        }
        if Instant::now() >= expiry {
            self.fail("it has not ended");
        }
        self.process.child.wait().unwrap()
    }

    /// The process that runs the game.
    #[cfg(target_os = "linux")]
    pub(crate) fn engine_pid(&self) -> u32 {
        child_of(self.pid(), "engine").unwrap_or_else(|| self.fail("there is no engine process"))
    }

    #[cfg(unix)]
    pub(crate) fn pid(&self) -> u32 {
        self.process.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether an event is about `module`, alone or together with others.
fn concerns(event: &Value, module: &str) -> bool {
    event["module"].as_str().is_some_and(|modules| modules.split('+').any(|it| it == module))
}

pub(crate) fn message(event: &Value) -> &str {
    event["message"].as_str().unwrap_or_default()
}

/// The texts of a list in an event.
pub(crate) fn list(event: &Value) -> Vec<&str> {
    event.as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect()
}

/// Looks again and again until there is what is looked for.
#[cfg(target_os = "linux")]
#[track_caller]
pub(crate) fn poll<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let expiry = Instant::now() + DEADLINE;
    while Instant::now() < expiry {
        if let Some(found) = look() {
            return found;
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("waited in vain for {what}")
}

/// The child of a process that was started as `... FIRST_ARGUMENT ...`. Linux, proc(5): the parent is the second field
/// after the name, which stands in parentheses.
#[cfg(target_os = "linux")]
pub(crate) fn child_of(parent: u32, first_argument: &str) -> Option<u32> {
    let processes = std::fs::read_dir("/proc").ok()?.filter_map(Result::ok);
    let mut pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.find(|pid| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let rest = stat.rsplit_once(") ").map(|(_, rest)| rest).unwrap_or_default();
        let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        rest.split(' ').nth(1) == Some(&parent.to_string()) && line.split('\0').nth(1) == Some(first_argument)
    })
}

/// Sends a signal to a process.
#[cfg(unix)]
pub(crate) fn signal(pid: u32, name: &str) {
    let status = std::process::Command::new("kill").args(["-s", name, &pid.to_string()]).status().unwrap();
    assert!(status.success(), "kill -s {name} {pid}");
}
