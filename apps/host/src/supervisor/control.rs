//! What another terminal asks of this run: a line of JSON in, a line of JSON back.
//!
//! The socket lies in the run directory, in a folder of its own that nobody else may enter. Each connection has a thread,
//! which waits for the answer; the supervisor handles what is asked as it handles a key.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Sender, bounded};
use serde::{Deserialize, Serialize};

use super::Supervisor;
use super::input::Command;
use crate::os::{ControlListener, ControlStream};
use crate::protocol::{Answer, RollbackRequest, ToEngine};

/// The folder in a run directory that has the socket.
pub(crate) const FOLDER: &str = "control";

/// No request is longer.
const REQUEST_BYTES_MAX: u64 = 64 << 10;

/// Who connects says at once what is wanted.
const REQUEST_DEADLINE: Duration = Duration::from_secs(5);

/// What a run can be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ControlRequest {
    /// Go back so much simulated time.
    Rewind { back_ms: u64 },
    /// Run so much simulated time again with the code that is live, beside the game.
    Retry { back_ms: u64 },
    /// Put back what a module ran before, or the generation `to`.
    Rollback {
        module: String,
        #[serde(default)]
        to: Option<u64>,
        #[serde(default)]
        accept_loss: bool,
    },
}

/// Those who wait for an answer of the engine.
#[derive(Default)]
pub(super) struct Asked {
    ids: u64,
    waiting: BTreeMap<u64, Sender<Answer>>,
}

impl Asked {
    fn ask(&mut self, reply: Sender<Answer>) -> u64 {
        self.ids += 1;
        self.waiting.insert(self.ids, reply);
        self.ids
    }

    pub(super) fn answer(&mut self, id: u64, answer: Answer) {
        if let Some(reply) = self.waiting.remove(&id) {
            // Who asked may have gone.
            let _ = reply.send(answer);
        }
    }

    /// The engine that was asked has ended; those who wait are told so.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }
}

impl Supervisor {
    pub(super) fn take_request(&mut self, request: ControlRequest, reply: Sender<Answer>) {
        if self.engine.is_none() {
            let message = "the game is not running yet, its modules are being built; ask again when it is";
            let _ = reply.send(failed(message.to_owned()));
            return;
        }
        match request {
            ControlRequest::Rewind { back_ms } => {
                let id = Some(self.asked.ask(reply));
                self.send(&ToEngine::Rewind { id, back_ms });
            }
            ControlRequest::Retry { back_ms } => self.retry_for(Duration::from_millis(back_ms), reply),
            ControlRequest::Rollback { module, to, accept_loss } => {
                let id = Some(self.asked.ask(reply));
                self.send(&ToEngine::Rollback(RollbackRequest { id, module, to, accept_loss }));
            }
        }
    }
}

/// Listens in `run` until this process ends.
///
/// # Errors
/// When the socket can't be made.
pub(super) fn listen(run: &Path, to: Sender<Command>) -> io::Result<()> {
    let listener = ControlListener::bind(&run.join(FOLDER))?;
    thread::Builder::new().name("keel-control".to_owned()).spawn(move || {
        while let Ok(stream) = listener.accept() {
            let to = to.clone();
            let served = thread::Builder::new().name("keel-request".to_owned()).spawn(move || {
                // Who asked may have gone.
                let _ = serve(stream, &to);
            });
            if let Err(error) = served {
                keel::log::warn!("a request of another terminal can't be served: {error}");
            }
        }
    })?;
    Ok(())
}

fn serve(mut stream: ControlStream, to: &Sender<Command>) -> io::Result<()> {
    stream.set_read_timeout(Some(REQUEST_DEADLINE))?;
    let mut line = String::new();
    BufReader::new(&stream).take(REQUEST_BYTES_MAX).read_line(&mut line)?;
    let answer = match serde_json::from_str(&line) {
        Ok(request) => ask(request, to),
        Err(error) => {
            failed(format!("this run does not know what is asked ({error}); are both of one version?"))
        }
    };
    let mut json = serde_json::to_vec(&answer)?;
    json.push(b'\n');
    stream.write_all(&json)
}

fn ask(request: ControlRequest, to: &Sender<Command>) -> Answer {
    let (reply, answers) = bounded(1);
    let gone =
        || failed("the engine ended before it answered; what it told last is in its terminal".to_owned());
    if to.send(Command::Request(request, reply)).is_err() {
        return gone();
    }
    answers.recv().unwrap_or_else(|_| gone())
}

fn failed(message: String) -> Answer {
    Answer::Failed { message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_one_word_of_json_and_what_it_needs() {
        let read = |text: &str| serde_json::from_str::<ControlRequest>(text).ok();
        let request =
            |to, accept_loss| ControlRequest::Rollback { module: "swim".to_owned(), to, accept_loss };
        assert_eq!(read(r#"{"rollback":{"module":"swim"}}"#), Some(request(None, false)));
        assert_eq!(read(r#"{"rewind":{"back_ms":5000}}"#), Some(ControlRequest::Rewind { back_ms: 5000 }));
        assert_eq!(read(r#"{"retry":{"back_ms":500}}"#), Some(ControlRequest::Retry { back_ms: 500 }));
        let all = r#"{"rollback":{"module":"swim","to":3,"accept_loss":true}}"#;
        assert_eq!(read(all), Some(request(Some(3), true)));
        for wrong in
            ["", "{}", r#"{"rollback":{}}"#, r#"{"rollback":{"module":"swim","to":-1}}"#, r#""quit""#]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_answer_goes_to_who_asked_and_an_end_to_all() {
        let mut asked = Asked::default();
        let [(one, first), (other, second)] = [(); 2].map(|()| {
            let (reply, answers) = bounded(1);
            (asked.ask(reply), answers)
        });
        assert_ne!(one, other);
        asked.answer(other, failed("no".to_owned()));
        assert_eq!(second.try_recv(), Ok(failed("no".to_owned())));
        asked.answer(other, failed("twice".to_owned()));
        assert!(first.try_recv().is_err_and(|error| error.is_empty()));
        asked.clear();
        assert!(first.try_recv().is_err_and(|error| error.is_disconnected()));
    }
}
