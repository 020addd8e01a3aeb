//! An engine process, as its supervisor sees it.

mod memory;
mod orders;

use std::io::{self, BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use crossbeam_channel::{Receiver, Sender, unbounded};
use parking_lot::Mutex;

use crate::cli::RunArgs;
use crate::event::{CrashLine, Event};
use crate::os::{self, Stream};
use crate::protocol::{FromEngine, MessageReader, Received, ToEngine};
use crate::supervisor::crash;
use crate::supervisor::stage::Run;
use memory::Memory;
use orders::Orders;

/// How often it is looked whether a process has ended whose pipes are still open.
const END_SEEN_EVERY: Duration = Duration::from_millis(200);

/// A running engine.
pub(crate) struct EngineProcess {
    child: Arc<Mutex<Child>>,
    orders: Orders,
    messages: Receiver<Received>,
    /// The frame of the game that it has told of last.
    frame: Arc<AtomicU64>,
    crash_report: PathBuf,
    memory: Memory,
}

/// How an engine ended.
#[derive(Debug)]
pub(crate) struct EngineEnd {
    /// In words: `signal 6 (abort)`.
    pub(crate) how: String,
    /// Whether somebody outside has ended it: no code of a module ends a process by these signals.
    pub(crate) from_outside: bool,
    /// What it has left of a fault, if that was its end.
    pub(crate) crash: Option<CrashLine>,
}

impl EngineEnd {
    /// An end of which nothing else is known.
    pub(crate) fn told(how: String) -> Self {
        Self { how, from_outside: false, crash: None }
    }
}

/// How many processes were started: each leaves its report in a file of its own.
static STARTED: AtomicU64 = AtomicU64::new(0);

impl EngineProcess {
    /// Starts the host that lies in the run directory.
    pub(crate) fn start(run: &Run, args: &RunArgs, size: Option<(u16, u16)>) -> anyhow::Result<Self> {
        let mut command = Command::new(&run.host);
        command.arg(if args.is_trial { "trial" } else { "engine" });
        command.arg("--fps").arg(args.fps.to_string()).arg("--seed").arg(args.seed.to_string());
        if let Some(frames) = args.frames {
            command.arg("--frames").arg(frames.to_string());
        }
        if let Some(file) = &args.save_to {
            command.arg("--save-to").arg(std::path::absolute(file)?);
        }
        for limit in &args.limits {
            command.arg("--limit").arg(limit.to_string());
        }
        if let Some(memory) = &args.memory {
            command.arg("--memory").arg(memory.to_string());
        }
        if let Some(file) = &args.record {
            command.arg("--record").arg(std::path::absolute(file)?);
            command.arg("--hash-every").arg(args.hash_every.to_string());
        }
        command.arg("--history").arg(args.history.to_string());
        if args.accept_loss {
            command.arg("--accept-loss");
        }
        if args.is_trial {
            command.arg("--trial").arg(args.trial.0.to_string());
        }
        if let Some(replay) = &args.replay {
            command.arg("--replay").arg(std::path::absolute(&replay.file)?);
            command.arg("--threads").arg(replay.threads.to_string());
            command.args(replay.until.iter().flat_map(|until| ["--until".to_owned(), until.to_string()]));
        }
        command.arg("--probation").arg(args.probation.to_string());
        command.arg("--ring").arg(args.ring.to_string());
        match size {
            Some((columns, rows)) => {
                command.arg("--columns").arg(columns.to_string()).arg("--rows").arg(rows.to_string());
            }
            // Without anyone watching, the same frames make the same game.
            None => {
                command.arg("--fixed");
            }
        }
        command.arg("--snapshots").arg(args.snapshots.to_string());
        if args.no_watch {
            command.arg("--no-watch");
        }
        if args.json {
            command.arg("--hash");
        }
        let crash_report =
            run.host.with_file_name(format!("crash-{}.txt", STARTED.fetch_add(1, Ordering::Relaxed)));
        command.arg("--crash-report").arg(&crash_report);
        command.arg("--watchdog").arg(args.watchdog.to_string());
        command.env(run.library_variable, &run.library_path);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let connect = os::join_child(&mut command)?;
        let mut child =
            command.spawn().with_context(|| format!("{} could not be started", run.host.display()))?;
        // The child's end of the connection lives on in `command`; as long as it does, the end of the child is not
        // seen.
        drop(command);
        let stream = connect()?;
        let (sender, messages) = unbounded();
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (child, sender) = (Arc::new(Mutex::new(child)), Arc::new(sender));
        watch_end(&child, &sender)?;
        let memory = Memory::of(args);
        let heard = memory.clone();
        forward_lines(stdout, &sender, "info", |_| {})?;
        forward_lines(stderr, &sender, "warn", move |line| heard.hear(line))?;
        let frame = Arc::default();
        receive_messages(stream.try_clone()?, sender, Arc::clone(&frame))?;
        Ok(Self { child, orders: Orders::start(stream)?, messages, frame, crash_report, memory })
    }

    /// A process that only waits for its end, what it is to say, and where it is told something.
    #[cfg(all(test, unix))]
    pub(crate) fn idle() -> (Self, Sender<Received>, Stream) {
        let mut waits = Command::new("cat");
        // It ends with its standard input, which is closed when nobody has it any more.
        let child = waits.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("`cat` starts");
        let (sender, messages) = unbounded();
        let (ours, theirs) = Stream::pair().expect("a connection");
        let (child, orders) = (Arc::new(Mutex::new(child)), Orders::start(ours).expect("a thread"));
        let (frame, crash_report, memory) = (Arc::default(), PathBuf::new(), Memory::of_trial());
        (Self { child, orders, messages, frame, crash_report, memory }, sender, theirs)
    }

    /// What the engine says. Closed when it has ended.
    pub(crate) fn messages(&self) -> &Receiver<Received> {
        &self.messages
    }

    /// Tells the engine something, and waits for nothing. If it is gone, the channel of messages says so.
    pub(crate) fn send(&self, order: &ToEngine) {
        self.load(order, None);
    }

    /// Has the engine begin, with a game that is sent along if there is one. It may be large, and is not copied.
    pub(crate) fn load(&self, load: &ToEngine, game: Option<Arc<Vec<u8>>>) {
        self.orders.send(load, game);
    }

    /// The frame of the game that the engine has told of last; 0 before its first one.
    pub(crate) fn frame(&self) -> u64 {
        self.frame.load(Ordering::Relaxed)
    }

    /// What it still says, until it has ended or the deadline has come.
    pub(crate) fn last_words(&self, deadline: Duration) -> impl Iterator<Item = Received> {
        let expiry = Instant::now() + deadline;
        let said = std::iter::from_fn(move || self.messages.recv_deadline(expiry).ok());
        // What it has started may hold its pipes open for longer.
        said.take_while(|message| !matches!(message, Received::Ended))
    }

    /// Waits for the process to end, kills it at the deadline, and says how it ended. What it still says is lost.
    pub(crate) fn finish(self, deadline: Duration) -> EngineEnd {
        let mut end = self.wait(deadline);
        let crash = crash::read(&self.crash_report, &end.how);
        end.crash = crash.map(|crash| self.memory.explain(crash));
        end
    }

    /// Ends it now, whatever it does.
    pub(crate) fn kill(&self) {
        // One that has ended already is as well.
        let _ = self.child.lock().kill();
    }

    fn wait(&self, deadline: Duration) -> EngineEnd {
        let expiry = Instant::now() + deadline;
        loop {
            let mut child = self.child.lock();
            match child.try_wait() {
                Ok(Some(status)) => return describe(status),
                Ok(None) if Instant::now() < expiry => {
                    drop(child);
                    thread::sleep(Duration::from_millis(2));
                }
                _ => {
                    let _ = child.kill();
                    let unknown = |error: io::Error| EngineEnd::told(error.to_string());
                    return child.wait().map_or_else(unknown, describe);
                }
            }
        }
    }
}

/// Says that the process has ended where its pipes don't: what it has started may hold them for as long as it likes.
fn watch_end(child: &Arc<Mutex<Child>>, sender: &Arc<Sender<Received>>) -> io::Result<()> {
    let (child, sender) = (Arc::clone(child), Arc::downgrade(sender));
    thread::Builder::new().name("keel-engine-end".to_owned()).spawn(move || {
        while sender.strong_count() > 0 && matches!(child.lock().try_wait(), Ok(None)) {
            thread::sleep(END_SEEN_EVERY);
        }
        // Its last words come before that. Who reads the pipes holds the channel until they are closed.
        thread::sleep(END_SEEN_EVERY);
        if let Some(sender) = sender.upgrade() {
            let _ = sender.send(Received::Ended);
        }
    })?;
    Ok(())
}

/// What the engine's code prints goes the way of its log, not over the screen. `hear` has it first.
fn forward_lines(
    pipe: Option<impl Read + Send + 'static>,
    sender: &Arc<Sender<Received>>,
    level: &'static str,
    hear: impl Fn(&str) + Send + 'static,
) -> anyhow::Result<()> {
    let (Some(pipe), sender) = (pipe, Arc::clone(sender)) else { return Ok(()) };
    thread::Builder::new().name("keel-engine-output".to_owned()).spawn(move || {
        for message in BufReader::new(pipe).lines().map_while(Result::ok) {
            hear(&message);
            let event = Event::log(level, message);
            if sender.send(Received::Message(FromEngine::Event(event))).is_err() {
                break;
            }
        }
    })?;
    Ok(())
}

fn receive_messages(
    stream: Stream,
    sender: Arc<Sender<Received>>,
    frame: Arc<AtomicU64>,
) -> anyhow::Result<()> {
    thread::Builder::new().name("keel-engine-messages".to_owned()).spawn(move || {
        let mut input = MessageReader::new(BufReader::new(stream));
        while let Ok(message) = input.next() {
            match message {
                // Too many to wake anyone for.
                Received::Message(FromEngine::Frame { frame: at }) => frame.store(at, Ordering::Relaxed),
                message => {
                    if sender.send(message).is_err() {
                        break;
                    }
                }
            }
        }
    })?;
    Ok(())
}

fn describe(status: ExitStatus) -> EngineEnd {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        if let Some(signal) = status.signal() {
            let name = match signal {
                4 => " (illegal instruction)",
                6 => " (abort)",
                7 => " (bus error)",
                8 => " (arithmetic error)",
                9 => " (killed)",
                11 => " (segmentation fault)",
                15 => " (terminated)",
                _ => "",
            };
            let from_outside = matches!(signal, 1 | 2 | 9 | 15);
            return EngineEnd { how: format!("signal {signal}{name}"), from_outside, crash: None };
        }
    }
    EngineEnd::told(status.to_string())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn nobody_waits_for_what_an_engine_has_started_and_left() {
        let (engine, says, _told) = EngineProcess::idle();
        for message in [Received::Screen(vec![1]), Received::Ended, Received::Screen(vec![2])] {
            says.send(message).unwrap();
        }
        // With the pipes held open, the channel is.
        let words: Vec<_> = engine.last_words(Duration::from_secs(1)).collect();
        assert!(matches!(words.as_slice(), [Received::Screen(bytes)] if bytes == &[1]), "{words:?}");
    }
}
