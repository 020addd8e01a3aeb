//! An engine process, as its supervisor sees it.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::cli::RunArgs;
use crate::event::Event;
use crate::os::{self, Stream};
use crate::protocol::{self, FromEngine, Received, ToEngine};
use crate::supervisor::stage::Run;

/// A running engine.
pub(crate) struct EngineProcess {
    child: Child,
    stream: Stream,
    messages: Receiver<Received>,
}

impl EngineProcess {
    /// Starts the host that lies in the run directory.
    pub(crate) fn start(run: &Run, args: &RunArgs, size: Option<(u16, u16)>) -> anyhow::Result<Self> {
        let mut command = Command::new(&run.host);
        command.arg("engine").arg("--fps").arg(args.fps.to_string()).arg("--seed").arg(args.seed.to_string());
        if let Some(frames) = args.frames {
            command.arg("--frames").arg(frames.to_string());
        }
        if let Some(file) = &args.save_to {
            command.arg("--save-to").arg(std::path::absolute(file)?);
        }
        for limit in &args.limits {
            command.arg("--limit").arg(limit.to_string());
        }
        match size {
            Some((columns, rows)) => {
                command.arg("--columns").arg(columns.to_string()).arg("--rows").arg(rows.to_string());
            }
            // Without anyone watching, the same frames make the same game.
            None => {
                command.arg("--fixed");
            }
        }
        if args.no_watch {
            command.arg("--no-watch");
        }
        if args.json {
            command.arg("--hash");
        }
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
        forward_lines(child.stdout.take(), &sender, "info")?;
        forward_lines(child.stderr.take(), &sender, "warn")?;
        receive_messages(stream.try_clone()?, sender)?;
        Ok(Self { child, stream, messages })
    }

    /// What the engine says. Closed when it has ended.
    pub(crate) fn messages(&self) -> &Receiver<Received> {
        &self.messages
    }

    /// Tells the engine something. If it is gone, the channel of messages says so.
    pub(crate) fn send(&mut self, order: &ToEngine) {
        let _ = protocol::send(&mut self.stream, order);
    }

    /// Waits for the process to end, kills it at the deadline, and says how it ended.
    pub(crate) fn finish(mut self, deadline: Duration) -> String {
        let expiry = Instant::now() + deadline;
        // Its last words: the channel closes when its pipes do.
        while self.messages.recv_deadline(expiry).is_ok() {}
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return describe(status),
                Ok(None) if Instant::now() < expiry => thread::sleep(Duration::from_millis(2)),
                _ => {
                    let _ = self.child.kill();
                    return self.child.wait().map_or_else(|error| error.to_string(), describe);
                }
            }
        }
    }
}

/// What the engine's code prints goes the way of its log, not over the screen.
fn forward_lines(
    pipe: Option<impl Read + Send + 'static>,
    sender: &Sender<Received>,
    level: &'static str,
) -> anyhow::Result<()> {
    let (Some(pipe), sender) = (pipe, sender.clone()) else { return Ok(()) };
    thread::Builder::new().name("keel-engine-output".to_owned()).spawn(move || {
        for message in BufReader::new(pipe).lines().map_while(Result::ok) {
            let event = Event::Log { level: level.to_owned(), message };
            if sender.send(Received::Message(FromEngine::Event(event))).is_err() {
                break;
            }
        }
    })?;
    Ok(())
}

fn receive_messages(stream: Stream, sender: Sender<Received>) -> anyhow::Result<()> {
    thread::Builder::new().name("keel-engine-messages".to_owned()).spawn(move || {
        let mut input = BufReader::new(stream);
        while let Ok(message) = protocol::receive_any(&mut input) {
            if sender.send(message).is_err() {
                break;
            }
        }
    })?;
    Ok(())
}

fn describe(status: ExitStatus) -> String {
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
            return format!("signal {signal}{name}");
        }
    }
    status.to_string()
}
