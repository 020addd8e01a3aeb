//! The last seconds once more with the code that is live now, in a process beside the game.
//!
//! A second engine in the running one's process would share the statics of the modules with it; and it may crash.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, at, never};
use keel_registry::Past;

use super::engine::{EngineEnd, EngineProcess};
use super::{STOP_DEADLINE, Supervisor};
use crate::cli::{ReplayArgs, RunArgs};
use crate::event::{Event, HangLine};
use crate::protocol::{Answer, FromEngine, Received, ToEngine};
use crate::workspace;

/// What the process may take for its start and the game, and for the seconds that are run again: so many times as long.
/// They run as fast as they go, which on a busy machine may be slower than the game was.
const START_DEADLINE: Duration = Duration::from_secs(30);
const TIMES_AS_LONG: u32 = 10;

/// How long code may go on not to return once its watchdog has told of it.
const HANG_DEADLINE: Duration = Duration::from_secs(3);

/// A process that runs the last seconds again.
pub(super) struct Retry {
    process: EngineProcess,
    deadline: Instant,
    /// What does not return, and when that becomes too long.
    hang: Option<(HangLine, Instant)>,
}

impl Retry {
    /// What it says.
    pub(super) fn messages(&self) -> Receiver<Received> {
        self.process.messages().clone()
    }

    /// When it has taken too long.
    pub(super) fn deadline(retry: Option<&Self>) -> Receiver<Instant> {
        let until =
            |retry: &Self| retry.hang.as_ref().map_or(retry.deadline, |hang| hang.1.min(retry.deadline));
        retry.map_or_else(never, |retry| at(until(retry)))
    }

    /// Ends it, whatever it does.
    pub(super) fn end(self) -> EngineEnd {
        self.process.finish(Duration::ZERO)
    }
}

impl Supervisor {
    /// Has the engine write down its last seconds; what it has written comes to [`Supervisor::retry_recording`].
    pub(super) fn retry(&mut self, back: Duration) {
        if self.retry.is_some() {
            self.log("info", "the retry before is still under way".to_owned());
            return;
        }
        let path = self.staging.retry_file();
        self.retry_back = back;
        self.send(&ToEngine::SaveRecording { path, back_ms: back.as_millis() as u64 });
    }

    /// [`Supervisor::retry`] for another terminal, which waits for what comes of it.
    pub(super) fn retry_for(&mut self, back: Duration, reply: Sender<Answer>) {
        if self.retry.is_some() || self.retry_asked.is_some() {
            let message = "another retry is still under way; ask again when it has ended".to_owned();
            // Who asked may have gone.
            let _ = reply.send(Answer::Failed { message });
            return;
        }
        self.retry_asked = Some(reply);
        self.retry(back);
    }

    fn answer_retry(&mut self, answer: Answer) {
        if let Some(reply) = self.retry_asked.take() {
            // Who asked may have gone.
            let _ = reply.send(answer);
        }
    }

    fn retry_failed(&mut self, level: &str, message: String) {
        self.log(level, message.clone());
        self.answer_retry(Answer::Failed { message });
    }

    /// A swap is through: what does its code make of the last seconds?
    pub(super) fn retry_after_swap(&mut self) {
        if let Some(seconds) = self.args.retry
            && self.retry.is_none()
        {
            self.retry(Duration::from_secs(seconds.into()));
        }
    }

    /// Runs a recording again with the libraries that are live.
    pub(super) fn retry_recording(&mut self, file: PathBuf, error: Option<String>) {
        if self.retry.is_some() {
            // Two were asked for before the first had its recording.
            return;
        }
        let error = error.or_else(|| self.start_retry(file).err().map(|error| format!("{error:#}")));
        if let Some(error) = error {
            self.retry_failed("warn", format!("the last seconds can't be run again: {error}"));
        }
    }

    fn start_retry(&mut self, file: PathBuf) -> anyhow::Result<()> {
        let replay = Some(ReplayArgs { file, until: None, threads: 0, json: false });
        let args = RunArgs { replay, record: None, save_to: None, ..self.args.clone() };
        let process = EngineProcess::start(self.staging.run(), &args, None)?;
        // Not the newest: those may have been refused, or taken back.
        let modules = self.with_stated(self.in_load_order(self.recovery.libraries()));
        process.send(&ToEngine::Plan { views: workspace::views(&self.workspace) });
        let past = Past::default();
        process.send(&ToEngine::Load { modules, game: None, accept_loss: true, first_frame: None, past });
        let deadline = Instant::now() + START_DEADLINE + self.retry_back * TIMES_AS_LONG;
        self.retry = Some(Retry { process, deadline, hang: None });
        Ok(())
    }

