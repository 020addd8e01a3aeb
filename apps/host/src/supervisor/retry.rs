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

/// What is told where one was asked for too soon.
const UNDER_WAY: &str = "another retry is still under way; ask again when it has ended";

/// The retry that is under way, from the moment that it was asked for. There is one at most: its recording lies in one
/// file, and the next would be written over it.
#[derive(Default)]
pub(super) struct Retries {
    /// So much is to be run again, and the engine writes it down.
    recording: Option<Duration>,
    running: Option<Retry>,
    /// Who waits in another terminal for what comes of it.
    asked: Option<Sender<Answer>>,
}

/// A process that runs the last seconds again.
struct Retry {
    process: EngineProcess,
    deadline: Instant,
    /// What does not return, and when that becomes too long.
    hang: Option<(HangLine, Instant)>,
    /// Both outcomes, once they are known.
    outcome: Option<Answer>,
}

impl Retries {
    /// What the process says that runs the last seconds again.
    pub(super) fn messages(&self) -> Receiver<Received> {
        self.running.as_ref().map_or_else(never, |retry| retry.process.messages().clone())
    }

    /// When it has taken too long.
    pub(super) fn deadline(&self) -> Receiver<Instant> {
        let until =
            |retry: &Retry| retry.hang.as_ref().map_or(retry.deadline, |hang| hang.1.min(retry.deadline));
        self.running.as_ref().map_or_else(never, |retry| at(until(retry)))
    }

    /// Another engine is there: the recording that the one before was to write does not come any more.
    pub(super) fn engine_ended(&mut self) {
        if self.recording.take().is_some() {
            self.asked = None;
        }
    }

    /// Ends it within this time, whatever it does, and answers who waits for the outcome, if there is one. How it has ended.
    pub(super) fn end(&mut self, deadline: Duration) -> Option<EngineEnd> {
        let Retry { process, outcome, .. } = self.running.take()?;
        let end = process.finish(deadline);
        if let Some(outcome) = outcome {
            self.answer(outcome);
        }
        Some(end)
    }

    /// Both outcomes are known. Who is answered may ask for the next at once, so that waits for the end of this one.
    fn note_outcome(&mut self, message: String) {
        if let Some(retry) = &mut self.running {
            retry.outcome = Some(Answer::Done { message });
        }
    }

    fn is_under_way(&self) -> bool {
        self.recording.is_some() || self.running.is_some()
    }

    fn answer(&mut self, answer: Answer) {
        if let Some(reply) = self.asked.take() {
            // Who asked may have gone.
            let _ = reply.send(answer);
        }
    }
}

impl Supervisor {
    /// Has the engine write down its last seconds; what it has written comes to [`Supervisor::retry_recording`].
    pub(super) fn retry(&mut self, back: Duration) {
        if self.retries.is_under_way() {
            return self.log("info", UNDER_WAY.to_owned());
        }
        self.begin_retry(back);
    }

    /// [`Supervisor::retry`] for another terminal, which waits for what comes of it.
    pub(super) fn retry_for(&mut self, back: Duration, reply: Sender<Answer>) {
        if self.retries.is_under_way() {
            // Who asked may have gone.
            let _ = reply.send(Answer::Failed { message: UNDER_WAY.to_owned() });
            return;
        }
        self.retries.asked = Some(reply);
        self.begin_retry(back);
    }

    /// A swap is through: what does its code make of the last seconds?
    pub(super) fn retry_after_swap(&mut self) {
        if let Some(seconds) = self.args.retry
            && !self.retries.is_under_way()
        {
            self.begin_retry(Duration::from_secs(seconds.into()));
        }
    }

    fn begin_retry(&mut self, back: Duration) {
        self.retries.recording = Some(back);
        let path = self.staging.retry_file();
        self.send(&ToEngine::SaveRecording { path, back_ms: back.as_millis() as u64 });
    }

    fn retry_failed(&mut self, level: &str, message: String) {
        self.log(level, message.clone());
        self.retries.answer(Answer::Failed { message });
    }

    /// Runs a recording again with the libraries that are live.
    pub(super) fn retry_recording(&mut self, file: PathBuf, error: Option<String>) {
        let Some(back) = self.retries.recording.take() else { return };
        let error = error.or_else(|| self.start_retry(file, back).err().map(|error| format!("{error:#}")));
        if let Some(error) = error {
            self.retry_failed("warn", format!("the last seconds can't be run again: {error}"));
        }
    }

