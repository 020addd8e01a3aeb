//! The last seconds once more with the new code, in a process beside the game.
//!
//! A second engine in the running one's process would share the statics of the modules with it; and it may crash.

use std::path::PathBuf;
use std::time::Duration;

use crossbeam_channel::Sender;
use keel_registry::Past;

use super::engine::EngineProcess;
use super::{STOP_DEADLINE, Supervisor};
use crate::cli::{ReplayArgs, RunArgs};
use crate::event::Event;
use crate::protocol::{Answer, FromEngine, Received, ToEngine};
use crate::workspace;

impl Supervisor {
    /// Has the engine write down its last seconds; what it has written comes to [`Supervisor::retry_recording`].
    pub(super) fn retry(&mut self, back: Duration) {
        if self.retry.is_some() {
            self.log("info", "the retry before is still under way".to_owned());
            return;
        }
        let path = self.staging.retry_file();
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

    /// Runs a recording again with the newest libraries.
    pub(super) fn retry_recording(&mut self, file: PathBuf, error: Option<String>) {
        let error = error.or_else(|| self.start_retry(file).err().map(|error| format!("{error:#}")));
        if let Some(error) = error {
            self.retry_failed("warn", format!("the last seconds can't be run again: {error}"));
        }
    }

    fn start_retry(&mut self, file: PathBuf) -> anyhow::Result<()> {
        let replay = Some(ReplayArgs { file, until: None, threads: 0, json: false });
        let args = RunArgs { replay, record: None, save_to: None, ..self.args.clone() };
        let engine = EngineProcess::start(self.staging.run(), &args, None)?;
        let modules = self.with_stated(self.in_load_order(self.staging.newest()));
        engine.send(&ToEngine::Plan { views: workspace::views(&self.workspace) });
        let past = Past::default();
        engine.send(&ToEngine::Load { modules, game: None, accept_loss: true, first_frame: None, past });
        self.retry = Some(engine);
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
            Some(Received::Message(FromEngine::Done { .. })) => {
                if let Some(engine) = self.retry.take() {
                    engine.finish(STOP_DEADLINE);
                }
                let message = "the last seconds were not run again; the game's terminal says why".to_owned();
                self.answer_retry(Answer::Failed { message });
            }
            Some(_) => {}
            None => {
                let ended = self.retry.take().map(|engine| engine.finish(STOP_DEADLINE));
                let how = ended.map_or_else(String::new, |end| end.how);
                self.retry_failed(
                    "error",
                    format!("the new code ended the process that ran the last seconds again: {how}"),
                );
            }
        }
    }
}
