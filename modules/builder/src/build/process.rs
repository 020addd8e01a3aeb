//! A running cargo: its two outputs as one stream of lines, and its end.

use std::io::{self, BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};

use cargo_metadata::Message;
use crossbeam_channel::{Receiver, Sender, select_biased, unbounded};

use super::cancel::CancelToken;
use super::failure::BuildFailure;
use crate::os;

pub(super) enum Line {
    Message(Box<Message>),
    Stderr(String),
}

/// Ends cargo and all its children when dropped before it was waited for.
pub(super) struct Process {
    child: Child,
    lines: Receiver<Line>,
    is_done: bool,
}

impl Process {
    pub(super) fn start(mut command: Command) -> io::Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        os::start_group(&mut command);
        let mut child = command.spawn()?;
        let (lines_in, lines) = unbounded();
        let stdout = child.stdout.take();
        let stderr = child.stderr.take();
        let process = Self { child, lines, is_done: false };
        read_on_thread(stdout, lines_in.clone(), |output, lines| {
            for message in Message::parse_stream(BufReader::new(output)).map_while(Result::ok) {
                let _ = lines.send(Line::Message(Box::new(message)));
            }
        })?;
        read_on_thread(stderr, lines_in, |output, lines| {
            for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                let _ = lines.send(Line::Stderr(String::from_utf8_lossy(&line).into_owned()));
            }
        })?;
        Ok(process)
    }

    /// The next line of either output; none when both are at their end.
    pub(super) fn next_line(&mut self, cancel: &CancelToken) -> Result<Option<Line>, BuildFailure> {
        select_biased! {
            recv(cancel.signal()) -> _ => {
                self.end();
                Err(BuildFailure::Cancelled)
            }
            recv(self.lines) -> line => Ok(line.ok()),
        }
    }

    pub(super) fn wait(mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait();
        self.is_done = true;
        status
    }

    fn end(&mut self) {
        if !self.is_done {
            os::end_group(&mut self.child);
            // Ended for good, so this does not take long; the error would be that it is gone.
            let _ = self.child.wait();
            self.is_done = true;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

fn read_on_thread<R: Read + Send + 'static>(
    output: Option<R>,
    lines: Sender<Line>,
    read: impl FnOnce(R, &Sender<Line>) + Send + 'static,
) -> io::Result<()> {
    let Some(output) = output else { return Ok(()) };
    // Not joined: it ends with the output, which all of cargo's children have closed when they end.
    let thread = std::thread::Builder::new().name("keel-builder-output".to_owned());
    thread.spawn(move || read(output, &lines)).map(drop)
}