    fn start_retry(&mut self, file: PathBuf, back: Duration) -> anyhow::Result<()> {
        let replay = Some(ReplayArgs { file, until: None, threads: 0, json: false });
        let args = RunArgs { replay, record: None, save_to: None, ..self.args.clone() };
        let process = EngineProcess::start(self.staging.run(), &args, None)?;
        // Not the newest: those may have been refused, or taken back.
        let modules = self.with_stated(self.in_load_order(self.recovery.libraries()));
        process.send(&ToEngine::Plan { views: workspace::views(&self.workspace) });
        let past = Past::default();
        process.send(&ToEngine::Load { modules, game: None, accept_loss: true, first_frame: None, past });
        let deadline = Instant::now() + START_DEADLINE + back * TIMES_AS_LONG;
        self.retries.running = Some(Retry { process, deadline, hang: None, outcome: None });
        Ok(())
    }

    /// Takes up what the retry says.
    pub(super) fn take_retried(&mut self, message: Option<Received>) {
        let Some(retry) = &mut self.retries.running else { return };
        match message {
            Some(Received::Message(FromEngine::Event(event @ Event::Replayed(_)))) => {
                self.retries.note_outcome(event.text());
                self.tell(event);
            }
            Some(Received::Message(FromEngine::Event(
                event @ (Event::Fault { .. } | Event::Rejected { .. }),
            ))) => self.log("warn", format!("in the last seconds, run again: {}", event.text())),
            Some(Received::Message(FromEngine::Event(Event::Hang(hang)))) if !hang.beside => {
                retry.hang = Some((hang, Instant::now() + HANG_DEADLINE));
            }
            Some(Received::Message(FromEngine::Event(Event::HangEnded(_)))) => retry.hang = None,
            Some(Received::Message(FromEngine::Done { .. })) => self.retry_ended(None),
            None | Some(Received::Ended) => self.retry_ended(Some(how_ended)),
            Some(_) => {}
        }
    }

    /// The last seconds have run, or what has run them has ended: then `how` says why.
    fn retry_ended(&mut self, how: Option<fn(EngineEnd) -> String>) {
        let Some(end) = self.retries.end(STOP_DEADLINE) else { return };
        match how {
            Some(how) => self.retry_failed("error", how(end)),
            None => {
                let message = "the last seconds were not run again; the game's terminal says why".to_owned();
                self.retries.answer(Answer::Failed { message });
            }
        }
    }

    /// What runs the last seconds again has taken too long.
    pub(super) fn retry_is_late(&mut self) {
        let hang = self.retries.running.as_mut().and_then(|retry| retry.hang.take());
        self.retries.end(Duration::ZERO);
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
        HangLine { module, system, beside: false, frame: 7, lasted_ms: 1000.0, library: None, backtrace }
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
    #[cfg(unix)]
    fn running() -> Retry {
        let (process, ..) = EngineProcess::idle();
        Retry { process, deadline: Instant::now(), hang: None, outcome: None }
    }

    #[cfg(unix)]
    #[test]
    fn a_retry_is_under_way_from_its_asking_to_its_end() {
        let mut retries = Retries::default();
        assert!(!retries.is_under_way());
        retries.recording = Some(Duration::from_secs(5));
        assert!(retries.is_under_way(), "its recording is written");
        retries.recording = None;
        retries.running = Some(running());
        assert!(retries.is_under_way(), "it is run");
        let (reply, answers) = crossbeam_channel::bounded(1);
        retries.asked = Some(reply);
        retries.note_outcome("both".to_owned());
        assert!(answers.try_recv().is_err_and(|error| error.is_empty()), "it is not over");
        assert!(retries.end(Duration::ZERO).is_some());
        assert!(!retries.is_under_way());
        assert_eq!(answers.try_recv(), Ok(Answer::Done { message: "both".to_owned() }));
    }

    #[cfg(unix)]
    #[test]
    fn who_waits_for_a_recording_of_an_engine_that_has_ended_is_let_go() {
        let mut retries = Retries::default();
        let (reply, answers) = crossbeam_channel::bounded(1);
        (retries.recording, retries.asked) = (Some(Duration::from_secs(5)), Some(reply));
        retries.engine_ended();
        assert!(!retries.is_under_way());
        assert!(answers.try_recv().is_err_and(|error| error.is_disconnected()));

        // What runs already needs the engine no more.
        let (reply, answers) = crossbeam_channel::bounded(1);
        (retries.running, retries.asked) = (Some(running()), Some(reply));
        retries.engine_ended();
        assert!(retries.is_under_way());
        retries.answer(Answer::Failed { message: "no".to_owned() });
        assert_eq!(answers.try_recv(), Ok(Answer::Failed { message: "no".to_owned() }));
    }
}