    /// Takes up what the retry says.
    pub(super) fn take_retried(&mut self, message: Option<Received>) {
        match message {
            Some(Received::Message(FromEngine::Event(event @ Event::Replayed(_)))) => {
                let message = event.text();
                self.tell(event);
                self.answer_retry(Answer::Done { message });
            }
            Some(Received::Message(FromEngine::Event(
                event @ (Event::Fault { .. } | Event::Rejected { .. }),
            ))) => self.log("warn", format!("in the last seconds, run again: {}", event.text())),
            Some(Received::Message(FromEngine::Event(Event::Hang(hang)))) => {
                let late = Instant::now() + HANG_DEADLINE;
                self.retry.iter_mut().for_each(|retry| retry.hang = Some((hang.clone(), late)));
            }
            Some(Received::Message(FromEngine::Event(Event::HangEnded(_)))) => {
                self.retry.iter_mut().for_each(|retry| retry.hang = None);
            }
            Some(Received::Message(FromEngine::Done { .. })) => {
                if let Some(retry) = self.retry.take() {
                    retry.process.finish(STOP_DEADLINE);
                }
                let message = "the last seconds were not run again; the game's terminal says why".to_owned();
                self.answer_retry(Answer::Failed { message });
            }
            None | Some(Received::Ended) => {
                if let Some(retry) = self.retry.take() {
                    let end = retry.process.finish(STOP_DEADLINE);
                    self.retry_failed("error", how_ended(end));
                }
            }
            Some(_) => {}
        }
    }

    /// What runs the last seconds again has taken too long.
    pub(super) fn retry_is_late(&mut self) {
        let Some(mut retry) = self.retry.take() else { return };
        let hang = retry.hang.take();
        retry.end();
        self.retry_failed("error", how_late(hang.map(|(hang, _)| hang)));
    }
}

/// Why the last seconds were not run to their end, in words.
fn how_ended(EngineEnd { how, crash, .. }: EngineEnd) -> String {
    let what = crash.map_or_else(
        || format!("the process that did it has ended: {how}"),
        |crash| Event::Crash(Box::new(crash)).text(),
    );
    format!("in the last seconds, run again, and not in the game: {what}")
}

fn how_late(hang: Option<HangLine>) -> String {
    let Some(hang) = hang else {
        return "the last seconds were not run again in time; ask for fewer of them".to_owned();
    };
    let calls = hang.backtrace.iter().flat_map(|calls| calls.lines());
    let calls: String = calls.map(|call| format!("\n    in {call}")).collect();
    format!(
        "in the last seconds, run again, and not in the game: {} and was ended, in frame {}{calls}",
        hang.short_text(),
        hang.frame
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::CrashLine;

    fn hang() -> HangLine {
        let backtrace = Some("swim::turn\nswim::update".to_owned());
        let (module, system) = ("swim".to_owned(), "update".to_owned());
        HangLine { module, system, frame: 7, lasted_ms: 1000.0, library: None, backtrace }
    }

    #[test]
    fn what_hangs_is_told_with_its_place() {
        assert_eq!(
            how_late(Some(hang())),
            "in the last seconds, run again, and not in the game: swim/update has not returned for 1.0 s and was \
             ended, in frame 7\n    in swim::turn\n    in swim::update"
        );
        assert!(how_late(None).contains("ask for fewer"));
    }

    #[test]
    fn what_ended_it_is_told_with_its_calls() {
        let crash = CrashLine {
            module: Some("swim".to_owned()),
            library: None,
            system: Some("update".to_owned()),
            kind: "abort".to_owned(),
            signal: Some(6),
            message: "abort".to_owned(),
            backtrace: Some("swim::turn".to_owned()),
            thread: "main".to_owned(),
            frame: 7,
        };
        let end = |crash| how_ended(EngineEnd { crash, ..EngineEnd::told("signal 6 (abort)".to_owned()) });
        let told = end(Some(crash));
        assert!(told.contains("swim/update has ended the engine in frame 7"), "{told}");
        assert!(told.ends_with(": abort\n    in swim::turn"), "{told}");
        assert!(end(None).ends_with("has ended: signal 6 (abort)"));
    }
}
