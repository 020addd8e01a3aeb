//! What the engine says, and what is done about it.

use std::process::ExitCode;

use super::{Purpose, Supervisor};
use crate::cli::EXIT_REFUSED;
use crate::protocol::{FromEngine, Received};

impl Supervisor {
    pub(super) fn take_message(&mut self, message: Option<Received>) -> anyhow::Result<()> {
        match message {
            None => self.engine_ended(),
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
            Some(Received::Message(FromEngine::Begun { frame })) => {
                self.first_frame.get_or_insert(frame);
            }
            Some(Received::Message(FromEngine::Done { failed: false, refused })) => {
                let lacks_modules = self.args.frames.is_some() && refused;
                self.exit =
                    Some(if lacks_modules { ExitCode::from(EXIT_REFUSED) } else { ExitCode::SUCCESS });
            }
            Some(Received::Message(FromEngine::Done { failed: true, .. })) => {
                self.keep_lost_game();
                self.exit = Some(ExitCode::from(EXIT_REFUSED));
            }
            Some(message) => return self.show(message),
        }
        Ok(())
    }

    pub(super) fn show(&mut self, message: Received) -> anyhow::Result<()> {
        match message {
            Received::Screen(bytes) => self.output.screen(&bytes)?,
            Received::Message(FromEngine::Event(event)) => {
                self.note_refusal(&event);
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
                | FromEngine::Reload { .. },
            ) => {}
        }
        Ok(())
    }
}
