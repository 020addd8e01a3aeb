//! What the engine says, and what is done about it.

use std::process::ExitCode;

use super::{Purpose, Supervisor};
use crate::cli::{EXIT_ENGINE_DIED, EXIT_REFUSED};
use crate::commands::replay::exit_code;
use crate::event::Event;
use crate::protocol::{FromEngine, Received};

impl Supervisor {
    pub(super) fn take_message(&mut self, message: Option<Received>) -> anyhow::Result<()> {
        match message {
            None | Some(Received::Ended) => return self.engine_ended(),
            Some(Received::Message(FromEngine::Saved { path, error }))
                if path == self.staging.restart_file() =>
            {
                if let Some(error) = error {
                    self.purpose = Purpose::Swap;
                    self.log(
                        "error",
                        format!("the engine can't be replaced, its game could not be saved: {error}"),
                    );
                    return Ok(());
                }
                return self.replace_engine();
            }
            Some(Received::Message(FromEngine::Reload { module })) => self.reload(&module),
            Some(Received::Message(FromEngine::WantsConsent { rollback, modules })) => {
                self.note_refused_rollback(rollback, modules);
            }
            Some(Received::Message(FromEngine::Answered { id, answer })) => self.asked.answer(id, answer),
            Some(Received::Message(FromEngine::Begun { frame })) => {
                self.first_frame.get_or_insert(frame);
            }
            Some(Received::Message(FromEngine::Inputs { frames })) => self.take_inputs(frames),
            Some(Received::Snapshot(game)) => self.take_game(game),
            Some(Received::Message(FromEngine::NoGame { why })) => self.take_no_game(why),
            Some(Received::Message(FromEngine::Live { libraries, past })) => {
                self.staging.note_live(&libraries);
                self.recovery.note_live(libraries);
                self.recovery.note_past(past);
                self.tidy_copies();
            }
            Some(Received::Message(FromEngine::GoneOn)) => {
                let resumed = self.recovery.gone_on();
                resumed.into_iter().for_each(|event| self.tell(event));
                // What waits for its trial has waited for that.
                self.next_trial();
            }
            Some(Received::Message(FromEngine::Event(event @ Event::Replayed(_)))) => {
                if let Event::Replayed(line) = &event
                    && self.args.replay.is_some()
                {
                    self.exit = Some(exit_code(Some(line)));
                }
                self.show(Received::Message(FromEngine::Event(event)))?;
            }
            Some(Received::Message(FromEngine::Event(event @ Event::Swap(_)))) => {
                self.show(Received::Message(FromEngine::Event(event)))?;
                self.retry_after_swap();
            }
            Some(Received::Message(FromEngine::Done { .. })) if self.args.replay.is_some() => {
                self.exit.get_or_insert(exit_code(None));
            }
            Some(Received::Message(FromEngine::SavedRecording { path, error })) => {
                self.retry_recording(path, error);
            }
            Some(Received::Message(FromEngine::Done { failed: false, refused })) => {
                self.exit = Some(self.exit_of_all_frames(refused));
            }
            Some(Received::Message(FromEngine::Done { failed: true, .. })) if self.recovery.is_resuming() => {
                return self.resume(None, "the game could not be gone on with".to_owned());
            }
            Some(Received::Message(FromEngine::Done { failed: true, .. })) => {
                self.keep_lost_game();
                self.exit = Some(ExitCode::from(EXIT_REFUSED));
            }
            Some(message) => return self.show(message),
        }
        Ok(())
    }

    /// The exit code of a run whose last frame has run. Who runs so many frames and no more must not have to read what was
    /// told to know that something went wrong.
    fn exit_of_all_frames(&self, refused: bool) -> ExitCode {
        match self.args.frames {
            Some(_) if self.recovery.has_ended() => ExitCode::from(EXIT_ENGINE_DIED),
            Some(_) if refused => ExitCode::from(EXIT_REFUSED),
            _ => ExitCode::SUCCESS,
        }
    }

    pub(super) fn show(&mut self, message: Received) -> anyhow::Result<()> {
        match message {
            Received::Screen(bytes) => self.output.screen(&bytes)?,
            Received::Message(FromEngine::Event(event)) => {
                self.note_refusal(&event);
                if let Event::Rejected { request: Some(request), .. } = &event {
                    self.recovery.note_refused(*request);
                }
                self.note_hang(&event)?;
                self.note_rolled_back(&event);
                self.output.event(&event)?;
            }
            Received::Message(FromEngine::Saved { path, error }) => {
                let path = path.display();
                match error {
                    None => self.log("info", format!("saved {path}")),
                    Some(error) => {
                        self.log("error", format!("{path} was not saved: {error}"));
                        self.save_failed = true;
                    }
                }
            }
            Received::Message(
                FromEngine::Done { .. }
                | FromEngine::Screen { .. }
                | FromEngine::Begun { .. }
                | FromEngine::Inputs { .. }
                | FromEngine::Copied
                | FromEngine::Tried(_)
                | FromEngine::Live { .. }
                | FromEngine::Frame { .. }
                | FromEngine::GoneOn
                | FromEngine::Snapshot { .. }
                | FromEngine::SnapshotPart { .. }
                | FromEngine::NoGame { .. }
                | FromEngine::SavedRecording { .. }
                | FromEngine::Answered { .. }
                | FromEngine::WantsConsent { .. }
                | FromEngine::Reload { .. },
            )
            | Received::Snapshot(_)
            | Received::Ended => {}
        }
        Ok(())
    }
}
